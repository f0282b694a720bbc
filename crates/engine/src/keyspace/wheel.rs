//! The exact expiry index of one database in one shard: a hierarchical timing wheel.
//!
//! Eleven levels of 64 slots cover every 64-bit millisecond. A deadline's level is the highest
//! group of six bits in which it differs from the wheel's own time, its slot that group's value;
//! a slot of level 0 therefore holds exactly one millisecond. When the wheel's time enters a slot
//! of a higher level, that slot's entries move down. Adding, removing and firing are O(1), and
//! nothing is sampled. (Varghese and Lauck, "Hashed and hierarchical timing wheels", 1987.)
//!
//! The lists run through the entries themselves ([`super::entry`]): no memory beside the slots.

use super::arena::{Arena, Offset};
use super::entry::Entry;

const LEVELS: usize = 11;
const SLOTS: usize = 64;

/// Entries by deadline.
pub(crate) struct Wheel {
    /// Every entry that is due at or before this was handed out.
    elapsed_ms: u64,
    occupied: [u64; LEVELS],
    heads: [[Offset; SLOTS]; LEVELS],
    len: u64,
    /// Sum of the deadlines.
    sum_ms: u128,
}

/// Access to the entries that the wheel links.
pub(crate) trait Links {
    /// The entry at an offset that the wheel holds.
    fn entry(&self, offset: Offset) -> Entry;
}

impl Links for Arena {
    #[inline(always)]
    #[allow(unsafe_code)]
    fn entry(&self, offset: Offset) -> Entry {
        // SAFETY: a wheel and a table hold offsets of live entries only; whoever frees an entry
        // takes it out of both first.
        unsafe { Entry::at(self, offset) }
    }
}

impl Wheel {
    /// An empty wheel whose time is `now_ms`.
    pub(crate) fn new(now_ms: u64) -> Box<Self> {
        Box::new(Wheel {
            elapsed_ms: now_ms,
            occupied: [0; LEVELS],
            heads: [[0; SLOTS]; LEVELS],
            len: 0,
            sum_ms: 0,
        })
    }

    /// How many entries have a deadline.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// The sum of their deadlines, in Unix milliseconds.
    pub(crate) fn sum_ms(&self) -> u128 {
        self.sum_ms
    }

    /// Links an entry whose deadline was set.
    pub(crate) fn add(&mut self, links: &impl Links, offset: Offset) {
        self.len += 1;
        self.sum_ms += u128::from(links.entry(offset).deadline_ms().unwrap_or(0));
        self.link(links, offset);
    }

    /// Unlinks an entry whose deadline was not touched since it was added.
    pub(crate) fn remove(&mut self, links: &impl Links, offset: Offset) {
        self.len -= 1;
        let entry = links.entry(offset);
        self.sum_ms -= u128::from(entry.deadline_ms().unwrap_or(0));
        let (prev, next) = entry.links();
        if next != 0 {
            links.entry(next).set_prev(prev);
        }
        if prev != 0 {
            links.entry(prev).set_next(next);
            return;
        }
        let (level, slot) = self.place(entry);
        debug_assert_eq!(self.heads[level][slot], offset);
        self.heads[level][slot] = next;
        if next == 0 {
            self.occupied[level] &= !(1 << slot);
        }
    }

    /// The earliest moment at which the wheel has work: no entry is due before it.
    pub(crate) fn next_ms(&self) -> Option<u64> {
        self.next_slot().map(|(_, _, start_ms)| start_ms)
    }

    /// An entry whose deadline is at or before `now_ms`, still linked; the earliest first.
    pub(crate) fn due(&mut self, links: &impl Links, now_ms: u64) -> Option<Offset> {
        while let Some((level, slot, start_ms)) = self.next_slot() {
            if start_ms > now_ms {
                return None;
            }
            if level == 0 {
                return Some(self.heads[0][slot]);
            }
            self.elapsed_ms = self.elapsed_ms.max(start_ms);
            self.cascade(links, level, slot);
        }
        None
    }

    fn cascade(&mut self, links: &impl Links, level: usize, slot: usize) {
        let mut at = std::mem::take(&mut self.heads[level][slot]);
        self.occupied[level] &= !(1 << slot);
        while at != 0 {
            let (_, next) = links.entry(at).links();
            self.link(links, at);
            at = next;
        }
    }

    fn link(&mut self, links: &impl Links, offset: Offset) {
        let entry = links.entry(offset);
        let (level, slot) = self.place(entry);
        let head = self.heads[level][slot];
        entry.set_prev(0);
        entry.set_next(head);
        if head != 0 {
            links.entry(head).set_prev(offset);
        }
        self.heads[level][slot] = offset;
        self.occupied[level] |= 1 << slot;
    }

    /// Level and slot of an entry at the wheel's present time. A deadline in the past counts as
    /// the present millisecond.
    fn place(&self, entry: Entry) -> (usize, usize) {
        let deadline_ms = entry.deadline_ms().unwrap_or(0).max(self.elapsed_ms);
        let differs = deadline_ms ^ self.elapsed_ms;
        let level = if differs == 0 { 0 } else { differs.ilog2() as usize / 6 };
        (level, (deadline_ms >> (6 * level)) as usize % SLOTS)
    }

    /// The first occupied slot, in time: level, slot, and when it begins.
    fn next_slot(&self) -> Option<(usize, usize, u64)> {
        for (level, &occupied) in self.occupied.iter().enumerate() {
            if occupied != 0 {
                let slot = occupied.trailing_zeros() as usize;
                let shift = 6 * level as u32;
                let above = self.elapsed_ms.checked_shr(shift + 6).unwrap_or(0);
                let start = above.checked_shl(shift + 6).unwrap_or(0) | (slot as u64) << shift;
                return Some((level, slot, start.max(self.elapsed_ms)));
            }
        }
        None
    }
}
