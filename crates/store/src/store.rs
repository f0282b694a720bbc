//! An engine's store: its files in a folder, as the engine asks for them.
//!
//! Puts the parts together and decides nothing itself: snapshots are [`Snapshots`]'s, the log is
//! [`Aof`]'s. One thread of the store looks a few times a second for what is due.

use crate::aof::folder::Folder;
use crate::aof::{self, Aof};
use crate::disk::Disk;
use crate::report::Report;
use crate::snapshots::{self, Snapshots};
use larder_engine::config::{ConfigError, Id};
use larder_engine::durability::{BackgroundSave, Mark, Step};
use larder_engine::keyspace::snapshot::{SavedEntry, Snapshot};
use larder_engine::{Durability, Engine, Error, Shutdown};
use std::fmt;
use std::io;
use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

/// How often the store looks for what is due.
const BEAT: Duration = Duration::from_millis(100);

/// The store of an engine.
#[derive(Debug)]
pub struct Store {
    engine: Weak<Engine>,
    report: Arc<dyn Report>,
    snapshots: Arc<Snapshots>,
    disk: Arc<dyn Disk>,
    log: Arc<Aof>,
    /// A clean end leaves a snapshot, whatever the save points say.
    save_at_end: bool,
    beat: Beat,
}

/// What a store is made from.
#[derive(Debug)]
pub struct StoreOptions {
    /// Where its files are.
    pub disk: Arc<dyn Disk>,
    /// Who hears what it has to say.
    pub report: Arc<dyn Report>,
    /// A clean end leaves a snapshot, whatever the save points say: as with Larder's own settings.
    pub save_at_end: bool,
}

impl Store {
    /// The store of an empty engine in the folder that its settings name; attached to it, and not
    /// loaded yet.
    ///
    /// # Errors
    /// When a thread cannot be started.
    pub fn open(engine: &Arc<Engine>, options: StoreOptions) -> io::Result<Arc<Store>> {
        let StoreOptions { disk, report, save_at_end } = options;
        let folder = Folder::of(disk.clone(), engine.config());
        let store = Arc::new(Store {
            engine: Arc::downgrade(engine),
            log: Aof::new(engine, folder, report.clone()),
            disk: disk.clone(),
            snapshots: Snapshots::new(engine, disk, report.clone()),
            report,
            save_at_end,
            beat: Beat::default(),
        });
        engine.attach_durability(store.clone());
        Ok(store)
    }

    /// Loads what the folder holds, the log if it is on and there, or else the snapshot; and begins
    /// to log. Nothing where that is nothing. `told` hears bytes read and bytes in all.
    ///
    /// # Errors
    /// [`LoadError`]; no file was changed, and the engine must not be used.
    pub fn load(&self, told: &mut dyn FnMut(u64, u64)) -> Result<Option<Loaded>, LoadError> {
        let Some(engine) = self.engine.upgrade() else { return Ok(None) };
        engine.set_loading(true);
        let loaded = self.load_and_log(&engine, told);
        engine.set_loading(false);
        loaded
    }

    /// No command comes between the last that was loaded and the first that is logged.
    fn load_and_log(
        &self,
        engine: &Arc<Engine>,
        told: &mut dyn FnMut(u64, u64),
    ) -> Result<Option<Loaded>, LoadError> {
        if !engine.config().flag(Id::Appendonly) {
            return Ok(self.snapshots.load(told)?.map(Loaded::Snapshot));
        }
        let folder = Folder::of(self.disk.clone(), engine.config());
        let log = aof::load::load(&folder, engine, &*self.report, &mut |read, total| {
            self.snapshots.note_loading(engine, read, total);
            told(read, total);
        })?;
        let loaded = match &log {
            Some(log) => {
                Some(Loaded::Log { keys: log.keys, commands: log.commands, took_ms: log.took_ms })
            }
            None => self.snapshots.load(told)?.map(Loaded::Snapshot),
        };
        self.log.start(log).map_err(LoadError::Start)?;
        Ok(loaded)
    }

    /// Begins to look for what is due, until [`Store::close`] or the engine's end.
    ///
    /// # Errors
    /// When a thread cannot be started.
    pub fn start(self: &Arc<Self>) -> io::Result<()> {
        let (weak, stopped) = (Arc::downgrade(self), self.beat.stopped.clone());
        let thread =
            std::thread::Builder::new().name("larder-store".to_owned()).spawn(move || {
                while !wait(&stopped) {
                    let Some(store) = weak.upgrade() else { return };
                    store.snapshots.tick();
                }
            })?;
        self.log.run()?;
        *self.beat.thread.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread);
        Ok(())
    }

    /// Its log.
    pub fn log(&self) -> &Arc<Aof> {
        &self.log
    }

    /// Its snapshots.
    pub fn snapshots(&self) -> &Arc<Snapshots> {
        &self.snapshots
    }

    /// Ends its threads. What is to last was made to last by [`Durability::shut_down`].
    pub fn close(&self) {
        self.snapshots.abort();
        self.snapshots.await_end();
        self.log.close();
        *lock(&self.beat.stopped.0) = true;
        self.beat.stopped.1.notify_all();
        let thread = lock(&self.beat.thread).take();
        if let Some(thread) = thread
            && thread.thread().id() != std::thread::current().id()
        {
            // A thread that panicked has said so itself.
            let _ = thread.join();
        }
    }
}

impl Durability for Store {
    fn save(&self) -> Result<(), Error> {
        self.snapshots.save()
    }

    fn save_in_background(
        &self,
        how: BackgroundSave,
        mark: &mut Mark<'_>,
    ) -> Result<&'static str, Error> {
        self.snapshots.save_in_background(how, mark)
    }

    fn last_save_s(&self) -> u64 {
        self.snapshots.last_save_s()
    }

    fn rewrite(&self) -> Result<&'static str, Error> {
        self.log.rewrite()?;
        Ok("Background append only file rewriting started")
    }

    fn is_logging(&self) -> bool {
        self.log.is_on()
    }

    fn sync_log(&self) -> bool {
        self.log.sync()
    }

    fn apply(&self, changed: &[Id]) -> Result<(), ConfigError> {
        self.snapshots.settings_changed();
        self.log.apply(changed).map_err(|reason| {
            self.report.warning(&format!("appendonly cannot be turned on: {reason}"));
            let reason = "Unable to turn on AOF. Check server logs.";
            ConfigError::failed(Id::Appendonly.param().name, reason)
        })
    }

    fn flushed(&self) {
        self.snapshots.flushed();
    }

    fn shut_down(&self, how: Shutdown) -> Result<(), String> {
        let Some(engine) = self.engine.upgrade() else { return Ok(()) };
        let points = !engine.config().save_points().is_empty();
        let save = how.save.unwrap_or(points || self.save_at_end);
        self.snapshots.abort();
        self.snapshots.await_end();
        if !save {
            return self.flush_log(how);
        }
        engine.hold_writes(true);
        self.flush_log(how)?;
        self.report.notice("Saving the final RDB snapshot before exiting.");
        match self.snapshots.save() {
            Ok(()) => Ok(()),
            Err(_) if how.force => {
                self.report.warning("Ending without a snapshot, as SHUTDOWN FORCE asks");
                Ok(())
            }
            Err(_) => {
                engine.hold_writes(false);
                self.report.warning("Error trying to save the DB, can't exit.");
                Err("Errors trying to SHUTDOWN. Check logs.".to_owned())
            }
        }
    }

    fn info(&self) -> Vec<(&'static str, String)> {
        let mut lines = self.snapshots.info();
        lines.extend(self.log.info());
        lines
    }

    fn refuses_writes(&self) -> Option<Error> {
        self.log.refuses_writes().or_else(|| self.snapshots.refuses_writes())
    }

    fn save_held(&self, snapshot: Snapshot, step: &mut Step<'_>) -> Result<(), Error> {
        self.snapshots.save_held(snapshot, step)
    }

    fn read_saved(&self, each: &mut dyn FnMut(SavedEntry)) -> Result<(), Error> {
        self.snapshots.read_saved(each)
    }
}

impl Store {
    /// Makes the log last; what does not, calls the end off, unless it is forced.
    fn flush_log(&self, how: Shutdown) -> Result<(), String> {
        let Err(reason) = self.log.flush() else { return Ok(()) };
        self.report.warning(&format!("Error writing to the AOF file: {reason}, can't exit."));
        if how.force {
            return Ok(());
        }
        if let Some(engine) = self.engine.upgrade() {
            engine.hold_writes(false);
        }
        Err("Errors trying to SHUTDOWN. Check logs.".to_owned())
    }
}

/// What a start has loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loaded {
    /// The snapshot file.
    Snapshot(snapshots::Loaded),
    /// The log.
    Log {
        /// Keys of its base.
        keys: u64,
        /// Commands that were played.
        commands: u64,
        /// How long it took.
        took_ms: u64,
    },
}

/// Why a folder cannot be loaded. Nothing in it was changed, unless it is the log that cannot begin.
#[derive(Debug)]
pub enum LoadError {
    /// The snapshot file.
    Snapshot(snapshots::LoadError),
    /// The log.
    Log(aof::load::LoadError),
    /// The log cannot be written: where, and why.
    Start(String),
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LoadError::Snapshot(error) => error.fmt(f),
            LoadError::Log(error) => error.fmt(f),
            LoadError::Start(reason) => f.write_str(reason),
        }
    }
}

impl std::error::Error for LoadError {}

impl From<snapshots::LoadError> for LoadError {
    fn from(error: snapshots::LoadError) -> Self {
        LoadError::Snapshot(error)
    }
}

impl From<aof::load::LoadError> for LoadError {
    fn from(error: aof::load::LoadError) -> Self {
        LoadError::Log(error)
    }
}

/// The thread that looks for what is due.
#[derive(Debug, Default)]
struct Beat {
    stopped: Arc<(Mutex<bool>, Condvar)>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// Waits for the next beat; whether there is none.
fn wait(stopped: &(Mutex<bool>, Condvar)) -> bool {
    let guard = lock(&stopped.0);
    let waited = stopped.1.wait_timeout_while(guard, BEAT, |stopped| !*stopped);
    *waited.unwrap_or_else(PoisonError::into_inner).0
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
