//! An engine's store: its files in a folder, as the engine asks for them.
//!
//! Puts the parts together and decides nothing itself: snapshots are [`Snapshots`]'s. One thread of
//! the store looks a few times a second for what is due.

use crate::disk::Disk;
use crate::report::Report;
use crate::snapshots::{LoadError, Loaded, Snapshots};
use larder_engine::config::{ConfigError, Id};
use larder_engine::durability::{BackgroundSave, Mark, Step};
use larder_engine::keyspace::snapshot::{SavedEntry, Snapshot};
use larder_engine::{Durability, Engine, Error, Shutdown};
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
        let store = Arc::new(Store {
            engine: Arc::downgrade(engine),
            snapshots: Snapshots::new(engine, disk, report.clone()),
            report,
            save_at_end,
            beat: Beat::default(),
        });
        engine.attach_durability(store.clone());
        Ok(store)
    }

    /// Loads what the folder holds; nothing where that is nothing. `told` hears bytes read and bytes
    /// in all.
    ///
    /// # Errors
    /// [`LoadError`]; no file was changed, and the engine must not be used.
    pub fn load(&self, told: &mut dyn FnMut(u64, u64)) -> Result<Option<Loaded>, LoadError> {
        self.snapshots.load(told)
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
        *self.beat.thread.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread);
        Ok(())
    }

    /// Its snapshots.
    pub fn snapshots(&self) -> &Arc<Snapshots> {
        &self.snapshots
    }

    /// Ends its threads. What is to last was made to last by [`Durability::shut_down`].
    pub fn close(&self) {
        self.snapshots.abort();
        self.snapshots.await_end();
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
        Err(Error::text("ERR"))
    }

    fn apply(&self, _changed: &[Id]) -> Result<(), ConfigError> {
        self.snapshots.settings_changed();
        Ok(())
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
            return Ok(());
        }
        engine.hold_writes(true);
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
        self.snapshots.info()
    }

    fn refuses_writes(&self) -> Option<Error> {
        self.snapshots.refuses_writes()
    }

    fn save_held(&self, snapshot: Snapshot, step: &mut Step<'_>) -> Result<(), Error> {
        self.snapshots.save_held(snapshot, step)
    }

    fn read_saved(&self, each: &mut dyn FnMut(SavedEntry)) -> Result<(), Error> {
        self.snapshots.read_saved(each)
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
