//! Counters of what the engine did, for `INFO` and `CONFIG RESETSTAT`.
//!
//! Counters of commands lie in stripes, one for a few threads each, so that threads do not fight
//! for a cache line: a command costs two uncontended additions. A stripe is made when its first
//! thread counts.

use crate::commands;
use crate::sync::Mutex;
use hashbrown::HashMap;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Stripes, a power of two.
const STRIPES: usize = 16;

/// Codes of errors that are counted one by one: their number is not the client's to choose.
const MAX_CODES: usize = 128;

/// Counters that all sessions share.
#[derive(Debug, Default)]
pub struct Stats {
    /// Connections accepted by who serves the engine.
    pub connections: AtomicU64,
    /// Connections refused because there were too many.
    pub rejected: AtomicU64,
    /// Bytes read and written by who serves the engine.
    pub input_bytes: AtomicU64,
    /// See [`Stats::input_bytes`].
    pub output_bytes: AtomicU64,
    /// Error replies.
    pub errors: AtomicU64,
    errors_by_code: Mutex<HashMap<Box<str>, u64>>,
    stripes: [OnceLock<Box<[Counters]>>; STRIPES],
    pace: Mutex<Pace>,
}

/// One command's counters in one stripe.
#[derive(Debug, Default)]
#[repr(align(32))]
struct Counters {
    calls: AtomicU64,
    took_us: AtomicU64,
    rejected: AtomicU64,
    failed: AtomicU64,
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

/// Commands a second, over the last samples.
#[derive(Debug, Default)]
struct Pace {
    last: Option<(u64, u64)>,
    per_second: [u64; 16],
    next: usize,
}

impl Stats {
    /// Counts an error reply by its text.
    pub(crate) fn error(&self, text: &str) {
        self.errors.fetch_add(1, Ordering::Relaxed);
        let code = text.split(' ').next().unwrap_or("ERR");
        let mut codes = self.errors_by_code.lock();
        if let Some(count) = codes.get_mut(code) {
            *count += 1;
        } else if codes.len() < MAX_CODES {
            codes.insert(code.into(), 1);
        }
    }

    /// Error replies by their code, sorted.
    pub fn errors_by_code(&self) -> Vec<(Box<str>, u64)> {
        let mut codes: Vec<_> =
            self.errors_by_code.lock().iter().map(|(code, count)| (code.clone(), *count)).collect();
        codes.sort_unstable();
        codes
    }

    /// Counts a run of the command of this number.
    #[inline]
    pub(crate) fn ran(&self, number: usize, took_us: u64) {
        let counters = self.counters(number);
        counters.calls.fetch_add(1, Ordering::Relaxed);
        if took_us > 0 {
            counters.took_us.fetch_add(took_us, Ordering::Relaxed);
        }
    }

    /// Counts a command that was refused before it ran.
    pub(crate) fn refused(&self, number: usize) {
        self.counters(number).rejected.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a run that ended in an error.
    pub(crate) fn failed(&self, number: usize) {
        self.counters(number).failed.fetch_add(1, Ordering::Relaxed);
    }

    /// The figures of every command, by its number.
    pub fn commands(&self) -> Vec<CommandStats> {
        let mut sums = vec![CommandStats::default(); commands::all().len()];
        for stripe in self.stripes.iter().filter_map(OnceLock::get) {
            for (sum, counters) in sums.iter_mut().zip(stripe) {
                sum.calls += counters.calls.load(Ordering::Relaxed);
                sum.took_us += counters.took_us.load(Ordering::Relaxed);
                sum.rejected += counters.rejected.load(Ordering::Relaxed);
                sum.failed += counters.failed.load(Ordering::Relaxed);
            }
        }
        sums
    }

    /// How many commands ran.
    pub fn commands_run(&self) -> u64 {
        self.commands().iter().map(|stats| stats.calls).sum()
    }

    /// Notes how fast commands come in; to be called every 100 ms by who serves the engine.
    pub fn sample(&self, now_ms: u64) {
        let run = self.commands_run();
        let mut pace = self.pace.lock();
        if let Some((then_ms, before)) = pace.last
            && now_ms > then_ms
        {
            let slot = pace.next % pace.per_second.len();
            pace.per_second[slot] = run.saturating_sub(before) * 1000 / (now_ms - then_ms);
            pace.next += 1;
        }
        pace.last = Some((now_ms, run));
    }

    /// Commands a second over the last samples; none while nobody samples.
    pub fn per_second(&self) -> Option<u64> {
        let pace = self.pace.lock();
        let count = pace.next.min(pace.per_second.len());
        (count > 0).then(|| pace.per_second[..count].iter().sum::<u64>() / count as u64)
    }

    /// `CONFIG RESETSTAT`
    pub fn reset(&self) {
        let Stats { connections, rejected, input_bytes, output_bytes, errors, .. } = self;
        for counter in [connections, rejected, input_bytes, output_bytes, errors] {
            counter.store(0, Ordering::Relaxed);
        }
        self.errors_by_code.lock().clear();
        for counters in self.stripes.iter().filter_map(OnceLock::get).flatten() {
            let Counters { calls, took_us, rejected, failed } = counters;
            for counter in [calls, took_us, rejected, failed] {
                counter.store(0, Ordering::Relaxed);
            }
        }
        *self.pace.lock() = Pace::default();
    }

    #[inline]
    fn counters(&self, number: usize) -> &Counters {
        let stripe = self.stripes[thread_number() % STRIPES]
            .get_or_init(|| commands::all().iter().map(|_| Counters::default()).collect());
        &stripe[number]
    }
}

/// Numbers threads in the order in which they first count something.
#[inline]
fn thread_number() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static NUMBER: usize = NEXT.fetch_add(1, Ordering::Relaxed);
    }
    NUMBER.try_with(|number| *number).unwrap_or(0)
}
