//! What is due at a moment: a save by the save points, one that was scheduled, and the end of one
//! that keeps writers waiting.

use super::Snapshots;
use super::state::{Ended, State};
use larder_engine::Engine;
use std::sync::Arc;

/// How long writers may wait for the disk before a save is given up.
pub(super) const MOST_CROWDED_MS: u64 = 10_000;

/// After a failure, the save points try no sooner than this again.
const RETRY_MS: u64 = 5_000;

impl Snapshots {
    /// Does what is due now, by the engine's clock. To be called a few times a second.
    pub fn tick(self: &Arc<Self>) {
        let Some(engine) = self.engine.upgrade() else { return };
        if engine.is_loading() {
            return;
        }
        let now_ms = engine.now_us() / 1000;
        let due = {
            let mut state = self.state();
            match &mut state.running {
                Some(running) => {
                    let since_ms = running.handle.crowded_ms();
                    if since_ms.is_some_and(|since_ms| now_ms > since_ms + MOST_CROWDED_MS) {
                        running.abort_as(Ended::Crowded);
                    }
                    false
                }
                None => state.scheduled || self.is_due(&engine, &state, now_ms),
            }
        };
        if due {
            self.begin_by_itself(&engine);
        }
    }

    fn is_due(&self, engine: &Engine, state: &State, now_ms: u64) -> bool {
        let points = engine.config().save_points();
        let dirty = if points.is_empty() { 0 } else { state.dirty(engine) };
        let may_try = state.last_ok || now_ms > state.last_try_ms + RETRY_MS;
        let point = points.iter().find(|point| {
            let after_ms = point.seconds.saturating_mul(1000);
            dirty >= point.changes && now_ms > state.last_save_ms.saturating_add(after_ms)
        });
        if let Some(point) = point.filter(|_| may_try) {
            let (changes, seconds) = (point.changes, point.seconds);
            self.report.notice(&format!("{changes} changes in {seconds} seconds. Saving..."));
        }
        point.is_some() && may_try
    }

    fn begin_by_itself(self: &Arc<Self>, engine: &Arc<Engine>) {
        let changes = engine.stats().changes();
        // The mark takes locks, which BGSAVE holds while it asks for the state.
        let Ok(snapshot) = engine.begin_snapshot() else { return };
        let mut state = self.state();
        if state.running.is_none() {
            // The reason of a failure is in the log, and the status in INFO.
            let _ = self.begin(&mut state, engine, snapshot, changes);
        }
    }
}
