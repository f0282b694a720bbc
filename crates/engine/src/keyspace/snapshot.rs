//! Point-in-time copies without stopping and without forking.
//!
//! A snapshot marks an epoch under all locks. From then on an entry that is about to change hands
//! over its old value first, unless it was stamped with the live epoch already; the walker saves
//! what it meets unstamped, and stamps it. The walk meets everything that stays at least once, the
//! stamp lets nothing through twice: what arrives is exactly the keyspace at the mark.
//!
//! ```text
//!            mark                     walk                                   done
//! epoch 4 ───── epoch 5 ──────────────────────────────────────────────────────────
//! a  stamp 4 ────────── met: saved, stamp 5 ─── changed: nothing to do
//! b  stamp 4 ── changed: handed over, stamp 5 ─ met: skipped
//! c             added: stamp 5 ──────────────── met: skipped
//! ```
//! A stamp has eight bits. A snapshot that was walked to its end leaves no older stamp behind; one
//! that was given up may, so those are counted, and before the epoch could come round to such a
//! stamp everything is stamped anew under the locks.
//!
//! Databases keep the number that they had at the mark, whatever SWAPDB does; a shard that
//! FLUSHALL emptied goes to the walker in one piece ([`super::detached`]).

use super::detached::Detached;
use super::entry::Entry;
use super::gate::OwnedValue;
use super::locks::{Acquired, ShardSet, Wait};
use super::shard::Walk;
use crate::changes::Changes;
use crate::engine::Engine;
use crate::keys::Hashes;
use crate::log::Position;
use crate::sync::Mutex;
use std::sync::Arc;

/// Snapshots in a row that may be given up before old stamps could be met again.
const MAX_ABORTED: u8 = 254;

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

/// Why a snapshot cannot begin now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SnapshotRefused {
    /// Another one is running.
    Running,
    /// The store is busy.
    Busy,
}

/// A running snapshot. Dropping it before its end gives it up.
#[derive(Debug)]
pub struct Snapshot {
    engine: Arc<Engine>,
    tap: Arc<Tap>,
    position: Position,
    shard: u16,
    walk: Walk,
    done: bool,
}

impl Engine {
    /// Marks the keyspace as it is. O(shards), under all locks; and O(entries) once in 255
    /// snapshots if all of those were given up.
    ///
    /// # Errors
    /// While another snapshot runs, or the store is busy.
    pub fn begin_snapshot(self: &Arc<Self>) -> Result<Snapshot, SnapshotRefused> {
        let mut snapshots = self.snapshots.lock();
        if snapshots.running {
            return Err(SnapshotRefused::Running);
        }
        let restamp = snapshots.aborted > MAX_ABORTED;
        let epoch = snapshots.epoch.wrapping_add(1);
        let mut changes = Changes::default();
        let marked = self.with_keys(
            ShardSet::All,
            &Hashes::default(),
            &mut changes,
            Wait::Park,
            |_| ShardSet::None,
            |keys| {
                let tap = Arc::new(Tap::new(keys.now_ms()));
                for shard in keys.shards() {
                    if restamp {
                        shard.restamp();
                    }
                    shard.mark(epoch, &tap);
                }
                (tap, keys.engine.log().position())
            },
        );
        let ((tap, position), _) = marked.map_err(|refused| match refused {
            Acquired::Busy | Acquired::Retry | Acquired::Granted => SnapshotRefused::Busy,
        })?;
        if restamp {
            snapshots.aborted = 0;
        }
        snapshots.running = true;
        snapshots.epoch = epoch;
        let engine = self.clone();
        Ok(Snapshot { engine, tap, position, shard: 0, walk: Walk::default(), done: false })
    }
}

impl Engine {
    /// Puts saved entries into the keyspace, through the gate and without an effect: how a snapshot
    /// comes back. Returns how many; the rest is lost to a busy store only.
    pub fn load(&self, entries: impl IntoIterator<Item = SavedEntry>) -> u64 {
        let mut changes = Changes::default();
        let mut loaded = 0;
        for SavedEntry { db, key, value, deadline_ms } in entries {
            let shard = self.shard_index(self.hash().of(&key));
            let put = self.with_keys(
                ShardSet::One(shard),
                &Hashes::default(),
                &mut changes,
                Wait::Park,
                |_| ShardSet::None,
                |keys| keys.write_in(db, &key).put_owned(value, deadline_ms),
            );
            loaded += u64::from(put.is_ok());
        }
        loaded
    }
}

impl Snapshot {
    /// The log's position at the mark: effects after it are not in the snapshot.
    pub fn position(&self) -> Position {
        self.position
    }

    /// Walks over about `budget` entries, under one shard's lock; what was saved since the last
    /// step, in no order. `None` once everything was returned.
    pub fn step(&mut self, budget: usize) -> Option<Vec<SavedEntry>> {
        if self.done {
            return None;
        }
        let mut budget = budget.max(1);
        while budget > 0 && self.shard < self.engine.shard_count() {
            match self.walk_shard(&mut budget) {
                Some(true) => {
                    self.shard += 1;
                    self.walk = Walk::default();
                }
                Some(false) => {}
                None => return Some(self.tap.take()),
            }
        }
        if budget > 0 {
            self.save_detached(&mut budget);
        }
        Some(self.tap.take())
    }

    /// Goes on in a shard, whether that is done then; `None` while the store is busy.
    fn walk_shard(&mut self, budget: &mut usize) -> Option<bool> {
        let Snapshot { engine, tap, shard, walk, .. } = self;
        let mut garbage = Vec::new();
        engine.try_shard(*shard, |shard| {
            let done = shard.walk(walk, tap, budget, &mut garbage);
            if !done {
                *budget = 0;
            }
            done
        })
    }

    /// Saves shards that were flushed meanwhile; no more come once every shard was walked.
    fn save_detached(&mut self, budget: &mut usize) {
        while let Some(mut detached) = self.tap.take_detached() {
            if !detached.save(&self.tap, budget) {
                self.tap.give(detached);
                return;
            }
        }
        self.done = true;
        let mut snapshots = self.engine.snapshots.lock();
        snapshots.running = false;
        snapshots.aborted = 0;
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        if self.done {
            return;
        }
        let left = self.tap.close();
        let mut snapshots = self.engine.snapshots.lock();
        snapshots.running = false;
        snapshots.aborted += 1;
        drop(snapshots);
        drop(left);
    }
}

/// What an engine knows of its snapshots.
#[derive(Debug, Default)]
pub(crate) struct Snapshots {
    running: bool,
    /// The stamp of entries that are written now.
    epoch: u8,
    /// Snapshots since the last one that was walked to its end.
    aborted: u8,
}

/// Where saved entries go while a snapshot runs.
pub(crate) struct Tap {
    /// Time of the mark; what was due then is not in the snapshot.
    marked_ms: u64,
    saved: Mutex<Saved>,
}

struct Saved {
    /// The snapshot is running and takes what it is given.
    open: bool,
    entries: Vec<SavedEntry>,
    detached: Vec<Detached>,
}

impl std::fmt::Debug for Tap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tap").field("marked_ms", &self.marked_ms).finish_non_exhaustive()
    }
}

impl Tap {
    fn new(marked_ms: u64) -> Self {
        let saved = Saved { open: true, entries: Vec::new(), detached: Vec::new() };
        Tap { marked_ms, saved: Mutex::new(saved) }
    }

    /// Saves an entry of a database, which is given by its number at the mark.
    pub(crate) fn save(&self, db: u8, entry: Entry) {
        let deadline_ms = entry.deadline_ms();
        let mut saved = self.saved.lock();
        if !saved.open || entry.is_gone(self.marked_ms, false) {
            return;
        }
        let value = entry.copy();
        saved.entries.push(SavedEntry { db, key: entry.key().into(), value, deadline_ms });
    }

    /// Takes over a flushed shard, or returns it when nobody needs it.
    pub(crate) fn give(&self, detached: Detached) -> Option<Detached> {
        let mut saved = self.saved.lock();
        if !saved.open {
            return Some(detached);
        }
        saved.detached.push(detached);
        None
    }

    fn take(&self) -> Vec<SavedEntry> {
        std::mem::take(&mut self.saved.lock().entries)
    }

    fn take_detached(&self) -> Option<Detached> {
        self.saved.lock().detached.pop()
    }

    /// Takes nothing from now on; what was taken and is not saved yet.
    fn close(&self) -> Vec<Detached> {
        let mut saved = self.saved.lock();
        saved.open = false;
        saved.entries = Vec::new();
        std::mem::take(&mut saved.detached)
    }
}
