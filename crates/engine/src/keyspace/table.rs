//! The hash table: cache-line buckets of one-byte tags and 32-bit offsets, grown by linear
//! hashing.
//!
//! ```text
//! bucket, 64 bytes:  tag × 12 │ offset × 12 (4 bytes each) │ overflow link, 4 bytes
//! ```
//! A table has `2^level + split` home buckets. The low `level` bits of a hash name its bucket,
//! or one bit more when that bucket was split in this round: seen as a binary tree over the hash's
//! low bits, each bucket is a leaf. An item lives in its home bucket or in that bucket's overflow
//! chain, nowhere else. One insertion splits at most one bucket: growth has no pauses and never
//! holds two tables. (Litwin, "Linear hashing", 1980.)
//!
//! **Scan.** A cursor is a position in the order of bit-reversed hashes, where each leaf is one
//! interval, so that growing and shrinking between two calls only cut or join intervals: what
//! stays in the table during a whole scan is met at least once. Zero begins and ends.
//!
//! The table holds offsets; whose they are, how they hash and compare, its callers say.
#![allow(unsafe_code)]

use super::arena::Offset;
use super::segments::Segments;

const SLOTS: usize = 12;

/// Mean fill of the home buckets above which one is split, in slots.
const SPLIT_ABOVE: u64 = 7;

/// Mean fill below which two are joined.
const JOIN_BELOW: u64 = 2;

/// A bucket of 12 items.
#[repr(C, align(64))]
struct Bucket {
    tags: [u8; SLOTS],
    offsets: [Offset; SLOTS],
    /// Number of the next bucket in the chain, plus one; 0 ends it.
    link: u32,
}

/// Offsets by hash.
pub(crate) struct Table {
    home: Segments<64>,
    overflow: Segments<64>,
    /// Overflow buckets ever used, and the list of those that are free again (plus one, 0 none).
    overflow_used: u32,
    overflow_free: u32,
    overflow_live: u32,
    level: u8,
    split: u32,
    len: u64,
}

/// Where an item was found.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    bucket: *mut Bucket,
    slot: usize,
}

impl Table {
    /// An empty table; takes no memory before its first item.
    pub(crate) fn new() -> Self {
        Table {
            home: Segments::new(1),
            overflow: Segments::new(1),
            overflow_used: 0,
            overflow_free: 0,
            overflow_live: 0,
            level: 0,
            split: 0,
            len: 0,
        }
    }

    /// Items.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Home buckets, and overflow buckets in use.
    pub(crate) fn bucket_counts(&self) -> (u64, u64) {
        if self.home.capacity() == 0 {
            return (0, 0);
        }
        (self.buckets(), u64::from(self.overflow_live))
    }

    /// Bytes in buckets that are in use.
    pub(crate) fn bytes(&self) -> u64 {
        if self.home.capacity() == 0 {
            return 0;
        }
        (self.buckets() + u64::from(self.overflow_live)) * 64
    }

    /// Gives a part of all memory back to the system; whether none is left. The table is good for
    /// nothing else afterwards.
    pub(crate) fn free_some(&mut self) -> bool {
        self.len = 0;
        self.home.free_some() && self.overflow.free_some()
    }

    /// Finds the item with this hash for which `is` holds.
    #[inline]
    pub(crate) fn find(&self, hash: u64, mut is: impl FnMut(Offset) -> bool) -> Option<Place> {
        if self.len == 0 {
            return None;
        }
        let tag = tag_of(hash);
        let mut bucket = self.home_of(hash);
        loop {
            // SAFETY: `bucket` is a home or overflow bucket in use; `find` writes nothing.
            let here = unsafe { &*bucket };
            let mut hits = here.matching(tag);
            while hits != 0 {
                let slot = hits.trailing_zeros() as usize;
                if is(here.offsets[slot]) {
                    return Some(Place { bucket, slot });
                }
                hits &= hits - 1;
            }
            if here.link == 0 {
                return None;
            }
            bucket = self.overflow_at(here.link);
        }
    }

    /// The address of a hash's home bucket, to warm it.
    #[inline]
    pub(crate) fn home_address(&self, hash: u64) -> Option<*const u8> {
        (self.len > 0).then(|| self.home_of(hash).cast_const().cast())
    }

    /// The first item of a hash's home bucket that may have this hash, to warm it.
    #[inline]
    pub(crate) fn likely(&self, hash: u64) -> Option<Offset> {
        if self.len == 0 {
            return None;
        }
        // SAFETY: a home bucket in use; nothing is written.
        let home = unsafe { &*self.home_of(hash) };
        let hits = home.matching(tag_of(hash));
        (hits != 0).then(|| home.offsets[hits.trailing_zeros() as usize])
    }

    /// The offset at a place that `find` gave and nothing has changed since.
    #[inline]
    pub(crate) fn offset_at(&self, place: Place) -> Offset {
        // SAFETY: a place names a bucket of this table; slots are below 12.
        unsafe { (*place.bucket).offsets[place.slot] }
    }

    /// Says that the item at a place stands elsewhere now.
    pub(crate) fn replace_at(&mut self, place: Place, offset: Offset) {
        // SAFETY: as in `offset_at`; we hold the table.
        unsafe { (*place.bucket).offsets[place.slot] = offset };
    }

    /// Adds an item that is not in the table. `hash_of` tells the hash of any item (a split
    /// needs it), `prefetch` may warm its memory before.
    pub(crate) fn insert(
        &mut self,
        hash: u64,
        offset: Offset,
        hash_of: impl Fn(Offset) -> u64,
        prefetch: impl Fn(Offset),
    ) {
        if self.home.capacity() == 0 {
            self.grow_home();
        }
        let bucket = self.home_of(hash);
        self.put(bucket, tag_of(hash), offset);
        self.len += 1;
        if self.len > self.buckets() * SPLIT_ABOVE {
            self.split_one(&hash_of, &prefetch);
        }
    }

    /// Takes an item out.
    pub(crate) fn remove(&mut self, hash: u64, place: Place) {
        let home = self.home_of(hash);
        self.remove_from_chain(home, place);
        self.len -= 1;
        if self.len < self.buckets() * JOIN_BELOW && self.buckets() > 1 {
            self.join_one();
        }
    }

    /// Visits the items of one bucket and returns the next cursor, 0 after the last.
    pub(crate) fn scan(&self, cursor: u64, mut visit: impl FnMut(Offset)) -> u64 {
        if self.len == 0 {
            return 0;
        }
        let (index, depth) = self.index_of(cursor);
        self.visit_chain(self.home_at(index), &mut visit);
        // The next interval of bit-reversed hashes: carry from the leaf's highest bit downwards.
        let mask = (1u64 << depth) - 1;
        let next = ((cursor | !mask).reverse_bits()).wrapping_add(1).reverse_bits();
        next & ((1u64 << (self.level + 1)) - 1)
    }

    /// One item, each with about the same chance. `pick` yields numbers below its argument.
    pub(crate) fn random(&self, mut pick: impl FnMut(u64) -> u64) -> Option<Offset> {
        if self.len == 0 {
            return None;
        }
        // Accept a chain with a chance that grows with its length, so that items, not buckets,
        // are drawn evenly; longer chains than the bound are rare enough to be taken as they are.
        const BOUND: u64 = 3 * SLOTS as u64;
        let mut tries = 0;
        loop {
            let mut found: smallvec::SmallVec<[Offset; 48]> = smallvec::SmallVec::new();
            let index = pick(self.buckets()) as u32;
            self.visit_chain(self.home_at(index), &mut |offset| found.push(offset));
            tries += 1;
            let accept = pick(BOUND) < found.len() as u64 || tries > 1000;
            if !found.is_empty() && accept {
                return Some(found[pick(found.len() as u64) as usize]);
            }
        }
    }

    fn buckets(&self) -> u64 {
        (1u64 << self.level) + u64::from(self.split)
    }

    /// The home bucket's index for a hash, and how many bits of the hash name it.
    #[inline(always)]
    fn index_of(&self, hash: u64) -> (u32, u8) {
        let index = (hash & ((1u64 << self.level) - 1)) as u32;
        if index < self.split {
            ((hash & ((2u64 << self.level) - 1)) as u32, self.level + 1)
        } else {
            (index, self.level)
        }
    }

    #[inline(always)]
    fn home_of(&self, hash: u64) -> *mut Bucket {
        let small = (1u64 << self.level) - 1;
        let index = (hash & small) as u32;
        let index = if index < self.split { (hash & (small << 1 | 1)) as u32 } else { index };
        self.home_at(index)
    }

    #[inline(always)]
    fn home_at(&self, index: u32) -> *mut Bucket {
        self.home.at(index).cast()
    }

    #[inline(always)]
    fn overflow_at(&self, link: u32) -> *mut Bucket {
        self.overflow.at(link - 1).cast()
    }

    fn visit_chain(&self, mut bucket: *mut Bucket, visit: &mut impl FnMut(Offset)) {
        loop {
            // SAFETY: a home or overflow bucket in use.
            let here = unsafe { &*bucket };
            for slot in 0..SLOTS {
                if here.tags[slot] != 0 {
                    visit(here.offsets[slot]);
                }
            }
            if here.link == 0 {
                return;
            }
            bucket = self.overflow_at(here.link);
        }
    }

    fn put(&mut self, mut bucket: *mut Bucket, tag: u8, offset: Offset) {
        loop {
            // SAFETY: a home or overflow bucket in use; we hold the table.
            let here = unsafe { &mut *bucket };
            if let Some(slot) = here.free_slot() {
                here.tags[slot] = tag;
                here.offsets[slot] = offset;
                return;
            }
            if here.link == 0 {
                here.link = self.take_overflow();
            }
            bucket = self.overflow_at(here.link);
        }
    }

    /// Fills the hole with the chain's last item, and gives back the last bucket if that empties
    /// it: overflow buckets are never empty.
    fn remove_from_chain(&mut self, home: *mut Bucket, place: Place) {
        let (mut last, mut before) = (home, None);
        // SAFETY: the chain's buckets are in use; we hold the table.
        unsafe {
            while (*last).link != 0 {
                before = Some(last);
                last = self.overflow_at((*last).link);
            }
            let hole = &mut *place.bucket;
            hole.tags[place.slot] = 0;
            if before.is_some() && last != place.bucket {
                let tail = &mut *last;
                let slot = tail.used_slot().unwrap_or(0);
                hole.tags[place.slot] = std::mem::take(&mut tail.tags[slot]);
                hole.offsets[place.slot] = tail.offsets[slot];
            }
            if let Some(before) = before
                && (*last).used_slot().is_none()
            {
                let link = std::mem::take(&mut (*before).link);
                self.give_overflow(link);
            }
        }
    }

    fn split_one(&mut self, hash_of: &impl Fn(Offset) -> u64, prefetch: &impl Fn(Offset)) {
        let (from, to) = (self.split, self.split + (1 << self.level));
        if u64::from(to) >= self.home.capacity() && !self.grow_home() {
            return;
        }
        // SAFETY: `to` is below the capacity and not in use yet.
        unsafe { self.home_at(to).write(Bucket::EMPTY) };
        let items = self.drain_chain(from);
        for &(_, offset) in &items {
            prefetch(offset);
        }
        let bit = 1u64 << self.level;
        self.split += 1;
        if self.split == 1 << self.level {
            self.level += 1;
            self.split = 0;
        }
        for (tag, offset) in items {
            let index = if hash_of(offset) & bit == 0 { from } else { to };
            self.put(self.home_at(index), tag, offset);
        }
    }

    fn join_one(&mut self) {
        if self.split == 0 {
            self.level -= 1;
            self.split = 1 << self.level;
        }
        self.split -= 1;
        let (to, from) = (self.split, self.split + (1 << self.level));
        for (tag, offset) in self.drain_chain(from) {
            self.put(self.home_at(to), tag, offset);
        }
    }

    /// Empties a home bucket and its chain.
    fn drain_chain(&mut self, index: u32) -> smallvec::SmallVec<[(u8, Offset); 48]> {
        let mut items = smallvec::SmallVec::new();
        let mut bucket = self.home_at(index);
        let mut link = 0;
        loop {
            // SAFETY: a bucket in use; we hold the table.
            let here = unsafe { &mut *bucket };
            for slot in 0..SLOTS {
                if here.tags[slot] != 0 {
                    items.push((here.tags[slot], here.offsets[slot]));
                }
            }
            let next = here.link;
            *here = Bucket::EMPTY;
            if link != 0 {
                self.give_overflow(link);
            }
            if next == 0 {
                return items;
            }
            link = next;
            bucket = self.overflow_at(next);
        }
    }

    fn grow_home(&mut self) -> bool {
        let first = self.home.capacity() == 0;
        let grown = self.home.grow();
        if first && grown {
            // SAFETY: the segment was just mapped and has at least one bucket.
            unsafe { self.home_at(0).write(Bucket::EMPTY) };
        }
        grown
    }

    /// A fresh overflow bucket's link.
    fn take_overflow(&mut self) -> u32 {
        self.overflow_live += 1;
        let link = if self.overflow_free != 0 {
            let link = self.overflow_free;
            // SAFETY: a free overflow bucket keeps the list's next link in `link`.
            self.overflow_free = unsafe { (*self.overflow_at(link)).link };
            link
        } else {
            if u64::from(self.overflow_used) >= self.overflow.capacity() {
                assert!(self.overflow.grow(), "a table of more than 2^32 buckets");
            }
            self.overflow_used += 1;
            self.overflow_used
        };
        // SAFETY: below the capacity and nobody's.
        unsafe { self.overflow_at(link).write(Bucket::EMPTY) };
        link
    }

    fn give_overflow(&mut self, link: u32) {
        self.overflow_live -= 1;
        // SAFETY: the bucket is in no chain any more.
        unsafe { (*self.overflow_at(link)).link = self.overflow_free };
        self.overflow_free = link;
    }
}

// SAFETY: a place is only used by the holder of its table.
unsafe impl Send for Place {}

impl Bucket {
    const EMPTY: Bucket = Bucket { tags: [0; SLOTS], offsets: [0; SLOTS], link: 0 };

    /// A bit per slot whose tag is `tag`.
    #[inline(always)]
    fn matching(&self, tag: u8) -> u32 {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: SSE2 is part of x86_64; 16 bytes from the bucket's start are inside of it.
        unsafe {
            use std::arch::x86_64::{
                _mm_cmpeq_epi8, _mm_load_si128, _mm_movemask_epi8, _mm_set1_epi8,
            };
            let tags = _mm_load_si128(std::ptr::from_ref(self).cast());
            let same = _mm_cmpeq_epi8(tags, _mm_set1_epi8(tag.cast_signed()));
            _mm_movemask_epi8(same) as u32 & 0xfff
        }
        #[cfg(not(target_arch = "x86_64"))]
        self.matching_naive(tag)
    }

    /// The same, slot by slot.
    #[cfg(any(test, not(target_arch = "x86_64")))]
    fn matching_naive(&self, tag: u8) -> u32 {
        (0..SLOTS).filter(|&slot| self.tags[slot] == tag).map(|slot| 1 << slot).sum()
    }

    fn free_slot(&self) -> Option<usize> {
        let free = self.matching(0);
        (free != 0).then(|| free.trailing_zeros() as usize)
    }

    fn used_slot(&self) -> Option<usize> {
        let used = !self.matching(0) & 0xfff;
        (used != 0).then(|| used.trailing_zeros() as usize)
    }
}

/// The tag of a hash: never 0, from bits that neither name the bucket nor the shard.
#[inline(always)]
fn tag_of(hash: u64) -> u8 {
    (hash >> 40) as u8 | 0x80
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::{HashMap, HashSet};

    /// A stand-in for a hash: well mixed, derived from the offset.
    fn mix(offset: Offset) -> u64 {
        let mut x = u64::from(offset).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        x ^= x >> 29;
        x.wrapping_mul(0xbf58_476d_1ce4_e5b9) ^ x >> 17
    }

    fn insert(table: &mut Table, item: Offset) {
        table.insert(mix(item), item, mix, |_| ());
    }

    fn remove(table: &mut Table, item: Offset) {
        let place = table.find(mix(item), |o| o == item).expect("present");
        table.remove(mix(item), place);
    }

    #[test]
    fn tags_match_like_the_naive_twin() {
        let mut rng = fastrand::Rng::with_seed(1);
        for _ in 0..1000 {
            let mut bucket = Bucket::EMPTY;
            for tag in &mut bucket.tags {
                *tag = rng.u8(..4);
            }
            for tag in 0..5 {
                assert_eq!(bucket.matching(tag), bucket.matching_naive(tag));
            }
        }
    }

    #[test]
    fn behaves_like_a_map_while_it_grows_and_shrinks() {
        let mut rng = fastrand::Rng::with_seed(2);
        let mut table = Table::new();
        let mut model: HashSet<Offset> = HashSet::new();
        for round in 0..6 {
            for _ in 0..20_000 {
                let item = rng.u32(1..30_000);
                let add = if round % 2 == 0 { rng.u32(..10) < 8 } else { rng.u32(..10) < 1 };
                match (add, model.contains(&item)) {
                    (true, false) => {
                        insert(&mut table, item);
                        model.insert(item);
                    }
                    (false, true) => {
                        remove(&mut table, item);
                        model.remove(&item);
                    }
                    _ => {}
                }
            }
            assert_eq!(table.len(), model.len() as u64);
            for item in 1..30_000 {
                let found = table.find(mix(item), |o| o == item).is_some();
                assert_eq!(found, model.contains(&item), "item {item}");
            }
        }
    }

    proptest! {
        #[test]
        fn a_scan_meets_everything_that_stays(
            stay in 1u32..3000,
            seed in 0u64..1_000_000,
            churn in 0u32..400,
        ) {
            let mut rng = fastrand::Rng::with_seed(seed);
            let mut table = Table::new();
            for item in 1..=stay {
                insert(&mut table, item);
            }
            let mut extra: Vec<Offset> = Vec::new();
            let mut met: HashMap<Offset, u32> = HashMap::new();
            let mut cursor = 0;
            let mut fresh = 1_000_000;
            loop {
                cursor = table.scan(cursor, |item| *met.entry(item).or_default() += 1);
                if cursor == 0 {
                    break;
                }
                for _ in 0..churn {
                    if rng.u32(..3) == 0 && !extra.is_empty() {
                        let at = rng.usize(..extra.len());
                        remove(&mut table, extra.swap_remove(at));
                    } else if extra.len() < 20_000 {
                        fresh += 1;
                        insert(&mut table, fresh);
                        extra.push(fresh);
                    }
                }
            }
            for item in 1..=stay {
                prop_assert!(met.contains_key(&item), "missed {item} of {stay}");
            }
        }
    }

    #[test]
    fn a_scan_of_a_still_table_meets_each_once() {
        let mut table = Table::new();
        for item in 1..=5000 {
            insert(&mut table, item);
        }
        let mut met = Vec::new();
        let mut cursor = 0;
        loop {
            cursor = table.scan(cursor, |item| met.push(item));
            if cursor == 0 {
                break;
            }
        }
        met.sort_unstable();
        assert_eq!(met, (1..=5000).collect::<Vec<_>>());
    }

    #[test]
    fn random_items_are_drawn_about_evenly() {
        let mut table = Table::new();
        for item in 1..=100 {
            insert(&mut table, item);
        }
        let mut rng = fastrand::Rng::with_seed(3);
        let mut counts = [0u32; 101];
        for _ in 0..100_000 {
            counts[table.random(|n| rng.u64(..n)).unwrap() as usize] += 1;
        }
        assert!(counts[1..].iter().all(|&c| (600..1600).contains(&c)), "{counts:?}");
    }
}
