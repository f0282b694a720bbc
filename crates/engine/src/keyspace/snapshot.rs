//! Point-in-time copies without stopping and without forking.
//!
//! A snapshot marks an epoch under all locks. From then on an entry that is about to change hands
//! over its old value first, unless it was stamped with the live epoch already; the walker saves
//! what it meets unstamped, and stamps it. The walk meets everything that stays at least once, the
//! stamp lets nothing through twice: what arrives is exactly the keyspace at the mark.

use super::entry::ValueRef;
use super::gate::OwnedValue;
use crate::sync::Mutex;

/// A key as it was at the mark.
#[derive(Debug)]
pub struct SavedEntry {
    /// The database's number at the mark.
    pub db: u8,
    /// The key.
    pub key: Box<[u8]>,
    /// Its value.
    pub value: OwnedValue,
    /// When it expires, in Unix milliseconds.
    pub deadline_ms: Option<u64>,
}

/// Where saved entries go while a snapshot runs.
#[derive(Debug, Default)]
pub(crate) struct Tap {
    saved: Mutex<Vec<SavedEntry>>,
}

impl Tap {
    /// Saves an entry.
    pub(crate) fn save(&self, db: u8, key: &[u8], value: ValueRef<'_>, deadline_ms: Option<u64>) {
        let value = OwnedValue::copy_of(value);
        self.saved.lock().push(SavedEntry { db, key: key.into(), value, deadline_ms });
    }

    /// Takes what was saved so far.
    pub(crate) fn take(&self) -> Vec<SavedEntry> {
        std::mem::take(&mut *self.saved.lock())
    }
}
