//! What is noted of commands when they are done: statistics, the logs of slow and large ones,
//! moments for LATENCY. A command that waited is noted when its wait is over.

use super::{Session, SessionState};
use crate::commandlog::{Remarkable, cut, least_bytes, request_bytes};
use crate::commands;
use crate::config::Id;
use crate::engine::Engine;
use crate::spec::{Entry, flag};

/// Events of LATENCY that slow commands belong to.
pub(crate) const SLOW_COMMAND: &str = "command";
pub(crate) const SLOW_FAST_COMMAND: &str = "fast-command";

/// A command that waits.
pub(super) struct Unfinished {
    entry: &'static Entry,
    /// Its words, cut as logs keep them.
    words: Vec<Vec<u8>>,
    /// How long it took until it had to wait, in microseconds.
    took_us: u64,
}

/// Counts a command that ran, and logs it if it took long.
#[inline]
pub(crate) fn note_run<W: AsRef<[u8]>>(
    engine: &Engine,
    state: &SessionState,
    entry: &'static Entry,
    words: &[W],
    began_us: u64,
    now_us: u64,
) {
    let took_us = now_us.saturating_sub(began_us);
    let config = engine.config();
    engine.stats.ran(commands::number_of(entry), took_us, config.latency_tracking());
    // Below 0 it is later than ever.
    let is_slow = took_us >= config.slowlog_log_slower_than().cast_unsigned();
    if is_slow || took_us >= 1000 {
        note_slow(engine, state, entry, || cut(words, &state.redacted), (now_us, took_us, is_slow));
    }
}

#[cold]
fn note_slow(
    engine: &Engine,
    state: &SessionState,
    entry: &'static Entry,
    words: impl FnOnce() -> Vec<Vec<u8>>,
    (now_us, took_us, is_slow): (u64, u64, bool),
) {
    if is_slow {
        keep(engine, state, entry, Remarkable::Slow, (now_us, took_us), words);
    }
    let threshold_ms = engine.config().bytes(Id::LatencyMonitorThreshold);
    if threshold_ms > 0 && took_us / 1000 >= threshold_ms {
        let fast = entry.spec.has(flag::FAST);
        let event = if fast { SLOW_FAST_COMMAND } else { SLOW_COMMAND };
        engine.latency.add(event, now_us / 1_000_000, took_us / 1000);
    }
}

fn keep(
    engine: &Engine,
    state: &SessionState,
    entry: &'static Entry,
    why: Remarkable,
    figure: (u64, u64),
    words: impl FnOnce() -> Vec<Vec<u8>>,
) {
    if !entry.spec.has(flag::SKIP_SLOWLOG) {
        let client = (state.client.peer(), state.client.name());
        engine.commandlog.add(engine.config(), why, figure, words(), client);
    }
}

impl Session {
    /// Counts a command that ended before it took any locks.
    pub(super) fn note_at_once(&self, entry: &'static Entry) {
        let timed = self.engine.config().latency_tracking();
        self.engine.stats.ran(commands::number_of(entry), 0, timed);
    }

    /// What is needed to note a command that has to wait.
    pub(super) fn unfinished(
        &mut self,
        entry: &'static Entry,
        words: &[&[u8]],
        took_us: u64,
    ) -> Unfinished {
        let words = cut(words, &self.state.redacted);
        self.state.redacted.clear();
        Unfinished { entry, words, took_us }
    }

    /// Notes a command whose wait is over.
    pub(super) fn note_finished(&mut self, done: Unfinished, reply_bytes: usize) {
        let Unfinished { entry, words, took_us } = done;
        let Session { engine, state, .. } = self;
        let (config, now_us) = (engine.config(), engine.now_us());
        engine.stats.ran(commands::number_of(entry), took_us, config.latency_tracking());
        let exceeds =
            |why: Remarkable, figure| figure >= config.int(why.threshold()).cast_unsigned();
        if exceeds(Remarkable::LargeReply, reply_bytes as u64) {
            let figure = (now_us, reply_bytes as u64);
            keep(engine, state, entry, Remarkable::LargeReply, figure, || words.clone());
        }
        let is_slow = exceeds(Remarkable::Slow, took_us);
        note_slow(engine, state, entry, || words, (now_us, took_us, is_slow));
    }

    /// Logs a command whose request or reply is large.
    #[inline]
    pub(super) fn note_sizes(&self, words: &[&[u8]], reply_bytes: usize) {
        let config = self.engine.config();
        let request_from = config.int(Id::CommandlogRequestLargerThan).cast_unsigned();
        let reply_from = config.int(Id::CommandlogReplyLargerThan).cast_unsigned();
        if reply_bytes as u64 >= reply_from || least_bytes(words) >= request_from {
            self.note_large(words, reply_bytes as u64, (request_from, reply_from));
        }
    }

    #[cold]
    fn note_large(
        &self,
        words: &[&[u8]],
        reply_bytes: u64,
        (request_from, reply_from): (u64, u64),
    ) {
        let Some(entry) = commands::resolve(words) else { return };
        let now_us = self.engine.now_us();
        let request_bytes = request_bytes(words);
        for (why, bytes, from) in [
            (Remarkable::LargeRequest, request_bytes, request_from),
            (Remarkable::LargeReply, reply_bytes, reply_from),
        ] {
            if bytes >= from {
                let words = || cut(words, &self.state.redacted);
                keep(&self.engine, &self.state, entry, why, (now_us, bytes), words);
            }
        }
    }
}
