//! Lists: a short one is a listpack in its entry, a long one is [`Chunks`] of listpacks.
//!
//! Order: [`limits`] → [`chunk`] → [`chunks`] (structure) → this file: reading either encoding
//! ([`ListRef`]), and changing a key's list through its gate, from one encoding into the other as
//! it grows and shrinks. Names of encodings, and where one becomes the other, are Redis 7.2's.
//! Knows no command: commands and waiters of [`crate::commands::list`] share what is here.

mod chunk;
mod chunks;
mod limits;
#[cfg(test)]
mod tests;

pub use chunks::{Chunks, Node};
pub use limits::Limits;

use crate::error::Error;
use crate::keyspace::{Expiry, Gate, Kind, NewValue, OwnedValue, ValueRef};
use crate::values::Object;
use larder_codec::Corrupt;
use larder_codec::listpack::{self, Encoded, Entry, HEADER, Pos};
use larder_codec::rdb::value;
use smallvec::SmallVec;
use std::ops::{ControlFlow, Range};

/// An end of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum End {
    /// The first element's, `LEFT`.
    Head,
    /// The last element's, `RIGHT`.
    Tail,
}

/// An element that others are compared with.
#[derive(Debug, Clone, Copy)]
pub struct Sought<'a> {
    bytes: &'a [u8],
    number: Option<i64>,
}

impl<'a> Sought<'a> {
    /// This element.
    pub fn new(bytes: &'a [u8]) -> Self {
        let number = match Entry::from_bytes(bytes) {
            Entry::Int(number) => Some(number),
            Entry::Str(_) => None,
        };
        Sought { bytes, number }
    }

    /// Whether an entry is it.
    #[inline]
    pub fn is(&self, entry: &Entry<'_>) -> bool {
        match entry {
            Entry::Int(value) => self.number == Some(*value),
            Entry::Str(bytes) => *bytes == self.bytes,
        }
    }
}

/// A list as a reader sees it.
#[derive(Debug, Clone, Copy)]
pub enum ListRef<'a> {
    /// A short one.
    Packed(&'a [u8]),
    /// A long one.
    Chunks(&'a Chunks),
}

/// A value that must be a list, if it is there.
///
/// # Errors
/// [`Error::WrongType`].
#[inline]
pub fn list_of(value: Option<ValueRef<'_>>) -> Result<Option<ListRef<'_>>, Error> {
    match value {
        None => Ok(None),
        Some(ValueRef::Packed(Kind::ListPack, lp)) => Ok(Some(ListRef::Packed(lp))),
        Some(ValueRef::Object(_, Object::List(chunks))) => Ok(Some(ListRef::Chunks(chunks))),
        Some(_) => Err(Error::WrongType),
    }
}

impl<'a> ListRef<'a> {
    /// Elements; at least one.
    #[inline]
    pub fn len(&self) -> usize {
        match self {
            ListRef::Packed(lp) => listpack::len(lp),
            ListRef::Chunks(chunks) => chunks.len(),
        }
    }

    /// Whether there is none, which no stored list is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The index from 0 that an index from either end means, if it is one of this list.
    pub fn index(&self, index: i64) -> Option<usize> {
        let len = self.len();
        let from_head = if index < 0 { index.checked_add_unsigned(len as u64)? } else { index };
        usize::try_from(from_head).ok().filter(|&index| index < len)
    }

    /// The indexes that `start` and `stop`, both included and from either end, mean.
    pub fn range(&self, start: i64, stop: i64) -> Range<usize> {
        let len = self.len() as i64;
        let from_head = |index: i64| if index < 0 { index.saturating_add(len) } else { index };
        let (start, stop) = (from_head(start).max(0), from_head(stop).min(len - 1));
        if start > stop { 0..0 } else { start as usize..stop as usize + 1 }
    }

    /// The element at `index`, from 0.
    pub fn get(&self, index: usize) -> Option<Entry<'a>> {
        match self {
            ListRef::Packed(lp) => {
                listpack::seek(lp, index as i64).map(|pos| listpack::entry(lp, pos))
            }
            ListRef::Chunks(chunks) => chunks.get(index),
        }
    }

    /// Visits elements from `index` on towards an end, until the visitor breaks.
    pub fn walk(
        &self,
        index: usize,
        towards: End,
        mut visit: impl FnMut(Entry<'a>) -> ControlFlow<()>,
    ) {
        match self {
            ListRef::Packed(lp) if index < listpack::len(lp) => {
                let _ = chunks::walk_listpack(lp, Some(index), towards, &mut visit);
            }
            ListRef::Packed(_) => {}
            ListRef::Chunks(chunks) => chunks.walk(index, towards, visit),
        }
    }

    /// Visits the first `count` elements of an end, the outermost first.
    pub fn each_of_end(&self, end: End, count: usize, mut visit: impl FnMut(&[u8])) {
        let (index, towards) = match end {
            End::Head => (0, End::Tail),
            End::Tail => (self.len().saturating_sub(1), End::Head),
        };
        self.each(index, towards, count, &mut visit);
    }

    /// Visits `count` elements from `index` on towards an end.
    pub fn each(&self, index: usize, towards: End, count: usize, mut visit: impl FnMut(&[u8])) {
        let (mut left, mut digits) = (count, [0; larder_codec::integer::MAX_TEXT]);
        if left == 0 {
            return;
        }
        self.walk(index, towards, |entry| {
            visit(entry.as_bytes(&mut digits));
            left -= 1;
            if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
    }

    /// Indexes of the elements that are the sought, met on the way from `from` towards an end,
    /// until the visitor breaks.
    pub fn find(
        &self,
        from: usize,
        towards: End,
        sought: &Sought<'_>,
        mut visit: impl FnMut(usize) -> ControlFlow<()>,
    ) {
        let mut index = from;
        self.walk(from, towards, |entry| {
            let here = index;
            match towards {
                End::Tail => index += 1,
                End::Head => index = index.wrapping_sub(1),
            }
            if sought.is(&entry) { visit(here) } else { ControlFlow::Continue(()) }
        });
    }
}

/// A list of nodes as files hold them, in the encoding that the limits ask for.
///
/// # Errors
/// What the nodes' reader complains of, or [`Corrupt`] when there is no element.
pub fn of_nodes<'a>(
    nodes: impl Iterator<Item = Result<value::Node<'a>, Corrupt>>,
    limits: &Limits,
) -> Result<OwnedValue, Corrupt> {
    let mut list = Chunks::default();
    for node in nodes {
        match node? {
            value::Node::Packed(lp) => list.append_packed(&lp, limits),
            value::Node::Plain(element) => list.push(End::Tail, &element, limits),
        }
    }
    if list.is_empty() {
        return Err(Corrupt::new("a list without elements", 0));
    }
    let short = list.as_packed().filter(|lp| limits.stays_short((lp.len(), list.len()), 0, 0));
    Ok(match short {
        Some(lp) => OwnedValue::Bytes(Kind::ListPack, lp.to_vec()),
        None => OwnedValue::Object(Box::new(Object::List(list))),
    })
}

/// Adds elements at an end, one after the other; the length afterwards. O(elements).
///
/// # Errors
/// [`Error::WrongType`].
pub fn push(
    gate: &mut Gate<'_>,
    end: End,
    elements: &[&[u8]],
    limits: &Limits,
) -> Result<usize, Error> {
    let (bytes, len) = match list_of(gate.value())? {
        Some(ListRef::Packed(lp)) => (lp.len(), listpack::len(lp)),
        None => (HEADER + 1, 0),
        Some(ListRef::Chunks(_)) => {
            return Ok(edit_chunks(gate, |chunks| {
                elements.iter().for_each(|element| chunks.push(end, element, limits));
                chunks.len()
            }));
        }
    };
    let encoded: SmallVec<[Encoded<'_>; 4]> =
        elements.iter().map(|element| Encoded::of(element)).collect();
    let room = encoded.iter().map(Encoded::len).sum();
    let raw = elements.iter().map(|element| element.len()).sum();
    if !limits.stays_short((bytes, len), elements.len(), raw) {
        become_long(gate, |chunks| {
            elements.iter().for_each(|element| chunks.push(end, element, limits));
        });
    } else if len == 0 {
        gate.edit_packed(Kind::ListPack, |lp| {
            lp.clear();
            lp.resize(HEADER, 0);
            lp.resize(HEADER + room, 0);
            lp.push(0xff);
            write_entries(lp, HEADER, room, end, &encoded);
        });
    } else {
        let at = if end == End::Head { HEADER } else { bytes - 1 };
        gate.splice_packed(at..at, room, |lp| write_entries(lp, at, room, end, &encoded));
    }
    Ok(len + elements.len())
}

/// Removes `count` elements (or all, if there are fewer) at an end of the key's list, and the key
/// with the last of them.
pub fn remove_at_end(gate: &mut Gate<'_>, end: End, count: usize, limits: &Limits) {
    match list_of(gate.value()) {
        Ok(Some(list)) if list.len() <= count => drop(gate.remove()),
        Ok(Some(ListRef::Packed(lp))) => {
            let cut = match end {
                End::Head => span(lp, 0, count),
                End::Tail => span(lp, listpack::len(lp) - count, count),
            };
            cut_packed(gate, cut, count);
        }
        Ok(Some(ListRef::Chunks(_))) => {
            let fallen = edit_chunks(gate, |chunks| chunks.remove_at_end(end, count, limits));
            if let Some(fallen) = fallen {
                gate.free_later(Object::List(fallen));
            }
            become_short(gate, limits);
        }
        Ok(None) | Err(_) => {}
    }
}

/// Puts an element in the place of the one at `index`, which is one of the key's list.
pub fn set(gate: &mut Gate<'_>, index: usize, element: &[u8], limits: &Limits) {
    let Ok(Some(list)) = list_of(gate.value()) else { return };
    if let ListRef::Packed(lp) = list {
        let entry = Encoded::of(element);
        let cut = span(lp, index, 1);
        let len = listpack::len(lp);
        // Redis looks at the list with both elements.
        if limits.stays_short((lp.len(), len), 1, element.len()) {
            let at = cut.start;
            return gate.splice_packed(cut, entry.len(), |lp| {
                entry.write_over(&mut lp[at..at + entry.len()]);
                listpack::restate(lp, 0, 0);
            });
        }
        become_long(gate, |chunks| {
            chunks.set(index, element, limits);
        });
    } else {
        edit_chunks(gate, |chunks| chunks.set(index, element, limits));
    }
    become_short(gate, limits);
}

/// Adds an element before the one at `index` of the key's list; the length means behind the last.
pub fn insert(gate: &mut Gate<'_>, index: usize, element: &[u8], limits: &Limits) {
    let Ok(Some(list)) = list_of(gate.value()) else { return };
    if let ListRef::Packed(lp) = list {
        let entry = Encoded::of(element);
        let held = (lp.len(), listpack::len(lp));
        if limits.stays_short(held, 1, element.len()) {
            let at = offset(lp, index);
            return gate.splice_packed(at..at, entry.len(), |lp| {
                entry.write_over(&mut lp[at..at + entry.len()]);
                listpack::restate(lp, 1, 0);
            });
        }
        become_long(gate, |chunks| chunks.insert(index, element, limits));
    } else {
        edit_chunks(gate, |chunks| chunks.insert(index, element, limits));
    }
}

/// Removes up to `most` elements of the key's list that equal `element`, those nearest to `end`;
/// how many.
pub fn remove_equal(
    gate: &mut Gate<'_>,
    end: End,
    most: usize,
    element: &[u8],
    limits: &Limits,
) -> usize {
    let Ok(Some(list)) = list_of(gate.value()) else { return 0 };
    let sought = Sought::new(element);
    let (from, towards) = match end {
        End::Head => (0, End::Tail),
        End::Tail => (list.len() - 1, End::Head),
    };
    let (mut found, mut first, mut last) = (0, usize::MAX, 0);
    list.find(from, towards, &sought, |index| {
        (found, first, last) = (found + 1, first.min(index), last.max(index));
        if found == most { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    match list {
        _ if found == 0 => {}
        _ if found == list.len() => drop(gate.remove()),
        ListRef::Packed(lp) if found == 1 => {
            let cut = span(lp, first, 1);
            cut_packed(gate, cut, 1);
        }
        ListRef::Packed(_) => gate.edit_packed(Kind::ListPack, |lp| {
            let mut index = 0;
            listpack::retain(lp, |entry| {
                index += 1;
                !((first..=last).contains(&(index - 1)) && sought.is(&entry))
            });
        }),
        ListRef::Chunks(_) => {
            edit_chunks(gate, |chunks| match found {
                1 => chunks.remove(first, 1, limits),
                _ => drop(chunks.remove_equal(first, last, &sought)),
            });
            become_short(gate, limits);
        }
    }
    found
}

/// Moves the element at one end of the key's list to the other, or to where it was.
pub fn rotate(gate: &mut Gate<'_>, from: End, to: End, element: &[u8], limits: &Limits) {
    let Ok(Some(list)) = list_of(gate.value()) else { return };
    if let ListRef::Packed(lp) = list {
        let end = lp.len() - 1;
        let moved = match from {
            End::Head => span(lp, 0, 1).len(),
            End::Tail => span(lp, listpack::len(lp) - 1, 1).len(),
        };
        return gate.splice_packed(end..end, 0, |lp| match (from, to) {
            (End::Head, End::Tail) => lp[HEADER..end].rotate_left(moved),
            (End::Tail, End::Head) => lp[HEADER..end].rotate_right(moved),
            _ => {}
        });
    }
    edit_chunks(gate, |chunks| {
        chunks.remove_at_end(from, 1, limits);
        chunks.push(to, element, limits);
    });
}

/// Keeps the elements of `kept` only, and the key only if there are any.
pub fn trim(gate: &mut Gate<'_>, kept: Range<usize>, limits: &Limits) {
    let Ok(Some(list)) = list_of(gate.value()) else { return };
    let behind = list.len() - kept.end;
    if kept.is_empty() {
        gate.remove();
        return;
    }
    if behind > 0 {
        remove_at_end(gate, End::Tail, behind, limits);
    }
    if kept.start > 0 {
        remove_at_end(gate, End::Head, kept.start, limits);
    }
}

/// Writes entries into their room: each pushed at an end, one after the other.
fn write_entries(lp: &mut [u8], at: usize, room: usize, end: End, entries: &[Encoded<'_>]) {
    let (mut front, mut back) = (at, at + room);
    for entry in entries {
        match end {
            End::Tail => {
                entry.write_over(&mut lp[front..front + entry.len()]);
                front += entry.len();
            }
            End::Head => {
                entry.write_over(&mut lp[back - entry.len()..back]);
                back -= entry.len();
            }
        }
    }
    listpack::restate(lp, entries.len(), 0);
}

/// Takes `count` entries out of a short list.
fn cut_packed(gate: &mut Gate<'_>, cut: Range<usize>, count: usize) {
    gate.splice_packed(cut, 0, |lp| listpack::restate(lp, 0, count));
}

/// Where the entry at `index` begins; the end for the length.
#[inline]
fn offset(lp: &[u8], index: usize) -> usize {
    position(lp, index).offset()
}

/// Where the `count` entries from `index` on lie.
#[inline]
fn span(lp: &[u8], index: usize, count: usize) -> Range<usize> {
    let first = position(lp, index);
    let end = match (count, listpack::len(lp) - index - count) {
        (_, 0) => listpack::end(lp).offset(),
        (1, _) => listpack::span(lp, first).end,
        _ => offset(lp, index + count),
    };
    first.offset()..end
}

#[inline]
fn position(lp: &[u8], index: usize) -> Pos {
    listpack::seek(lp, index as i64).unwrap_or(listpack::end(lp))
}

/// Changes a long list.
fn edit_chunks<R: Default>(gate: &mut Gate<'_>, edit: impl FnOnce(&mut Chunks) -> R) -> R {
    gate.edit_object(|object| match object {
        Object::List(chunks) => edit(chunks),
        _ => R::default(),
    })
    .unwrap_or_default()
}

/// Turns a short list, or none, into a long one that is changed first.
#[cold]
fn become_long(gate: &mut Gate<'_>, change: impl FnOnce(&mut Chunks)) {
    let mut chunks = match gate.value() {
        Some(ValueRef::Packed(Kind::ListPack, lp)) => Chunks::of(lp),
        _ => Chunks::default(),
    };
    change(&mut chunks);
    gate.put(NewValue::Object(Box::new(Object::List(chunks))), Expiry::Keep);
}

/// Turns a long list into a short one if it has become so.
fn become_short(gate: &mut Gate<'_>, limits: &Limits) {
    let lp = match list_of(gate.value()) {
        Ok(Some(ListRef::Chunks(chunks))) => chunks.as_short(limits).map(<[u8]>::to_vec),
        _ => None,
    };
    if let Some(lp) = lp {
        gate.put(NewValue::Bytes(Kind::ListPack, &lp), Expiry::Keep);
    }
}
