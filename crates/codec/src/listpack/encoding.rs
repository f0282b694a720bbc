//! How one entry of a listpack lies in memory. Red: the bytes are frozen.
//!
//! Holds the entry forms and the back length; knows nothing of the header, of cursors or of
//! changes. The tables stand in the documentation of [`super`].

use std::borrow::Cow;

use crate::integer::{MAX_TEXT, format_i64, parse_i64_canonical, text_len};

/// The byte after the last entry.
pub(super) const END: u8 = 0xFF;

/// One element, as it is stored: an integer, or bytes that are not a canonical integer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry<'a> {
    /// An integer; its text is the canonical decimal form.
    Int(i64),
    /// The bytes as they are.
    Str(&'a [u8]),
}

impl<'a> Entry<'a> {
    /// What a listpack stores for `bytes`: a canonical integer becomes a number.
    #[inline]
    pub fn from_bytes(bytes: &'a [u8]) -> Entry<'a> {
        parse_i64_canonical(bytes).map_or(Entry::Str(bytes), Entry::Int)
    }

    /// The bytes of the element; an integer is printed into `buffer`.
    #[inline]
    pub fn as_bytes<'b>(&self, buffer: &'b mut [u8; MAX_TEXT]) -> &'b [u8]
    where
        'a: 'b,
    {
        match *self {
            Entry::Int(value) => format_i64(value, buffer),
            Entry::Str(bytes) => bytes,
        }
    }

    /// The bytes of the element, allocated only for an integer.
    pub fn to_cow(&self) -> Cow<'a, [u8]> {
        match *self {
            Entry::Int(value) => Cow::Owned(format_i64(value, &mut [0; MAX_TEXT]).to_vec()),
            Entry::Str(bytes) => Cow::Borrowed(bytes),
        }
    }

    /// Appends the bytes of the element to `out`.
    #[inline]
    pub fn write_to(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.as_bytes(&mut [0; MAX_TEXT]));
    }

    /// Length of the element's bytes.
    #[inline]
    pub fn text_len(&self) -> usize {
        match *self {
            Entry::Int(value) => text_len(value),
            Entry::Str(bytes) => bytes.len(),
        }
    }

    /// Tells whether the element's bytes are `bytes`.
    #[inline]
    pub fn eq_bytes(&self, bytes: &[u8]) -> bool {
        match *self {
            Entry::Int(value) => parse_i64_canonical(bytes) == Some(value),
            Entry::Str(own) => own == bytes,
        }
    }
}

/// An entry ready to be written: form and length, body, back length.
#[derive(Debug, Clone)]
pub struct Encoded<'a> {
    head: [u8; 9],
    head_len: usize,
    body: &'a [u8],
    back: [u8; 5],
    back_len: usize,
}

#[allow(clippy::len_without_is_empty, reason = "an entry has two bytes at least")]
impl<'a> Encoded<'a> {
    /// What an element will be stored as.
    #[inline]
    pub fn of(element: &'a [u8]) -> Encoded<'a> {
        Encoded::new(Entry::from_bytes(element))
    }

    /// The same of an entry as it is: a string is not examined for being an integer.
    #[inline]
    pub fn new(entry: Entry<'a>) -> Encoded<'a> {
        let mut head = [0; 9];
        let (head_len, body) = match entry {
            Entry::Int(value) => (int_head(value, &mut head), &[][..]),
            Entry::Str(bytes) => (str_head(bytes.len(), &mut head), bytes),
        };
        let (back, back_len) = back_length(head_len + body.len());
        Encoded { head, head_len, body, back, back_len }
    }

    /// Bytes that the entry takes, back length included.
    #[inline]
    pub fn len(&self) -> usize {
        self.head_len + self.body.len() + self.back_len
    }

    #[inline]
    pub(super) fn append_to(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.head[..self.head_len]);
        out.extend_from_slice(self.body);
        out.extend_from_slice(&self.back[..self.back_len]);
    }

    /// Writes the entry over `out`, which is exactly [`Encoded::len`] long.
    #[inline]
    ///
    /// # Panics
    /// When it is not.
    pub fn write_over(&self, out: &mut [u8]) {
        let (head, rest) = out.split_at_mut(self.head_len);
        let (body, back) = rest.split_at_mut(self.body.len());
        head.copy_from_slice(&self.head[..self.head_len]);
        body.copy_from_slice(self.body);
        back.copy_from_slice(&self.back[..self.back_len]);
    }
}

/// Writes form and value of an integer; returns the bytes used.
#[inline]
fn int_head(value: i64, head: &mut [u8; 9]) -> usize {
    let le = value.to_le_bytes();
    let (form, bytes) = match value {
        0..=127 => {
            head[0] = value as u8;
            return 1;
        }
        -4096..=4095 => {
            let bits = value as u16 & 0x1FFF;
            head[0] = 0xC0 | (bits >> 8) as u8;
            head[1] = bits as u8;
            return 2;
        }
        -0x8000..=0x7FFF => (0xF1, 2),
        -0x80_0000..=0x7F_FFFF => (0xF2, 3),
        -0x8000_0000..=0x7FFF_FFFF => (0xF3, 4),
        _ => (0xF4, 8),
    };
    head[0] = form;
    head[1..=bytes].copy_from_slice(&le[..bytes]);
    1 + bytes
}

/// Writes form and length of a string; returns the bytes used.
#[inline]
fn str_head(len: usize, head: &mut [u8; 9]) -> usize {
    if len < 64 {
        head[0] = 0x80 | len as u8;
        1
    } else if len < 4096 {
        head[0] = 0xE0 | (len >> 8) as u8;
        head[1] = len as u8;
        2
    } else {
        head[0] = 0xF0;
        // The limit on the whole listpack is checked before anything is written.
        head[1..5].copy_from_slice(&(len as u32).to_le_bytes());
        5
    }
}

/// Bytes of an entry's form, length and body, from its first bytes; `None` where they are cut off
/// or the form is unknown. Says nothing about whether the body is there.
#[inline]
pub(super) fn entry_len(lp: &[u8], at: usize) -> Option<usize> {
    let first = *lp.get(at)?;
    Some(match first {
        0x00..=0x7F => 1,
        0x80..=0xBF => 1 + usize::from(first & 0x3F),
        0xC0..=0xDF => 2,
        0xE0..=0xEF => 2 + (usize::from(first & 0x0F) << 8 | usize::from(*lp.get(at + 1)?)),
        0xF0 => 5 + u32::from_le_bytes(*lp.get(at + 1..)?.first_chunk()?) as usize,
        0xF1 => 3,
        0xF2 => 4,
        0xF3 => 5,
        0xF4 => 9,
        _ => return None,
    })
}

/// The entry whose form, length and body are exactly `bytes`.
#[inline]
pub(super) fn decode(bytes: &[u8]) -> Entry<'_> {
    match *bytes {
        [first @ 0x00..=0x7F] => Entry::Int(i64::from(first)),
        [0x80..=0xBF, ref body @ ..] => Entry::Str(body),
        [first @ 0xC0..=0xDF, second] => {
            // Shifted to the top of an i16 and back: that extends the sign.
            let bits = u16::from_be_bytes([first, second]) << 3;
            Entry::Int(i64::from(bits as i16 >> 3))
        }
        [0xE0..=0xEF, _, ref body @ ..] => Entry::Str(body),
        [0xF0, _, _, _, _, ref body @ ..] => Entry::Str(body),
        [0xF1, a, b] => Entry::Int(i64::from(i16::from_le_bytes([a, b]))),
        [0xF2, a, b, c] => Entry::Int(i64::from(i32::from_le_bytes([0, a, b, c]) >> 8)),
        [0xF3, a, b, c, d] => Entry::Int(i64::from(i32::from_le_bytes([a, b, c, d]))),
        [0xF4, a, b, c, d, e, f, g, h] => Entry::Int(i64::from_le_bytes([a, b, c, d, e, f, g, h])),
        _ => panic!("listpack entry of unknown form: bytes were not validated"),
    }
}

/// Bytes that the back length of an entry of `len` bytes takes.
///
/// The limits lie one below what seven bits a byte could hold: that is how Redis writes them.
#[inline]
pub(super) fn back_length_size(len: usize) -> usize {
    match len {
        0..=127 => 1,
        128..=16_382 => 2,
        16_383..=2_097_150 => 3,
        2_097_151..=268_435_454 => 4,
        _ => 5,
    }
}

/// The back length of an entry of `len` bytes: seven bits a byte, the lowest last.
#[inline]
pub(super) fn back_length(len: usize) -> ([u8; 5], usize) {
    let size = back_length_size(len);
    let mut bytes = [0; 5];
    let mut rest = len;
    for byte in bytes[..size].iter_mut().rev() {
        *byte = 0x80 | (rest & 0x7F) as u8;
        rest >>= 7;
    }
    // Read from the right, the byte without the top bit is the last.
    bytes[0] &= 0x7F;
    (bytes, size)
}

/// Start of the entry that ends before `end`.
#[inline]
pub(super) fn start_of_entry_before(lp: &[u8], end: usize) -> usize {
    let mut at = end - 1;
    let mut len = usize::from(lp[at] & 0x7F);
    let mut shift = 7;
    while lp[at] & 0x80 != 0 {
        at -= 1;
        len |= usize::from(lp[at] & 0x7F) << shift;
        shift += 7;
        assert!(shift <= 35, "listpack back length is too long: bytes were not validated");
    }
    at - len
}
