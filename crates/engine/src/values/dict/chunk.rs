//! A chunk: some hundred entries and their index in one buffer.
//!
//! ```text
//! index: slots of 3 bytes │ entries, packed in the order of their coming │ room
//! ```
//! The entries of a chunk share the first `depth` bits of their hashes. A removed or replaced
//! entry leaves its bytes dead; they are reclaimed when the room is used up or a quarter is dead.
//! The buffer grows by an eighth. A chunk that should be split but cannot be counts its places
//! in wider units (`shift`), so that any number of entries fits, if slowly.
//!
//! Copies share the buffer; a change copies it first if it is shared. Knows no other chunk.
//! Next: [`super`].

use super::entry::{NewEntry, Shape, Values, set_number};
use super::index::{self, FILL, Filler, HASH_BITS, MAX_PLACES, Slot};
use super::large::{Boxes, COUNTS};
use super::{Value, minima::NEVER};
use crate::keyspace::KeyHash;
use crate::prefetch::prefetch;
use std::sync::Arc;

/// Bytes of entries above which a chunk is split.
const MAX_DATA: usize = 8000;

/// Entries above which a chunk is split.
const MAX_ENTRIES: usize = 1024;

/// Entries that a chunk holds at most: half of the places, so that wide units leave enough.
pub(super) const MOST_ENTRIES: usize = MAX_PLACES / 2;

/// With this, even [`MOST_ENTRIES`] of the greatest length have a place each.
const MAX_SHIFT: u8 = 11;

/// Dead bytes below this are never worth a new layout.
const MIN_DEAD: usize = 16;

/// Bytes by which a buffer grows at least.
const MIN_ROOM: usize = 16;

/// Allocators hand out multiples of this.
const ROUNDING: usize = 16;

/// Some entries whose hashes begin alike.
#[derive(Debug, Clone)]
pub(super) struct Chunk {
    /// The index, then the entries.
    bytes: Arc<[u8]>,
    boxes: Option<Arc<Boxes>>,
    /// The highest `depth` bits of its entries' hashes.
    pub(super) prefix: u32,
    slots: u32,
    entries: u32,
    /// Bytes after the index that entries take, dead or not.
    used: u32,
    dead: u32,
    pub(super) depth: u8,
    /// Places are counted in units of two to this power.
    shift: u8,
}

impl Chunk {
    /// A chunk without entries and without a buffer.
    pub(super) fn empty(prefix: u32, depth: u8) -> Chunk {
        let bytes = Arc::default();
        Chunk {
            bytes,
            boxes: None,
            prefix,
            slots: 0,
            entries: 0,
            used: 0,
            dead: 0,
            depth,
            shift: 0,
        }
    }

    /// Entries.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.entries as usize
    }

    /// Slots of the index, empty ones included.
    #[inline]
    pub(super) fn slots(&self) -> usize {
        self.slots as usize
    }

    /// Bytes outside of the struct itself.
    #[inline]
    pub(super) fn bytes(&self) -> u64 {
        let buffer = if self.bytes.is_empty() { 0 } else { self.bytes.len() + COUNTS };
        buffer as u64 + self.boxes.as_ref().map_or(0, |boxes| boxes.bytes())
    }

    /// The bits of a hash by which the index is ordered.
    #[inline]
    pub(super) fn bits(&self, hash: u64) -> u32 {
        (hash << self.depth >> (64 - HASH_BITS)) as u32
    }

    /// The slot of a key.
    #[inline]
    pub(super) fn find(&self, hash: u64, key: &[u8], values: Values) -> Option<usize> {
        let (slots, data) = self.parts();
        index::find(slots, self.bits(hash), |place| {
            let bytes = &data[(place as usize) << self.shift..];
            let shape = Shape::of(bytes, values);
            match shape.large {
                None => shape.key(bytes) == key,
                Some(number) => self.boxed(number).0 == key,
            }
        })
    }

    #[inline]
    pub(super) fn warm_index(&self, hash: u64) {
        let slots = self.parts().0;
        if let Some(slot) = slots.get(index::home(self.bits(hash), slots.len())) {
            prefetch(slot);
        }
    }

    #[inline]
    pub(super) fn warm_entry(&self, hash: u64) {
        let (slots, data) = self.parts();
        index::find(slots, self.bits(hash), |place| {
            prefetch(&raw const data[(place as usize) << self.shift]);
            true
        });
    }

    /// The entry of a slot, unless that is empty.
    #[inline]
    pub(super) fn get(&self, slot: usize, values: Values) -> Option<(&[u8], Value<'_>)> {
        let (_, place) = index::get(self.parts().0, slot)?;
        Some(self.entry(place, values))
    }

    /// Visits the entries whose index bits are from `from` up to `to`, exclusive.
    pub(super) fn each_between<'c>(
        &'c self,
        from: u32,
        to: u32,
        values: Values,
        mut visit: impl FnMut(&'c [u8], Value<'c>),
    ) {
        index::each_between(self.parts().0, from, to, |place| {
            let (key, value) = self.entry(place, values);
            visit(key, value);
        });
    }

    /// The earliest deadline of its entries. O(entries)
    pub(super) fn earliest(&self, values: Values) -> u64 {
        let deadlines = self.places().filter_map(|(_, place)| {
            let bytes = self.bytes_from(place);
            Shape::of(bytes, values).deadline_ms(bytes)
        });
        deadlines.min().unwrap_or(NEVER)
    }

    /// Whether an entry of so many bytes can be added as it stands.
    #[inline]
    pub(super) fn has_room(&self, len: usize) -> bool {
        self.len() < index::capacity(self.slots()) && self.has_bytes(len)
    }

    /// Whether an entry of so many bytes makes the chunk worth a split.
    pub(super) fn is_full_for(&self, len: usize) -> bool {
        self.live() + len > MAX_DATA || self.len() >= MAX_ENTRIES
    }

    /// Whether it has so few entries that it could be merged with another.
    pub(super) fn is_sparse(&self) -> bool {
        self.live() <= MAX_DATA / 4 && self.len() <= MAX_ENTRIES / 4
    }

    /// Whether the entries of both make half a chunk at most.
    pub(super) fn fits_with(&self, other: &Chunk) -> bool {
        self.live() + other.live() <= MAX_DATA / 2 && self.len() + other.len() <= MAX_ENTRIES / 2
    }

    /// Makes room for an entry of so many bytes, and for some more. O(entries)
    pub(super) fn reserve(&mut self, len: usize, values: Values) {
        let entries = self.len() + 1;
        let live = self.live() + len;
        let room = (live / 8).max(MIN_ROOM);
        let data = if live <= MAX_DATA { (live + room).min(MAX_DATA) } else { live + room };
        self.rebuild(entries + entries / 8, data, values);
    }

    /// Adds an entry whose key is not there. There must be room.
    pub(super) fn add(&mut self, hash: u64, new: &NewEntry<'_>, values: Values) {
        let bits = self.bits(hash);
        self.append(new, values, |slots, place| index::insert(slots, bits, place));
        self.entries += 1;
    }

    /// Puts an entry of the same key in the place of the one at `slot`. There must be room.
    pub(super) fn replace(&mut self, slot: usize, new: &NewEntry<'_>, values: Values) {
        self.bury(slot, values);
        self.append(new, values, |slots, place| index::set_place(slots, slot, place));
    }

    /// Removes the entry at `slot`.
    pub(super) fn remove(&mut self, slot: usize, values: Values) {
        self.bury(slot, values);
        index::remove(self.parts_mut().0, slot);
        self.entries -= 1;
        if self.entries == 0 {
            *self = Chunk::empty(self.prefix, self.depth);
        } else if self.dead as usize >= (self.data_len() / 4).max(MIN_DEAD) {
            let live = self.live();
            self.rebuild(self.len() + self.len() / 8, live + (live / 8).max(MIN_ROOM), values);
        }
    }

    /// Copies the boxes if they are shared with other chunks, as any change of one does.
    pub(super) fn unshare_boxes(&mut self) {
        if let Some(boxes) = &mut self.boxes {
            Arc::make_mut(boxes);
        }
    }

    /// Whether it has boxes.
    #[inline]
    pub(super) fn has_boxes(&self) -> bool {
        self.boxes.is_some()
    }

    /// The value at `slot`, to be overwritten.
    pub(super) fn value_mut(&mut self, slot: usize, values: Values) -> &mut [u8] {
        let Some((_, place)) = index::get(self.parts().0, slot) else { return &mut [] };
        let bytes = self.bytes_from(place);
        let shape = Shape::of(bytes, values);
        if let Some(number) = shape.large {
            return match &mut self.boxes {
                Some(boxes) => Arc::make_mut(boxes).value_mut(number),
                None => &mut [],
            };
        }
        let at = (place as usize) << self.shift;
        let range = shape.value();
        &mut self.parts_mut().1[at + range.start..at + range.end]
    }

    /// Overwrites the deadline of the entry at `slot`; `false` if it has no room for one.
    pub(super) fn overwrite_deadline(
        &mut self,
        slot: usize,
        deadline_ms: u64,
        values: Values,
    ) -> bool {
        let Some((_, place)) = index::get(self.parts().0, slot) else { return false };
        let shape = Shape::of(self.bytes_from(place), values);
        if shape.has_deadline {
            let at = (place as usize) << self.shift;
            shape.overwrite_deadline(&mut self.parts_mut().1[at..], deadline_ms);
        }
        shape.has_deadline
    }

    /// The two halves, by the next bit of the hashes. O(entries)
    pub(super) fn split(&self, hash: &KeyHash, values: Values) -> [Chunk; 2] {
        let half_of = |bits: u32| (bits >> (HASH_BITS - 1)) as usize;
        let mut sizes = [(0, 0); 2];
        for (bits, place) in self.places() {
            let (entries, bytes) = &mut sizes[half_of(bits)];
            *entries += 1;
            *bytes += Shape::of(self.bytes_from(place), values).len();
        }
        let mut halves = [0, 1].map(|half| {
            let (entries, bytes) = sizes[half];
            let chunk = Chunk::empty(self.prefix << 1 | half as u32, self.depth + 1);
            Builder::new(chunk, entries + entries / 8, bytes + bytes / 8)
        });
        for (bits, place) in self.places() {
            let half = &mut halves[half_of(bits)];
            let bits = half.chunk.bits(hash.of(self.entry(place, values).0));
            half.take_in(self, place, bits, values);
        }
        halves.map(Builder::finish)
    }

    /// The chunk of which both are the halves; this one is the lower. O(entries)
    pub(super) fn merged(&self, upper: &Chunk, values: Values) -> Chunk {
        let entries = self.len() + upper.len();
        let bytes = self.live() + upper.live();
        let chunk = Chunk::empty(self.prefix >> 1, self.depth - 1);
        let mut whole = Builder::new(chunk, entries + entries / 8, bytes + bytes / 8);
        for (half, chunk) in [self, upper].into_iter().enumerate() {
            for (bits, place) in chunk.places() {
                let bits = (half as u32) << (HASH_BITS - 1) | bits >> 1;
                whole.take_in(chunk, place, bits, values);
            }
        }
        whole.finish()
    }

    fn live(&self) -> usize {
        (self.used - self.dead) as usize
    }

    fn data_len(&self) -> usize {
        self.bytes.len() - self.slots() * size_of::<Slot>()
    }

    #[inline]
    fn has_bytes(&self, len: usize) -> bool {
        let start = self.next_start();
        start + len <= self.data_len() && start >> self.shift < MAX_PLACES
    }

    /// Where the next entry begins.
    #[inline]
    fn next_start(&self) -> usize {
        (self.used as usize).next_multiple_of(1 << self.shift)
    }

    #[inline]
    fn parts(&self) -> (&[Slot], &[u8]) {
        let (index, data) = self.bytes.split_at(self.slots as usize * size_of::<Slot>());
        (index.as_chunks().0, data)
    }

    #[inline]
    fn parts_mut(&mut self) -> (&mut [Slot], &mut [u8]) {
        let bytes = Arc::make_mut(&mut self.bytes);
        let (index, data) = bytes.split_at_mut(self.slots as usize * size_of::<Slot>());
        (index.as_chunks_mut().0, data)
    }

    fn bytes_from(&self, place: u32) -> &[u8] {
        &self.parts().1[(place as usize) << self.shift..]
    }

    /// Index bits and places of all entries, in the order of their hashes but for neighbours.
    fn places(&self) -> impl Iterator<Item = (u32, u32)> {
        let slots = self.parts().0;
        let first = index::first(slots);
        (first..slots.len()).chain(0..first).filter_map(|slot| index::get(slots, slot))
    }

    #[inline]
    fn entry(&self, place: u32, values: Values) -> (&[u8], Value<'_>) {
        let bytes = self.bytes_from(place);
        let shape = Shape::of(bytes, values);
        let deadline_ms = shape.deadline_ms(bytes);
        let (key, value) = match shape.large {
            None => (shape.key(bytes), &bytes[shape.value()]),
            Some(number) => self.boxed(number),
        };
        (key, Value { value, deadline_ms })
    }

    fn boxed(&self, number: u32) -> (&[u8], &[u8]) {
        self.boxes.as_ref().map_or((&[], &[]), |boxes| boxes.get(number))
    }

    fn boxes_mut(&mut self) -> &mut Boxes {
        Arc::make_mut(self.boxes.get_or_insert_default())
    }

    /// Writes an entry behind the others, and its place into the index.
    fn append(&mut self, new: &NewEntry<'_>, values: Values, enter: impl FnOnce(&mut [Slot], u32)) {
        let number = if new.is_large() { self.boxes_mut().put(new.key, new.value) } else { 0 };
        let (start, len) = (self.next_start(), new.len(values));
        let place = (start >> self.shift) as u32;
        let (slots, data) = self.parts_mut();
        new.write(&mut data[start..start + len], values, number);
        enter(slots, place);
        self.dead += start as u32 - self.used;
        self.used = (start + len) as u32;
    }

    /// Gives up the bytes and the box of the entry at `slot`, which still names it.
    fn bury(&mut self, slot: usize, values: Values) {
        let Some((_, place)) = index::get(self.parts().0, slot) else { return };
        let shape = Shape::of(self.bytes_from(place), values);
        self.dead += shape.len() as u32;
        if let Some(number) = shape.large {
            let boxes = self.boxes_mut();
            boxes.remove(number);
            if boxes.is_empty() {
                self.boxes = None;
            }
        }
    }

    /// Lays the chunk out anew in a buffer for so many entries of so many bytes.
    fn rebuild(&mut self, entries: usize, bytes: usize, values: Values) {
        let chunk = Chunk::empty(self.prefix, self.depth);
        let mut fresh = Builder::new(chunk, entries, bytes);
        fresh.chunk.boxes = self.boxes.take();
        if self.dead == 0 && self.shift == fresh.chunk.shift {
            let used = self.used as usize;
            let data = self.parts().1;
            let (slots, fresh_data) = fresh.parts_mut();
            fresh_data[..used].copy_from_slice(&data[..used]);
            let mut filler = Filler::default();
            self.places().for_each(|(bits, place)| filler.push(slots, bits, place));
            (fresh.chunk.used, fresh.chunk.entries) = (self.used, self.entries);
        } else {
            for (bits, place) in self.places() {
                fresh.copy_in(self, place, bits, values);
            }
        }
        *self = fresh.finish();
    }
}

/// A chunk under construction, whose buffer nobody shares yet.
struct Builder {
    /// Without its buffer.
    chunk: Chunk,
    bytes: Vec<u8>,
    filler: Filler,
}

impl Builder {
    /// A buffer for so many entries of so many bytes.
    fn new(mut chunk: Chunk, entries: usize, bytes: usize) -> Builder {
        if entries == 0 {
            return Builder { chunk, bytes: Vec::new(), filler: Filler::default() };
        }
        let slots = index::slots_for(entries);
        let mut data = bytes;
        while data >> chunk.shift > MAX_PLACES && chunk.shift < MAX_SHIFT {
            chunk.shift += 1;
            data = bytes + (entries << chunk.shift);
        }
        let len = (slots * size_of::<Slot>() + data).next_multiple_of(ROUNDING);
        chunk.slots = slots as u32;
        Builder { chunk, bytes: vec![FILL; len], filler: Filler::default() }
    }

    fn finish(self) -> Chunk {
        Chunk { bytes: self.bytes.into(), ..self.chunk }
    }

    fn parts_mut(&mut self) -> (&mut [Slot], &mut [u8]) {
        let (index, data) = self.bytes.split_at_mut(self.chunk.slots() * size_of::<Slot>());
        (index.as_chunks_mut().0, data)
    }

    /// Copies another chunk's entry, its box included.
    fn take_in(&mut self, from: &Chunk, place: u32, bits: u32, values: Values) {
        let start = self.copy_in(from, place, bits, values);
        let number = Shape::of(from.bytes_from(place), values).large;
        if let (Some(number), Some(boxes)) = (number, &from.boxes) {
            let number = self.chunk.boxes_mut().put_shared(boxes.shared(number));
            set_number(&mut self.parts_mut().1[start..], number);
        }
    }

    /// Copies the bytes of another chunk's entry; where they begin.
    #[inline]
    fn copy_in(&mut self, from: &Chunk, place: u32, bits: u32, values: Values) -> usize {
        let entry = from.bytes_from(place);
        let len = Shape::of(entry, values).len();
        let start = self.chunk.next_start();
        let (index, data) = self.bytes.split_at_mut(self.chunk.slots() * size_of::<Slot>());
        data[start..start + len].copy_from_slice(&entry[..len]);
        let place = (start >> self.chunk.shift) as u32;
        self.filler.push(index.as_chunks_mut().0, bits, place);
        self.chunk.dead += start as u32 - self.chunk.used;
        self.chunk.used = (start + len) as u32;
        self.chunk.entries += 1;
        start
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A chunk that nobody splits takes any number of entries.
    #[test]
    fn a_chunk_that_cannot_be_split_goes_on_in_wider_units() {
        let hash = KeyHash::new(1);
        let values = Values::Varied;
        let mut chunk = Chunk::empty(0, 0);
        let key = |n: u32| format!("{n:0width$}", width = 1 + n as usize % 60).into_bytes();
        for n in 0..MOST_ENTRIES as u32 {
            let key = key(n);
            let new = NewEntry { key: &key, value: b"v", deadline_ms: None };
            if !chunk.has_room(new.len(values)) {
                chunk.reserve(new.len(values), values);
            }
            chunk.add(hash.of(&key), &new, values);
        }
        assert!(chunk.shift > 0);
        for n in 0..MOST_ENTRIES as u32 {
            let key = key(n);
            let slot = chunk.find(hash.of(&key), &key, values).expect("it was added");
            assert_eq!(chunk.get(slot, values).map(|(found, _)| found), Some(key.as_slice()));
        }
        for half in chunk.split(&hash, values) {
            assert_eq!(half.places().count(), half.len());
            assert!(half.len() > MOST_ENTRIES / 3);
        }
    }
}
