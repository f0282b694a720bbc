//! What makes data outlive the process, as the engine sees it.
//!
//! The engine declares it, `larder-store` implements it; attached once, by
//! [`Engine::attach_durability`](crate::Engine::attach_durability). An engine without one is memory
//! only, and commands answer as Redis does when a file cannot be written. Knows no file and no
//! format; next:
//! `commands/server/save`.

use crate::config::{ConfigError, Id};
use crate::error::Error;
use crate::host::Shutdown;
use crate::keyspace::snapshot::{SavedEntry, Snapshot, SnapshotRefused};
use std::fmt::Debug;

/// Marks the keyspace as it is at this moment, under locks that the caller has.
pub type Mark<'m> = dyn FnMut() -> Result<Snapshot, SnapshotRefused> + 'm;

/// Takes a snapshot a step further: what [`Snapshot::step`] does, under locks that the caller has.
pub type Step<'s> = dyn FnMut(&mut Snapshot) -> Option<Vec<SavedEntry>> + 's;

/// Declared by the engine, implemented by its store.
///
/// No call may come back into a command; those that say so are made under shard locks and must not
/// take any.
pub trait Durability: Send + Sync + Debug {
    /// `SAVE`: returns once the snapshot is on disk. The caller holds no lock.
    ///
    /// # Errors
    /// With Redis's texts; the log has the reason.
    fn save(&self) -> Result<(), Error>;

    /// `BGSAVE`: what it replies. Under all locks; `mark` is called if the snapshot begins now.
    ///
    /// # Errors
    /// With Redis's texts.
    fn save_in_background(
        &self,
        how: BackgroundSave,
        mark: &mut Mark<'_>,
    ) -> Result<&'static str, Error>;

    /// When the last snapshot was saved, or the start, in Unix seconds.
    fn last_save_s(&self) -> u64;

    /// `BGREWRITEAOF`: what it replies.
    ///
    /// # Errors
    /// With Redis's texts.
    fn rewrite(&self) -> Result<&'static str, Error>;

    /// Whether effects are logged.
    fn is_logging(&self) -> bool;

    /// `WAITAOF`: makes everything that was logged before this call last; whether it does. May be
    /// called under locks.
    fn sync_log(&self) -> bool;

    /// Settings were changed by `CONFIG SET`; an error undoes the change, and the same settings are
    /// named again to undo this part.
    ///
    /// # Errors
    /// Why one cannot be applied, in a sentence.
    fn apply(&self, changed: &[Id]) -> Result<(), ConfigError>;

    /// `FLUSHALL` has emptied the keyspace. The caller holds no lock.
    fn flushed(&self);

    /// The process is about to end: makes last what the settings, or `how`, want to last. The
    /// caller holds no lock, and nothing is written afterwards; an error calls the end off.
    ///
    /// # Errors
    /// Why it must not end, in a sentence.
    fn shut_down(&self, how: Shutdown) -> Result<(), String>;

    /// Lines of INFO's section `persistence`, each a name and a value; those that are missing are
    /// the engine's to say.
    fn info(&self) -> Vec<(&'static str, String)>;

    /// Why writes are refused now. Asked only while [`Engine::doubt_writes`] says so.
    ///
    /// [`Engine::doubt_writes`]: crate::Engine::doubt_writes
    fn refuses_writes(&self) -> Option<Error>;

    /// `DEBUG RELOAD`: writes the snapshot file. Under all locks; `step` is how the snapshot gets on
    /// under them.
    ///
    /// # Errors
    /// With Redis's texts.
    fn save_held(&self, snapshot: Snapshot, step: &mut Step<'_>) -> Result<(), Error>;

    /// `DEBUG RELOAD`: reads the snapshot file. Under all locks.
    ///
    /// # Errors
    /// With Redis's texts; some entries may have been handed over before.
    fn read_saved(&self, each: &mut dyn FnMut(SavedEntry)) -> Result<(), Error>;
}

/// What `BGSAVE` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BackgroundSave {
    /// Begin one now.
    #[default]
    Now,
    /// Begin one now, or once a rewrite of the log is done.
    Schedule,
    /// Give up the one that is running or scheduled.
    Cancel,
}
