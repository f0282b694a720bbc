//! Counters of what the engine did, for `INFO` and `CONFIG RESETSTAT`.

use crate::sync::Mutex;
use hashbrown::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counters that all sessions share.
#[derive(Debug, Default)]
pub struct Stats {
    /// Commands executed.
    pub commands: AtomicU64,
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
    /// Error replies by their code.
    pub(crate) errors_by_code: Mutex<HashMap<Box<str>, u64>>,
}

impl Stats {
    /// Counts an error reply by its text.
    pub(crate) fn error(&self, text: &str) {
        self.errors.fetch_add(1, Ordering::Relaxed);
        let code = text.split(' ').next().unwrap_or("ERR");
        let mut codes = self.errors_by_code.lock();
        match codes.get_mut(code) {
            Some(count) => *count += 1,
            None => {
                codes.insert(code.into(), 1);
            }
        }
    }

    /// `CONFIG RESETSTAT`
    pub fn reset(&self) {
        let Stats { commands, connections, rejected, input_bytes, output_bytes, errors, .. } = self;
        for counter in [commands, connections, rejected, input_bytes, output_bytes, errors] {
            counter.store(0, Ordering::Relaxed);
        }
        self.errors_by_code.lock().clear();
    }
}
