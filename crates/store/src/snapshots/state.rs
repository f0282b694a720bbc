//! What is known of the saves so far, and what INFO says of them.

use larder_engine::Engine;
use larder_engine::keyspace::snapshot::Handle;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How a save ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The snapshot is on disk.
    Saved,
    /// Somebody called it off.
    Cancelled,
    /// It was given up because writers waited too long for the disk.
    Crowded,
    /// It could not be written.
    Failed,
}

/// How far a save is.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// Keys that were taken.
    pub(super) keys: AtomicU64,
    /// The most bytes of old values that waited.
    pub(super) peak: AtomicU64,
}

/// A save that is running.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) handle: Handle,
    pub(super) progress: Arc<Progress>,
    pub(super) began_ms: u64,
    /// Keys at the mark.
    pub(super) total: u64,
    /// Changes before the mark.
    pub(super) changes: u64,
    /// Why it was given up.
    pub(super) aborted: Option<Ended>,
}

impl Running {
    /// Calls it off.
    pub(super) fn abort(&mut self) {
        self.abort_as(Ended::Cancelled);
    }

    pub(super) fn abort_as(&mut self, ended: Ended) {
        self.aborted.get_or_insert(ended);
        self.handle.abort();
    }
}

/// What is known.
#[derive(Debug)]
pub(super) struct State {
    pub(super) running: Option<Running>,
    /// One is to begin as soon as nothing else is saved.
    pub(super) scheduled: bool,
    pub(super) last_save_ms: u64,
    /// When one began in the background, whatever became of it.
    pub(super) last_try_ms: u64,
    pub(super) last_ok: bool,
    pub(super) warned_of_version: bool,
    /// Changes before the mark of the last one that was saved.
    changes: u64,
    saves: u64,
    last_took_s: Option<u64>,
    last_peak: u64,
    /// Keys that the start has loaded, and that were due then.
    pub(super) loaded: (u64, u64),
}

impl State {
    pub(super) fn new(started_ms: u64) -> State {
        State {
            running: None,
            scheduled: false,
            last_save_ms: started_ms,
            last_try_ms: 0,
            last_ok: true,
            warned_of_version: false,
            changes: 0,
            saves: 0,
            last_took_s: None,
            last_peak: 0,
            loaded: (0, 0),
        }
    }

    /// Changes that no snapshot has.
    pub(super) fn dirty(&self, engine: &Engine) -> u64 {
        engine.stats().changes().saturating_sub(self.changes)
    }

    /// What is there now came out of the file.
    pub(super) fn begin_with(&mut self, engine: &Engine, keys: u64, expired: u64) {
        self.changes = engine.stats().changes();
        self.loaded = (keys, expired);
    }

    /// Why the running save was given up.
    pub(super) fn why_aborted(&self) -> Ended {
        self.running.as_ref().and_then(|running| running.aborted).unwrap_or(Ended::Failed)
    }

    pub(super) fn end(&mut self, ended: Ended, in_background: bool, now_ms: u64) {
        let Some(running) = self.running.take() else { return };
        self.last_peak = running.progress.peak.load(Ordering::Relaxed);
        if in_background {
            self.last_took_s = Some(now_ms.saturating_sub(running.began_ms) / 1000);
        }
        match ended {
            Ended::Saved => {
                self.changes = running.changes;
                self.last_save_ms = now_ms;
                self.last_ok = true;
                self.saves += 1;
            }
            Ended::Cancelled => {}
            // A failure that its caller hears of is no reason to refuse writes.
            Ended::Crowded | Ended::Failed => self.last_ok &= !in_background,
        }
    }

    pub(super) fn info(&self, engine: &Engine) -> Vec<(&'static str, String)> {
        let now_ms = engine.now_us() / 1000;
        let running = self.running.as_ref();
        let figure = |figure: fn(&Running) -> u64| running.map_or(0, figure);
        let keys = figure(|running| running.progress.keys.load(Ordering::Relaxed));
        let total = figure(|running| running.total);
        let share = if total == 0 { 0.0 } else { (keys.min(total) as f64) / total as f64 * 100.0 };
        let peak = figure(|running| running.progress.peak.load(Ordering::Relaxed));
        let signed = |seconds: Option<u64>| seconds.map_or(-1, u64::cast_signed).to_string();
        let age_s = running.map(|running| now_ms.saturating_sub(running.began_ms) / 1000);
        vec![
            ("current_cow_peak", peak.to_string()),
            ("current_cow_size", figure(|running| running.handle.buffered_bytes()).to_string()),
            ("current_cow_size_age", age_s.unwrap_or(0).to_string()),
            ("current_fork_perc", format!("{share:.2}")),
            ("current_save_keys_processed", keys.to_string()),
            ("current_save_keys_total", total.to_string()),
            ("rdb_changes_since_last_save", self.dirty(engine).to_string()),
            ("rdb_bgsave_in_progress", u8::from(running.is_some()).to_string()),
            ("rdb_last_save_time", (self.last_save_ms / 1000).to_string()),
            ("rdb_last_bgsave_status", if self.last_ok { "ok" } else { "err" }.to_owned()),
            ("rdb_last_bgsave_time_sec", signed(self.last_took_s)),
            ("rdb_current_bgsave_time_sec", signed(age_s)),
            ("rdb_saves", self.saves.to_string()),
            ("rdb_last_cow_size", self.last_peak.to_string()),
            ("rdb_last_load_keys_expired", self.loaded.1.to_string()),
            ("rdb_last_load_keys_loaded", self.loaded.0.to_string()),
        ]
    }
}
