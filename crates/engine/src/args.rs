//! The typed cursor over a command's words: numbers, keywords and the exact errors for them.

use crate::error::Error;
use crate::keyspace::DATABASES;
use larder_codec::integer::parse_i64_canonical;

/// The words after a command's name, read one by one.
#[derive(Debug, Clone)]
pub struct Args<'a> {
    words: &'a [&'a [u8]],
    at: usize,
    /// How many words the command's name has.
    name: usize,
}

impl<'a> Args<'a> {
    /// A cursor before the first of `words`.
    pub fn new(words: &'a [&'a [u8]]) -> Self {
        Args { words, at: 0, name: 0 }
    }

    /// A cursor after the name in the words of a request.
    #[inline]
    pub(crate) fn of_request(words: &'a [&'a [u8]], name: usize) -> Self {
        Args { words, at: name, name }
    }

    /// The last word of the name as it was given, for errors that repeat it; empty where no
    /// request is read.
    pub(crate) fn given_name(&self) -> &'a [u8] {
        self.name.checked_sub(1).and_then(|at| self.words.get(at)).copied().unwrap_or_default()
    }

    /// The next word; a syntax error at the end.
    #[inline]
    pub fn word(&mut self) -> Result<&'a [u8], Error> {
        let word = self.words.get(self.at).ok_or(Error::Syntax)?;
        self.at += 1;
        Ok(word)
    }

    /// The next word, not taken.
    pub fn peek(&self) -> Option<&'a [u8]> {
        self.words.get(self.at).copied()
    }

    /// Takes the next word if it is this keyword, in any case.
    #[inline]
    pub fn keyword(&mut self, keyword: &str) -> bool {
        let is = self
            .words
            .get(self.at)
            .is_some_and(|word| word.eq_ignore_ascii_case(keyword.as_bytes()));
        self.at += usize::from(is);
        is
    }

    /// The next word as a 64-bit integer.
    pub fn int(&mut self) -> Result<i64, Error> {
        parse_i64_canonical(self.word()?).ok_or(Error::NotInteger)
    }

    /// The next word as an integer, or this error.
    pub fn int_or(&mut self, error: Error) -> Result<i64, Error> {
        parse_i64_canonical(self.word()?).ok_or(error)
    }

    /// The next word as an integer from 0 on, or this error.
    pub fn count_or(&mut self, error: Error) -> Result<u64, Error> {
        parse_i64_canonical(self.word()?).and_then(|n| u64::try_from(n).ok()).ok_or(error)
    }

    /// The next word as the cursor of a scan, read as C's `strtoull` does but for spaces: a sign is
    /// allowed, nothing is zero.
    pub fn cursor(&mut self) -> Result<u64, Error> {
        parse_cursor(self.word()?).ok_or(Error::text("ERR invalid cursor"))
    }

    /// The next word as the number of a database that there is.
    pub fn database(&mut self) -> Result<u8, Error> {
        database_of(self.c_int()?)
    }

    /// The next word as a 32-bit integer, where Redis has an `int`.
    pub fn c_int(&mut self) -> Result<i32, Error> {
        i32::try_from(self.int()?).map_err(|_| {
            Error::text("ERR value is out of range, value must between -2147483648 and 2147483647")
        })
    }

    /// The next word as a number; infinities as Redis writes them are numbers, NaN is not.
    pub fn float(&mut self) -> Result<f64, Error> {
        parse_float(self.word()?).ok_or(Error::NotFloat)
    }

    /// The next `count` words; a syntax error when there are fewer.
    pub fn words(&mut self, count: usize) -> Result<&'a [&'a [u8]], Error> {
        let end = self.at.checked_add(count).filter(|&end| end <= self.words.len());
        let end = end.ok_or(Error::Syntax)?;
        let words = &self.words[self.at..end];
        self.at = end;
        Ok(words)
    }

    /// All words that are left.
    #[inline]
    pub fn rest(&mut self) -> &'a [&'a [u8]] {
        let rest = &self.words[self.at..];
        self.at = self.words.len();
        rest
    }

    /// How many words are left.
    pub fn left(&self) -> usize {
        self.words.len() - self.at
    }

    /// A syntax error unless every word was taken.
    #[inline]
    pub fn end(&self) -> Result<(), Error> {
        if self.left() == 0 { Ok(()) } else { Err(Error::Syntax) }
    }
}

/// The database of a number, if there is one.
pub fn database_of(number: i32) -> Result<u8, Error> {
    let db = u8::try_from(number).ok().filter(|&db| usize::from(db) < DATABASES);
    db.ok_or(NO_SUCH_DATABASE)
}

/// What is answered to the number of a database that there is not.
pub const NO_SUCH_DATABASE: Error = Error::text("ERR DB index is out of range");

fn parse_cursor(word: &[u8]) -> Option<u64> {
    let (negative, digits) = match word {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    if digits.is_empty() {
        return word.is_empty().then_some(0);
    }
    let value = digits.iter().try_fold(0u64, |value, &digit| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        value.checked_mul(10)?.checked_add(digit)
    })?;
    Some(if negative { value.wrapping_neg() } else { value })
}

/// A number as Redis reads one: no spaces around it, no NaN.
pub fn parse_float(word: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(word).ok()?;
    let value: f64 = match text.to_ascii_lowercase().as_str() {
        "inf" | "+inf" | "infinity" | "+infinity" => f64::INFINITY,
        "-inf" | "-infinity" => f64::NEG_INFINITY,
        plain => plain.parse().ok()?,
    };
    (!value.is_nan()).then_some(value)
}
