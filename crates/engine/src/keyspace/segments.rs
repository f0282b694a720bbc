//! Memory in doubling segments: units of a fixed size, addressed by a 32-bit number, that never
//! move and are never copied when the store grows.
//!
//! Segment 0 holds `first` units, segment k the next `first << (k - 1)`, so that the first k + 1
//! segments hold `first << k` units together and a unit's segment follows from the number of
//! leading zeros of its index. Memory of a segment that was never touched is not resident.
//! Knows nothing of what the units hold; [`super::arena`] and [`super::table`] build on it.
#![allow(unsafe_code)]

use crate::freeing::BYTES_AT_ONCE;
#[cfg(target_os = "linux")]
use rustix::mm::{Advice, madvise};
use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::ops::Range;
use std::ptr::NonNull;

/// Units are addressed by 32 bits: with a first segment of one unit that takes 33 segments.
const MAX_SEGMENTS: usize = 33;

/// Segments aligned to a cache line.
const ALIGN: usize = 64;

/// Bytes in a page of the system's memory.
const PAGE: u64 = 4096;

/// Growing storage of units of `UNIT` bytes.
pub(crate) struct Segments<const UNIT: usize> {
    /// Address of unit 0 of each segment's numbering, so that `base + index * UNIT` is the unit.
    bases: [*mut u8; MAX_SEGMENTS],
    count: u8,
    first_log2: u8,
    /// Bytes of the last segment that [`Segments::free_some`] gave back.
    given_back: usize,
}

// SAFETY: the segments are plain memory owned by this value; nothing in them is thread-bound.
unsafe impl<const UNIT: usize> Send for Segments<UNIT> {}
// SAFETY: shared access only reads addresses; whoever writes through them holds the owner.
unsafe impl<const UNIT: usize> Sync for Segments<UNIT> {}

impl<const UNIT: usize> Segments<UNIT> {
    /// No memory yet; the first segment will hold `1 << first_log2` units.
    pub(crate) fn new(first_log2: u8) -> Self {
        let bases = [std::ptr::null_mut(); MAX_SEGMENTS];
        Segments { bases, count: 0, first_log2, given_back: 0 }
    }

    /// How many units the mapped segments hold.
    pub(crate) fn capacity(&self) -> u64 {
        if self.count == 0 { 0 } else { 1u64 << (self.first_log2 + self.count - 1) }
    }

    /// Maps one more segment. `false` when the 32-bit numbers are used up.
    pub(crate) fn grow(&mut self) -> bool {
        if self.capacity() > u64::from(u32::MAX) {
            return false;
        }
        let (start, units) = self.extent(self.count);
        let layout = Self::layout(units);
        // SAFETY: the layout is not empty: a segment has at least one unit.
        let memory = unsafe { alloc(layout) };
        let Some(memory) = NonNull::new(memory) else { handle_alloc_error(layout) };
        self.bases[usize::from(self.count)] = memory.as_ptr().wrapping_sub(start as usize * UNIT);
        self.count += 1;
        true
    }

    /// Address of a unit. The caller keeps `index < capacity()`.
    #[inline(always)]
    pub(crate) fn at(&self, index: u32) -> *mut u8 {
        debug_assert!(u64::from(index) < self.capacity());
        let segment = self.segment_of(index);
        self.bases[segment].wrapping_add(index as usize * UNIT)
    }

    #[inline(always)]
    fn segment_of(&self, index: u32) -> usize {
        (32 - (index >> self.first_log2).leading_zeros()) as usize
    }

    /// Gives a part of the last segment back to the system, or all of it if it is small; whether
    /// no segment is left. Units must not be used afterwards.
    pub(crate) fn free_some(&mut self) -> bool {
        let Some(last) = self.count.checked_sub(1) else { return true };
        let (start, units) = self.extent(last);
        let memory = self.bases[usize::from(last)].wrapping_add(start as usize * UNIT);
        let len = units as usize * UNIT;
        let from = self.given_back.min(len);
        let to = len.min(from + BYTES_AT_ONCE);
        if len > BYTES_AT_ONCE && from < len {
            give_back(memory, from..to);
            self.given_back = to;
            return false;
        }
        self.given_back = 0;
        self.count = last;
        // SAFETY: `grow` got exactly this address from the allocator with this layout, and the
        // segment is no longer counted.
        unsafe { dealloc(memory, Self::layout(units)) };
        self.count == 0
    }

    fn extent(&self, segment: u8) -> (u64, u64) {
        match segment {
            0 => (0, 1u64 << self.first_log2),
            k => (1u64 << (self.first_log2 + k - 1), 1u64 << (self.first_log2 + k - 1)),
        }
    }

    fn layout(units: u64) -> Layout {
        // The product fits: at most 2^32 units of at most 64 bytes.
        Layout::from_size_align(units as usize * UNIT, ALIGN).expect("segment layout")
    }
}

impl<const UNIT: usize> Drop for Segments<UNIT> {
    fn drop(&mut self) {
        for segment in 0..self.count {
            let (start, units) = self.extent(segment);
            let memory = self.bases[usize::from(segment)].wrapping_add(start as usize * UNIT);
            // SAFETY: `grow` got exactly this address from the allocator with this layout.
            unsafe { dealloc(memory, Self::layout(units)) };
        }
    }
}

/// Tells the system that a part of a block is not needed: its pages are taken back now, and the
/// block's end later costs nothing.
fn give_back(memory: *mut u8, part: Range<usize>) {
    #[cfg(target_os = "linux")]
    {
        let page = PAGE as usize;
        let (start, end) = (memory.addr() + part.start, memory.addr() + part.end);
        let (start, end) = (start.next_multiple_of(page), end / page * page);
        if start < end {
            let pages = memory.with_addr(start).cast();
            // SAFETY: whole pages within a block that is ours and whose content nobody needs.
            let advised = unsafe { madvise(pages, end - start, Advice::LinuxDontNeed) };
            // Where the system does not want to, all of it is taken back at the end.
            let _ = advised;
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (memory, part);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_of_all_segments_are_disjoint_and_stable() {
        let mut segments = Segments::<8>::new(2);
        assert_eq!(segments.capacity(), 0);
        for _ in 0..6 {
            assert!(segments.grow());
        }
        assert_eq!(segments.capacity(), 128);
        for i in 0..128u32 {
            // SAFETY: index below capacity, eight bytes a unit.
            unsafe { segments.at(i).cast::<u64>().write(u64::from(i)) };
        }
        for i in 0..128u32 {
            // SAFETY: as above, written in the loop before.
            assert_eq!(unsafe { segments.at(i).cast::<u64>().read() }, u64::from(i));
        }
    }

    #[test]
    fn memory_goes_back_a_part_at_a_time() {
        for (first_log2, segments) in [(0, 0), (2, 3), (7, 16), (19, 2)] {
            let mut held = Segments::<8>::new(first_log2);
            (0..segments).for_each(|_| assert!(held.grow()));
            for i in (0..held.capacity()).step_by(100) {
                // SAFETY: index below capacity, eight bytes a unit.
                unsafe { held.at(i as u32).cast::<u64>().write(i) };
            }
            let least = held.capacity() as usize * 8 / BYTES_AT_ONCE;
            let mut steps = 1;
            while !held.free_some() {
                steps += 1;
            }
            assert!(steps >= least, "{steps} steps");
            assert_eq!(held.capacity(), 0);
            assert!(held.free_some());
            // It can be used as before.
            assert!(held.grow());
            // SAFETY: the first unit of the first segment.
            unsafe { held.at(0).cast::<u64>().write(7) };
        }
    }
}
