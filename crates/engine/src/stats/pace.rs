//! How fast things go right now: differences of counters between samples, over the last sixteen.

use super::tally::Tally;
use std::sync::Arc;

/// Samples that are remembered.
const SAMPLES: usize = 16;

/// What one thread that serves connections counts: the thread itself adds, all may read.
#[derive(Debug, Default)]
pub struct Traffic {
    /// Bytes read and written.
    pub input_bytes: Tally,
    /// See [`Traffic::input_bytes`].
    pub output_bytes: Tally,
    /// Reads and writes of sockets.
    pub reads: Tally,
    /// See [`Traffic::reads`].
    pub writes: Tally,
    /// Rounds of its loop.
    pub rounds: Tally,
    /// How long those took, waiting not counted, in microseconds.
    pub busy_us: Tally,
    /// How long the longest took.
    pub longest_us: Tally,
    /// The most requests of one round.
    pub most_commands: Tally,
    /// How long the housekeeping among them took.
    pub housekeeping_us: Tally,
}

/// The sums over all threads.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "as in Traffic")]
pub struct TrafficSums {
    pub input_bytes: u64,
    pub output_bytes: u64,
    pub reads: u64,
    pub writes: u64,
    pub rounds: u64,
    pub busy_us: u64,
    pub longest_us: u64,
    pub most_commands: u64,
    pub housekeeping_us: u64,
}

impl TrafficSums {
    pub(super) fn of(threads: &[Arc<Traffic>]) -> TrafficSums {
        let sum = |of: fn(&Traffic) -> &Tally| threads.iter().map(|one| of(one).get()).sum();
        let max =
            |of: fn(&Traffic) -> &Tally| threads.iter().map(|one| of(one).get()).max().unwrap_or(0);
        TrafficSums {
            input_bytes: sum(|one| &one.input_bytes),
            output_bytes: sum(|one| &one.output_bytes),
            reads: sum(|one| &one.reads),
            writes: sum(|one| &one.writes),
            rounds: sum(|one| &one.rounds),
            busy_us: sum(|one| &one.busy_us),
            longest_us: max(|one| &one.longest_us),
            most_commands: max(|one| &one.most_commands),
            housekeeping_us: sum(|one| &one.housekeeping_us),
        }
    }

    pub(super) fn since(self, before: &TrafficSums) -> TrafficSums {
        TrafficSums {
            input_bytes: self.input_bytes.saturating_sub(before.input_bytes),
            output_bytes: self.output_bytes.saturating_sub(before.output_bytes),
            reads: self.reads.saturating_sub(before.reads),
            writes: self.writes.saturating_sub(before.writes),
            rounds: self.rounds.saturating_sub(before.rounds),
            busy_us: self.busy_us.saturating_sub(before.busy_us),
            longest_us: self.longest_us,
            most_commands: self.most_commands,
            housekeeping_us: self.housekeeping_us.saturating_sub(before.housekeeping_us),
        }
    }
}

/// Rates over the last samples.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Rates {
    /// Commands a second.
    pub commands: u64,
    /// Bytes read and written a second.
    pub input_bytes: u64,
    /// See [`Rates::input_bytes`].
    pub output_bytes: u64,
    /// Rounds of loops a second.
    pub rounds: u64,
    /// How long a round took on average, in microseconds.
    pub round_us: u64,
}

/// The samples.
#[derive(Debug, Default)]
pub(super) struct Pace {
    last: Option<(u64, u64, TrafficSums)>,
    rates: [Rates; SAMPLES],
    next: usize,
}

impl Pace {
    pub(super) fn sample(&mut self, now_ms: u64, commands: u64, sums: TrafficSums) {
        if let Some((then_ms, then_commands, then)) = &self.last
            && now_ms > *then_ms
        {
            let rate = |count: u64| count.saturating_mul(1000) / (now_ms - then_ms);
            let done = sums.since(then);
            self.rates[self.next % SAMPLES] = Rates {
                commands: rate(commands.saturating_sub(*then_commands)),
                input_bytes: rate(done.input_bytes),
                output_bytes: rate(done.output_bytes),
                rounds: rate(done.rounds),
                round_us: done.busy_us.checked_div(done.rounds).unwrap_or(0),
            };
            self.next += 1;
        }
        self.last = Some((now_ms, commands, sums));
    }

    /// The mean; none while nobody samples.
    pub(super) fn rates(&self) -> Option<Rates> {
        let seen = &self.rates[..self.next.min(SAMPLES)];
        let mean =
            |of: fn(&Rates) -> u64| seen.iter().map(of).sum::<u64>().checked_div(seen.len() as u64);
        Some(Rates {
            commands: mean(|rates| rates.commands)?,
            input_bytes: mean(|rates| rates.input_bytes)?,
            output_bytes: mean(|rates| rates.output_bytes)?,
            rounds: mean(|rates| rates.rounds)?,
            round_us: mean(|rates| rates.round_us)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_the_mean_of_the_last_samples() {
        let mut pace = Pace::default();
        assert_eq!(pace.rates(), None);
        let sums = |n: u64| TrafficSums {
            input_bytes: 10 * n,
            rounds: n,
            busy_us: 7 * n,
            ..TrafficSums::default()
        };
        (0..=20).for_each(|n| pace.sample(n * 100, n * 50, sums(n)));
        let rates = pace.rates().unwrap();
        let wanted =
            Rates { commands: 500, input_bytes: 100, output_bytes: 0, rounds: 10, round_us: 7 };
        assert_eq!(rates, wanted);
        // Nothing happens for as long as all samples span.
        (21..=36).for_each(|n| pace.sample(n * 100, 1000, sums(20)));
        assert_eq!(pace.rates(), Some(Rates::default()));
    }
}
