//! Decimal integers as the protocol's headers write them. Knows nothing of headers' meaning.

/// Parses the one canonical form of an `i64`: no `+`, no leading zero, no `-0`, no spaces.
pub(crate) fn parse_canonical(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'0'] => return Some(0),
        [b'-', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    if digits.first() == Some(&b'0') {
        return None;
    }
    let magnitude = parse_digits(digits)?;
    if negative { 0i64.checked_sub_unsigned(magnitude) } else { i64::try_from(magnitude).ok() }
}

/// Parses an `i64` with an optional sign and any leading zeros, as peers may write it.
pub(crate) fn parse_lenient(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let magnitude = parse_digits(digits)?;
    if negative { 0i64.checked_sub_unsigned(magnitude) } else { i64::try_from(magnitude).ok() }
}

fn parse_digits(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    let mut value = 0u64;
    for &byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value.checked_mul(10)?.checked_add(u64::from(digit))?;
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_form_only() {
        for good in [0, 1, -1, 10, i64::MAX, i64::MIN] {
            assert_eq!(parse_canonical(good.to_string().as_bytes()), Some(good));
        }
        for bad in ["", "-", "+1", "01", "-0", "-01", " 1", "1 ", "1a", "9223372036854775808"] {
            assert_eq!(parse_canonical(bad.as_bytes()), None, "{bad:?}");
        }
    }

    #[test]
    fn lenient_form() {
        assert_eq!(parse_lenient(b"+007"), Some(7));
        assert_eq!(parse_lenient(b"-9223372036854775808"), Some(i64::MIN));
        assert_eq!(parse_lenient(b"-9223372036854775809"), None);
        assert_eq!(parse_lenient(b"+"), None);
    }
}
