//! The clock of a linked engine: monotonic, and following the host's clock slowly.
//!
//! A step of the host's clock must not expire every session at once. Time therefore runs with the
//! monotonic clock from the moment of opening, and drifts towards the host's clock by at most one
//! part in [`SLEW`]. The processor's own counter is read where it can be relied on, as every command
//! looks at the clock.

use larder_engine::clock::Clock;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// The clock gains or loses at most a twentieth of the time that passes.
pub const SLEW: i64 = 20;

/// How often the host's clock is looked at, in microseconds.
const LOOK_EVERY_US: u64 = 100_000;

/// See the module.
#[derive(Debug)]
pub struct SteadyClock {
    monotonic: quanta::Clock,
    /// The monotonic clock's reading at the beginning.
    began: u64,
    /// What to add to the monotonic time, in microseconds.
    offset_us: AtomicI64,
    looked_us: AtomicU64,
}

impl SteadyClock {
    /// A clock that shows the host's time now.
    #[must_use]
    pub fn new() -> Self {
        let monotonic = quanta::Clock::new();
        SteadyClock {
            began: monotonic.raw(),
            monotonic,
            offset_us: AtomicI64::new(host_us()),
            looked_us: AtomicU64::new(0),
        }
    }

    #[inline]
    fn follow(&self, passed_us: u64) {
        let looked_us = self.looked_us.load(Ordering::Relaxed);
        let since_us = passed_us.saturating_sub(looked_us);
        if since_us >= LOOK_EVERY_US {
            self.look(passed_us, looked_us, since_us);
        }
    }

    #[cold]
    fn look(&self, passed_us: u64, looked_us: u64, since_us: u64) {
        let won = self
            .looked_us
            .compare_exchange(looked_us, passed_us, Ordering::Relaxed, Ordering::Relaxed)
            .is_ok();
        if won {
            let offset_us = self.offset_us.load(Ordering::Relaxed);
            let wanted_us = host_us() - passed_us.cast_signed();
            let step_us = slew(offset_us, wanted_us, since_us);
            self.offset_us.store(offset_us + step_us, Ordering::Relaxed);
        }
    }
}

impl Default for SteadyClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SteadyClock {
    fn now_us(&self) -> u64 {
        let passed_us = self.monotonic.delta_as_nanos(self.began, self.monotonic.raw()) / 1000;
        self.follow(passed_us);
        (self.offset_us.load(Ordering::Relaxed) + passed_us.cast_signed()).max(0).cast_unsigned()
    }
}

/// The step from one offset towards another that `since_us` allow.
fn slew(offset_us: i64, wanted_us: i64, since_us: u64) -> i64 {
    let most = since_us.cast_signed() / SLEW;
    (wanted_us - offset_us).clamp(-most, most)
}

#[allow(clippy::disallowed_methods, reason = "this is the door by which time comes in")]
fn host_us() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_of_the_host_is_followed_slowly() {
        let hour_us = 3_600_000_000;
        assert_eq!(slew(0, hour_us, 1_000_000), 50_000);
        assert_eq!(slew(0, -hour_us, 1_000_000), -50_000);
        assert_eq!(slew(0, 70, 1_000_000), 70);
    }

    #[test]
    fn time_shows_the_host_and_never_goes_back() {
        let clock = SteadyClock::new();
        assert!((clock.now_us().cast_signed() - host_us()).abs() < 1_000_000);
        let mut last = 0;
        for _ in 0..10_000 {
            let now = clock.now_us();
            assert!(now >= last);
            last = now;
        }
    }
}
