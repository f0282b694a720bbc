//! What is told of the log in INFO, kept apart so that nobody waits for a disk to ask.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64};

/// See the module.
#[derive(Debug)]
pub struct Figures {
    /// Writes are recorded.
    pub on: AtomicBool,
    /// Bytes of all files, and what they were after the last rewrite or the start.
    pub current_size: AtomicU64,
    /// See [`current_size`](Self::current_size).
    pub base_size: AtomicU64,
    /// Bytes that are not in a file yet.
    pub buffered: AtomicU64,
    /// Syncs that took longer than writers may go on without.
    pub delayed: AtomicU64,
    /// Syncs.
    pub syncs: AtomicU64,
    /// Position of the log up to which everything is on disk.
    pub synced: AtomicU64,
    /// The last write, or sync, succeeded.
    pub last_write_ok: AtomicBool,
    /// Writes are refused.
    pub failing: AtomicBool,
    /// A rewrite is running, since when in Unix seconds; or waits to begin.
    pub rewriting: AtomicBool,
    /// See [`rewriting`](Self::rewriting).
    pub rewriting_since_s: AtomicU64,
    /// See [`rewriting`](Self::rewriting).
    pub scheduled: AtomicBool,
    /// The last rewrite succeeded, and took so many seconds (-1: there was none).
    pub last_rewrite_ok: AtomicBool,
    /// See [`last_rewrite_ok`](Self::last_rewrite_ok).
    pub last_rewrite_s: AtomicI64,
    /// Rewrites that succeeded, and failures since the last that did.
    pub rewrites: AtomicU64,
    /// See [`rewrites`](Self::rewrites).
    pub rewrite_failures: AtomicU64,
}

impl Default for Figures {
    fn default() -> Self {
        Figures {
            on: AtomicBool::new(false),
            current_size: AtomicU64::new(0),
            base_size: AtomicU64::new(0),
            buffered: AtomicU64::new(0),
            delayed: AtomicU64::new(0),
            syncs: AtomicU64::new(0),
            synced: AtomicU64::new(0),
            last_write_ok: AtomicBool::new(true),
            failing: AtomicBool::new(false),
            rewriting: AtomicBool::new(false),
            rewriting_since_s: AtomicU64::new(0),
            scheduled: AtomicBool::new(false),
            last_rewrite_ok: AtomicBool::new(true),
            last_rewrite_s: AtomicI64::new(-1),
            rewrites: AtomicU64::new(0),
            rewrite_failures: AtomicU64::new(0),
        }
    }
}
