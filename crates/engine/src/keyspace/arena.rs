//! The arena of a shard: small allocations addressed by 32-bit offsets in granules of 8 bytes.
//!
//! Sizes up to 512 bytes have a class each granule, larger ones four classes a doubling, up to
//! [`MAX_BYTES`]. Freed blocks wait in a list per class; a class that has none splits a larger
//! block before new memory is taken. The arena keeps no header in a block: whoever frees knows
//! the size. Offset 0 is nobody's. Knows nothing of entries; see [`super::entry`].
#![allow(unsafe_code)]

use super::segments::Segments;

/// Offset of a block, in granules. Zero means none.
pub(crate) type Offset = u32;

/// Bytes in a granule.
pub(crate) const GRANULE: usize = 8;

/// The largest allocation; anything bigger lives outside of the arena.
pub(crate) const MAX_BYTES: usize = 16 * 1024;

/// Granules up to which each size has a class of its own.
const EXACT: usize = 64;

/// 64 exact classes and four a doubling from 512 bytes to 16 KiB.
const CLASSES: usize = EXACT + 20;

/// Memory for small blocks.
pub(crate) struct Arena {
    segments: Segments<GRANULE>,
    /// Next never-used granule, and the end of its segment.
    bump: u64,
    bump_end: u64,
    /// Head of the list of free blocks per class; a free block's first four bytes link on.
    free: [Offset; CLASSES],
    /// A bit per class whose list is not empty.
    occupied: u128,
    used: u64,
}

impl Arena {
    /// An empty arena whose first segment will hold `1 << first_log2` granules.
    pub(crate) fn new(first_log2: u8) -> Self {
        Arena {
            segments: Segments::new(first_log2),
            bump: 1,
            bump_end: 0,
            free: [0; CLASSES],
            occupied: 0,
            used: 0,
        }
    }

    /// Bytes in blocks that are handed out, rounding included.
    pub(crate) fn used_bytes(&self) -> u64 {
        self.used
    }

    /// Bytes taken from the system that were touched at least once.
    #[cfg(test)]
    pub(crate) fn touched_bytes(&self) -> u64 {
        self.bump * GRANULE as u64
    }

    /// Bytes that a request for `bytes` really takes.
    pub(crate) fn rounded(bytes: usize) -> usize {
        class_granules(class_of(bytes)) * GRANULE
    }

    /// Takes a block. `None` when the 32 GiB that an offset can name are used up.
    ///
    /// # Panics
    /// When `bytes` is 0 or above [`MAX_BYTES`].
    pub(crate) fn alloc(&mut self, bytes: usize) -> Option<Offset> {
        assert!(bytes > 0 && bytes <= MAX_BYTES, "arena block of {bytes} bytes");
        let class = class_of(bytes);
        let offset = match self.pop(class) {
            Some(offset) => offset,
            None => self.carve(class)?,
        };
        self.used += (class_granules(class) * GRANULE) as u64;
        Some(offset)
    }

    /// Gives a block back; `bytes` is what it was taken with (or anything of the same class).
    pub(crate) fn free(&mut self, offset: Offset, bytes: usize) {
        let class = class_of(bytes);
        self.used -= (class_granules(class) * GRANULE) as u64;
        self.push(class, offset);
    }

    /// Gives a part of all memory back to the system; whether none is left. Nothing may be read or
    /// allocated afterwards.
    pub(crate) fn free_some(&mut self) -> bool {
        self.segments.free_some()
    }

    /// Address of a block.
    #[inline(always)]
    pub(crate) fn at(&self, offset: Offset) -> *mut u8 {
        self.segments.at(offset)
    }

    fn pop(&mut self, class: usize) -> Option<Offset> {
        let offset = self.free[class];
        if offset == 0 {
            return None;
        }
        // SAFETY: a free block is at least a granule long and holds the link that `push` wrote.
        let next = unsafe { self.at(offset).cast::<u32>().read() };
        self.free[class] = next;
        if next == 0 {
            self.occupied &= !(1 << class);
        }
        Some(offset)
    }

    fn push(&mut self, class: usize, offset: Offset) {
        // SAFETY: the block belongs to the arena, is free, and is at least a granule long.
        unsafe { self.at(offset).cast::<u32>().write(self.free[class]) };
        self.free[class] = offset;
        self.occupied |= 1 << class;
    }

    /// A block of an empty class: the never-used end of the segment, a larger free block cut
    /// down, or a new segment.
    fn carve(&mut self, class: usize) -> Option<Offset> {
        let granules = class_granules(class) as u64;
        if self.bump + granules > self.bump_end {
            if let Some(offset) = self.split(class) {
                return Some(offset);
            }
            self.next_segment(granules)?;
        }
        let offset = self.bump as Offset;
        self.bump += granules;
        Some(offset)
    }

    fn split(&mut self, class: usize) -> Option<Offset> {
        let larger = self.occupied >> class >> 1 << 1 << class;
        if larger == 0 {
            return None;
        }
        let from = larger.trailing_zeros() as usize;
        let offset = self.pop(from)?;
        let kept = class_granules(class);
        self.shelve(u64::from(offset) + kept as u64, (class_granules(from) - kept) as u64);
        Some(offset)
    }

    fn next_segment(&mut self, granules: u64) -> Option<()> {
        loop {
            let rest = self.bump_end.saturating_sub(self.bump);
            if rest > 0 {
                self.shelve(self.bump, rest);
            }
            let start = self.segments.capacity().max(1);
            if !self.segments.grow() {
                self.bump_end = self.bump;
                return None;
            }
            self.bump = start;
            self.bump_end = self.segments.capacity();
            if self.bump + granules <= self.bump_end {
                return Some(());
            }
        }
    }

    /// Puts `granules` unused granules into the free lists, in as few blocks as classes allow.
    fn shelve(&mut self, mut start: u64, mut granules: u64) {
        while granules > 0 {
            let class = class_within(granules as usize);
            let taken = class_granules(class) as u64;
            self.push(class, start as Offset);
            start += taken;
            granules -= taken;
        }
    }
}

/// The class that serves `bytes`.
#[inline]
fn class_of(bytes: usize) -> usize {
    let granules = bytes.div_ceil(GRANULE);
    if granules <= EXACT {
        return granules - 1;
    }
    // Quarters of a doubling: 64 < granules <= 128 gives 80, 96, 112, 128, and so on.
    let log = (granules - 1).ilog2() as usize;
    let quarter = (granules - 1 - (1 << log)) >> (log - 2);
    EXACT + (log - 6) * 4 + quarter
}

/// Granules in a block of a class.
#[inline]
fn class_granules(class: usize) -> usize {
    if class < EXACT {
        return class + 1;
    }
    let (doubling, quarter) = ((class - EXACT) / 4, (class - EXACT) % 4);
    (64 << doubling) + ((quarter + 1) << (doubling + 4))
}

/// The largest class whose blocks are no longer than `granules`.
fn class_within(granules: usize) -> usize {
    let granules = granules.min(MAX_BYTES / GRANULE);
    let class = class_of(granules * GRANULE);
    if class_granules(class) > granules { class - 1 } else { class }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_grow_and_cover_their_sizes() {
        let mut last = 0;
        for class in 0..CLASSES {
            let granules = class_granules(class);
            assert!(granules > last, "class {class}");
            assert_eq!(class_of(granules * GRANULE), class);
            assert_eq!(class_of(last * GRANULE + 1), class);
            last = granules;
        }
        assert_eq!(last * GRANULE, MAX_BYTES);
    }

    #[test]
    fn blocks_never_overlap_and_are_reused() {
        let mut arena = Arena::new(7);
        let mut rng = fastrand::Rng::with_seed(7);
        let mut live: Vec<(Offset, usize, u8)> = Vec::new();
        for step in 0..20_000u32 {
            if rng.bool() || live.is_empty() {
                let bytes = 1 + rng.usize(..if step % 50 == 0 { MAX_BYTES } else { 200 });
                let offset = arena.alloc(bytes).unwrap();
                let mark = rng.u8(..);
                // SAFETY: the block is `bytes` long and ours.
                unsafe { arena.at(offset).write_bytes(mark, bytes) };
                live.push((offset, bytes, mark));
            } else {
                let (offset, bytes, mark) = live.swap_remove(rng.usize(..live.len()));
                // SAFETY: written when it was taken, nobody else's since.
                let block = unsafe { std::slice::from_raw_parts(arena.at(offset), bytes) };
                assert!(block.iter().all(|&b| b == mark), "somebody wrote into a live block");
                arena.free(offset, bytes);
            }
        }
        for (offset, bytes, _) in live.drain(..) {
            arena.free(offset, bytes);
        }
        assert_eq!(arena.used_bytes(), 0);
        let touched = arena.touched_bytes();
        for _ in 0..100 {
            let offset = arena.alloc(100).unwrap();
            arena.free(offset, 100);
        }
        assert_eq!(arena.touched_bytes(), touched);
    }
}
