//! Members in a hash table: a set that outgrew its entry.
//!
//! The keyspace's own structures once more: a [`Table`] of tags and offsets over an [`Arena`] that
//! holds the members' bytes.
//!
//! | first byte of a block | then |
//! |---|---|
//! | 0 … 253 | so many bytes of the member |
//! | 254 | length (u16 little endian), so many bytes |
//! | 255 | number (u32 little endian) of a large member, which is boxed outside of the arena |
//!
//! So a short member takes its bytes, one more, the rounding to 8, and about 9 bytes of a bucket.
//! Finding, adding and removing are O(1), and growth moves one bucket at a time. A small set that
//! shrank far is laid out anew, so that it does not sit in the memory of its greatest day.
//!
//! **Chunks.** What a write under a snapshot has to save is a run of 64 home buckets with their
//! chains, some 450 members. The epoch of a run belongs in a byte vector in [`Inner`] beside the
//! table, by bucket number / 64; a split copies the epoch from the run it takes members from.
//!
//! Knows no encoding but its own, no key and no command. Next: [`super::encoding`].
#![allow(unsafe_code)]

use crate::keyspace::KeyHash;
use crate::keyspace::arena::{Arena, Offset};
use crate::keyspace::table::{Place, Table};
use smallvec::SmallVec;

/// A member longer than this is boxed outside of the arena: the arena may stay small then.
const MAX_BLOCK_MEMBER: usize = 1024;

/// Granules in the arena's first segment: 1 KiB.
const ARENA_FIRST_LOG2: u8 = 7;

/// Up to so many members are laid out anew at once when most of their arena is free.
const MAX_REPACKED: u64 = 16 * 1024;

/// An arena below this many bytes is never worth a new layout.
const MIN_REPACKED_BYTES: u64 = 8 * 1024;

/// What the allocator takes for a block beside its bytes, about.
const ALLOCATION_OVERHEAD: u64 = 16;

const LONG: u8 = 254;
const BOXED: u8 = 255;

/// Members in a hash table.
pub struct Members {
    /// Apart, so that other collections' objects do not grow with it.
    inner: Box<Inner>,
}

struct Inner {
    hash: KeyHash,
    table: Table,
    blocks: Blocks,
}

/// The members' bytes.
struct Blocks {
    arena: Arena,
    large: Vec<Option<Box<[u8]>>>,
    /// Numbers in `large` that are free.
    free: Vec<u32>,
    large_bytes: u64,
}

impl Members {
    /// An empty set whose members hash with `hash`.
    pub fn new(hash: KeyHash) -> Self {
        Members { inner: Box::new(Inner { hash, table: Table::new(), blocks: Blocks::new() }) }
    }

    /// Members.
    pub fn len(&self) -> usize {
        self.inner.table.len() as usize
    }

    /// Tells whether there is no member.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes that the set takes, free blocks and room for the next members included. O(1).
    pub fn bytes(&self) -> u64 {
        let Inner { table, blocks, .. } = &*self.inner;
        (size_of::<Self>() + size_of::<Inner>()) as u64 + table.resident_bytes() + blocks.bytes()
    }

    /// Tells whether `member` is in the set.
    pub fn contains(&self, member: &[u8]) -> bool {
        self.find(self.inner.hash.of(member), member).is_some()
    }

    /// Adds `member`; `false` when it was there already.
    pub fn insert(&mut self, member: &[u8]) -> bool {
        let hash = self.inner.hash.of(member);
        if self.find(hash, member).is_some() {
            return false;
        }
        let Inner { hash: hasher, table, blocks } = &mut *self.inner;
        let offset = blocks.store(member);
        let blocks = &*blocks;
        table.insert(hash, offset, |offset| hasher.of(blocks.get(offset)), |_| ());
        true
    }

    /// Takes `member` out; `false` when it was not there.
    pub fn remove(&mut self, member: &[u8]) -> bool {
        let hash = self.inner.hash.of(member);
        let Some(place) = self.find(hash, member) else { return false };
        let Inner { table, blocks, .. } = &mut *self.inner;
        let offset = table.offset_at(place);
        table.remove(hash, place);
        blocks.release(offset);
        self.repack_if_sparse();
        true
    }

    /// Every member once, in no order.
    pub fn iter(&self) -> Iter<'_> {
        Iter { members: self, cursor: Some(0), bucket: SmallVec::new(), left: self.len() }
    }

    /// Visits the members of one bucket; returns the next cursor, 0 after the last. What stays in
    /// the set from cursor 0 to cursor 0 is met at least once, whatever else comes and goes.
    pub fn scan<'a>(&'a self, cursor: u64, mut visit: impl FnMut(&'a [u8])) -> u64 {
        let Inner { table, blocks, .. } = &*self.inner;
        table.scan(cursor, |offset| visit(blocks.get(offset)))
    }

    /// One member, each with the same chance. `pick` yields numbers below its argument.
    pub fn random(&self, pick: impl FnMut(u64) -> u64) -> Option<&[u8]> {
        let Inner { table, blocks, .. } = &*self.inner;
        table.random(pick).map(|offset| blocks.get(offset))
    }

    /// Gives back about so many blocks of memory; whether none is left. The set is good for
    /// nothing else afterwards.
    pub(crate) fn free_some(&mut self, blocks: usize) -> bool {
        let Inner { table, blocks: held, .. } = &mut *self.inner;
        if !held.large.is_empty() {
            held.large.truncate(held.large.len().saturating_sub(blocks));
            return false;
        }
        held.arena.free_some() && table.free_some()
    }

    fn find(&self, hash: u64, member: &[u8]) -> Option<Place> {
        let Inner { table, blocks, .. } = &*self.inner;
        table.find(hash, |offset| blocks.get(offset) == member)
    }

    /// O(members), but at least three times as many were removed since the last time.
    fn repack_if_sparse(&mut self) {
        let arena = &self.inner.blocks.arena;
        let touched = arena.touched_bytes();
        let sparse = touched >= MIN_REPACKED_BYTES && arena.used_bytes() * 4 < touched;
        if sparse && self.inner.table.len() <= MAX_REPACKED {
            *self = self.clone();
        }
    }
}

impl Clone for Members {
    /// The same members laid out anew, without gaps.
    fn clone(&self) -> Self {
        let mut copy = Members::new(self.inner.hash);
        self.iter().for_each(|member| {
            copy.insert(member);
        });
        copy
    }
}

impl std::fmt::Debug for Members {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Members").field("len", &self.len()).finish_non_exhaustive()
    }
}

/// Members of a set; see [`Members::iter`].
pub struct Iter<'a> {
    members: &'a Members,
    cursor: Option<u64>,
    bucket: SmallVec<[Offset; 24]>,
    left: usize,
}

impl<'a> Iterator for Iter<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let Inner { table, blocks, .. } = &*self.members.inner;
        loop {
            if let Some(offset) = self.bucket.pop() {
                self.left -= 1;
                return Some(blocks.get(offset));
            }
            let next = table.scan(self.cursor?, |offset| self.bucket.push(offset));
            self.cursor = (next != 0).then_some(next);
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Iter<'_> {}

// Offsets come from the table of the same set only, and the table holds live blocks only.
impl Blocks {
    fn new() -> Self {
        let arena = Arena::new(ARENA_FIRST_LOG2);
        Blocks { arena, large: Vec::new(), free: Vec::new(), large_bytes: 0 }
    }

    fn bytes(&self) -> u64 {
        let slots = self.large.capacity() * size_of::<Option<Box<[u8]>>>()
            + self.free.capacity() * size_of::<u32>();
        self.arena.resident_bytes() + self.large_bytes + slots as u64
    }

    /// The member at `offset`.
    #[inline]
    fn get(&self, offset: Offset) -> &[u8] {
        let at = self.arena.at(offset);
        // SAFETY: `store` wrote a whole block there, and nobody changes it before `release`,
        // which needs the set uniquely.
        unsafe {
            let (skip, len) = match at.read() {
                BOXED => return self.boxed(at.add(1).cast::<u32>().read_unaligned()),
                LONG => (3, usize::from(at.add(1).cast::<u16>().read_unaligned())),
                short => (1, usize::from(short)),
            };
            std::slice::from_raw_parts(at.add(skip), len)
        }
    }

    fn boxed(&self, number: u32) -> &[u8] {
        self.large[number as usize].as_deref().unwrap_or_default()
    }

    /// Copies a member into a block of its own.
    fn store(&mut self, member: &[u8]) -> Offset {
        let offset = self.arena.alloc(block_len(member.len()));
        let offset = offset.expect("the members of a set take less than 32 GiB");
        let at = self.arena.at(offset);
        // SAFETY: the block was just taken with the length that `block_len` says for this member,
        // and it is nobody else's.
        unsafe {
            let body = if member.len() > MAX_BLOCK_MEMBER {
                at.write(BOXED);
                at.add(1).cast::<u32>().write_unaligned(self.put_aside(member));
                return offset;
            } else if member.len() >= usize::from(LONG) {
                at.write(LONG);
                at.add(1).cast::<u16>().write_unaligned(member.len() as u16);
                at.add(3)
            } else {
                at.write(member.len() as u8);
                at.add(1)
            };
            std::ptr::copy_nonoverlapping(member.as_ptr(), body, member.len());
        }
        offset
    }

    /// Boxes a large member; its number.
    fn put_aside(&mut self, member: &[u8]) -> u32 {
        self.large_bytes += member.len() as u64 + ALLOCATION_OVERHEAD;
        if let Some(number) = self.free.pop() {
            self.large[number as usize] = Some(member.into());
            return number;
        }
        self.large.push(Some(member.into()));
        (self.large.len() - 1) as u32
    }

    /// Frees a member's block, which no table holds any more.
    fn release(&mut self, offset: Offset) {
        let len = self.get(offset).len();
        if len > MAX_BLOCK_MEMBER {
            // SAFETY: a member of this length has a boxed member's block.
            let number = unsafe { self.arena.at(offset).add(1).cast::<u32>().read_unaligned() };
            self.large[number as usize] = None;
            self.free.push(number);
            self.large_bytes -= len as u64 + ALLOCATION_OVERHEAD;
        }
        self.arena.free(offset, block_len(len));
    }
}

/// Bytes in the block of a member of `len` bytes.
fn block_len(len: usize) -> usize {
    if len > MAX_BLOCK_MEMBER {
        5
    } else if len >= usize::from(LONG) {
        3 + len
    } else {
        1 + len
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn member(number: u32) -> Vec<u8> {
        // Lengths on both sides of each form of a block.
        let len = match number % 97 {
            0 => 253,
            1 => 254,
            2 => MAX_BLOCK_MEMBER,
            3 => MAX_BLOCK_MEMBER + 1,
            4 => 5000,
            other => other as usize % 13,
        };
        let mut bytes = number.to_le_bytes().to_vec();
        bytes.resize(len.max(4), b'x');
        bytes
    }

    fn all(set: &Members) -> BTreeSet<Vec<u8>> {
        set.iter().map(<[u8]>::to_vec).collect()
    }

    #[test]
    fn behaves_as_a_set_while_it_grows_and_shrinks() {
        let mut rng = fastrand::Rng::with_seed(11);
        let mut set = Members::new(KeyHash::new(3));
        let mut model = BTreeSet::new();
        for round in 0..6 {
            for _ in 0..4000 {
                let member = member(rng.u32(..6000));
                if rng.u32(..10) < if round % 2 == 0 { 8 } else { 1 } {
                    assert_eq!(set.insert(&member), model.insert(member));
                } else {
                    assert_eq!(set.remove(&member), model.remove(&member));
                }
            }
            assert_eq!(set.len(), model.len());
            assert_eq!(all(&set), model);
            assert_eq!(set.iter().len(), model.len());
            assert_eq!(all(&set.clone()), model);
            assert!((0..6000).all(|n| set.contains(&member(n)) == model.contains(&member(n))));
        }
        model.iter().for_each(|member| assert!(set.remove(member)));
        assert!(set.is_empty());
        assert_eq!(set.inner.blocks.large_bytes, 0);
        assert_eq!(set.inner.blocks.arena.used_bytes(), 0);
        assert_eq!(set.scan(0, |_| panic!("nothing is left")), 0);
    }

    #[test]
    fn a_set_that_shrank_gives_its_memory_back() {
        let mut set = Members::new(KeyHash::new(3));
        (0..10_000u32).for_each(|n| {
            set.insert(&n.to_le_bytes());
        });
        let full = set.bytes();
        (100..10_000u32).for_each(|n| {
            set.remove(&n.to_le_bytes());
        });
        assert_eq!(set.len(), 100);
        assert!((0..100u32).all(|n| set.contains(&n.to_le_bytes())));
        assert!(set.bytes() < full / 10, "{} of {full}", set.bytes());
    }

    #[test]
    fn a_short_member_takes_little_over_its_bytes() {
        for (members, most) in [(200u32, 36.0), (1000, 24.0), (10_000, 18.0), (50_000, 16.0)] {
            let mut set = Members::new(KeyHash::new(3));
            let mut payload = 0;
            for n in 0..members {
                let member = format!("member:{n}");
                payload += member.len();
                set.insert(member.as_bytes());
            }
            let over = (set.bytes() as f64 - payload as f64) / f64::from(members);
            assert!(over < most, "{over} bytes a member over its own, of {members}");
        }
    }

    #[test]
    fn random_members_are_drawn_evenly() {
        let mut set = Members::new(KeyHash::new(3));
        (0..200u8).for_each(|n| {
            set.insert(&[n]);
        });
        let mut rng = fastrand::Rng::with_seed(5);
        let mut counts = [0u32; 200];
        for _ in 0..200_000 {
            counts[usize::from(set.random(|bound| rng.u64(..bound)).unwrap()[0])] += 1;
        }
        assert!(counts.iter().all(|count| (850..1150).contains(count)), "{counts:?}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn a_scan_meets_everything_that_stays(
            stay in 1u32..600,
            churn in 0u32..300,
            seed in any::<u64>(),
        ) {
            let mut rng = fastrand::Rng::with_seed(seed);
            let mut set = Members::new(KeyHash::new(u128::from(seed)));
            (0..stay).for_each(|n| { set.insert(&member(n)); });
            let (mut met, mut cursor) = (BTreeSet::new(), 0);
            loop {
                cursor = set.scan(cursor, |member| { met.insert(member.to_vec()); });
                if cursor == 0 {
                    break;
                }
                for _ in 0..churn {
                    let other = member(stay + rng.u32(..5000));
                    if rng.u32(..5) < 3 { set.insert(&other) } else { set.remove(&other) };
                }
            }
            prop_assert!((0..stay).all(|n| met.contains(&member(n))));
        }
    }
}
