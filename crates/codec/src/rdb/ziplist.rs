//! Ziplist: the small collection of Redis before 7.0, read into a listpack and never written.
//!
//! | bytes | field |
//! |---|---|
//! | 4 | size of the whole; u32 little endian |
//! | 4 | offset of the last entry; u32 little endian |
//! | 2 | number of entries; u16 little endian, 65535 = count them |
//! | … | entries: size of the entry before, form, body |
//! | 1 | end mark `FF` |
//!
//! The size of the entry before is a byte below 254, or 254 and a u32 little endian.
//!
//! | form | rest | entry |
//! |---|---|---|
//! | `00nnnnnn` | n bytes | string |
//! | `01nnnnnn` | 1 byte (low bits of n), n bytes | string |
//! | `10000000` | n as u32 big endian, n bytes | string |
//! | `C0` `D0` `E0` `F0` `FE` | 2, 4, 8, 3, 1 bytes | integer, signed little endian |
//! | `F1` … `FD` | – | integer 0 … 12 |

use crate::{Corrupt, listpack};

const HEADER: usize = 10;
const END: u8 = 0xFF;
const UNKNOWN_LEN: u16 = u16::MAX;

/// The same elements as a listpack; empty if there are none.
///
/// # Errors
/// [`Corrupt`] where any byte breaks the rules above.
pub(super) fn to_listpack(ziplist: &[u8]) -> Result<Vec<u8>, Corrupt> {
    let word = |at: usize| ziplist.get(at..).and_then(|rest| rest.first_chunk());
    let size = word(0).map(|bytes| u32::from_le_bytes(*bytes) as usize);
    let tail = word(4).map(|bytes| u32::from_le_bytes(*bytes) as usize);
    let (Some(size), Some(tail), [.., END]) = (size, tail, ziplist) else {
        return Err(Corrupt::new("ziplist header or end mark is missing", 0));
    };
    if size != ziplist.len() || ziplist.len() <= HEADER {
        return Err(Corrupt::new("ziplist size differs from its header", 0));
    }
    let stated = u16::from_le_bytes([ziplist[8], ziplist[9]]);
    let end = ziplist.len() - 1;
    let mut lp = listpack::with_capacity(ziplist.len());
    let (mut at, mut before, mut count) = (HEADER, 0, 0);
    let mut last = HEADER;
    while at < end {
        let entry = Entry::read(&ziplist[..end], at)?;
        if entry.before != before {
            return Err(Corrupt::new("ziplist entry states another size of the one before", at));
        }
        let added = match entry.body {
            Body::Int(value) => listpack::push_back_entry(&mut lp, listpack::Entry::Int(value)),
            Body::Str(text) => listpack::push_back(&mut lp, text),
        };
        added.map_err(|_| Corrupt::new("ziplist is too large", at))?;
        (last, at, before, count) = (at, at + entry.size, entry.size, count + 1);
    }
    if tail != last {
        return Err(Corrupt::new("ziplist states another last entry", 4));
    }
    if stated != UNKNOWN_LEN && usize::from(stated) != count {
        return Err(Corrupt::new("ziplist length differs from its header", 8));
    }
    Ok(lp)
}

struct Entry<'a> {
    /// Stated size of the entry before.
    before: usize,
    size: usize,
    body: Body<'a>,
}

enum Body<'a> {
    Int(i64),
    Str(&'a [u8]),
}

impl<'a> Entry<'a> {
    fn read(entries: &'a [u8], at: usize) -> Result<Entry<'a>, Corrupt> {
        let cut = Corrupt::new("ziplist entry is cut off", at);
        let rest = &entries[at..];
        let (before, body_at) = match rest {
            [254, a, b, c, d, ..] => (u32::from_le_bytes([*a, *b, *c, *d]) as usize, 5),
            [short @ ..254, ..] => (usize::from(*short), 1),
            _ => return Err(cut),
        };
        let (size, body) = body(&rest[body_at..], cut)?;
        Ok(Entry { before, size: body_at + size, body })
    }
}

/// Form and body; how many bytes they take.
fn body(bytes: &[u8], cut: Corrupt) -> Result<(usize, Body<'_>), Corrupt> {
    let text = |head: usize, len: usize| {
        let end = head.checked_add(len).ok_or(cut)?;
        let text = bytes.get(head..end).ok_or(cut)?;
        Ok((end, Body::Str(text)))
    };
    let int = |len: usize| {
        let le = bytes.get(1..=len).ok_or(cut)?;
        // Put at the top of an i64 and shifted back: that extends the sign.
        let mut wide = [0; 8];
        wide[8 - len..].copy_from_slice(le);
        Ok((1 + len, Body::Int(i64::from_le_bytes(wide) >> (64 - 8 * len))))
    };
    match *bytes {
        [form @ 0x00..=0x3F, ..] => text(1, usize::from(form)),
        [form @ 0x40..=0x7F, low, ..] => text(2, usize::from(form & 0x3F) << 8 | usize::from(low)),
        [0x80, a, b, c, d, ..] => text(5, u32::from_be_bytes([a, b, c, d]) as usize),
        [0xC0, ..] => int(2),
        [0xD0, ..] => int(4),
        [0xE0, ..] => int(8),
        [0xF0, ..] => int(3),
        [0xFE, ..] => int(1),
        [form @ 0xF1..=0xFD, ..] => Ok((1, Body::Int(i64::from(form - 0xF1)))),
        _ => Err(cut),
    }
}
