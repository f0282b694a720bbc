//! An entry of a chunk as bytes.
//!
//! ```text
//! head │ more? │ deadline? │ value's length? │ key │ value
//!   1  │ 2 or 4│     8     │      0, 1, 3    │     │
//! ```
//! * head: bit 7 says that a deadline follows; the other bits are the key's length up to 125, 126
//!   for a length of 16 bits behind the head, 127 for a large entry: the 32-bit number of a box
//!   outside of the chunk, which holds key and value.
//! * value's length: one byte up to 254, else 255 and 16 bits; no byte at all where a table's
//!   values are all of one length.
//!
//! All numbers are little endian. Knows no chunk and no index. Next: [`super::chunk`].

/// Key and value together are kept in the chunk up to this many bytes.
pub(super) const MAX_INSIDE: usize = 512;

const DEADLINE: u8 = 0x80;
const LONG: u8 = 126;
const LARGE: u8 = 127;
const LONG_VALUE: u8 = 255;

/// What the values of a table are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Values {
    /// All of so many bytes.
    Fixed(u8),
    /// Of any length.
    Varied,
}

/// Where things stand in an entry.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    /// Whether a deadline stands before `lengths_end`.
    pub(super) has_deadline: bool,
    /// The number of the box that holds key and value.
    pub(super) large: Option<u32>,
    deadline: usize,
    key: usize,
    key_len: usize,
    value_len: usize,
}

impl Shape {
    /// Reads the shape of the entry at the beginning of `bytes`.
    #[inline(always)]
    pub(super) fn of(bytes: &[u8], values: Values) -> Shape {
        let head = bytes[0];
        let has_deadline = head & DEADLINE != 0;
        let (deadline, key_len, large) = match head & !DEADLINE {
            LARGE => {
                let number = u32::from_le_bytes([bytes[1], bytes[2], bytes[3], bytes[4]]);
                (5, 0, Some(number))
            }
            LONG => (3, usize::from(u16::from_le_bytes([bytes[1], bytes[2]])), None),
            short => (1, usize::from(short), None),
        };
        let at = deadline + if has_deadline { 8 } else { 0 };
        let (key, value_len) = match values {
            _ if large.is_some() => (at, 0),
            Values::Fixed(len) => (at, usize::from(len)),
            Values::Varied => match bytes[at] {
                LONG_VALUE => {
                    (at + 3, usize::from(u16::from_le_bytes([bytes[at + 1], bytes[at + 2]])))
                }
                short => (at + 1, usize::from(short)),
            },
        };
        Shape { has_deadline, large, deadline, key, key_len, value_len }
    }

    /// Bytes of the entry.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.key + self.key_len + self.value_len
    }

    /// The deadline in the entry's bytes.
    #[inline]
    pub(super) fn deadline_ms(&self, bytes: &[u8]) -> Option<u64> {
        let at = self.deadline;
        let deadline = self.has_deadline.then(|| bytes[at..at + 8].first_chunk::<8>())??;
        Some(u64::from_le_bytes(*deadline))
    }

    /// Overwrites the deadline in the entry's bytes, which must have room for one.
    pub(super) fn overwrite_deadline(&self, bytes: &mut [u8], deadline_ms: u64) {
        debug_assert!(self.has_deadline);
        bytes[self.deadline..self.deadline + 8].copy_from_slice(&deadline_ms.to_le_bytes());
    }

    /// The key in the entry's bytes; nothing for a large entry.
    #[inline]
    pub(super) fn key<'b>(&self, bytes: &'b [u8]) -> &'b [u8] {
        &bytes[self.key..self.key + self.key_len]
    }

    /// Where the value stands in the entry's bytes.
    #[inline]
    pub(super) fn value(&self) -> std::ops::Range<usize> {
        let start = self.key + self.key_len;
        start..start + self.value_len
    }
}

/// An entry about to be written.
#[derive(Debug, Clone, Copy)]
pub(super) struct NewEntry<'a> {
    pub(super) key: &'a [u8],
    pub(super) value: &'a [u8],
    pub(super) deadline_ms: Option<u64>,
}

impl NewEntry<'_> {
    /// Whether key and value are too long for a chunk.
    pub(super) fn is_large(&self) -> bool {
        self.key.len() + self.value.len() > MAX_INSIDE
    }

    /// Bytes that the entry will take in its chunk.
    pub(super) fn len(&self, values: Values) -> usize {
        let deadline = if self.deadline_ms.is_some() { 8 } else { 0 };
        if self.is_large() {
            return 5 + deadline;
        }
        let head = if self.key.len() < usize::from(LONG) { 1 } else { 3 };
        let length = match values {
            Values::Fixed(_) => 0,
            Values::Varied if self.value.len() < usize::from(LONG_VALUE) => 1,
            Values::Varied => 3,
        };
        head + deadline + length + self.key.len() + self.value.len()
    }

    /// Writes the entry into its bytes; a large one names its box.
    pub(super) fn write(&self, bytes: &mut [u8], values: Values, number: u32) {
        let mut out = Out { bytes, at: 0 };
        let flag = if self.deadline_ms.is_some() { DEADLINE } else { 0 };
        let large = self.is_large();
        if large {
            out.put(&[LARGE | flag]);
            out.put(&number.to_le_bytes());
        } else if self.key.len() < usize::from(LONG) {
            out.put(&[self.key.len() as u8 | flag]);
        } else {
            out.put(&[LONG | flag]);
            out.put(&(self.key.len() as u16).to_le_bytes());
        }
        if let Some(deadline_ms) = self.deadline_ms {
            out.put(&deadline_ms.to_le_bytes());
        }
        if large {
            return;
        }
        if values == Values::Varied {
            if self.value.len() < usize::from(LONG_VALUE) {
                out.put(&[self.value.len() as u8]);
            } else {
                out.put(&[LONG_VALUE]);
                out.put(&(self.value.len() as u16).to_le_bytes());
            }
        }
        out.put(self.key);
        out.put(self.value);
    }
}

/// Gives a copy of a large entry's bytes another box.
pub(super) fn set_number(bytes: &mut [u8], number: u32) {
    bytes[1..5].copy_from_slice(&number.to_le_bytes());
}

struct Out<'b> {
    bytes: &'b mut [u8],
    at: usize,
}

impl Out<'_> {
    #[inline]
    fn put(&mut self, part: &[u8]) {
        self.bytes[self.at..self.at + part.len()].copy_from_slice(part);
        self.at += part.len();
    }
}
