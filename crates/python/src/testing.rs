//! What the pytest fixture is made of: fresh stores whose clock the test moves.

use crate::fork::Own;
use crate::registry::{self, Entry};
use crate::{errors, without_gil};
use larder::Larder;
use larder::engine::clock::{Clock as _, FakeClock};
use larder::engine::engine::Housekeeping;
use pyo3::prelude::*;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

/// The clock of a store, which stands still until it is moved.
#[pyclass(frozen, module = "larder_redis._larder")]
pub(crate) struct Clock {
    name: String,
    clock: Arc<FakeClock>,
    store: Own<Larder>,
}

/// Opens a fresh store: its name, and its clock, which shows `now` in Unix seconds.
#[pyfunction]
pub(crate) fn fresh(now: f64) -> PyResult<(String, Clock)> {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let name = format!("test-{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let now = Duration::try_from_secs_f64(now).unwrap_or_default();
    let now_ms = u64::try_from(now.as_millis()).unwrap_or(u64::MAX / 2000);
    let clock = Arc::new(FakeClock::new(now_ms));
    let store = Larder::with_clock(clock.clone()).map_err(|error| errors::of(&error))?;
    let entry =
        Entry { store: Own::new(store.clone()), settings: Vec::new(), bells: Some(Vec::new()) };
    registry::with(|stores| stores.insert(name.clone(), entry));
    Ok((name.clone(), Clock { name, clock, store: Own::new(store) }))
}

#[pymethods]
impl Clock {
    /// What the clock shows, in Unix seconds.
    fn now(&self) -> f64 {
        self.clock.now_us() as f64 / 1e6
    }

    /// Moves the clock forward. What is due by then has expired when this returns, and waits whose
    /// time is up have ended.
    fn advance(&self, py: Python<'_>, seconds: f64) -> PyResult<()> {
        let by = Duration::try_from_secs_f64(seconds)
            .map_err(|_| pyo3::exceptions::PyValueError::new_err("a clock only goes forward"))?;
        let store = self.store.get()?;
        without_gil(py, || {
            self.clock.advance_ms(u64::try_from(by.as_millis()).unwrap_or(u64::MAX / 2000));
            if let Some(engine) = store.linked_engine() {
                let mut work = Housekeeping::default();
                while let Some(due_ms) = engine.expire_due(&mut work) {
                    if due_ms > engine.now_us() / 1000 {
                        break;
                    }
                }
            }
        });
        registry::with(|stores| {
            let bells = stores.get(&self.name).and_then(|entry| entry.bells.as_ref());
            bells.into_iter().flatten().filter_map(Weak::upgrade).for_each(|bell| {
                bell.ring();
            });
        });
        Ok(())
    }
}
