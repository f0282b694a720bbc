//! What the 24 access bits of an entry mean: when it was used last, or how often.
//!
//! ```text
//! LRU: the clock in seconds, modulo 2^24
//! LFU: minutes at the last decay, modulo 2^16 │ counter (8)
//! ```
//! The counter grows by one with a chance that falls as it grows, and falls by one for every so
//! many minutes without use, as in Redis; `maxmemory-policy` says which of the two is kept. After a
//! change of policy the bits mean nothing until their entries are used again.

use crate::config::{Config, Id, MaxmemoryPolicy};

/// A new entry's counter: it is not to be evicted before it had a chance to be used.
const FIRST_COUNT: u32 = 5;

const COUNT_BITS: u32 = 8;

const MINUTES_MASK: u32 = 0xffff;

const CLOCK_MASK: u32 = 0xff_ffff;

/// How access bits are read and written at one moment.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Access {
    /// The time of the last use.
    Lru {
        /// The clock now.
        clock: u32,
    },
    /// The number of uses.
    Lfu {
        /// Minutes now.
        minutes: u32,
        /// Minutes a count lasts; 0 for ever.
        decay_minutes: u32,
        /// How slowly the counter grows.
        log_factor: u64,
    },
}

impl Default for Access {
    fn default() -> Self {
        Access::Lru { clock: 0 }
    }
}

impl Access {
    /// What holds now under the settings.
    #[inline]
    pub(crate) fn at(now_ms: u64, config: &Config) -> Access {
        let seconds = now_ms / 1000;
        match config.maxmemory_policy() {
            MaxmemoryPolicy::AllkeysLfu | MaxmemoryPolicy::VolatileLfu => Access::Lfu {
                minutes: (seconds / 60) as u32 & MINUTES_MASK,
                decay_minutes: config.int(Id::LfuDecayTime) as u32,
                log_factor: config.int(Id::LfuLogFactor).unsigned_abs(),
            },
            _ => Access::Lru { clock: seconds as u32 & CLOCK_MASK },
        }
    }

    /// The bits of a new entry.
    #[inline]
    pub(crate) fn fresh(self) -> u32 {
        match self {
            Access::Lru { clock } => clock,
            Access::Lfu { minutes, .. } => minutes << COUNT_BITS | FIRST_COUNT,
        }
    }

    /// The bits of an entry whose value was replaced or changed.
    #[inline]
    pub(crate) fn written(self, bits: u32) -> u32 {
        match self {
            Access::Lru { clock } => clock,
            Access::Lfu { .. } => bits,
        }
    }

    /// The bits of an entry that was used. `random` yields a number below its argument.
    #[inline]
    pub(crate) fn used(self, bits: u32, random: impl FnOnce(u64) -> u64) -> u32 {
        match self {
            Access::Lru { clock } => clock,
            Access::Lfu { minutes, log_factor, .. } => {
                let count = self.count(bits);
                let against = u64::from(count.saturating_sub(FIRST_COUNT)) * log_factor + 1;
                let grows = count < 255 && random(against) == 0;
                minutes << COUNT_BITS | (count + u32::from(grows))
            }
        }
    }

    /// Seconds since the last use, if that is what is kept.
    pub(crate) fn idle_seconds(self, bits: u32) -> Option<u32> {
        match self {
            Access::Lru { clock } => Some(clock.wrapping_sub(bits) & CLOCK_MASK),
            Access::Lfu { .. } => None,
        }
    }

    /// The bits of an entry that was used so long ago, if that is what is kept.
    pub(crate) fn idle(self, seconds: u64) -> Option<u32> {
        match self {
            // Longer than the clock goes round is as long as it can tell.
            Access::Lru { clock } => {
                let seconds = seconds.min(u64::from(CLOCK_MASK)) as u32;
                Some(clock.wrapping_sub(seconds) & CLOCK_MASK)
            }
            Access::Lfu { .. } => None,
        }
    }

    /// The bits of an entry that was used so often, if that is what is kept.
    pub(crate) fn used_often(self, frequency: u8) -> Option<u32> {
        match self {
            Access::Lru { .. } => None,
            Access::Lfu { minutes, .. } => Some(minutes << COUNT_BITS | u32::from(frequency)),
        }
    }

    /// How often an entry was used, as a logarithm, if that is what is kept.
    pub(crate) fn frequency(self, bits: u32) -> Option<u32> {
        match self {
            Access::Lru { .. } => None,
            Access::Lfu { .. } => Some(self.count(bits)),
        }
    }

    /// The counter after what has decayed since it was written.
    fn count(self, bits: u32) -> u32 {
        let Access::Lfu { minutes, decay_minutes, .. } = self else { return 0 };
        let passed = minutes.wrapping_sub(bits >> COUNT_BITS) & MINUTES_MASK;
        let decayed = passed.checked_div(decay_minutes).unwrap_or(0);
        (bits & 0xff).saturating_sub(decayed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lfu(minutes: u32) -> Access {
        Access::Lfu { minutes, decay_minutes: 1, log_factor: 10 }
    }

    #[test]
    fn a_counter_grows_ever_more_slowly() {
        let mut rng = fastrand::Rng::with_seed(1);
        let mut after = |uses: u32| {
            let mut bits = lfu(0).fresh();
            for _ in 0..uses {
                bits = lfu(0).used(bits, |below| rng.u64(..below));
            }
            lfu(0).frequency(bits).unwrap()
        };
        // The table in redis.conf: 10 after 100 hits, 18 after 1000, 142 after 100,000.
        assert!((7..14).contains(&after(100)));
        assert!((13..25).contains(&after(1000)));
        assert!((125..160).contains(&after(100_000)));
        assert_eq!(after(4_000_000), 255);
    }

    #[test]
    fn a_counter_decays_with_time_across_the_end_of_the_clock() {
        let bits = 0xfff0 << COUNT_BITS | 100;
        assert_eq!(lfu(0xfff0).frequency(bits), Some(100));
        assert_eq!(lfu(0x0010).frequency(bits), Some(100 - 32));
        assert_eq!(lfu(0x1000).frequency(bits), Some(0));
        let never = Access::Lfu { minutes: 0x1000, decay_minutes: 0, log_factor: 10 };
        assert_eq!(never.frequency(bits), Some(100));
    }

    #[test]
    fn idle_time_counts_across_the_end_of_the_clock() {
        let now = Access::Lru { clock: 3 };
        assert_eq!(now.idle_seconds(0xff_fffe), Some(5));
        assert_eq!(now.idle_seconds(now.fresh()), Some(0));
    }
}
