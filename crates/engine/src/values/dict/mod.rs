//! A hash table in chunks: members of sets, fields of hashes, scores of sorted sets.
//!
//! Extendible hashing. A directory of `2^depth` numbers, indexed by the first bits of a hash,
//! names the chunk that holds it; a [`chunk`] packs some hundred entries with their own small
//! index into one buffer. A full chunk is split by the next bit of its hashes, the directory
//! doubles when that is one bit more than it has; two halves that have become sparse are merged.
//!
//! * **Copies** share the chunks: a clone costs O(chunks), a change afterwards copies the chunk it
//!   touches.
//! * **Scans** go in the order of hashes, and splitting and merging only cut or join intervals of
//!   that order: what stays is met at least once. The cursor is the position with its bits
//!   reversed, so that it is a small number.
//! * **Deadlines** of entries are the caller's to obey: an entry that is due is still here until
//!   [`Dict::take_due`] takes it, which finds it by a tournament over the chunks ([`minima`]).
//!
//! Memory: about six bytes an entry over its own, and those of its deadline. Safe code only.
//! Knows no keyspace but its hash function, and no command.

mod chunk;
mod entry;
mod index;
mod large;
mod minima;
#[cfg(test)]
mod tests;

use crate::keyspace::KeyHash;
use chunk::{Chunk, MOST_ENTRIES};
use entry::{NewEntry, Values};
use minima::{Minima, NEVER};

/// Bits of the directory's index at most.
const MAX_DEPTH: u8 = 28;

/// The directory doubles only as long as it has no more than so many numbers a chunk.
const MAX_SPREAD: usize = 16;

/// Entries that a step of a scan visits, about.
const SCANNED_AT_ONCE: usize = 8;

/// Draws of a random entry before entries are counted instead.
const RANDOM_TRIES: u32 = 256;

/// What a key holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Value<'a> {
    /// The value's bytes; none in a table of keys only.
    pub value: &'a [u8],
    /// When the entry is due, in Unix milliseconds.
    pub deadline_ms: Option<u64>,
}

/// A hash table in chunks.
#[derive(Clone)]
pub struct Dict {
    hash: KeyHash,
    /// Numbers of chunks by the first `depth` bits of a hash; empty while that is 0.
    directory: Vec<u32>,
    chunks: Vec<Chunk>,
    minima: Minima,
    len: usize,
    /// Bytes that the chunks take outside of `chunks`.
    chunk_bytes: u64,
    /// Chunks of the directory's depth.
    deepest: u32,
    /// No chunk has an index of more slots.
    widest: u32,
    values: Values,
    depth: u8,
    max_depth: u8,
}

impl Dict {
    /// An empty table for values of any length whose keys hash with `hash`.
    pub fn new(hash: KeyHash) -> Dict {
        Dict::of(hash, Values::Varied)
    }

    /// An empty table of keys only: all values are empty.
    pub fn of_keys(hash: KeyHash) -> Dict {
        Dict::of(hash, Values::Fixed(0))
    }

    /// An empty table whose values all have `width` bytes.
    pub fn of_width(hash: KeyHash, width: u8) -> Dict {
        Dict::of(hash, Values::Fixed(width))
    }

    fn of(hash: KeyHash, values: Values) -> Dict {
        Dict {
            hash,
            directory: Vec::new(),
            chunks: vec![Chunk::empty(0, 0)],
            minima: Minima::default(),
            len: 0,
            chunk_bytes: 0,
            deepest: 1,
            widest: 0,
            values,
            depth: 0,
            max_depth: MAX_DEPTH,
        }
    }

    /// Entries.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Tells whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How its keys hash.
    pub fn hash(&self) -> KeyHash {
        self.hash
    }

    /// Bytes that the table takes, room for the next entries included; chunks that are shared
    /// with copies count as its own. O(1).
    #[inline]
    pub fn bytes(&self) -> u64 {
        let own = size_of::<Self>()
            + self.chunks.capacity() * size_of::<Chunk>()
            + self.directory.capacity() * size_of::<u32>();
        own as u64 + self.chunk_bytes + self.minima.bytes()
    }

    /// What `key` holds.
    #[inline]
    pub fn get(&self, key: &[u8]) -> Option<Value<'_>> {
        Some(self.get_entry(key)?.1)
    }

    /// The table's own copy of `key` and what it holds.
    pub fn get_entry(&self, key: &[u8]) -> Option<(&[u8], Value<'_>)> {
        let hash = self.hash.of(key);
        let chunk = &self.chunks[self.chunk_of(hash)];
        chunk.get(chunk.find(hash, key, self.values)?, self.values)
    }

    /// Tells whether `key` is there.
    #[inline]
    pub fn contains(&self, key: &[u8]) -> bool {
        let hash = self.hash.of(key);
        self.chunks[self.chunk_of(hash)].find(hash, key, self.values).is_some()
    }

    /// Warms the cache for the index where a key of this hash will be looked for.
    #[inline]
    pub(crate) fn warm_index(&self, hash: u64) {
        self.chunks[self.chunk_of(hash)].warm_index(hash);
    }

    /// Warms the cache for the entry that a hash most likely leads to; its index should be warm.
    #[inline]
    pub(crate) fn warm_entry(&self, hash: u64) {
        self.chunks[self.chunk_of(hash)].warm_entry(hash);
    }

    /// Sets what `key` holds, without a deadline; `true` when it was not there.
    ///
    /// # Panics
    /// When the value's length is not the table's width; so do the two below.
    pub fn insert(&mut self, key: &[u8], value: &[u8]) -> bool {
        self.put(key, value, |_| None)
    }

    /// The same, and an old deadline is kept.
    pub fn insert_keeping_deadline(&mut self, key: &[u8], value: &[u8]) -> bool {
        self.put(key, value, |old| old)
    }

    /// The same with a deadline.
    pub fn insert_until(&mut self, key: &[u8], value: &[u8], deadline_ms: Option<u64>) -> bool {
        self.put(key, value, |_| deadline_ms)
    }

    /// The value of `key`, to be overwritten with another of the same length.
    pub fn value_mut(&mut self, key: &[u8]) -> Option<&mut [u8]> {
        let hash = self.hash.of(key);
        let at = self.chunk_of(hash);
        let slot = self.chunks[at].find(hash, key, self.values)?;
        Some(self.value_at(at, slot))
    }

    /// Sets or removes the deadline of `key`; `false` when it is not there.
    pub fn set_deadline(&mut self, key: &[u8], deadline_ms: Option<u64>) -> bool {
        let hash = self.hash.of(key);
        let at = self.chunk_of(hash);
        let Some(slot) = self.chunks[at].find(hash, key, self.values) else { return false };
        let Some((_, old)) = self.chunks[at].get(slot, self.values) else { return false };
        let before = old.deadline_ms;
        if before == deadline_ms {
            return true;
        }
        if let (Some(_), Some(after)) = (before, deadline_ms) {
            self.chunks[at].overwrite_deadline(slot, after, self.values);
            self.note_deadline(at, before, deadline_ms);
            return true;
        }
        let value = old.value.to_vec();
        self.replace(hash, &NewEntry { key, value: &value, deadline_ms }, before);
        true
    }

    /// Removes `key`; `false` when it was not there.
    pub fn remove(&mut self, key: &[u8]) -> bool {
        let hash = self.hash.of(key);
        let at = self.chunk_of(hash);
        let values = self.values;
        let Some(slot) = self.chunks[at].find(hash, key, values) else { return false };
        let deadline_ms =
            self.chunks[at].get(slot, values).and_then(|(_, value)| value.deadline_ms);
        self.change(at, |chunk| chunk.remove(slot, values));
        self.len -= 1;
        self.note_deadline(at, deadline_ms, None);
        self.merge_if_sparse(at);
        true
    }

    /// Visits some entries, about eight; returns the next cursor, 0 after the last. What stays in
    /// the table from cursor 0 to cursor 0 is met at least once, whatever else comes and goes.
    pub fn scan<'a>(&'a self, cursor: u64, visit: impl FnMut(&'a [u8], Value<'a>)) -> u64 {
        let position = cursor.reverse_bits();
        let chunk = &self.chunks[self.chunk_of(position)];
        let steps = (chunk.len() / SCANNED_AT_ONCE).next_power_of_two();
        let step = (1u32 << index::HASH_BITS) / (steps as u32).min(1 << index::HASH_BITS);
        let from = chunk.bits(position);
        let to = (from / step + 1) * step;
        chunk.each_between(from, to, self.values, visit);
        let unit = 64 - index::HASH_BITS - u32::from(chunk.depth);
        let start = u64::from(chunk.prefix).checked_shl(64 - u32::from(chunk.depth)).unwrap_or(0);
        // Beyond the last position is 0 again.
        start.wrapping_add(u64::from(to) << unit).reverse_bits()
    }

    /// Every entry once, in no order.
    pub fn iter(&self) -> Iter<'_> {
        Iter { dict: self, chunk: 0, slot: 0, left: self.len }
    }

    /// One entry, each with the same chance. `pick` yields numbers below its argument.
    pub fn random(&self, mut pick: impl FnMut(u64) -> u64) -> Option<(&[u8], Value<'_>)> {
        if self.len == 0 {
            return None;
        }
        let widest = if let [only] = &*self.chunks { only.slots() } else { self.widest as usize };
        for _ in 0..RANDOM_TRIES {
            let drawn = pick((self.chunks.len() * widest) as u64) as usize;
            let (chunk, slot) = (&self.chunks[drawn / widest], drawn % widest);
            if slot < chunk.slots()
                && let Some(entry) = chunk.get(slot, self.values)
            {
                return Some(entry);
            }
        }
        let mut left = pick(self.len as u64) as usize;
        for chunk in &self.chunks {
            if left < chunk.len() {
                return entries_of(chunk, self.values).nth(left);
            }
            left -= chunk.len();
        }
        None
    }

    /// The earliest deadline, in Unix milliseconds. O(1).
    #[inline]
    pub fn next_deadline_ms(&self) -> Option<u64> {
        Some(self.minima.earliest()).filter(|&earliest_ms| earliest_ms != NEVER)
    }

    /// How many entries are due at `now_ms`. O(entries of the chunks in which some are)
    pub fn count_due(&self, now_ms: u64) -> usize {
        let mut due = 0;
        self.minima.each_due(now_ms, |at| {
            due += self.due_in(at, now_ms).count();
            true
        });
        due
    }

    /// Takes up to `budget` entries out that are due at `now_ms`; their keys.
    pub fn take_due(&mut self, now_ms: u64, budget: usize) -> Vec<Vec<u8>> {
        let mut taken: Vec<Vec<u8>> = Vec::new();
        while taken.len() < budget && self.minima.earliest() <= now_ms {
            let mut first = None;
            self.minima.each_due(now_ms, |at| {
                first = Some(at);
                false
            });
            let Some(at) = first else { break };
            let keys: Vec<Vec<u8>> =
                self.due_in(at, now_ms).take(budget - taken.len()).map(<[u8]>::to_vec).collect();
            self.remove_from(at, &keys);
            taken.extend(keys);
        }
        taken
    }

    /// Frees about `budget` entries, to spread the end of a great table over several steps;
    /// whether it is done. The table is good for nothing else from then on.
    pub fn free_some(&mut self, budget: usize) -> bool {
        (self.directory, self.depth, self.minima) = (Vec::new(), 0, Minima::default());
        let mut freed = 0;
        while freed < budget
            && let Some(chunk) = self.chunks.pop()
        {
            freed += chunk.len().max(1);
            self.chunk_bytes -= chunk.bytes();
        }
        let done = self.chunks.is_empty();
        if done {
            *self = Dict::of(self.hash, self.values);
        }
        done
    }

    #[inline]
    fn chunk_of(&self, hash: u64) -> usize {
        if self.depth == 0 {
            return 0;
        }
        self.directory[(hash >> (64 - self.depth)) as usize] as usize
    }

    fn put(
        &mut self,
        key: &[u8],
        value: &[u8],
        deadline_ms: impl FnOnce(Option<u64>) -> Option<u64>,
    ) -> bool {
        assert!(self.fits(value), "a value of another width than the table's");
        let hash = self.hash.of(key);
        let at = self.chunk_of(hash);
        let values = self.values;
        if let Some(slot) = self.chunks[at].find(hash, key, values) {
            let Some((_, old)) = self.chunks[at].get(slot, values) else { return false };
            let before = old.deadline_ms;
            let deadline_ms = deadline_ms(before);
            if before == deadline_ms && old.value == value {
            } else if before == deadline_ms && old.value.len() == value.len() {
                self.value_at(at, slot).copy_from_slice(value);
            } else {
                self.replace(hash, &NewEntry { key, value, deadline_ms }, before);
            }
            return false;
        }
        let new = NewEntry { key, value, deadline_ms: deadline_ms(None) };
        let (at, hash) = self.make_room(key, hash, new.len(values));
        self.change(at, |chunk| chunk.add(hash, &new, values));
        self.len += 1;
        self.note_deadline(at, None, new.deadline_ms);
        true
    }

    fn fits(&self, value: &[u8]) -> bool {
        match self.values {
            Values::Fixed(width) => usize::from(width) == value.len(),
            Values::Varied => true,
        }
    }

    /// Puts an entry of another length in the place of the one that its key has.
    fn replace(&mut self, hash: u64, new: &NewEntry<'_>, before: Option<u64>) {
        let values = self.values;
        let (at, hash) = self.make_room(new.key, hash, new.len(values));
        let Some(slot) = self.chunks[at].find(hash, new.key, values) else { return };
        self.change(at, |chunk| chunk.replace(slot, new, values));
        self.note_deadline(at, before, new.deadline_ms);
    }

    /// The chunk of a key, with room for an entry of so many bytes; and the key's hash.
    fn make_room(&mut self, key: &[u8], mut hash: u64, len: usize) -> (usize, u64) {
        loop {
            let at = self.chunk_of(hash);
            let chunk = &self.chunks[at];
            if chunk.has_room(len) {
                return (at, hash);
            }
            if chunk.is_full_for(len) && self.split(at) {
                continue;
            }
            let (values, crammed) = (self.values, self.chunks[at].len() >= MOST_ENTRIES);
            if !crammed {
                self.change(at, |chunk| chunk.reserve(len, values));
                return (at, hash);
            }
            self.rekey();
            hash = self.hash.of(key);
        }
    }

    fn change<R>(&mut self, at: usize, change: impl FnOnce(&mut Chunk) -> R) -> R {
        let chunk = &mut self.chunks[at];
        let before = chunk.bytes();
        let result = change(chunk);
        self.chunk_bytes = self.chunk_bytes - before + chunk.bytes();
        self.widest = self.widest.max(chunk.slots() as u32);
        result
    }

    fn value_at(&mut self, at: usize, slot: usize) -> &mut [u8] {
        if self.chunks[at].has_boxes() {
            self.change(at, Chunk::unshare_boxes);
        }
        self.chunks[at].value_mut(slot, self.values)
    }

    /// Splits a chunk, unless the directory must not grow for that.
    fn split(&mut self, at: usize) -> bool {
        let depth = self.chunks[at].depth;
        if depth == self.depth {
            let crowded = self.directory.len() <= MAX_SPREAD * self.chunks.len()
                || self.chunks[at].len() >= MOST_ENTRIES;
            if depth >= self.max_depth || !crowded {
                return false;
            }
            self.double_directory();
        }
        let [lower, upper] = self.chunks[at].split(&self.hash, self.values);
        if depth + 1 == self.depth {
            self.deepest += 2;
        }
        let other = self.chunks.len();
        if self.chunks.capacity() == other {
            self.chunks.reserve_exact(1 + other / 8);
        }
        self.chunk_bytes += upper.bytes();
        self.widest = self.widest.max(upper.slots() as u32);
        self.chunks.push(upper);
        self.change(at, |chunk| *chunk = lower);
        self.enter(other);
        if self.minima.is_used() {
            self.refresh_minimum(at);
            self.refresh_minimum(other);
        }
        true
    }

    /// Builds the table anew with another hash: somebody who knows the hash has chosen thousands of
    /// keys that begin alike in all bits of the directory. O(entries)
    fn rekey(&mut self) {
        let [high, low] = [b"high", b"low."].map(|half| u128::from(self.hash.of(half)));
        let mut fresh = Dict::of(KeyHash::new(high << 64 | low), self.values);
        for (key, held) in self.iter() {
            fresh.insert_until(key, held.value, held.deadline_ms);
        }
        *self = fresh;
    }

    /// Merges a chunk with its other half as long as both are sparse.
    fn merge_if_sparse(&mut self, mut at: usize) {
        while let Some(buddy) = self.buddy_to_merge(at) {
            let lower_first = self.chunks[at].prefix & 1 == 0;
            let (lower, upper) = if lower_first { (at, buddy) } else { (buddy, at) };
            let merged = self.chunks[lower].merged(&self.chunks[upper], self.values);
            if merged.depth + 1 == self.depth {
                self.deepest -= 2;
            }
            self.change(lower, |chunk| *chunk = merged);
            self.enter(lower);
            at = self.drop_chunk(upper, lower);
            if self.minima.is_used() {
                self.refresh_minimum(at);
            }
            self.halve_directory();
        }
    }

    fn buddy_to_merge(&self, at: usize) -> Option<usize> {
        let chunk = &self.chunks[at];
        if chunk.depth == 0 || !chunk.is_sparse() {
            return None;
        }
        let first = ((chunk.prefix ^ 1) as usize) << (self.depth - chunk.depth);
        let buddy = self.directory[first] as usize;
        let other = &self.chunks[buddy];
        (other.depth == chunk.depth && chunk.fits_with(other)).then_some(buddy)
    }

    /// Drops a chunk that the directory names no more; where `follow` is afterwards.
    fn drop_chunk(&mut self, at: usize, follow: usize) -> usize {
        self.chunk_bytes -= self.chunks[at].bytes();
        self.chunks.swap_remove(at);
        let moved = self.chunks.len();
        if self.minima.is_used() {
            self.minima.set(moved, NEVER);
        }
        if at < moved {
            self.enter(at);
            if self.minima.is_used() {
                self.refresh_minimum(at);
            }
        }
        if self.chunks.len() * 2 < self.chunks.capacity() {
            self.chunks.shrink_to(self.chunks.len() + self.chunks.len() / 8);
        }
        if follow == moved { at } else { follow }
    }

    /// Lets the directory name a chunk for all hashes that are its own.
    fn enter(&mut self, at: usize) {
        let Chunk { prefix, depth, .. } = self.chunks[at];
        let width = 1usize << (self.depth - depth);
        let first = prefix as usize * width;
        if let Some(places) = self.directory.get_mut(first..first + width) {
            places.fill(at as u32);
        }
    }

    fn double_directory(&mut self) {
        let mut doubled = Vec::with_capacity((self.directory.len() * 2).max(2));
        match &*self.directory {
            [] => doubled.extend([0, 0]),
            old => old.iter().for_each(|&at| doubled.extend([at, at])),
        }
        self.directory = doubled;
        self.depth += 1;
        self.deepest = 0;
    }

    /// Halves the directory as long as no chunk has its depth.
    fn halve_directory(&mut self) {
        while self.deepest == 0 && self.depth > 0 {
            self.depth -= 1;
            let halved = self.directory.iter().step_by(2).copied();
            self.directory = if self.depth == 0 { Vec::new() } else { halved.collect() };
            let deepest = self.chunks.iter().filter(|chunk| chunk.depth == self.depth);
            self.deepest = deepest.count() as u32;
        }
        if let [only] = &*self.chunks {
            self.widest = only.slots() as u32;
        }
    }

    fn note_deadline(&mut self, at: usize, before: Option<u64>, after: Option<u64>) {
        if before == after {
            return;
        }
        let earliest = self.minima.of(at);
        if after.is_some_and(|after| after <= earliest) {
            self.minima.set(at, after.unwrap_or(NEVER));
        } else if before == Some(earliest) {
            self.refresh_minimum(at);
        }
    }

    fn refresh_minimum(&mut self, at: usize) {
        self.minima.set(at, self.chunks[at].earliest(self.values));
    }

    fn due_in(&self, at: usize, now_ms: u64) -> impl Iterator<Item = &[u8]> {
        let is_due = move |value: Value<'_>| value.deadline_ms.is_some_and(|at_ms| at_ms <= now_ms);
        let entries = entries_of(&self.chunks[at], self.values);
        entries.filter(move |(_, value)| is_due(*value)).map(|(key, _)| key)
    }

    /// Removes keys of one chunk.
    fn remove_from(&mut self, at: usize, keys: &[Vec<u8>]) {
        let (hash, values) = (self.hash, self.values);
        let removed = self.change(at, |chunk| {
            let before = chunk.len();
            for key in keys {
                if let Some(slot) = chunk.find(hash.of(key), key, values) {
                    chunk.remove(slot, values);
                }
            }
            before - chunk.len()
        });
        self.len -= removed;
        self.refresh_minimum(at);
        self.merge_if_sparse(at);
    }
}

impl std::fmt::Debug for Dict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dict").field("len", &self.len).finish_non_exhaustive()
    }
}

/// Entries of a table; see [`Dict::iter`].
#[derive(Debug, Clone)]
pub struct Iter<'a> {
    dict: &'a Dict,
    chunk: usize,
    slot: usize,
    left: usize,
}

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a [u8], Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        while let Some(chunk) = self.dict.chunks.get(self.chunk) {
            while self.slot < chunk.slots() {
                self.slot += 1;
                if let Some(entry) = chunk.get(self.slot - 1, self.dict.values) {
                    self.left -= 1;
                    return Some(entry);
                }
            }
            (self.chunk, self.slot) = (self.chunk + 1, 0);
        }
        None
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Iter<'_> {}

fn entries_of(chunk: &Chunk, values: Values) -> impl Iterator<Item = (&[u8], Value<'_>)> {
    (0..chunk.slots()).filter_map(move |slot| chunk.get(slot, values))
}
