//! A counter that costs its thread a plain addition.

use std::sync::atomic::{AtomicU64, Ordering};

/// A counter to which one thread adds and which all may read.
#[derive(Debug, Default)]
pub struct Tally(AtomicU64);

impl Tally {
    /// Adds, for the one thread that does.
    #[inline(always)]
    pub fn add(&self, more: u64) {
        self.0.store(self.get().wrapping_add(more), Ordering::Relaxed);
    }

    /// Raises to at least this, for the same thread.
    #[inline(always)]
    pub fn raise(&self, to: u64) {
        if to > self.get() {
            self.0.store(to, Ordering::Relaxed);
        }
    }

    /// Adds, where several threads do.
    #[inline]
    pub fn add_shared(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    /// What was counted so far.
    #[inline(always)]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Begins anew. What its thread adds at this moment may survive or be lost.
    pub(super) fn clear(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}
