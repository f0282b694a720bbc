//! Listpack: many small elements in one run of bytes, walked from either end. Red: the bytes are
//! frozen, they lie in RDB files.
//!
//! | bytes | field |
//! |---|---|
//! | 4 | size of the whole in bytes, u32 little endian |
//! | 2 | number of entries, u16 little endian; 65535 = count them |
//! | … | entries: form and length, body, back length |
//! | 1 | end mark `FF` |
//!
//! | first byte | rest | entry |
//! |---|---|---|
//! | `0xxxxxxx` | – | integer 0 … 127 |
//! | `10nnnnnn` | n bytes | string of n < 64 |
//! | `110xxxxx` | 1 byte (low bits) | integer of 13 bits, signed |
//! | `1110nnnn` | 1 byte (low bits of n), n bytes | string of n < 4096 |
//! | `F0` | n as u32 little endian, n bytes | string |
//! | `F1` `F2` `F3` `F4` | 2, 3, 4, 8 bytes | integer, signed little endian |
//!
//! The back length is the size of form, length and body together, so that a walk from the end finds
//! the start: seven bits a byte, the lowest bits in the last byte; all but the first byte have
//! their top bit set. It takes 1 byte to 127, 2 below 16383, 3 below 2097151, 4 below 268435455,
//! else 5. A text that is a canonical integer ([`crate::integer`]) is stored as an integer.
//!
//! Reading takes `&[u8]`, changing `&mut Vec<u8>`. Who keeps listpacks in memory of another kind
//! makes the room itself and then fills it: [`span`], [`Encoded`], [`restate`]. A cursor is a
//! [`Pos`]; a change makes the positions behind it stale. Bytes from outside go through [`validate`] first: on bytes that did
//! not pass it, and on stale positions, functions may panic or answer nonsense, never read
//! elsewhere. Knows no command and no type of value.
//!
//! ```
//! use larder_codec::listpack::{self, Entry};
//! let mut lp = listpack::new();
//! listpack::push_back(&mut lp, b"1")?;
//! listpack::push_back(&mut lp, b"one")?;
//! assert!(listpack::iter(&lp).eq([Entry::Int(1), Entry::Str(b"one")]));
//! assert_eq!(listpack::seek(&lp, -1), listpack::last(&lp));
//! # Ok::<(), larder_codec::TooLarge>(())
//! ```

mod encoding;
#[cfg(test)]
mod tests;
mod validate;

use std::ops::Range;

pub use encoding::{Encoded, Entry};
pub use validate::validate;

use crate::TooLarge;
use crate::integer::parse_i64_canonical;
use encoding::END;

/// Most bytes a listpack may have. Redis stops at the same size.
pub const MAX_BYTES: usize = 1 << 30;

/// Bytes before the first entry.
pub const HEADER: usize = 6;

const UNKNOWN_LEN: u16 = u16::MAX;

/// The place of an entry, in bytes from the start; or the [`end`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pos(u32);

impl Pos {
    #[inline]
    fn new(offset: usize) -> Pos {
        // A listpack's size is a u32 in its own header.
        Pos(offset as u32)
    }

    /// Bytes from the start of the listpack.
    #[inline]
    pub fn offset(self) -> usize {
        self.0 as usize
    }
}

/// An empty listpack.
pub fn new() -> Vec<u8> {
    with_capacity(0)
}

/// An empty listpack with room for `extra` bytes of entries.
pub fn with_capacity(extra: usize) -> Vec<u8> {
    let mut lp = Vec::with_capacity(HEADER + 1 + extra);
    lp.extend_from_slice(&[HEADER as u8 + 1, 0, 0, 0, 0, 0, END]);
    lp
}

/// Number of entries. O(1) below 65535, else they are counted.
#[inline]
pub fn len(lp: &[u8]) -> usize {
    known_len(lp).unwrap_or_else(|| count(lp, HEADER))
}

/// Tells whether there is no entry. O(1).
#[inline]
pub fn is_empty(lp: &[u8]) -> bool {
    lp[HEADER] == END
}

/// Size of the whole in bytes, as the header states it.
#[inline]
pub fn bytes(lp: &[u8]) -> usize {
    header_bytes(lp)
}

/// Tells whether `add` more bytes stay within [`MAX_BYTES`].
#[inline]
pub fn fits(lp: &[u8], add: usize) -> bool {
    within_limit(lp.len().checked_add(add)).is_ok()
}

/// Bytes that `element` would take as an entry.
#[inline]
pub fn encoded_size(element: &[u8]) -> usize {
    Encoded::new(Entry::from_bytes(element)).len()
}

/// The first entry.
#[inline]
pub fn first(lp: &[u8]) -> Option<Pos> {
    (!is_empty(lp)).then_some(Pos::new(HEADER))
}

/// The last entry.
#[inline]
pub fn last(lp: &[u8]) -> Option<Pos> {
    prev(lp, end(lp))
}

/// The place behind the last entry, where [`insert_before`] appends.
#[inline]
pub fn end(lp: &[u8]) -> Pos {
    Pos::new(lp.len() - 1)
}

/// The entry after `pos`.
#[inline]
pub fn next(lp: &[u8], pos: Pos) -> Option<Pos> {
    let at = after(lp, pos.offset());
    (at < lp.len() - 1).then_some(Pos::new(at))
}

/// The entry before `pos`, which may be the [`end`].
#[inline]
pub fn prev(lp: &[u8], pos: Pos) -> Option<Pos> {
    let at = pos.offset();
    (at > HEADER).then(|| Pos::new(encoding::start_of_entry_before(lp, at)))
}

/// The entry at `pos`.
#[inline]
pub fn entry(lp: &[u8], pos: Pos) -> Entry<'_> {
    let at = pos.offset();
    encoding::decode(&lp[at..at + size_of_form_and_body(lp, at)])
}

/// Where the bytes of the entry at `pos` lie.
#[inline]
pub fn span(lp: &[u8], pos: Pos) -> Range<usize> {
    pos.offset()..after(lp, pos.offset())
}

/// The entry at `index`; negative counts from the end, -1 is the last.
///
/// # Complexity
/// O(distance to the nearer end); from the stated end when there are 65535 entries or more.
pub fn seek(lp: &[u8], index: i64) -> Option<Pos> {
    let index = match known_len(lp) {
        None => index,
        Some(len) => {
            let len = len as i64;
            let from_front = if index < 0 { index.checked_add(len)? } else { index };
            if !(0..len).contains(&from_front) {
                return None;
            }
            if from_front < len / 2 { from_front } else { from_front - len }
        }
    };
    if index >= 0 {
        (0..index).try_fold(first(lp)?, |pos, _| next(lp, pos))
    } else {
        (index..0).try_fold(end(lp), |pos, _| prev(lp, pos))
    }
}

/// The first entry equal to `element`, looking at `from` and then at every `skip + 1`-th after it.
///
/// With `skip` 1 only the fields of field-value pairs are looked at.
pub fn find(lp: &[u8], from: Pos, element: &[u8], skip: usize) -> Option<Pos> {
    let number = parse_i64_canonical(element);
    let end = lp.len() - 1;
    let mut at = from.offset();
    while at < end {
        let size = size_of_form_and_body(lp, at);
        let equal = match encoding::decode(&lp[at..at + size]) {
            Entry::Int(value) => number == Some(value),
            Entry::Str(bytes) => bytes == element,
        };
        if equal {
            return Some(Pos::new(at));
        }
        at += size + encoding::back_length_size(size);
        for _ in 0..skip {
            if at >= end {
                return None;
            }
            at = after(lp, at);
        }
    }
    None
}

/// All entries, from either end.
#[inline]
pub fn iter(lp: &[u8]) -> Iter<'_> {
    Iter { lp, front: HEADER, back: lp.len() - 1 }
}

/// The entries from `pos` on, from either end.
#[inline]
pub fn iter_from(lp: &[u8], pos: Pos) -> Iter<'_> {
    Iter { lp, front: pos.offset(), back: lp.len() - 1 }
}

/// Adds `element` behind the last entry.
///
/// # Errors
/// [`TooLarge`] beyond [`MAX_BYTES`]; nothing is changed.
#[inline]
pub fn push_back(lp: &mut Vec<u8>, element: &[u8]) -> Result<(), TooLarge> {
    push_back_entry(lp, Entry::from_bytes(element))
}

/// Adds an entry behind the last one, as it is: a string is not examined for being an integer.
///
/// For entries of other listpacks and for integers that need no text.
///
/// # Errors
/// As [`push_back`].
#[inline]
pub fn push_back_entry(lp: &mut Vec<u8>, entry: Entry<'_>) -> Result<(), TooLarge> {
    let encoded = Encoded::new(entry);
    within_limit(lp.len().checked_add(encoded.len()))?;
    lp.reserve(encoded.len());
    lp.pop();
    encoded.append_to(lp);
    lp.push(END);
    update_header(lp, 1, 0);
    Ok(())
}

/// Adds `element` before the first entry. Moves all bytes.
///
/// # Errors
/// As [`push_back`].
#[inline]
pub fn push_front(lp: &mut Vec<u8>, element: &[u8]) -> Result<(), TooLarge> {
    insert_before(lp, Pos::new(HEADER), element).map(drop)
}

/// Adds `element` before `pos`, which may be the [`end`]; returns where it is.
///
/// # Errors
/// As [`push_back`].
pub fn insert_before(lp: &mut Vec<u8>, pos: Pos, element: &[u8]) -> Result<Pos, TooLarge> {
    put(lp, pos.offset()..pos.offset(), element)?;
    update_header(lp, 1, 0);
    Ok(pos)
}

/// Adds `element` after the entry at `pos`; returns where it is.
///
/// # Errors
/// As [`push_back`].
pub fn insert_after(lp: &mut Vec<u8>, pos: Pos, element: &[u8]) -> Result<Pos, TooLarge> {
    let behind = Pos::new(after(lp, pos.offset()));
    insert_before(lp, behind, element)
}

/// Puts `element` in the place of the entry at `pos`; `pos` stays valid.
///
/// # Errors
/// As [`push_back`].
pub fn replace(lp: &mut Vec<u8>, pos: Pos, element: &[u8]) -> Result<(), TooLarge> {
    let at = pos.offset();
    put(lp, at..after(lp, at), element)?;
    update_header(lp, 0, 0);
    Ok(())
}

/// Takes out the entry at `pos`; returns the one that followed it, which is then at `pos`.
pub fn remove(lp: &mut Vec<u8>, pos: Pos) -> Option<Pos> {
    let at = pos.offset();
    lp.drain(at..after(lp, at));
    update_header(lp, 0, 1);
    (at < lp.len() - 1).then_some(pos)
}

/// Takes out up to `count` entries from `index` on (negative from the end); returns how many.
pub fn remove_range(lp: &mut Vec<u8>, index: i64, count: usize) -> usize {
    let Some(from) = seek(lp, index) else { return 0 };
    let end = lp.len() - 1;
    let (mut to, mut removed) = (from.offset(), 0);
    match entries_from(lp, index) {
        // Cutting off the tail needs no walk over it.
        Some(rest) if count >= rest => (to, removed) = (end, rest),
        _ => {
            while removed < count && to < end {
                to = after(lp, to);
                removed += 1;
            }
        }
    }
    lp.drain(from.offset()..to);
    update_header(lp, 0, removed);
    removed
}

/// Adds all entries of `other` behind the last one.
///
/// # Errors
/// As [`push_back`].
pub fn extend(lp: &mut Vec<u8>, other: &[u8]) -> Result<(), TooLarge> {
    let added = &other[HEADER..other.len() - 1];
    within_limit(lp.len().checked_add(added.len()))?;
    let total = known_len(lp).zip(known_len(other)).map(|(a, b)| a + b);
    lp.reserve(added.len());
    lp.pop();
    lp.extend_from_slice(added);
    lp.push(END);
    set_header(lp, total);
    Ok(())
}

/// A listpack of the entries of `a` and then those of `b`.
///
/// # Errors
/// As [`push_back`].
pub fn concat(a: &[u8], b: &[u8]) -> Result<Vec<u8>, TooLarge> {
    let size = within_limit((a.len() - HEADER - 1).checked_add(b.len()))?;
    let mut lp = Vec::with_capacity(size);
    lp.extend_from_slice(a);
    extend(&mut lp, b)?;
    Ok(lp)
}

/// Cuts before the entry at `index` (negative from the end) and returns the rest as a listpack of
/// its own; an empty one when there is no such entry.
pub fn split_off(lp: &mut Vec<u8>, index: i64) -> Vec<u8> {
    let Some(pos) = seek(lp, index) else { return new() };
    let moved = entries_from(lp, index);
    let kept = known_len(lp).zip(moved).map(|(len, moved)| len - moved);
    let at = pos.offset();
    let mut rest = with_capacity(lp.len() - 1 - at);
    rest.pop();
    rest.extend_from_slice(&lp[at..]);
    lp.truncate(at);
    lp.push(END);
    let moved = moved.unwrap_or_else(|| count(&rest, HEADER));
    let kept = kept.unwrap_or_else(|| count(lp, HEADER));
    set_header(&mut rest, Some(moved));
    set_header(lp, Some(kept));
    rest
}

/// Takes out the entries that `keep` refuses; returns how many. One pass, whatever is taken.
pub fn retain(lp: &mut Vec<u8>, mut keep: impl FnMut(Entry<'_>) -> bool) -> usize {
    let end = lp.len() - 1;
    let (mut at, mut run, mut to, mut removed) = (HEADER, HEADER, HEADER, 0);
    // Entries that stay side by side are moved together.
    let move_run = |lp: &mut [u8], run: Range<usize>, to: usize| {
        if run.start != to {
            lp.copy_within(run.clone(), to);
        }
        to + run.len()
    };
    while at < end {
        let next = after(lp, at);
        if !keep(entry(lp, Pos::new(at))) {
            to = move_run(lp, run..at, to);
            run = next;
            removed += 1;
        }
        at = next;
    }
    to = move_run(lp, run..end, to);
    lp.truncate(to);
    lp.push(END);
    update_header(lp, 0, removed);
    removed
}

/// States the present size, and the number of entries after `added` and `removed`, once their
/// bytes were put in or taken out by hand.
#[inline]
pub fn restate(lp: &mut [u8], added: usize, removed: usize) {
    update_header(lp, added, removed);
}

/// Entries of a listpack; see [`iter`].
#[derive(Debug, Clone)]
pub struct Iter<'a> {
    lp: &'a [u8],
    front: usize,
    back: usize,
}

impl<'a> Iterator for Iter<'a> {
    type Item = Entry<'a>;

    #[inline]
    fn next(&mut self) -> Option<Entry<'a>> {
        if self.front >= self.back {
            return None;
        }
        let size = size_of_form_and_body(self.lp, self.front);
        let entry = encoding::decode(&self.lp[self.front..self.front + size]);
        self.front += size + encoding::back_length_size(size);
        Some(entry)
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        // The smallest entry has a form byte and a back length byte.
        let most = self.back.saturating_sub(self.front) / 2;
        (usize::from(most > 0), Some(most))
    }
}

impl DoubleEndedIterator for Iter<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        if self.front >= self.back {
            return None;
        }
        self.back = encoding::start_of_entry_before(self.lp, self.back);
        Some(entry(self.lp, Pos::new(self.back)))
    }
}

impl std::iter::FusedIterator for Iter<'_> {}

/// Puts `element` in place of the bytes `old`, moving what is behind them once.
fn put(lp: &mut Vec<u8>, old: Range<usize>, element: &[u8]) -> Result<(), TooLarge> {
    let encoded = Encoded::new(Entry::from_bytes(element));
    let (size, len) = (encoded.len(), lp.len());
    let new_len = within_limit((len - old.len()).checked_add(size))?;
    let new_end = old.start + size;
    if new_len > len {
        lp.resize(new_len, 0);
    }
    if new_end != old.end {
        lp.copy_within(old.end..len, new_end);
        lp.truncate(new_len);
    }
    encoded.write_over(&mut lp[old.start..new_end]);
    Ok(())
}

#[inline]
fn within_limit(bytes: Option<usize>) -> Result<usize, TooLarge> {
    bytes.filter(|&bytes| bytes <= MAX_BYTES).ok_or(TooLarge)
}

/// Bytes of the entry at `at` without its back length.
#[inline]
fn size_of_form_and_body(lp: &[u8], at: usize) -> usize {
    encoding::entry_len(lp, at).expect("listpack entry: validated bytes and a current position")
}

/// Where the entry at `at` ends.
#[inline]
fn after(lp: &[u8], at: usize) -> usize {
    let size = size_of_form_and_body(lp, at);
    at + size + encoding::back_length_size(size)
}

/// Number of entries from byte `at` on.
fn count(lp: &[u8], mut at: usize) -> usize {
    let mut count = 0;
    while at < lp.len() - 1 {
        at = after(lp, at);
        count += 1;
    }
    count
}

/// Number of entries from the existing entry `index` on, where no counting is needed.
#[inline]
fn entries_from(lp: &[u8], index: i64) -> Option<usize> {
    if index < 0 {
        return usize::try_from(index.unsigned_abs()).ok();
    }
    known_len(lp).map(|len| len - index as usize)
}

#[inline]
fn known_len(lp: &[u8]) -> Option<usize> {
    let stated = header_len(lp);
    (stated != UNKNOWN_LEN).then_some(usize::from(stated))
}

#[inline]
fn header_bytes(lp: &[u8]) -> usize {
    u32::from_le_bytes([lp[0], lp[1], lp[2], lp[3]]) as usize
}

#[inline]
fn header_len(lp: &[u8]) -> u16 {
    u16::from_le_bytes([lp[4], lp[5]])
}

/// States the present size, and the length after `added` and `removed`; unknown stays unknown.
#[inline]
fn update_header(lp: &mut [u8], added: usize, removed: usize) {
    let len = known_len(lp).map(|len| len + added - removed);
    set_header(lp, len);
}

/// States the present size and `len`; none, or one that does not fit, is stated as unknown.
#[inline]
fn set_header(lp: &mut [u8], len: Option<usize>) {
    let stated = len.and_then(|len| u16::try_from(len).ok()).unwrap_or(UNKNOWN_LEN);
    let bytes = lp.len() as u32;
    lp[..4].copy_from_slice(&bytes.to_le_bytes());
    lp[4..HEADER].copy_from_slice(&stated.to_le_bytes());
}
