//! One chunk of a long list: a listpack with room to grow at either end, or one large element.
//!
//! ```text
//!        start                                     end
//!  slack │ header │ entry │ entry │ … │ entry │ FF │ slack
//! ```
//! The bytes from `start` to `end` are a listpack at any time: what is saved and read is a slice.
//! A change moves the shorter side, so that at the ends it moves the header or the end mark only.
//! The buffer is shared by copies of the list and copied by whoever changes it first: a snapshot
//! or a copy of a list costs its chunks' addresses, and a write after it one chunk.
//! Knows no order of chunks; see [`super::chunks`].

use super::limits::Limits;
use larder_codec::listpack::{self, Encoded, Entry, HEADER};
use std::ops::Range;
use std::sync::Arc;

/// Room of a chunk that begins.
const FIRST_ROOM: usize = 256;

/// What an `Arc` puts before its bytes.
const ARC_BYTES: usize = 16;

/// The listpack of no entries.
const EMPTY: [u8; HEADER + 1] = [HEADER as u8 + 1, 0, 0, 0, 0, 0, 0xff];

/// A chunk.
#[derive(Debug, Clone)]
pub(super) struct Chunk {
    buffer: Arc<[u8]>,
    start: u32,
    end: u32,
    /// Entries; 1 for a large element.
    count: u32,
    plain: bool,
}

/// Where the slack of a buffer lies.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Slack {
    Before,
    Behind,
}

impl Chunk {
    /// A large element on its own.
    pub(super) fn plain(element: &[u8]) -> Self {
        let end = element.len() as u32;
        Chunk { buffer: element.into(), start: 0, end, count: 1, plain: true }
    }

    /// The chunk of a whole listpack.
    pub(super) fn of(lp: &[u8]) -> Self {
        let (end, count) = (lp.len() as u32, listpack::len(lp) as u32);
        Chunk { buffer: lp.into(), start: 0, end, count, plain: false }
    }

    /// A chunk of one entry that will grow at its front or at its back.
    pub(super) fn begin(entry: &Encoded<'_>, at_front: bool, limits: &Limits) -> Self {
        let mut chunk = Chunk::of(&EMPTY);
        let slack = if at_front { Slack::Before } else { Slack::Behind };
        let room = FIRST_ROOM.min(limits.bytes).max(2 * entry.len().min(limits.bytes / 2));
        chunk.reallocate(HEADER..HEADER, entry.len(), room, slack);
        entry.write_over(&mut chunk.stored_mut()[HEADER..HEADER + entry.len()]);
        listpack::restate(chunk.stored_mut(), 1, 0);
        chunk.count = 1;
        chunk
    }

    /// Elements.
    #[inline]
    pub(super) fn count(&self) -> usize {
        self.count as usize
    }

    /// Bytes of memory.
    #[inline]
    pub(super) fn bytes(&self) -> u64 {
        (ARC_BYTES + self.buffer.len()) as u64
    }

    /// The listpack, unless it is one large element.
    #[inline]
    pub(super) fn listpack(&self) -> Option<&[u8]> {
        (!self.plain).then(|| self.stored())
    }

    /// The listpack, or the large element's bytes.
    #[inline]
    pub(super) fn stored(&self) -> &[u8] {
        &self.buffer[self.start as usize..self.end as usize]
    }

    /// Whether `count` more entries of `bytes` in all keep this chunk within its limits.
    #[inline]
    pub(super) fn has_room(&self, bytes: usize, count: usize, limits: &Limits) -> bool {
        !self.plain
            && self.stored().len() + bytes <= limits.bytes
            && self.count() + count <= limits.count
    }

    /// The element at `index`, which is below the count.
    pub(super) fn get(&self, index: usize) -> Option<Entry<'_>> {
        let Some(lp) = self.listpack() else { return Some(Entry::Str(self.stored())) };
        listpack::seek(lp, index as i64).map(|pos| listpack::entry(lp, pos))
    }

    /// Adds an entry before the one at `index` (the count: at the end).
    pub(super) fn insert(&mut self, index: usize, entry: &Encoded<'_>, limits: &Limits) {
        let at = self.offset(index);
        let lp = self.splice(at..at, entry.len(), limits);
        entry.write_over(&mut lp[at..at + entry.len()]);
        listpack::restate(lp, 1, 0);
        self.count += 1;
    }

    /// Puts an entry in the place of the one at `index`.
    pub(super) fn replace(&mut self, index: usize, entry: &Encoded<'_>, limits: &Limits) {
        let cut = self.span(index, 1);
        let at = cut.start;
        let lp = self.splice(cut, entry.len(), limits);
        entry.write_over(&mut lp[at..at + entry.len()]);
        listpack::restate(lp, 0, 0);
    }

    /// Takes out `count` entries from `index` on.
    pub(super) fn remove(&mut self, index: usize, count: usize, limits: &Limits) {
        let cut = self.span(index, count);
        let lp = self.splice(cut, 0, limits);
        listpack::restate(lp, 0, count);
        self.count -= count as u32;
    }

    /// Takes out the entries that `keep` refuses.
    pub(super) fn retain(&mut self, keep: impl FnMut(Entry<'_>) -> bool) {
        let mut lp = self.stored().to_vec();
        listpack::retain(&mut lp, keep);
        *self = Chunk::of(&lp);
    }

    /// Cuts before the entry at `index`; the rest is a chunk of its own.
    pub(super) fn split_off(&mut self, index: usize) -> Chunk {
        let mut lp = self.stored().to_vec();
        let rest = listpack::split_off(&mut lp, index as i64);
        *self = Chunk::of(&lp);
        Chunk::of(&rest)
    }

    /// Adds the entries of the chunk that follows, if both are listpacks within the limits.
    pub(super) fn absorb(&mut self, next: &Chunk, limits: &Limits) -> bool {
        let Some((own, other)) = self.listpack().zip(next.listpack()) else { return false };
        if !self.has_room(other.len() - HEADER - 1, next.count(), limits) {
            return false;
        }
        match listpack::concat(own, other) {
            Ok(both) => *self = Chunk::of(&both),
            Err(_) => return false,
        }
        true
    }

    /// Gives slack back that is worth it: for a chunk that will hardly grow.
    pub(super) fn trim(&mut self) {
        let used = self.stored().len();
        if self.buffer.len() - used > used / 8 {
            (self.start, self.end, self.buffer) = (0, used as u32, self.stored().into());
        }
    }

    #[inline]
    fn offset(&self, index: usize) -> usize {
        super::offset(self.stored(), index)
    }

    #[inline]
    fn span(&self, index: usize, count: usize) -> Range<usize> {
        super::span(self.stored(), index, count)
    }

    /// Puts `gap` bytes in place of the listpack's bytes `cut`; the listpack, to be written.
    fn splice(&mut self, cut: Range<usize>, gap: usize, limits: &Limits) -> &mut [u8] {
        let (start, len) = (self.start as usize, self.stored().len());
        let (head, tail) = (cut.start, len - cut.end);
        let new_len = head + gap + tail;
        let side = if head < tail { Slack::Before } else { Slack::Behind };
        if new_len > self.buffer.len() {
            let room = (2 * new_len).min(limits.bytes).max(new_len);
            self.reallocate(cut, gap, room, side);
            return self.stored_mut();
        }
        let buffer = Arc::make_mut(&mut self.buffer);
        let size = buffer.len();
        let new_start = match side {
            Slack::Before if start + cut.len() >= gap => start + cut.len() - gap,
            Slack::Behind if start + new_len <= size => start,
            // There is room on the other side only: all of it comes over to this one.
            Slack::Before => size - new_len,
            Slack::Behind => 0,
        };
        let move_head = |buffer: &mut [u8]| {
            if new_start != start {
                buffer.copy_within(start..start + head, new_start);
            }
        };
        let move_tail = |buffer: &mut [u8]| {
            let (from, to) = (start + cut.end, new_start + head + gap);
            if from != to {
                buffer.copy_within(from..from + tail, to);
            }
        };
        if side == Slack::Before {
            move_tail(buffer);
            move_head(buffer);
        } else {
            move_head(buffer);
            move_tail(buffer);
        }
        self.start = new_start as u32;
        self.end = (new_start + new_len) as u32;
        &mut buffer[new_start..new_start + new_len]
    }

    /// The same in a new buffer of `room` bytes.
    fn reallocate(&mut self, cut: Range<usize>, gap: usize, room: usize, slack: Slack) {
        let old = self.stored();
        let (head, tail) = (&old[..cut.start], &old[cut.end..]);
        let new_len = head.len() + gap + tail.len();
        let room = room.max(new_len);
        let start = if slack == Slack::Before { room - new_len } else { 0 };
        let mut buffer: Arc<[u8]> = std::iter::repeat_n(0, room).collect();
        let fresh = Arc::make_mut(&mut buffer);
        fresh[start..start + head.len()].copy_from_slice(head);
        fresh[start + head.len() + gap..start + new_len].copy_from_slice(tail);
        (self.start, self.end) = (start as u32, (start + new_len) as u32);
        self.buffer = buffer;
    }

    fn stored_mut(&mut self) -> &mut [u8] {
        &mut Arc::make_mut(&mut self.buffer)[self.start as usize..self.end as usize]
    }
}
