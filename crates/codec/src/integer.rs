//! Integers as text: which byte strings are integers, and how an integer prints.
//!
//! Only the canonical form counts, so that a text stored as a number reads back as the same
//! text. Knows no format; [`crate::listpack`] and [`crate::intset`] build on it.

/// Bytes that the longest `i64` needs as text: `-9223372036854775808`.
pub const MAX_TEXT: usize = 20;

/// Reads the canonical decimal text of an `i64`.
///
/// Canonical is what [`format_i64`] prints: no plus sign, no leading zero, no space, no `-0`.
/// This is what decides in Redis whether a value may be stored as an integer.
///
/// ```
/// use larder_codec::integer::parse_i64_canonical;
/// assert_eq!(parse_i64_canonical(b"-12"), Some(-12));
/// assert_eq!(parse_i64_canonical(b"012"), None);
/// assert_eq!(parse_i64_canonical(b"9223372036854775808"), None);
/// ```
#[inline]
pub fn parse_i64_canonical(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    match digits {
        [b'0'] if !negative => return Some(0),
        // Nineteen digits cannot overflow a u64, so the loop below needs no check.
        [b'1'..=b'9', ..] if digits.len() <= 19 => {}
        _ => return None,
    }
    let mut magnitude: u64 = 0;
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        magnitude = magnitude * 10 + u64::from(digit);
    }
    if negative { 0i64.checked_sub_unsigned(magnitude) } else { i64::try_from(magnitude).ok() }
}

/// Prints `value` in decimal into the end of `buffer` and returns the part that was written.
///
/// ```
/// use larder_codec::integer::{MAX_TEXT, format_i64};
/// assert_eq!(format_i64(-7, &mut [0; MAX_TEXT]), b"-7");
/// ```
#[inline]
pub fn format_i64(value: i64, buffer: &mut [u8; MAX_TEXT]) -> &[u8] {
    let mut rest = value.unsigned_abs();
    let mut start = MAX_TEXT;
    loop {
        start -= 1;
        buffer[start] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if value < 0 {
        start -= 1;
        buffer[start] = b'-';
    }
    &buffer[start..]
}

/// Bytes that `value` takes as decimal text.
#[inline]
pub fn text_len(value: i64) -> usize {
    let digits = value.unsigned_abs().checked_ilog10().unwrap_or(0) as usize + 1;
    digits + usize::from(value < 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_the_canonical_text_is_an_integer() {
        for text in [
            "",
            "-",
            "+1",
            " 1",
            "1 ",
            "01",
            "-0",
            "-01",
            "00",
            "1.0",
            "1e3",
            "0x1",
            "--1",
            "1-",
            "9223372036854775808",
            "-9223372036854775809",
            "18446744073709551616",
            "99999999999999999999",
            "1\0",
        ] {
            assert_eq!(parse_i64_canonical(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn the_edges_of_i64_are_integers() {
        for value in [0, 1, -1, 9, 10, i64::MAX, i64::MIN, i64::MAX - 1, i64::MIN + 1] {
            assert_eq!(parse_i64_canonical(value.to_string().as_bytes()), Some(value));
        }
    }

    proptest! {
        #[test]
        fn printing_and_reading_are_inverse(value: i64, shift in 0u32..64) {
            let value = value >> shift;
            let mut buffer = [0; MAX_TEXT];
            let text = format_i64(value, &mut buffer);
            let expected = value.to_string();
            prop_assert_eq!(text, expected.as_bytes());
            prop_assert_eq!(text.len(), text_len(value));
            prop_assert_eq!(parse_i64_canonical(text), Some(value));
        }

        #[test]
        fn what_is_read_prints_as_the_same_text(text in "[-+ ]?[0-9]{0,21}") {
            let expected = text.parse::<i64>().ok().filter(|v| v.to_string() == text);
            prop_assert_eq!(parse_i64_canonical(text.as_bytes()), expected);
        }
    }
}
