//! Appending lengths, strings and numbers of the RDB form. Knows no value; see [`super::read`].
//!
//! | first byte | rest | meaning |
//! |---|---|---|
//! | `00nnnnnn` | – | length n |
//! | `01nnnnnn` | 1 byte | length of 14 bits, big endian |
//! | `80` | u32 big endian | length |
//! | `81` | u64 big endian | length |
//! | `C0` `C1` `C2` | 1, 2, 4 bytes | string: the text of a signed integer, little endian |
//! | `C3` | length, length, bytes | string: compressed length, length, [`crate::lzf`] |
//!
//! A string is its length and its bytes, unless it is one of the last two.

use crate::integer::{MAX_TEXT, format_i64, parse_i64_canonical};
use crate::lzf::Compressor;

/// Strings up to this length are not compressed.
const MAX_UNCOMPRESSED: usize = 20;

/// Longest text that may be written as an integer.
const MAX_INT_TEXT: usize = 11;

/// A compressed string is at least so many bytes shorter.
const MIN_GAIN: usize = 4;

/// Where bytes go that were written; it empties what it is given.
pub type Outlet<'o> = &'o mut dyn FnMut(&mut Vec<u8>);

/// Values under construction.
pub struct Writer<'o> {
    out: Vec<u8>,
    compressor: Option<Compressor>,
    outlet: Option<(usize, Outlet<'o>)>,
}

impl std::fmt::Debug for Writer<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").field("len", &self.out.len()).finish_non_exhaustive()
    }
}

impl<'o> Writer<'o> {
    /// Appends to `out`; compresses strings where that is worth it, if `compress` says so.
    pub fn new(out: Vec<u8>, compress: bool) -> Self {
        Writer { out, compressor: compress.then(Compressor::new), outlet: None }
    }

    /// The same, but what was written goes to `outlet` whenever it is more than `limit` bytes and a
    /// string ends: a value of any size takes little memory.
    pub fn flowing(compress: bool, limit: usize, outlet: Outlet<'o>) -> Self {
        Writer { outlet: Some((limit, outlet)), ..Writer::new(Vec::new(), compress) }
    }

    /// What was written.
    pub fn into_bytes(self) -> Vec<u8> {
        self.out
    }

    /// Bytes written.
    pub fn len(&self) -> usize {
        self.out.len()
    }

    /// Whether nothing was written.
    pub fn is_empty(&self) -> bool {
        self.out.is_empty()
    }

    /// Takes what was written so far, to be put elsewhere.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }

    /// A byte.
    pub fn byte(&mut self, byte: u8) {
        self.out.push(byte);
    }

    /// Bytes as they are.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    /// A length or another number from 0 on.
    pub fn number(&mut self, number: u64) {
        match number {
            0..64 => self.out.push(number as u8),
            64..16384 => self.out.extend_from_slice(&(0x4000 | number as u16).to_be_bytes()),
            _ => match u32::try_from(number) {
                Ok(number) => {
                    self.out.push(0x80);
                    self.out.extend_from_slice(&number.to_be_bytes());
                }
                Err(_) => {
                    self.out.push(0x81);
                    self.out.extend_from_slice(&number.to_be_bytes());
                }
            },
        }
    }

    /// A string in its shortest form.
    pub fn string(&mut self, text: &[u8]) {
        self.short_string(text);
        if let Some((limit, outlet)) = &mut self.outlet
            && self.out.len() > *limit
        {
            outlet(&mut self.out);
        }
    }

    /// Hands over all that was written, where that goes somewhere.
    pub fn flush(&mut self) {
        if let Some((_, outlet)) = &mut self.outlet {
            outlet(&mut self.out);
        }
    }

    fn short_string(&mut self, text: &[u8]) {
        if text.len() <= MAX_INT_TEXT
            && let Some(value) = parse_i64_canonical(text)
            && self.integer(value)
        {
            return;
        }
        if text.len() > MAX_UNCOMPRESSED
            && let Some(compressor) = &mut self.compressor
            && let Some(packed) = compressor.compress(text, text.len() - MIN_GAIN)
        {
            self.out.push(0xC3);
            self.number(packed.len() as u64);
            self.number(text.len() as u64);
            self.out.extend_from_slice(&packed);
            return;
        }
        self.number(text.len() as u64);
        self.out.extend_from_slice(text);
    }

    /// The text of an integer.
    pub fn string_of(&mut self, value: i64) {
        if !self.integer(value) {
            let mut digits = [0; MAX_TEXT];
            let text = format_i64(value, &mut digits);
            self.number(text.len() as u64);
            self.out.extend_from_slice(text);
        }
    }

    /// A moment in milliseconds, or -1.
    pub fn moment(&mut self, ms: i64) {
        self.out.extend_from_slice(&ms.to_le_bytes());
    }

    /// A double in 8 bytes.
    pub fn double(&mut self, value: f64) {
        self.out.extend_from_slice(&value.to_le_bytes());
    }

    /// An integer of up to 32 bits in the place of its text; whether it is one.
    fn integer(&mut self, value: i64) -> bool {
        let le = value.to_le_bytes();
        let (form, len) = if i8::try_from(value).is_ok() {
            (0xC0, 1)
        } else if i16::try_from(value).is_ok() {
            (0xC1, 2)
        } else if i32::try_from(value).is_ok() {
            (0xC2, 4)
        } else {
            return false;
        };
        self.out.push(form);
        self.out.extend_from_slice(&le[..len]);
        true
    }
}
