//! A long list: chunks in order, each a listpack of some KiB or one large element.
//!
//! Pushing and popping at either end is O(1), finding an index walks the chunks' counts from the
//! nearer end. Every change keeps the bytes and the length known. A chunk never stands empty.
//! Knows no key and no limits of its own: they come with each change.

use super::chunk::Chunk;
use super::limits::Limits;
use super::{End, Sought};
use larder_codec::listpack::{self, Encoded, Entry};
use std::collections::VecDeque;
use std::ops::ControlFlow;

/// A chunk that came from elsewhere stays as it is up to this size, the largest that a setting can
/// ask for.
const MAX_FOREIGN_CHUNK: usize = 64 * 1024;

/// A list in chunks. A copy shares the chunks' bytes until one of the two changes them.
#[derive(Debug, Clone, Default)]
pub struct Chunks {
    chunks: VecDeque<Chunk>,
    len: usize,
    /// Bytes of the chunks' buffers.
    bytes: u64,
}

/// A chunk as files hold it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Node<'a> {
    /// A listpack.
    Packed(&'a [u8]),
    /// One large element.
    Plain(&'a [u8]),
}

/// A chunk's place and an element's place in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    chunk: usize,
    index: usize,
}

impl Chunks {
    /// The list that a listpack holds.
    pub fn of(lp: &[u8]) -> Self {
        let mut list = Chunks::default();
        if !listpack::is_empty(lp) {
            list.add_chunk(0, Chunk::of(lp));
        }
        list
    }

    /// Elements.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes that the list takes.
    #[inline]
    pub fn bytes(&self) -> u64 {
        self.bytes + (self.chunks.capacity() * size_of::<Chunk>() + size_of::<Chunks>()) as u64
    }

    /// The chunks as they stand, for saving.
    pub fn nodes(&self) -> impl ExactSizeIterator<Item = Node<'_>> {
        self.chunks.iter().map(|chunk| match chunk.listpack() {
            Some(lp) => Node::Packed(lp),
            None => Node::Plain(chunk.stored()),
        })
    }

    /// The listpack of a list that is one.
    pub(super) fn as_packed(&self) -> Option<&[u8]> {
        if self.chunks.len() == 1 { self.chunks[0].listpack() } else { None }
    }

    /// The listpack of a list that has become short.
    pub fn as_short(&self, limits: &Limits) -> Option<&[u8]> {
        let lp = self.as_packed()?;
        limits.becomes_short(lp.len(), self.len).then_some(lp)
    }

    /// The element at `index`, from 0.
    pub fn get(&self, index: usize) -> Option<Entry<'_>> {
        let place = self.place(index)?;
        self.chunks[place.chunk].get(place.index)
    }

    /// Visits elements from `index` on towards an end, until the visitor breaks.
    pub fn walk<'a>(
        &'a self,
        index: usize,
        towards: End,
        mut visit: impl FnMut(Entry<'a>) -> ControlFlow<()>,
    ) {
        let Some(place) = self.place(index) else { return };
        let mut from = Some(place.index);
        match towards {
            End::Tail => {
                for chunk in self.chunks.range(place.chunk..) {
                    if walk_chunk(chunk, from.take(), towards, &mut visit).is_break() {
                        return;
                    }
                }
            }
            End::Head => {
                for chunk in self.chunks.range(..=place.chunk).rev() {
                    if walk_chunk(chunk, from.take(), towards, &mut visit).is_break() {
                        return;
                    }
                }
            }
        }
    }

    /// Gives back about so many chunks; whether none is left.
    pub(crate) fn free_some(&mut self, chunks: usize) -> bool {
        self.chunks.truncate(self.chunks.len().saturating_sub(chunks));
        self.chunks.is_empty()
    }

    /// Adds an element at an end.
    #[inline]
    pub fn push(&mut self, end: End, element: &[u8], limits: &Limits) {
        let at_front = end == End::Head;
        let outer = if at_front { self.chunks.front_mut() } else { self.chunks.back_mut() };
        if let Some(chunk) = outer {
            let entry = Encoded::of(element);
            if !limits.is_large(element) && chunk.has_room(entry.len(), 1, limits) {
                let before = chunk.bytes();
                let index = if at_front { 0 } else { chunk.count() };
                chunk.insert(index, &entry, limits);
                self.bytes = self.bytes - before + chunk.bytes();
                self.len += 1;
                return;
            }
        }
        self.push_chunk(at_front, element, limits);
    }

    /// Adds a listpack's elements behind the last, as a chunk of their own unless that would be a
    /// huge one.
    pub(super) fn append_packed(&mut self, lp: &[u8], limits: &Limits) {
        if lp.len() <= MAX_FOREIGN_CHUNK && !listpack::is_empty(lp) {
            return self.add_chunk(self.chunks.len(), Chunk::of(lp));
        }
        let mut digits = [0; larder_codec::integer::MAX_TEXT];
        for entry in listpack::iter(lp) {
            self.push(End::Tail, entry.as_bytes(&mut digits), limits);
        }
    }

    /// Removes `count` elements at an end (all of them, if there are fewer). What fell out as a
    /// whole is returned, to be freed when there is time.
    pub fn remove_at_end(&mut self, end: End, count: usize, limits: &Limits) -> Option<Chunks> {
        let mut left = count.min(self.len);
        let mut fallen: Option<Chunks> = None;
        while left > 0 {
            let at = if end == End::Head { 0 } else { self.chunks.len() - 1 };
            let held = self.chunks[at].count();
            if held > left {
                let index = if end == End::Head { 0 } else { held - left };
                self.change(at, |chunk| chunk.remove(index, left, limits));
                break;
            }
            left -= held;
            let chunk = self.take_chunk(at);
            if left > 0 || fallen.is_some() {
                fallen.get_or_insert_default().add_chunk(0, chunk);
            }
        }
        fallen
    }

    /// Puts an element in the place of the one at `index`; whether there is one.
    pub fn set(&mut self, index: usize, element: &[u8], limits: &Limits) -> bool {
        let Some(place) = self.place(index) else { return false };
        let chunk = &self.chunks[place.chunk];
        let entry = Encoded::of(element);
        let alone = chunk.count() == 1;
        if alone && (limits.is_large(element) || chunk.listpack().is_none()) {
            self.take_chunk(place.chunk);
            let fits = |next: &Chunk| next.has_room(entry.len(), 1, limits);
            if !limits.is_large(element) && self.chunks.get(place.chunk).is_some_and(fits) {
                // A small element in the place of a large one joins the next chunk, as in Redis.
                self.change(place.chunk, |next| next.insert(0, &entry, limits));
            } else {
                self.add_chunk(place.chunk, new_chunk(element, false, limits));
            }
        } else if alone || !limits.is_large(element) && chunk.has_room(entry.len(), 0, limits) {
            // The old entry is still counted: at worst the chunk is cut a little early.
            self.change(place.chunk, |chunk| chunk.replace(place.index, &entry, limits));
        } else {
            self.remove(index, 1, limits);
            self.insert(index, element, limits);
        }
        true
    }

    /// Adds an element before the one at `index`; the length means behind the last.
    pub fn insert(&mut self, index: usize, element: &[u8], limits: &Limits) {
        if index >= self.len {
            return self.push(End::Tail, element, limits);
        }
        let Some(Place { chunk, index }) = self.place(index) else { return };
        let entry = Encoded::of(element);
        let fits =
            |held: &Chunk| !limits.is_large(element) && held.has_room(entry.len(), 1, limits);
        if fits(&self.chunks[chunk]) {
            self.change(chunk, |chunk| chunk.insert(index, &entry, limits));
        } else if index == 0 && chunk > 0 && fits(&self.chunks[chunk - 1]) {
            let end = self.chunks[chunk - 1].count();
            self.change(chunk - 1, |chunk| chunk.insert(end, &entry, limits));
        } else if index == 0 {
            self.add_chunk(chunk, new_chunk(element, chunk == 0, limits));
        } else {
            self.split(chunk, index);
            self.add_chunk(chunk + 1, new_chunk(element, false, limits));
            self.merge(chunk + 1, limits);
            self.merge(chunk, limits);
        }
    }

    /// Removes up to `count` elements from `index` on.
    pub fn remove(&mut self, index: usize, count: usize, limits: &Limits) {
        let mut left = count.min(self.len.saturating_sub(index));
        while left > 0 {
            let Some(place) = self.place(index) else { return };
            let held = self.chunks[place.chunk].count();
            let here = left.min(held - place.index);
            if here == held {
                self.take_chunk(place.chunk);
            } else {
                self.change(place.chunk, |chunk| {
                    chunk.remove(place.index, here, limits);
                    chunk.trim();
                });
            }
            left -= here;
        }
    }

    /// Removes the elements from index `from` up to `to` that are the sought; how many.
    pub(super) fn remove_equal(&mut self, from: usize, to: usize, sought: &Sought<'_>) -> usize {
        let before = self.len;
        let Some(Place { mut chunk, .. }) = self.place(from) else { return 0 };
        let mut first = self.chunks.iter().take(chunk).map(Chunk::count).sum::<usize>();
        let goes_from = |first: usize| {
            let mut next = first;
            move |entry: &Entry<'_>| {
                next += 1;
                (from..=to).contains(&(next - 1)) && sought.is(entry)
            }
        };
        while chunk < self.chunks.len() && first <= to {
            let count = self.chunks[chunk].count();
            let (mut goes, mut going) = (goes_from(first), 0);
            let _ = walk_chunk(&self.chunks[chunk], None, End::Tail, &mut |entry| {
                going += usize::from(goes(&entry));
                ControlFlow::Continue(())
            });
            if going == count {
                self.take_chunk(chunk);
            } else {
                if going > 0 {
                    let mut goes = goes_from(first);
                    self.change(chunk, |chunk| chunk.retain(|entry| !goes(&entry)));
                }
                chunk += 1;
            }
            first += count;
        }
        before - self.len
    }

    /// Length and bytes, counted anew.
    #[cfg(test)]
    pub(super) fn recounted(&self) -> (usize, u64) {
        let own = (self.chunks.capacity() * size_of::<Chunk>() + size_of::<Chunks>()) as u64;
        let bytes = self.chunks.iter().map(Chunk::bytes).sum::<u64>() + own;
        (self.chunks.iter().map(Chunk::count).sum(), bytes)
    }

    #[inline]
    fn place(&self, index: usize) -> Option<Place> {
        if index >= self.len {
            return None;
        }
        if index < self.len / 2 {
            let mut left = index;
            for (chunk, held) in self.chunks.iter().enumerate() {
                if left < held.count() {
                    return Some(Place { chunk, index: left });
                }
                left -= held.count();
            }
        } else {
            let mut left = self.len - 1 - index;
            for (chunk, held) in self.chunks.iter().enumerate().rev() {
                if left < held.count() {
                    return Some(Place { chunk, index: held.count() - 1 - left });
                }
                left -= held.count();
            }
        }
        None
    }

    #[cold]
    fn push_chunk(&mut self, at_front: bool, element: &[u8], limits: &Limits) {
        // The chunk that was at the end is done growing.
        if !self.chunks.is_empty() {
            let outer = if at_front { 0 } else { self.chunks.len() - 1 };
            self.change(outer, Chunk::trim);
        }
        let at = if at_front { 0 } else { self.chunks.len() };
        self.add_chunk(at, new_chunk(element, at_front, limits));
    }

    fn add_chunk(&mut self, at: usize, chunk: Chunk) {
        self.len += chunk.count();
        self.bytes += chunk.bytes();
        self.chunks.insert(at, chunk);
    }

    fn take_chunk(&mut self, at: usize) -> Chunk {
        let chunk = self.chunks.remove(at).expect("a chunk's own place");
        self.len -= chunk.count();
        self.bytes -= chunk.bytes();
        if self.chunks.capacity() > 64 && self.chunks.len() < self.chunks.capacity() / 8 {
            self.chunks.shrink_to(self.chunks.len() * 2);
        }
        chunk
    }

    /// Changes a chunk and keeps the figures.
    #[inline]
    fn change(&mut self, at: usize, change: impl FnOnce(&mut Chunk)) {
        let chunk = &mut self.chunks[at];
        let (bytes, count) = (chunk.bytes(), chunk.count());
        change(chunk);
        self.bytes = self.bytes - bytes + chunk.bytes();
        self.len = self.len - count + chunk.count();
    }

    fn split(&mut self, at: usize, index: usize) {
        let mut rest = None;
        self.change(at, |chunk| rest = Some(chunk.split_off(index)));
        if let Some(rest) = rest {
            self.add_chunk(at + 1, rest);
        }
    }

    /// Joins a chunk with the next one where both fit into one.
    fn merge(&mut self, at: usize, limits: &Limits) {
        if at + 1 >= self.chunks.len() {
            return;
        }
        let next = self.chunks[at + 1].clone();
        let mut joined = false;
        self.change(at, |chunk| joined = chunk.absorb(&next, limits));
        if joined {
            self.take_chunk(at + 1);
        }
    }
}

fn new_chunk(element: &[u8], at_front: bool, limits: &Limits) -> Chunk {
    if limits.is_large(element) {
        Chunk::plain(element)
    } else {
        Chunk::begin(&Encoded::of(element), at_front, limits)
    }
}

/// Visits a chunk's elements towards an end, from the one at `from` or from the other end.
fn walk_chunk<'a>(
    chunk: &'a Chunk,
    from: Option<usize>,
    towards: End,
    visit: &mut impl FnMut(Entry<'a>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    match chunk.listpack() {
        Some(lp) => walk_listpack(lp, from, towards, visit),
        None => visit(Entry::Str(chunk.stored())),
    }
}

/// The same of a listpack.
pub(super) fn walk_listpack<'a>(
    lp: &'a [u8],
    from: Option<usize>,
    towards: End,
    visit: &mut impl FnMut(Entry<'a>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    match (towards, from) {
        (End::Tail, None | Some(0)) => listpack::iter(lp).try_for_each(visit),
        (End::Tail, Some(from)) => match listpack::seek(lp, from as i64) {
            Some(pos) => listpack::iter_from(lp, pos).try_for_each(visit),
            None => ControlFlow::Continue(()),
        },
        (End::Head, None) => listpack::iter(lp).rev().try_for_each(visit),
        (End::Head, Some(from)) => {
            let behind = listpack::len(lp).saturating_sub(from + 1);
            listpack::iter(lp).rev().skip(behind).try_for_each(visit)
        }
    }
}
