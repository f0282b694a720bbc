//! How long a blocking command waits: seconds with a fraction, 0 for ever.

use crate::args::{Args, parse_float};
use crate::command::Words;
use crate::error::Error;
use crate::values::long_double::LongDouble;

const NOT_A_FLOAT: Error = Error::text("ERR timeout is not a float or out of range");
const NEGATIVE: Error = Error::text("ERR timeout is negative");
const OUT_OF_RANGE: Error = Error::text("ERR timeout is out of range");

/// A time to wait, in whole milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Timeout {
    ms: u64,
}

impl Timeout {
    /// So many milliseconds; 0 waits for ever.
    pub fn from_ms(ms: u64) -> Self {
        Timeout { ms }
    }

    /// Reads seconds; a fraction of a millisecond counts as a whole one.
    pub(crate) fn parse(args: &mut Args<'_>) -> Result<Self, Error> {
        let word = args.word()?;
        // Redis reads a long double here, so that hexadecimal is a number, too.
        let long = || LongDouble::parse(word).map(LongDouble::to_f64);
        let ms = 1000.0 * parse_float(word).or_else(long).ok_or(NOT_A_FLOAT)?;
        if ms >= i64::MAX as f64 {
            return Err(OUT_OF_RANGE);
        }
        // What was meant to be a whole millisecond may miss it by the last bit.
        let near = ms.round();
        let ms =
            if (ms - near).abs() <= near.abs() * 2.0 * f64::EPSILON { near } else { ms.ceil() };
        if ms < 0.0 {
            return Err(NEGATIVE);
        }
        Ok(Timeout { ms: ms as u64 })
    }

    pub(crate) fn words(self, words: &mut Words<'_>) {
        words.push(format!("{}.{:03}", self.ms / 1000, self.ms % 1000).as_bytes());
    }

    /// The milliseconds, unless their end is beyond what a clock shows.
    pub(crate) fn ms(self, now_ms: u64) -> Result<u64, Error> {
        if self.ms > i64::MAX.cast_unsigned().saturating_sub(now_ms) {
            return Err(OUT_OF_RANGE);
        }
        Ok(self.ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(word: &str) -> Result<u64, Error> {
        Timeout::parse(&mut Args::new(&[word.as_bytes()])).map(|timeout| timeout.ms)
    }

    #[test]
    fn seconds_become_milliseconds() {
        assert_eq!(parse("0"), Ok(0));
        assert_eq!(parse("1.5"), Ok(1500));
        assert_eq!(parse("0.0001"), Ok(1));
        assert_eq!(parse("-0.0001"), Ok(0));
        assert_eq!(parse("1e3"), Ok(1_000_000));
        assert_eq!(parse("0x10"), Ok(16_000));
        for ms in 0..20_000u64 {
            let mut words = Words::new();
            Timeout::from_ms(ms).words(&mut words);
            let words = words.as_slices();
            assert_eq!(Timeout::parse(&mut Args::new(&words)), Ok(Timeout { ms }));
        }
    }

    #[test]
    fn nonsense_is_refused_in_redis_words() {
        assert_eq!(parse("nan"), Err(NOT_A_FLOAT));
        assert_eq!(parse(" 1"), Err(NOT_A_FLOAT));
        assert_eq!(parse(""), Err(NOT_A_FLOAT));
        assert_eq!(parse("-1"), Err(NEGATIVE));
        assert_eq!(parse("-inf"), Err(NEGATIVE));
        assert_eq!(parse("inf"), Err(OUT_OF_RANGE));
        assert_eq!(parse("1e400"), Err(OUT_OF_RANGE));
        assert_eq!(parse("0x7FFFFFFFFFFFFF"), Err(OUT_OF_RANGE));
        let late = Timeout::from_ms(i64::MAX as u64 - 10);
        assert_eq!(late.ms(11), Err(OUT_OF_RANGE));
        assert!(late.ms(10).is_ok());
    }
}
