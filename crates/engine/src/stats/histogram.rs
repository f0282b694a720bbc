//! How long runs of a command took: counts by duration, within one part in sixteen.
//!
//! Up to 15 µs every microsecond has a bucket of its own; above, each power of two has sixteen. The
//! last one takes whatever is longer. Knows no command.

use super::tally::Tally;

/// Buckets of a power of two.
const STEPS: usize = 16;

const STEPS_LOG2: u32 = STEPS.trailing_zeros();

/// The first power of two that is not told apart any more: 2^24 µs, about 17 seconds.
const TOP_LOG2: u32 = 24;

/// All buckets.
pub(crate) const BUCKETS: usize = STEPS + (TOP_LOG2 - STEPS_LOG2) as usize * STEPS;

/// Counts that a thread adds to.
#[derive(Debug)]
pub(crate) struct Durations(Box<[Tally]>);

impl Default for Durations {
    fn default() -> Self {
        Durations((0..BUCKETS).map(|_| Tally::default()).collect())
    }
}

impl Durations {
    /// The count of a duration.
    #[inline(always)]
    pub(crate) fn of(&self, took_us: u64) -> &Tally {
        &self.0[bucket_of(took_us)]
    }

    /// Adds the counts to others.
    pub(crate) fn add_to(&self, counts: &mut Histogram) {
        counts.0.resize(BUCKETS, 0);
        for (sum, tally) in counts.0.iter_mut().zip(&self.0) {
            *sum += tally.get();
        }
    }
}

/// Counts by duration, of all threads; empty where nothing was counted.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Histogram(Vec<u64>);

impl Histogram {
    /// How many runs were counted.
    pub fn count(&self) -> u64 {
        self.0.iter().sum()
    }

    /// The duration, in microseconds, within which so many percent of the runs were done.
    pub fn percentile_us(&self, percent: f64) -> u64 {
        let wanted = ((percent / 100.0 * self.count() as f64) + 0.5) as u64;
        let mut sum = 0;
        let within = self.0.iter().position(|count| {
            sum += count;
            sum >= wanted.max(1)
        });
        within.map_or(0, last_of)
    }

    /// How many runs took at most so long, by powers of two: each limit in microseconds up to
    /// which there are more than up to the one before.
    pub fn by_powers(&self) -> Vec<(u64, u64)> {
        let mut shown = Vec::new();
        let (mut sum, mut next, total) = (0, 0, self.count());
        for power in 0.. {
            if sum == total {
                break;
            }
            let limit_us = limit_us(power);
            let before = sum;
            while next < self.0.len() && (first_of(next) <= limit_us || power > TOP_LOG2) {
                sum += self.0[next];
                next += 1;
            }
            if sum > before {
                shown.push((limit_us, sum));
            }
        }
        shown
    }

    /// The same without what was counted before.
    pub(super) fn since(mut self, before: &Histogram) -> Histogram {
        for (count, old) in self.0.iter_mut().zip(&before.0) {
            *count = count.saturating_sub(*old);
        }
        self
    }
}

/// The limits that Redis shows: powers of two in units of 1024 ns, each with the width of the last
/// step below it that its histograms tell apart.
fn limit_us(power: u32) -> u64 {
    ((1032u64 << power) - 1) / 1000
}

#[inline(always)]
fn bucket_of(us: u64) -> usize {
    if us < STEPS as u64 {
        return us as usize;
    }
    let log2 = us.ilog2();
    if log2 >= TOP_LOG2 {
        return BUCKETS - 1;
    }
    let step = (us >> (log2 - STEPS_LOG2)) as usize - STEPS;
    STEPS + (log2 - STEPS_LOG2) as usize * STEPS + step
}

/// The shortest duration of a bucket.
fn first_of(bucket: usize) -> u64 {
    if bucket < STEPS {
        return bucket as u64;
    }
    let (power, step) = ((bucket - STEPS) / STEPS, (bucket - STEPS) % STEPS);
    ((STEPS + step) as u64) << power
}

/// The longest.
fn last_of(bucket: usize) -> u64 {
    first_of(bucket + 1) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(durations: &[u64]) -> Histogram {
        let tallies = Durations::default();
        durations.iter().for_each(|us| tallies.of(*us).add(1));
        let mut histogram = Histogram::default();
        tallies.add_to(&mut histogram);
        histogram
    }

    #[test]
    fn buckets_follow_each_other_without_a_gap() {
        for bucket in 0..BUCKETS {
            assert_eq!(bucket_of(first_of(bucket)), bucket);
            assert_eq!(bucket_of(last_of(bucket)), bucket);
            let width = last_of(bucket) - first_of(bucket);
            assert!(width * STEPS as u64 <= first_of(bucket));
        }
        assert_eq!(last_of(BUCKETS - 1), (1 << TOP_LOG2) - 1);
        assert_eq!(bucket_of(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn percentiles_are_within_a_sixteenth() {
        let durations: Vec<u64> = (1..=10_000).collect();
        let histogram = of(&durations);
        for percent in [0.0, 10.0, 50.0, 99.0, 99.9, 100.0] {
            let exact = (percent / 100.0 * 10_000.0_f64).max(1.0);
            let shown = histogram.percentile_us(percent) as f64;
            assert!(shown >= exact && shown <= exact * 17.0 / 16.0, "{percent}: {shown}");
        }
        assert_eq!(Histogram::default().percentile_us(50.0), 0);
    }

    #[test]
    fn powers_of_two_are_cumulative_and_named_as_redis_names_them() {
        let histogram = of(&[0, 1, 3, 3, 40, 70, 70_000_000]);
        assert_eq!(histogram.by_powers(), [(1, 2), (4, 4), (66, 5), (132, 6), (17_314_086, 7)]);
        assert!(Histogram::default().by_powers().is_empty());
        assert_eq!(of(&[1, 5]).since(&of(&[1])).by_powers(), [(8, 1)]);
    }
}
