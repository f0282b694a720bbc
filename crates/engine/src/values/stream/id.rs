//! IDs of entries: milliseconds and a sequence number, and how they read and print.
//!
//! Knows no stream.

use larder_codec::integer::{MAX_TEXT as INTEGER_TEXT, format_i64, parse_i64_canonical};

/// Longest word that is read as an ID.
const MAX_WORD: usize = 127;

/// Bytes of the longest text of an ID: two numbers of 20 digits and a dash.
pub const MAX_TEXT: usize = 41;

/// Which entry of a stream. IDs are ordered by milliseconds, then by sequence number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Id {
    /// Unix time in milliseconds, as a rule.
    pub ms: u64,
    /// Which of one millisecond's.
    pub seq: u64,
}

/// An ID as somebody wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// `ms-seq`
    Full(Id),
    /// `ms`
    Ms(u64),
    /// `ms-*`
    AnySeq(u64),
}

impl Id {
    /// 0-0, which no entry has.
    pub const MIN: Id = Id { ms: 0, seq: 0 };
    /// The last that there is.
    pub const MAX: Id = Id { ms: u64::MAX, seq: u64::MAX };

    /// An ID of its parts.
    pub const fn new(ms: u64, seq: u64) -> Id {
        Id { ms, seq }
    }

    /// The ID after this one; none after the last.
    pub fn next(self) -> Option<Id> {
        match self.seq.checked_add(1) {
            Some(seq) => Some(Id { seq, ..self }),
            None => Some(Id { ms: self.ms.checked_add(1)?, seq: 0 }),
        }
    }

    /// The ID before this one; none before 0-0.
    pub fn previous(self) -> Option<Id> {
        match self.seq.checked_sub(1) {
            Some(seq) => Some(Id { seq, ..self }),
            None => Some(Id { ms: self.ms.checked_sub(1)?, seq: u64::MAX }),
        }
    }

    /// Reads `ms-seq`, or `ms` alone with this sequence number.
    pub fn parse(word: &[u8], missing_seq: u64) -> Option<Id> {
        match Written::parse(word)? {
            Written::Full(id) => Some(id),
            Written::Ms(ms) => Some(Id { ms, seq: missing_seq }),
            Written::AnySeq(_) => None,
        }
    }

    /// Prints `ms-seq` into a buffer.
    pub fn text(self, buffer: &mut [u8; MAX_TEXT]) -> &[u8] {
        let mut end = 0;
        for (number, dash) in [(self.ms, true), (self.seq, false)] {
            end += print(number, &mut buffer[end..]);
            if dash {
                buffer[end] = b'-';
                end += 1;
            }
        }
        &buffer[..end]
    }
}

impl std::fmt::Display for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.ms, self.seq)
    }
}

impl Written {
    /// Reads an ID in any of its forms.
    pub fn parse(word: &[u8]) -> Option<Written> {
        if word.len() > MAX_WORD {
            return None;
        }
        let Some(dash) = word.iter().position(|&byte| byte == b'-') else {
            return Some(Written::Ms(number(word)?));
        };
        let (ms, seq) = (number(&word[..dash])?, &word[dash + 1..]);
        if seq == b"*" {
            return Some(Written::AnySeq(ms));
        }
        Some(Written::Full(Id { ms, seq: number(seq)? }))
    }
}

/// An unsigned number; what is no canonical one is read as C's `strtoull` does.
fn number(word: &[u8]) -> Option<u64> {
    if let Some(value) = parse_i64_canonical(word) {
        return u64::try_from(value).ok();
    }
    let (negative, digits) = match word.trim_ascii_start() {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    if digits.is_empty() {
        return None;
    }
    let value = digits.iter().try_fold(0u64, |value, &digit| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        value.checked_mul(10)?.checked_add(digit)
    })?;
    Some(if negative { value.wrapping_neg() } else { value })
}

/// Prints a number; how many bytes that took.
fn print(number: u64, out: &mut [u8]) -> usize {
    let mut digits = [0; INTEGER_TEXT];
    // The upper digits of what an i64 does not hold are printed first.
    let upper = number / 10_000_000_000;
    if upper == 0 {
        let text = format_i64(number.cast_signed(), &mut digits);
        out[..text.len()].copy_from_slice(text);
        return text.len();
    }
    let text = format_i64(upper.cast_signed(), &mut digits);
    let head = text.len();
    out[..head].copy_from_slice(text);
    let mut rest = number % 10_000_000_000;
    for at in (head..head + 10).rev() {
        out[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    head + 10
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(word: &str) -> Option<Id> {
        Id::parse(word.as_bytes(), 7)
    }

    #[test]
    fn ids_are_read_as_redis_reads_them() {
        assert_eq!(parse("5-3"), Some(Id::new(5, 3)));
        assert_eq!(parse("5"), Some(Id::new(5, 7)));
        assert_eq!(parse("18446744073709551615-18446744073709551615"), Some(Id::MAX));
        assert_eq!(parse("0005-+3"), Some(Id::new(5, 3)));
        assert_eq!(Written::parse(b"5-*"), Some(Written::AnySeq(5)));
        for nonsense in
            ["", "-", "+", "5-", "-5", "a", "5-a", "5-*", "5-3-1", "18446744073709551616", "$"]
        {
            assert_eq!(parse(nonsense), None, "{nonsense}");
        }
        assert_eq!(parse(&"0".repeat(128)), None);
    }

    #[test]
    fn printing_and_reading_are_inverse() {
        for number in [0, 1, 9_999_999_999, 10_000_000_000, u64::MAX, 1 << 63, 1_700_000_000_000] {
            let id = Id::new(number, u64::MAX - number);
            let mut buffer = [0; MAX_TEXT];
            let text = id.text(&mut buffer);
            assert_eq!(text, id.to_string().as_bytes());
            assert_eq!(Id::parse(text, 0), Some(id));
        }
    }

    #[test]
    fn neighbours() {
        assert_eq!(Id::MIN.previous(), None);
        assert_eq!(Id::MAX.next(), None);
        assert_eq!(Id::new(1, u64::MAX).next(), Some(Id::new(2, 0)));
        assert_eq!(Id::new(2, 0).previous(), Some(Id::new(1, u64::MAX)));
    }
}
