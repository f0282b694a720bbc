//! Counters of what the engine did, for `INFO`, `LATENCY HISTOGRAM` and `CONFIG RESETSTAT`.
//!
//! Counters of commands lie in stripes, one for each of the first threads that count and one for
//! all others: who has a stripe alone counts by plain additions. A command's distribution of
//! durations is made in a stripe when the command first runs there. A reset touches no counter
//! that belongs to a thread: it remembers what there was, and shows the difference from then on.

mod histogram;
mod pace;
mod tally;

pub use histogram::Histogram;
pub use pace::{Rates, Traffic, TrafficSums};
pub use tally::Tally;

use crate::commands;
use crate::sync::Mutex;
use hashbrown::HashMap;
use histogram::Durations;
use pace::Pace;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

/// Threads with a stripe of their own.
const OWNERS: usize = 64;

/// Codes of errors that are counted one by one: their number is not the client's to choose.
const MAX_CODES: usize = 128;

/// Under which errors with further codes are counted.
const OTHER_CODES: &str = "ERRORSTATS_OVERFLOW";

/// Counters that all sessions share.
#[derive(Debug)]
pub struct Stats {
    /// Connections accepted by who serves the engine.
    pub connections: AtomicU64,
    /// Connections refused because there were too many.
    pub rejected: AtomicU64,
    /// Connections closed because of too much input or output that waited.
    pub input_limit: AtomicU64,
    /// See [`Stats::input_limit`].
    pub output_limit: AtomicU64,
    /// Connections closed because all of them took too much.
    pub evicted_clients: AtomicU64,
    /// Error replies.
    pub errors: AtomicU64,
    /// The most memory seen at once; stays over a reset.
    pub(crate) peak_bytes: AtomicU64,
    errors_by_code: Mutex<HashMap<Box<str>, u64>>,
    stripes: [OnceLock<Stripe>; OWNERS + 1],
    traffic: Mutex<Vec<Arc<Traffic>>>,
    pace: Mutex<Pace>,
    /// What is not shown any more.
    baseline: Mutex<Baseline>,
}

/// Counters of one thread, or of several.
#[derive(Debug)]
struct Stripe {
    commands: Box<[Counters]>,
    changes: Tally,
}

/// One command's counters in one stripe.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Counters {
    calls: Tally,
    took_us: Tally,
    rejected: Tally,
    failed: Tally,
    durations: OnceLock<Durations>,
}

/// One command's figures.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct CommandStats {
    /// How often it ran.
    pub calls: u64,
    /// How long that took together, in microseconds.
    pub took_us: u64,
    /// How often it was refused before it ran.
    pub rejected: u64,
    /// How often it ran into an error.
    pub failed: u64,
}

#[derive(Debug, Default)]
struct Baseline {
    commands: Vec<CommandStats>,
    histograms: HashMap<usize, Histogram>,
    traffic: TrafficSums,
}

impl Default for Stats {
    fn default() -> Self {
        Stats {
            connections: AtomicU64::default(),
            rejected: AtomicU64::default(),
            input_limit: AtomicU64::default(),
            output_limit: AtomicU64::default(),
            evicted_clients: AtomicU64::default(),
            errors: AtomicU64::default(),
            peak_bytes: AtomicU64::default(),
            errors_by_code: Mutex::default(),
            stripes: std::array::from_fn(|_| OnceLock::new()),
            traffic: Mutex::default(),
            pace: Mutex::default(),
            baseline: Mutex::default(),
        }
    }
}

impl Stats {
    /// Counts an error reply by its text.
    pub(crate) fn error(&self, text: &str) {
        self.errors.fetch_add(1, Ordering::Relaxed);
        let code = text.split(' ').next().unwrap_or("ERR");
        let mut codes = self.errors_by_code.lock();
        let known = codes.contains_key(code) || codes.len() < MAX_CODES;
        let code = if known { code } else { OTHER_CODES };
        match codes.get_mut(code) {
            Some(count) => *count += 1,
            None => drop(codes.insert(code.into(), 1)),
        }
    }

    /// Error replies by their code, sorted.
    pub fn errors_by_code(&self) -> Vec<(Box<str>, u64)> {
        let mut codes: Vec<_> =
            self.errors_by_code.lock().iter().map(|(code, count)| (code.clone(), *count)).collect();
        codes.sort_unstable();
        codes
    }

    /// Counts a run of the command of this number; with `took_us` among its durations, too.
    #[inline]
    pub(crate) fn ran(&self, number: usize, took_us: u64, timed: bool) {
        let (stripe, alone) = self.stripe();
        let counters = &stripe.commands[number];
        if alone {
            counters.calls.add(1);
            counters.took_us.add(took_us);
            if timed {
                counters.durations.get_or_init(Durations::default).of(took_us).add(1);
            }
        } else {
            counters.calls.add_shared(1);
            counters.took_us.add_shared(took_us);
            if timed {
                counters.durations.get_or_init(Durations::default).of(took_us).add_shared(1);
            }
        }
    }

    /// Counts a command that was refused before it ran.
    pub(crate) fn refused(&self, number: usize) {
        self.count(|stripe| &stripe.commands[number].rejected, 1);
    }

    /// Counts a run that ended in an error.
    pub(crate) fn failed(&self, number: usize) {
        self.count(|stripe| &stripe.commands[number].failed, 1);
    }

    /// Counts commands that changed something.
    #[inline]
    pub(crate) fn changed(&self, commands: u64) {
        self.count(|stripe| &stripe.changes, commands);
    }

    /// How many commands have changed something.
    pub fn changes(&self) -> u64 {
        self.stripes().map(|stripe| stripe.changes.get()).sum()
    }

    /// The figures of every command, by its number.
    pub fn commands(&self) -> Vec<CommandStats> {
        let mut sums = self.all_commands();
        for (sum, before) in sums.iter_mut().zip(&self.baseline.lock().commands) {
            sum.calls = sum.calls.saturating_sub(before.calls);
            sum.took_us = sum.took_us.saturating_sub(before.took_us);
            sum.rejected = sum.rejected.saturating_sub(before.rejected);
            sum.failed = sum.failed.saturating_sub(before.failed);
        }
        sums
    }

    /// How long the runs of a command took.
    pub fn durations(&self, number: usize) -> Histogram {
        let sum = self.all_durations(number);
        match self.baseline.lock().histograms.get(&number) {
            Some(before) => sum.since(before),
            None => sum,
        }
    }

    /// How many commands ran.
    pub fn commands_run(&self) -> u64 {
        self.commands().iter().map(|stats| stats.calls).sum()
    }

    /// A thread that serves connections begins to count.
    pub fn serve(&self) -> Arc<Traffic> {
        let traffic = Arc::new(Traffic::default());
        self.traffic.lock().push(traffic.clone());
        traffic
    }

    /// What all threads counted that serve connections.
    pub fn traffic(&self) -> TrafficSums {
        self.all_traffic().since(&self.baseline.lock().traffic)
    }

    /// Notes how fast things go; to be called about every 100 ms by who serves the engine.
    pub fn sample(&self, now_ms: u64) {
        let run = self.all_commands().iter().map(|stats| stats.calls).sum();
        let sums = self.all_traffic();
        self.pace.lock().sample(now_ms, run, sums);
    }

    /// How fast things go; none while nobody samples.
    pub fn rates(&self) -> Option<Rates> {
        self.pace.lock().rates()
    }

    /// Notes memory in use; the most so far.
    pub(crate) fn peak(&self, bytes: u64) -> u64 {
        self.peak_bytes.fetch_max(bytes, Ordering::Relaxed).max(bytes)
    }

    /// `CONFIG RESETSTAT`
    pub fn reset(&self) {
        let Stats { connections, rejected, input_limit, output_limit, errors, .. } = self;
        let counters =
            [connections, rejected, input_limit, output_limit, &self.evicted_clients, errors];
        counters.iter().for_each(|counter| counter.store(0, Ordering::Relaxed));
        self.errors_by_code.lock().clear();
        let numbers = 0..commands::all().len();
        *self.baseline.lock() = Baseline {
            commands: self.all_commands(),
            histograms: numbers.map(|number| (number, self.all_durations(number))).collect(),
            traffic: self.all_traffic(),
        };
        for one in self.traffic.lock().iter() {
            one.longest_us.clear();
            one.most_commands.clear();
        }
        *self.pace.lock() = Pace::default();
    }

    fn all_commands(&self) -> Vec<CommandStats> {
        let mut sums = vec![CommandStats::default(); commands::all().len()];
        for stripe in self.stripes() {
            for (sum, counters) in sums.iter_mut().zip(&stripe.commands) {
                sum.calls += counters.calls.get();
                sum.took_us += counters.took_us.get();
                sum.rejected += counters.rejected.get();
                sum.failed += counters.failed.get();
            }
        }
        sums
    }

    fn all_durations(&self, number: usize) -> Histogram {
        let mut sum = Histogram::default();
        for durations in self.stripes().filter_map(|s| s.commands[number].durations.get()) {
            durations.add_to(&mut sum);
        }
        sum
    }

    fn all_traffic(&self) -> TrafficSums {
        TrafficSums::of(&self.traffic.lock())
    }

    fn stripes(&self) -> impl Iterator<Item = &Stripe> {
        self.stripes.iter().filter_map(OnceLock::get)
    }

    #[inline]
    fn count(&self, tally: impl FnOnce(&Stripe) -> &Tally, more: u64) {
        let (stripe, alone) = self.stripe();
        if alone { tally(stripe).add(more) } else { tally(stripe).add_shared(more) }
    }

    /// The stripe of this thread, and whether it has it alone.
    #[inline]
    fn stripe(&self) -> (&Stripe, bool) {
        let number = thread_number();
        let stripe = self.stripes[number.min(OWNERS)].get_or_init(|| Stripe {
            commands: commands::all().iter().map(|_| Counters::default()).collect(),
            changes: Tally::default(),
        });
        (stripe, number < OWNERS)
    }
}

/// Numbers threads in the order in which they first count something.
#[inline]
fn thread_number() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static NUMBER: usize = NEXT.fetch_add(1, Ordering::Relaxed);
    }
    NUMBER.try_with(|number| *number).unwrap_or(OWNERS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_of_their_own_and_others_count_together() {
        let stats = Stats::default();
        std::thread::scope(|scope| {
            for _ in 0..OWNERS + 8 {
                scope.spawn(|| {
                    for took_us in 0..100 {
                        stats.ran(3, took_us, true);
                    }
                    stats.refused(3);
                    stats.changed(2);
                });
            }
        });
        let threads = OWNERS as u64 + 8;
        let wanted = CommandStats {
            calls: 100 * threads,
            took_us: 4950 * threads,
            rejected: threads,
            failed: 0,
        };
        assert_eq!(stats.commands()[3], wanted);
        assert_eq!(stats.durations(3).count(), 100 * threads);
        assert_eq!(stats.changes(), 2 * threads);
    }

    #[test]
    fn a_reset_shows_only_what_comes_after_it() {
        let stats = Stats::default();
        let traffic = stats.serve();
        stats.ran(3, 5, true);
        stats.ran(4, 5, false);
        traffic.input_bytes.add(10);
        stats.error("ERR no");
        stats.reset();
        assert_eq!((stats.commands_run(), stats.traffic().input_bytes), (0, 0));
        assert_eq!(stats.durations(3).count(), 0);
        assert!(stats.errors_by_code().is_empty());
        stats.ran(3, 5, true);
        traffic.input_bytes.add(7);
        assert_eq!((stats.commands_run(), stats.traffic().input_bytes), (1, 7));
        assert_eq!(stats.durations(3).count(), 1);
        assert_eq!(stats.durations(4).count(), 0);
    }

    #[test]
    fn errors_of_too_many_codes_are_counted_together() {
        let stats = Stats::default();
        (0..MAX_CODES + 5).for_each(|n| stats.error(&format!("CODE{n} is new")));
        stats.error("CODE1 again");
        let codes = stats.errors_by_code();
        assert!(codes.contains(&("CODE1".into(), 2)));
        assert!(codes.contains(&(OTHER_CODES.into(), 5)));
    }
}
