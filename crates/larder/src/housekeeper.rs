//! The one thread that removes keys whose time has come, for all linked stores of the process.
//!
//! Started with the first TTL; sleeps until the earliest deadline that any engine rang for.
//! Without it reads are exact all the same: it only frees memory and fires events in time. A
//! process that was forked has none of its parent's threads and starts one of its own.

use larder_engine::Engine;
use larder_engine::engine::Housekeeping;
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError, Weak};
use std::time::Duration;

/// Due keys are removed within this time.
const LATEST: Duration = Duration::from_millis(100);

/// Stores under care, and whether one has rung.
#[derive(Default)]
struct Rounds {
    engines: Vec<Weak<Engine>>,
    rung: bool,
}

struct Housekeeper {
    /// The process that it works in.
    process: u32,
    rounds: Mutex<Rounds>,
    bell: Condvar,
    /// That of a process forked from this one, whose copy of this one nobody works for.
    forked: OnceLock<Box<Housekeeper>>,
}

/// Puts an engine under care. The thread begins when the engine first rings.
pub(crate) fn look_after(engine: &Arc<Engine>) {
    let weak = Arc::downgrade(engine);
    engine.on_deadline(move |_| {
        let housekeeper = housekeeper();
        let mut rounds = housekeeper.rounds.lock().unwrap_or_else(PoisonError::into_inner);
        if !rounds.engines.iter().any(|other| other.ptr_eq(&weak)) {
            rounds.engines.push(weak.clone());
        }
        rounds.rung = true;
        housekeeper.bell.notify_one();
    });
}

/// This process's. Its thread begins with it.
fn housekeeper() -> &'static Housekeeper {
    static FIRST: OnceLock<Box<Housekeeper>> = OnceLock::new();
    let process = std::process::id();
    let mut place = &FIRST;
    loop {
        let housekeeper = place.get_or_init(|| Housekeeper::start(process));
        if housekeeper.process == process {
            return housekeeper;
        }
        place = &housekeeper.forked;
    }
}

impl Housekeeper {
    fn start(process: u32) -> Box<Self> {
        let spawned = std::thread::Builder::new().name("larder-housekeeper".to_owned()).spawn(run);
        // Without the thread expiry is still exact for readers; only memory is freed later.
        drop(spawned);
        Box::new(Housekeeper {
            process,
            rounds: Mutex::default(),
            bell: Condvar::new(),
            forked: OnceLock::new(),
        })
    }
}

fn run() {
    let housekeeper = housekeeper();
    let mut work = Housekeeping::default();
    let mut wait: Option<Duration> = None;
    loop {
        let engines = wait_for_work(housekeeper, wait);
        wait = engines.iter().filter_map(|engine| tidy(engine, &mut work)).min();
    }
}

/// Removes what is due; how long until there is more.
fn tidy(engine: &Engine, work: &mut Housekeeping) -> Option<Duration> {
    let mut next = engine.expire_due(work);
    while next.is_some_and(|next_ms| next_ms * 1000 <= engine.now_us()) {
        std::thread::yield_now();
        next = engine.expire_due(work);
    }
    next.map(|next_ms| until(engine, next_ms))
}

/// Sleeps until a deadline or a ring, and names the stores that still live.
fn wait_for_work(housekeeper: &Housekeeper, wait: Option<Duration>) -> Vec<Arc<Engine>> {
    let mut rounds = housekeeper.rounds.lock().unwrap_or_else(PoisonError::into_inner);
    if !rounds.rung {
        rounds = match wait {
            Some(wait) => {
                let woken = housekeeper.bell.wait_timeout(rounds, wait);
                woken.unwrap_or_else(PoisonError::into_inner).0
            }
            None => housekeeper.bell.wait(rounds).unwrap_or_else(PoisonError::into_inner),
        };
    }
    rounds.rung = false;
    rounds.engines.retain(|engine| engine.strong_count() > 0);
    rounds.engines.iter().filter_map(Weak::upgrade).collect()
}

/// How long to sleep before a deadline: not beyond it, and deadlines close together as one.
fn until(engine: &Engine, next_ms: u64) -> Duration {
    let us = (next_ms * 1000).saturating_sub(engine.now_us());
    Duration::from_micros(us).max(LATEST / 10)
}
