//! Bytes to values, on the client's side.
//!
//! A value is first scanned to its end, then built, so that nothing is ever allocated for elements
//! that have not arrived. [`decode`] does both; a client that reads long replies piece by piece
//! keeps a [`ValueScanner`] between reads. Knows no socket and no meaning of replies.

use std::error::Error;
use std::fmt;

use crate::limits::{MAX_AGGREGATE_LEN, MAX_DEPTH};
use crate::number::parse_lenient;
use crate::value::Value;

/// The bytes are no value of RESP2 or RESP3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeError {
    /// No type starts with this byte.
    UnknownType(u8),
    /// A length or count is no number, negative or out of range.
    InvalidLength,
    /// The text of an integer, double, boolean, big number or null is malformed.
    InvalidScalar,
    /// A string is not followed by a line break, or a verbatim string has no format.
    InvalidString,
    /// Nested deeper than [`MAX_DEPTH`].
    TooDeep,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DecodeError::UnknownType(byte) => {
                return write!(f, "unknown type byte {:?}", char::from(*byte));
            }
            DecodeError::InvalidLength => "invalid length",
            DecodeError::InvalidScalar => "malformed scalar",
            DecodeError::InvalidString => "malformed string",
            DecodeError::TooDeep => "value nested too deeply",
        })
    }
}

impl Error for DecodeError {}

/// Decodes the value at the front of `buf` and tells its length in bytes; `None` when it is not
/// there whole.
///
/// # Errors
///
/// [`DecodeError`] when the bytes cannot become a value, whatever follows.
///
/// # Complexity
///
/// Linear in the value's bytes. Called again with each new piece of a long value it starts over;
/// a [`ValueScanner`] does not.
///
/// ```
/// use larder_resp::{Value, decode};
/// assert_eq!(decode(b":12\r\n+OK"), Ok(Some((Value::Int(12), 5))));
/// assert_eq!(decode(b"*2147483647\r\n:1\r\n"), Ok(None));
/// ```
pub fn decode(buf: &[u8]) -> Result<Option<(Value, usize)>, DecodeError> {
    ValueScanner::new().decode(buf)
}

/// Finds the end of a value that arrives in pieces, without looking at a byte twice.
///
/// The buffer always starts at the value's first byte and may move between calls.
#[derive(Debug, Default)]
pub struct ValueScanner {
    /// Start of the next header.
    pos: usize,
    /// Bytes from `pos` on known to hold no line break.
    scanned: usize,
    /// Values still missing in each open aggregate, outermost first.
    open: Vec<u64>,
}

impl ValueScanner {
    /// A scanner at the start of a value.
    pub fn new() -> Self {
        Self::default()
    }

    /// As [`decode`](fn@decode), resuming where the last call with the same value stopped. After
    /// a whole value the scanner is at the start of the next one.
    ///
    /// # Errors
    ///
    /// [`DecodeError`]; the scanner is of no use after it.
    pub fn decode(&mut self, buf: &[u8]) -> Result<Option<(Value, usize)>, DecodeError> {
        let Some(len) = self.scan(buf)? else {
            return Ok(None);
        };
        let mut builder = Builder { buf, pos: 0 };
        let value = builder.value()?;
        debug_assert_eq!(builder.pos, len);
        Ok(Some((value, len)))
    }

    /// The length in bytes of the value at the front of `buf`, or `None` when it is not there
    /// whole.
    ///
    /// # Errors
    ///
    /// As [`decode`](Self::decode).
    pub fn scan(&mut self, buf: &[u8]) -> Result<Option<usize>, DecodeError> {
        loop {
            let Some(item) = self.next_item(buf)? else {
                return Ok(None);
            };
            self.pos = item.end;
            self.scanned = 0;
            if self.close(item.children)? {
                let end = self.pos;
                *self = Self { open: std::mem::take(&mut self.open), ..Self::default() };
                return Ok(Some(end));
            }
        }
    }

    /// Reads the item at `pos` without moving; `None` when it is not there whole.
    fn next_item<'a>(&mut self, buf: &'a [u8]) -> Result<Option<Item<'a>>, DecodeError> {
        let rest = buf.get(self.pos..).unwrap_or_default();
        let Some(&type_byte) = rest.first() else {
            return Ok(None);
        };
        if !TYPE_BYTES.contains(&type_byte) {
            return Err(DecodeError::UnknownType(type_byte));
        }
        let Some(line_end) = find_line_break(rest, self.scanned) else {
            // A carriage return at the end may be half of the break.
            self.scanned = rest.len() - 1;
            return Ok(None);
        };
        self.scanned = line_end;
        Item::parse(buf, self.pos, line_end)
    }

    /// Enters the item's children, or leaves all aggregates that it completes; true when the
    /// outermost value is complete.
    fn close(&mut self, children: u64) -> Result<bool, DecodeError> {
        if children > 0 {
            if self.open.len() + 1 >= MAX_DEPTH {
                return Err(DecodeError::TooDeep);
            }
            self.open.push(children);
            return Ok(false);
        }
        while let Some(missing) = self.open.last_mut() {
            *missing -= 1;
            if *missing > 0 {
                return Ok(false);
            }
            self.open.pop();
        }
        Ok(true)
    }
}

/// All first bytes of a value.
const TYPE_BYTES: &[u8] = b"+-:$*_#,(!=%~>|";

/// One header with what belongs to it, its children aside.
struct Item<'a> {
    head: Head<'a>,
    /// Values that follow and belong to it.
    children: u64,
    /// Position in the buffer behind it.
    end: usize,
}

enum Head<'a> {
    Null,
    Int(i64),
    Simple(&'a [u8]),
    Error(&'a [u8]),
    Bulk(&'a [u8]),
    Double(f64),
    Boolean(bool),
    BigNumber(&'a [u8]),
    Verbatim([u8; 3], &'a [u8]),
    Array,
    Set,
    Push,
    Map,
    Attribute,
}

impl<'a> Item<'a> {
    /// Parses the item at `pos`, whose line is `line_end` bytes long; `None` when the string that
    /// follows the line is not there whole.
    fn parse(buf: &'a [u8], pos: usize, line_end: usize) -> Result<Option<Self>, DecodeError> {
        let line = &buf[pos + 1..pos + line_end];
        let end = pos + line_end + 2;
        let leaf = |head| Ok(Some(Item { head, children: 0, end }));
        match buf[pos] {
            b'+' => leaf(Head::Simple(line)),
            b'-' => leaf(Head::Error(line)),
            b':' => leaf(Head::Int(parse_lenient(line).ok_or(DecodeError::InvalidScalar)?)),
            b'_' if line.is_empty() => leaf(Head::Null),
            b'#' if line == b"t" => leaf(Head::Boolean(true)),
            b'#' if line == b"f" => leaf(Head::Boolean(false)),
            b',' => leaf(Head::Double(parse_double(line)?)),
            b'(' if is_big_number(line) => leaf(Head::BigNumber(line)),
            b'$' | b'*' if line == b"-1" => leaf(Head::Null),
            b'$' | b'!' | b'=' => Self::parse_string(buf, buf[pos], line, end),
            b'*' => Self::aggregate(Head::Array, line, end, 1),
            b'~' => Self::aggregate(Head::Set, line, end, 1),
            b'>' => Self::aggregate(Head::Push, line, end, 1),
            b'%' => Self::aggregate(Head::Map, line, end, 2),
            b'|' => {
                let mut item = Self::aggregate(Head::Attribute, line, end, 2)?;
                if let Some(item) = &mut item {
                    item.children += 1;
                }
                Ok(item)
            }
            _ => Err(DecodeError::InvalidScalar),
        }
    }

    fn aggregate(
        head: Head<'a>,
        line: &[u8],
        end: usize,
        values_per_element: u64,
    ) -> Result<Option<Self>, DecodeError> {
        let len = parse_length(line)?;
        if len > MAX_AGGREGATE_LEN {
            return Err(DecodeError::InvalidLength);
        }
        Ok(Some(Item { head, children: len * values_per_element, end }))
    }

    fn parse_string(
        buf: &'a [u8],
        type_byte: u8,
        line: &[u8],
        start: usize,
    ) -> Result<Option<Self>, DecodeError> {
        let len = usize::try_from(parse_length(line)?).map_err(|_| DecodeError::InvalidLength)?;
        let text_end = start.checked_add(len).ok_or(DecodeError::InvalidLength)?;
        let end = text_end.checked_add(2).ok_or(DecodeError::InvalidLength)?;
        let Some(text) = buf.get(start..end) else {
            return Ok(None);
        };
        let Some(text) = text.strip_suffix(b"\r\n") else {
            return Err(DecodeError::InvalidString);
        };
        let head = match (type_byte, text) {
            (b'$', _) => Head::Bulk(text),
            (b'!', _) => Head::Error(text),
            (_, [a, b, c, b':', text @ ..]) => Head::Verbatim([*a, *b, *c], text),
            _ => return Err(DecodeError::InvalidString),
        };
        Ok(Some(Item { head, children: 0, end }))
    }
}

/// Builds a value whose bytes have been scanned: every header is valid and everything is there.
struct Builder<'a> {
    buf: &'a [u8],
    pos: usize,
}

impl Builder<'_> {
    /// Recursion is bounded: the scan has refused what is deeper than [`MAX_DEPTH`].
    fn value(&mut self) -> Result<Value, DecodeError> {
        let rest = &self.buf[self.pos..];
        let line_end = find_line_break(rest, 0).ok_or(DecodeError::InvalidString)?;
        let item = Item::parse(self.buf, self.pos, line_end)?.ok_or(DecodeError::InvalidString)?;
        self.pos = item.end;
        let count = item.children as usize;
        Ok(match item.head {
            Head::Null => Value::Null,
            Head::Int(value) => Value::Int(value),
            Head::Simple(text) => Value::Simple(text.to_vec()),
            Head::Error(text) => Value::Error(text.to_vec()),
            Head::Bulk(bytes) => Value::Bulk(bytes.to_vec()),
            Head::Double(value) => Value::Double(value),
            Head::Boolean(value) => Value::Boolean(value),
            Head::BigNumber(digits) => Value::BigNumber(digits.to_vec()),
            Head::Verbatim(format, text) => Value::Verbatim { format, text: text.to_vec() },
            Head::Array => Value::Array(self.values(count)?),
            Head::Set => Value::Set(self.values(count)?),
            Head::Push => Value::Push(self.values(count)?),
            Head::Map => Value::Map(self.pairs(count / 2)?),
            Head::Attribute => {
                let pairs = self.pairs(count / 2)?;
                Value::Attribute { pairs, value: Box::new(self.value()?) }
            }
        })
    }

    fn values(&mut self, count: usize) -> Result<Vec<Value>, DecodeError> {
        let mut values = Vec::with_capacity(count);
        for _ in 0..count {
            values.push(self.value()?);
        }
        Ok(values)
    }

    fn pairs(&mut self, count: usize) -> Result<Vec<(Value, Value)>, DecodeError> {
        let mut pairs = Vec::with_capacity(count);
        for _ in 0..count {
            pairs.push((self.value()?, self.value()?));
        }
        Ok(pairs)
    }
}

/// Position of the first `\r\n`, searched from `from` on.
fn find_line_break(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        at += bytes.get(at..)?.iter().position(|&byte| byte == b'\r')?;
        if bytes.get(at + 1) == Some(&b'\n') {
            return Some(at);
        }
        at += 1;
    }
}

fn parse_length(line: &[u8]) -> Result<u64, DecodeError> {
    let len = parse_lenient(line).ok_or(DecodeError::InvalidLength)?;
    u64::try_from(len).map_err(|_| DecodeError::InvalidLength)
}

fn parse_double(line: &[u8]) -> Result<f64, DecodeError> {
    let text = std::str::from_utf8(line).map_err(|_| DecodeError::InvalidScalar)?;
    text.parse().map_err(|_| DecodeError::InvalidScalar)
}

fn is_big_number(line: &[u8]) -> bool {
    let digits = match line {
        [b'-' | b'+', rest @ ..] => rest,
        _ => line,
    };
    !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
}

#[cfg(test)]
#[path = "decode_tests.rs"]
mod tests;
