//! Reading lengths, strings and numbers of the RDB form out of bytes from anywhere.
//! The forms stand in [`super::write`]. Knows no value; next: [`super::value`].

use crate::integer::{MAX_TEXT, format_i64};
use crate::{Corrupt, lzf};
use std::borrow::Cow;

/// The longest string that may be claimed, as `proto-max-bulk-len` begins.
const MAX_STRING: u64 = 512 << 20;

/// A cursor over bytes.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// A length, or how a string is held instead.
enum Head {
    Len(u64),
    Special(u8),
}

impl<'a> Reader<'a> {
    /// Before the first of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Reader { bytes, at: 0 }
    }

    /// Bytes that were read.
    pub fn position(&self) -> usize {
        self.at
    }

    /// Bytes that are left.
    pub fn left(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// A byte.
    ///
    /// # Errors
    /// At the end.
    pub fn byte(&mut self) -> Result<u8, Corrupt> {
        self.chunk::<1>().map(|[byte]| byte)
    }

    /// So many bytes as they are.
    ///
    /// # Errors
    /// When there are fewer.
    pub fn bytes(&mut self, count: usize) -> Result<&'a [u8], Corrupt> {
        let end = self.at.checked_add(count).filter(|&end| end <= self.bytes.len());
        let end = end.ok_or_else(|| self.corrupt("cut off"))?;
        let bytes = &self.bytes[self.at..end];
        self.at = end;
        Ok(bytes)
    }

    /// A length or another number from 0 on.
    ///
    /// # Errors
    /// Cut off, or no number.
    pub fn number(&mut self) -> Result<u64, Corrupt> {
        match self.head()? {
            Head::Len(len) => Ok(len),
            Head::Special(_) => Err(self.corrupt("a string's form in the place of a number")),
        }
    }

    /// The number of things to come, each of which takes a byte at least.
    ///
    /// # Errors
    /// As [`Reader::number`], or when not so many bytes are left.
    pub fn count(&mut self) -> Result<u64, Corrupt> {
        let count = self.number()?;
        let fits = count <= self.left() as u64;
        fits.then_some(count).ok_or_else(|| self.corrupt("a number of elements beyond the end"))
    }

    /// A string; copied only where it was not written as it is.
    ///
    /// # Errors
    /// Cut off, in no known form, too long, or compressed wrongly.
    pub fn string(&mut self) -> Result<Cow<'a, [u8]>, Corrupt> {
        let special = match self.head()? {
            Head::Len(len) => {
                let len = self.length(len)?;
                return self.bytes(len).map(Cow::Borrowed);
            }
            Head::Special(special) => special,
        };
        let value = match special {
            0 => i64::from(i8::from_le_bytes(self.chunk()?)),
            1 => i64::from(i16::from_le_bytes(self.chunk()?)),
            2 => i64::from(i32::from_le_bytes(self.chunk()?)),
            3 => return self.compressed().map(Cow::Owned),
            _ => return Err(self.corrupt("a string in an unknown form")),
        };
        Ok(Cow::Owned(format_i64(value, &mut [0; MAX_TEXT]).to_vec()))
    }

    /// A moment in milliseconds.
    ///
    /// # Errors
    /// Cut off.
    pub fn moment(&mut self) -> Result<i64, Corrupt> {
        self.chunk().map(i64::from_le_bytes)
    }

    /// A double in 8 bytes.
    ///
    /// # Errors
    /// Cut off.
    pub fn double(&mut self) -> Result<f64, Corrupt> {
        self.chunk().map(f64::from_le_bytes)
    }

    /// A double as text with its length in a byte, three of which stand for what has no digits.
    ///
    /// # Errors
    /// Cut off, or no number.
    pub fn double_text(&mut self) -> Result<f64, Corrupt> {
        match self.byte()? {
            255 => Ok(f64::NEG_INFINITY),
            254 => Ok(f64::INFINITY),
            253 => Ok(f64::NAN),
            len => {
                let text = self.bytes(usize::from(len))?;
                parse_double(text).ok_or_else(|| self.corrupt("a score that is no number"))
            }
        }
    }

    /// An error at this place.
    pub fn corrupt(&self, reason: &'static str) -> Corrupt {
        Corrupt::new(reason, self.at)
    }

    fn compressed(&mut self) -> Result<Vec<u8>, Corrupt> {
        let (packed_len, len) = (self.number()?, self.number()?);
        let (packed_len, len) = (self.length(packed_len)?, self.length(len)?);
        let at = self.at;
        let packed = self.bytes(packed_len)?;
        lzf::decompress(packed, len)
            .map_err(|corrupt| Corrupt::new(corrupt.reason, at + corrupt.offset))
    }

    fn length(&self, len: u64) -> Result<usize, Corrupt> {
        let len = Some(len).filter(|&len| len <= MAX_STRING);
        let len = len.and_then(|len| usize::try_from(len).ok());
        len.ok_or_else(|| self.corrupt("a string that is too long"))
    }

    fn head(&mut self) -> Result<Head, Corrupt> {
        let first = self.byte()?;
        let low = first & 0x3F;
        Ok(match (first >> 6, low) {
            (0, _) => Head::Len(u64::from(low)),
            (1, _) => Head::Len(u64::from(low) << 8 | u64::from(self.byte()?)),
            (3, special) => Head::Special(special),
            (_, 0) => Head::Len(u64::from(u32::from_be_bytes(self.chunk()?))),
            (_, 1) => Head::Len(u64::from_be_bytes(self.chunk()?)),
            _ => return Err(self.corrupt("a length in an unknown form")),
        })
    }

    fn chunk<const N: usize>(&mut self) -> Result<[u8; N], Corrupt> {
        let rest = &self.bytes[self.at..];
        let chunk = *rest.first_chunk().ok_or_else(|| self.corrupt("cut off"))?;
        self.at += N;
        Ok(chunk)
    }
}

/// A number as `strtod` reads one, NaN included.
pub(super) fn parse_double(text: &[u8]) -> Option<f64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}
