//! Time, as a parameter: the engine asks a [`Clock`] and never the system.

use std::sync::atomic::{AtomicU64, Ordering};

/// Where the engine takes the time from.
pub trait Clock: Send + Sync {
    /// Microseconds since the Unix epoch.
    fn now_us(&self) -> u64;
}

/// A clock that stands still until it is moved, for tests.
#[derive(Debug)]
pub struct FakeClock(AtomicU64);

impl FakeClock {
    /// A clock that shows `now_ms` milliseconds since the Unix epoch.
    pub fn new(now_ms: u64) -> Self {
        FakeClock(AtomicU64::new(now_ms * 1000))
    }

    /// Moves the clock forward.
    pub fn advance_ms(&self, ms: u64) {
        self.0.fetch_add(ms * 1000, Ordering::SeqCst);
    }
}

impl Clock for FakeClock {
    fn now_us(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}
