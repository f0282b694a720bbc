//! The store of the server's data: opened, loaded with a word about how far it is, and saved at the
//! end.
//!
//! Knows no format; next: `larder_store`.

use crate::logging::Log;
use larder::Larder;
use larder_engine::config::{Config, Id, Profile, shutdown};
use larder_engine::{Durability, Engine, Shutdown};
use larder_store::disk::RealDisk;
use larder_store::report::Report;
use larder_store::{LoadError, Loaded, Store, StoreOptions};
use std::path::Path;
use std::sync::Arc;

/// A load that takes longer says so, and again as often.
const TELL_EVERY_MS: u64 = 5_000;

/// The log as the store knows it.
#[derive(Debug)]
struct Told(Log);

impl Report for Told {
    fn notice(&self, line: &str) {
        self.0.notice(line);
    }
    fn warning(&self, line: &str) {
        self.0.warning(line);
    }
}

/// The server's data on disk.
#[derive(Debug)]
pub struct Persistence {
    store: Arc<Store>,
    engine: Arc<Engine>,
    log: Log,
}

impl Persistence {
    /// Gives the engine its store. Clients hear `-LOADING` until [`Persistence::load`] is done.
    ///
    /// # Errors
    /// Why not, as a text for standard error.
    pub fn open(larder: &Larder, log: &Log) -> Result<Persistence, String> {
        let Some(engine) = larder.linked_engine() else {
            return Err("larder: only a store of this process can be served\n".to_owned());
        };
        engine.set_loading(true);
        let options = StoreOptions {
            disk: Arc::new(RealDisk),
            report: Arc::new(Told(log.clone())),
            save_at_end: engine.config().profile() == Profile::Larder,
        };
        let store = Store::open(engine, options)
            .map_err(|error| format!("larder: the data folder cannot be used: {error}\n"))?;
        Ok(Persistence { store, engine: engine.clone(), log: log.clone() })
    }

    /// Loads what the folder holds, and begins to save by the save points. `is_over` is asked now
    /// and then; the process ends if it says so.
    ///
    /// # Errors
    /// What is wrong with which file, as a text for standard error. Nothing was changed.
    pub fn load(&self, is_over: &mut dyn FnMut() -> bool) -> Result<(), String> {
        let path = self.store.snapshots().path();
        let now_ms = || self.engine.now_us() / 1000;
        let mut tell_ms = now_ms() + TELL_EVERY_MS;
        let loaded = self.store.load(&mut |read, total| {
            if is_over() {
                std::process::exit(0);
            }
            if now_ms() >= tell_ms && total > 0 {
                tell_ms = now_ms() + TELL_EVERY_MS;
                let share = read as f64 / total as f64 * 100.0;
                self.log.notice(&format!("Loading: {share:.0} %"));
            }
        });
        match loaded {
            Ok(Some(loaded)) => self.tell(&path, loaded),
            Ok(None) => {}
            Err(LoadError::Start(reason)) => {
                return Err(format!("larder: the log cannot be written: {reason}\n"));
            }
            Err(error) => {
                return Err(format!(
                    "larder: {error}. Nothing was changed. `larder check {}` says more; to begin \
                     empty, move the file away\n",
                    path.display()
                ));
            }
        }
        self.engine.set_loading(false);
        let started = self.store.start();
        started.map_err(|error| format!("larder: a thread cannot be started: {error}\n"))
    }

    fn tell(&self, path: &Path, loaded: Loaded) {
        let took_ms = match loaded {
            Loaded::Snapshot(loaded) => {
                let (keys, expired, path) = (loaded.keys, loaded.expired, path.display());
                self.log.notice(&format!(
                    "Done loading RDB, keys loaded: {keys}, keys expired: {expired}. ({path})"
                ));
                loaded.took_ms
            }
            Loaded::Log { keys, commands, took_ms } => {
                self.log.notice(&format!(
                    "The log is played: {keys} keys of its base, {commands} commands since"
                ));
                let seconds = took_ms as f64 / 1000.0;
                self.log.notice(&format!("DB loaded from append only file: {seconds:.3} seconds"));
                return;
            }
        };
        self.log.notice(&format!("DB loaded from disk: {:.3} seconds", took_ms as f64 / 1000.0));
    }

    /// Saves what is to last, as a signal of this name asks for; whether the process may end.
    pub fn save_at_signal(&self, signal: &str) -> bool {
        let id = if signal == "SIGINT" { Id::ShutdownOnSigint } else { Id::ShutdownOnSigterm };
        let how = how(self.engine.config(), id);
        self.store.shut_down(how).is_ok()
    }

    /// Whether something is in memory that the files have not.
    pub fn is_behind(&self) -> bool {
        if self.store.log().is_on() {
            return false;
        }
        let told = self.store.info();
        let dirty = told.iter().find(|(name, _)| *name == "rdb_changes_since_last_save");
        dirty.is_some_and(|(_, changes)| changes != "0")
    }

    /// Ends the store's threads.
    pub fn close(&self) {
        self.store.close();
    }
}

/// What a setting says about a shutdown.
fn how(config: &Config, id: Id) -> Shutdown {
    let bits = config.int(id);
    let has = |bit: i64| bits & bit != 0;
    let save = match (has(shutdown::SAVE), has(shutdown::NOSAVE)) {
        (true, _) => Some(true),
        (_, true) => Some(false),
        _ => None,
    };
    Shutdown { save, now: has(shutdown::NOW), force: has(shutdown::FORCE), abort: false }
}
