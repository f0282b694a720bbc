//! When snapshots are saved, and what is known of them: SAVE, BGSAVE, save points, INFO, the refusal
//! of writes after a failure.
//!
//! | module | subject |
//! |---|---|
//! | this | beginning and ending a save |
//! | `state` | what is known of the saves so far |
//! | `points` | what is due at a moment |
//! | `load` | the file at a start |
//! | `file` | the file, written piece by piece |
//!
//! A save runs in a thread of its own, or in its caller's for SAVE. Nothing is forked: the engine
//! hands over what is about to change. Knows no log of effects.

mod file;
mod load;
mod points;
mod state;

pub use load::{LoadError, Loaded};
pub use state::Ended;

use crate::disk::Disk;
use crate::rdb::{self, WriteOptions};
use crate::report::Report;
use larder_engine::config::Id;
use larder_engine::durability::{BackgroundSave, Mark, Step};
use larder_engine::keyspace::snapshot::{SavedEntry, Snapshot};
use larder_engine::{Engine, Error};
use state::{Progress, Running, State};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

/// What clients hear when a file could not be written; the log has the reason.
const FAILED: Error = Error::text("ERR");

const IN_PROGRESS: Error = Error::text("ERR Background save already in progress");

const REWRITE_ACTIVE: Error = Error::text(
    "ERR Another child process is active (AOF?): can't BGSAVE right now. Use BGSAVE SCHEDULE in \
     order to schedule a BGSAVE whenever possible.",
);

/// How long the end of the process waits for a save that it has called off.
const PATIENCE: Duration = Duration::from_secs(5);

/// The snapshots of an engine.
#[derive(Debug)]
pub struct Snapshots {
    engine: Weak<Engine>,
    disk: Arc<dyn Disk>,
    report: Arc<dyn Report>,
    state: Mutex<State>,
    /// A save has ended.
    ended: Condvar,
    loading: load::Progress,
}

impl Snapshots {
    /// Of an engine whose files are on a disk.
    pub fn new(
        engine: &Arc<Engine>,
        disk: Arc<dyn Disk>,
        report: Arc<dyn Report>,
    ) -> Arc<Snapshots> {
        let state = State::new(engine.started_ms());
        Arc::new(Snapshots {
            engine: Arc::downgrade(engine),
            disk,
            report,
            state: Mutex::new(state),
            ended: Condvar::new(),
            loading: load::Progress::default(),
        })
    }

    /// Where the file is.
    pub fn path(&self) -> PathBuf {
        let Some(engine) = self.engine.upgrade() else { return PathBuf::new() };
        let text = |id| engine.config().text(id);
        Path::new(OsStr::from_bytes(&text(Id::Dir))).join(OsStr::from_bytes(&text(Id::Dbfilename)))
    }

    /// `SAVE`: returns once the snapshot is on disk.
    ///
    /// # Errors
    /// With Redis's texts.
    pub fn save(&self) -> Result<(), Error> {
        let engine = self.engine.upgrade().ok_or(FAILED)?;
        if self.state().running.is_some() {
            return Err(IN_PROGRESS);
        }
        let changes = engine.stats().changes();
        // The mark takes locks, which BGSAVE holds while it asks for the state.
        let snapshot = engine.begin_snapshot().map_err(|_| REWRITE_ACTIVE)?;
        let (progress, running) = running(&engine, &snapshot, changes);
        self.occupy(running)?;
        let written =
            self.write(snapshot, &mut |snapshot| snapshot.step(rdb::write::STEP), &progress);
        self.end(&written, false);
        written.map(drop).map_err(|_| FAILED)
    }

    /// `BGSAVE`: what it replies. Called under all locks.
    ///
    /// # Errors
    /// With Redis's texts.
    pub fn save_in_background(
        self: &Arc<Self>,
        how: BackgroundSave,
        mark: &mut Mark<'_>,
    ) -> Result<&'static str, Error> {
        let engine = self.engine.upgrade().ok_or(FAILED)?;
        let mut state = self.state();
        if how == BackgroundSave::Cancel {
            return self.cancel(&mut state);
        }
        if state.running.is_some() {
            return Err(IN_PROGRESS);
        }
        let changes = engine.stats().changes();
        match mark() {
            Ok(snapshot) => self.begin(&mut state, &engine, snapshot, changes)?,
            Err(_) if how == BackgroundSave::Schedule => {
                state.scheduled = true;
                return Ok("Background saving scheduled");
            }
            Err(_) => return Err(REWRITE_ACTIVE),
        }
        Ok("Background saving started")
    }

    /// `DEBUG RELOAD`: writes the file under the caller's locks.
    ///
    /// # Errors
    /// With Redis's texts.
    pub fn save_held(&self, snapshot: Snapshot, step: &mut Step<'_>) -> Result<(), Error> {
        let engine = self.engine.upgrade().ok_or(FAILED)?;
        let changes = engine.stats().changes();
        let (progress, running) = running(&engine, &snapshot, changes);
        self.occupy(running)?;
        let written = self.write(snapshot, step, &progress);
        self.end(&written, false);
        written.map(drop).map_err(|_| FAILED)
    }

    /// `DEBUG RELOAD`: reads the file under the caller's locks.
    ///
    /// # Errors
    /// With Redis's texts.
    pub fn read_saved(&self, each: &mut dyn FnMut(SavedEntry)) -> Result<(), Error> {
        self.read_into(each).map_err(|error| {
            self.report.warning(&format!("{}: {error}", self.path().display()));
            Error::text("ERR Error trying to load the RDB dump, check server logs.")
        })
    }

    /// When the last snapshot was saved, or the start, in Unix seconds.
    pub fn last_save_s(&self) -> u64 {
        self.state().last_save_ms / 1000
    }

    /// `FLUSHALL` has emptied the keyspace: what is being saved helps nobody, and with save points
    /// the file becomes as empty.
    pub fn flushed(&self) {
        let Some(engine) = self.engine.upgrade() else { return };
        if self.abort() {
            self.report.notice("FLUSHALL: the background save that was running is given up");
            self.await_end();
        }
        if !engine.config().save_points().is_empty() {
            // The reason of a failure is in the log; what was flushed is flushed.
            let _ = self.save();
        }
    }

    /// Gives up the save that is running; whether one was.
    pub fn abort(&self) -> bool {
        let mut state = self.state();
        state.scheduled = false;
        let running = state.running.as_mut();
        running.map(Running::abort).is_some()
    }

    /// Waits a while for the end of a save; whether none is running.
    pub fn await_end(&self) -> bool {
        let state = self.state();
        let waited =
            self.ended.wait_timeout_while(state, PATIENCE, |state| state.running.is_some());
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.running.is_none()
    }

    /// Settings have changed: whether writes are refused may be another thing now.
    pub fn settings_changed(&self) {
        if let Some(engine) = self.engine.upgrade() {
            let refuses = self.refuses(&engine, &self.state());
            engine.doubt_writes(refuses);
        }
    }

    /// Why writes are refused, if they are.
    pub fn refuses_writes(&self) -> Option<Error> {
        let engine = self.engine.upgrade()?;
        self.refuses(&engine, &self.state()).then_some(MISCONF)
    }

    /// Lines of INFO.
    pub fn info(&self) -> Vec<(&'static str, String)> {
        let Some(engine) = self.engine.upgrade() else { return Vec::new() };
        let mut lines = self.loading.info(&engine);
        lines.extend(self.state().info(&engine));
        lines
    }

    fn cancel(&self, state: &mut State) -> Result<&'static str, Error> {
        if let Some(running) = &mut state.running {
            running.abort();
            return Ok("Background saving cancelled");
        }
        if std::mem::take(&mut state.scheduled) {
            return Ok("Scheduled background saving cancelled");
        }
        Err(Error::text("ERR Background saving is currently not in progress or scheduled"))
    }

    /// Notes that a save runs, unless one is at its last bytes.
    fn occupy(&self, running: Running) -> Result<(), Error> {
        let mut state = self.state();
        if state.running.is_some() {
            return Err(IN_PROGRESS);
        }
        state.running = Some(running);
        Ok(())
    }

    /// Begins a save in a thread of its own.
    fn begin(
        self: &Arc<Self>,
        state: &mut State,
        engine: &Arc<Engine>,
        snapshot: Snapshot,
        changes: u64,
    ) -> Result<(), Error> {
        let (progress, running) = running(engine, &snapshot, changes);
        state.scheduled = false;
        state.last_try_ms = running.began_ms;
        let snapshots = self.clone();
        let thread = std::thread::Builder::new().name("larder-saver".to_owned());
        let spawned = thread.spawn(move || {
            let written = snapshots.write(
                snapshot,
                &mut |snapshot| snapshot.step(rdb::write::STEP),
                &progress,
            );
            snapshots.end(&written, true);
        });
        if let Err(error) = spawned {
            self.report.warning(&format!("Can't save in background: {error}"));
            state.last_ok = false;
            return Err(FAILED);
        }
        state.running = Some(running);
        self.report.notice("Background saving started");
        Ok(())
    }

    /// Writes a snapshot to its file.
    fn write(
        &self,
        mut snapshot: Snapshot,
        step: &mut Step<'_>,
        progress: &Progress,
    ) -> Result<rdb::Written, rdb::Error> {
        let engine = snapshot.engine().clone();
        let options = WriteOptions::of(engine.config());
        let mut step = |snapshot: &mut Snapshot| {
            let entries = step(snapshot)?;
            progress.keys.fetch_add(entries.len() as u64, Ordering::Relaxed);
            progress.peak.fetch_max(engine.snapshot_bytes(), Ordering::Relaxed);
            Some(entries)
        };
        let path = self.path();
        let written = file::replace(&*self.disk, &path, &mut |file| {
            rdb::write::write_by(&mut snapshot, &mut step, file, &options)
        });
        if let Ok(written) = &written
            && written.version == 12
        {
            self.warn_of_version();
        }
        written
    }

    /// Notes how a save ended.
    fn end(&self, written: &Result<rdb::Written, rdb::Error>, in_background: bool) {
        let Some(engine) = self.engine.upgrade() else { return };
        let now_ms = engine.now_us() / 1000;
        let ended = match written {
            Ok(_) => Ended::Saved,
            Err(rdb::Error::Aborted) => self.state().why_aborted(),
            Err(_) => Ended::Failed,
        };
        // Before anybody is told that it has ended: who looks for the reason finds it.
        self.tell(written, ended, in_background);
        let mut state = self.state();
        state.end(ended, in_background, now_ms);
        let refuses = self.refuses(&engine, &state);
        drop(state);
        engine.doubt_writes(refuses);
        self.ended.notify_all();
    }

    fn tell(&self, written: &Result<rdb::Written, rdb::Error>, ended: Ended, in_background: bool) {
        match (written, ended) {
            (Ok(written), _) => {
                self.report.notice("DB saved on disk");
                if in_background {
                    let rdb::Written { keys, bytes, .. } = written;
                    self.report.notice(&format!(
                        "Background saving terminated with success: {keys} keys, {bytes} bytes"
                    ));
                }
            }
            (_, Ended::Cancelled) => self.report.notice("Background saving was called off"),
            (_, Ended::Crowded) => self.report.warning(&format!(
                "Background saving error: given up because the disk was too slow for {} seconds \
                 while changed keys were waiting for it",
                points::MOST_CROWDED_MS / 1000
            )),
            (Err(error), _) => {
                let path = self.path();
                let path = path.display();
                let what = if in_background { "Background saving error" } else { "Saving error" };
                self.report.warning(&format!("{what}: {path} cannot be written: {error}"));
            }
        }
    }

    /// Says once who cannot read what was written.
    fn warn_of_version(&self) {
        if !std::mem::replace(&mut self.state().warned_of_version, true) {
            self.report.warning(
                "Fields of hashes have deadlines, so the snapshot has version 12: Redis reads it \
                 from 7.4 on, Valkey does not. Set rdb-save-version to valkey80 for Valkey 9",
            );
        }
    }

    fn refuses(&self, engine: &Engine, state: &State) -> bool {
        let config = engine.config();
        !state.last_ok
            && config.flag(Id::StopWritesOnBgsaveError)
            && !config.save_points().is_empty()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const MISCONF: Error = Error::text(
    "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to \
     disk. Commands that may modify the data set are disabled, because this instance is \
     configured to report errors during writes if RDB snapshotting fails \
     (stop-writes-on-bgsave-error option). Please check the Redis logs for details about the RDB \
     error.",
);

/// What is known of a save that begins.
fn running(engine: &Engine, snapshot: &Snapshot, changes: u64) -> (Arc<Progress>, Running) {
    let progress = Arc::new(Progress::default());
    let running = Running {
        handle: snapshot.handle(),
        progress: progress.clone(),
        began_ms: engine.now_us() / 1000,
        total: snapshot.sizes().iter().map(|size| size.keys).sum(),
        changes,
        aborted: None,
    };
    (progress, running)
}
