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
//! FLUSHALL emptied goes to the walker in one piece ([`super::detached`]). What was handed over and
//! waits to be saved is bounded ([`super::tap`]).

use super::DATABASES;
use super::gate::OwnedValue;
use super::locks::{Acquired, ShardSet, Wait};
use super::shard::Walk;
use super::tap::{STEP_BYTES, Tap};
use crate::changes::Changes;
use crate::engine::Engine;
use crate::keys::{Hashes, Keys};
use crate::log::{Head, Position, flags};
use std::sync::{Arc, Weak};

pub use super::tap::MOST_BYTES;

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
    /// What is known of its uses.
    pub uses: Uses,
}

/// What a file tells of a key's uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Uses {
    /// Nothing.
    #[default]
    Untold,
    /// Seconds since the last one.
    Idle(u64),
    /// How often, as a logarithm.
    Often(u8),
}

/// Keys of a database, and how many of them have a deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Size {
    /// Keys.
    pub keys: u64,
    /// Those that expire.
    pub expiring: u64,
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
    mark: Mark,
    shard: u16,
    walk: Walk,
    /// Bytes of the entries that the last step returned.
    lent: u64,
    walked: bool,
    done: bool,
}

/// What was there at the mark.
#[derive(Debug)]
struct Mark {
    position: Position,
    now_ms: u64,
    sizes: [Size; DATABASES],
    fields_expire: bool,
    /// Sources of libraries of functions.
    libraries: Vec<Vec<u8>>,
}

/// What others know of a running snapshot, and how they end it.
#[derive(Debug, Clone)]
pub struct Handle {
    tap: Arc<Tap>,
}

impl Handle {
    /// Gives the snapshot up: its next step says so.
    pub fn abort(&self) {
        drop(self.tap.close());
    }

    /// Bytes of entries that were handed over and are not written yet.
    pub fn buffered_bytes(&self) -> u64 {
        self.tap.bytes()
    }

    /// Since when writers wait for the saver, in Unix milliseconds.
    pub fn crowded_ms(&self) -> Option<u64> {
        self.tap.crowded_ms()
    }
}

impl Engine {
    /// Marks the keyspace as it is. O(shards), under all locks; and O(entries) once in 255
    /// snapshots if all of those were given up.
    ///
    /// # Errors
    /// While another snapshot runs, or the store is busy.
    pub fn begin_snapshot(self: &Arc<Self>) -> Result<Snapshot, SnapshotRefused> {
        self.mark(|keys| keys.begin_snapshot(self))
    }

    /// The same; the log records from the mark on, if it did not before, and a frame says where the
    /// mark is: what a rewritten log needs.
    ///
    /// # Errors
    /// As [`begin_snapshot`](Self::begin_snapshot).
    pub fn begin_snapshot_recorded(self: &Arc<Self>) -> Result<Snapshot, SnapshotRefused> {
        self.mark(|keys| {
            let snapshot = keys.begin_snapshot(self)?;
            let (log, time_ms) = (self.log(), keys.now_ms());
            log.set_on(true);
            log.append(Head { flags: flags::MARK, time_ms, ..Head::default() }, Vec::new());
            Ok(snapshot)
        })
    }

    fn mark(
        &self,
        mark: impl FnOnce(&mut Keys<'_>) -> Result<Snapshot, SnapshotRefused>,
    ) -> Result<Snapshot, SnapshotRefused> {
        let mut changes = Changes::default();
        let marked = self.with_keys(
            ShardSet::All,
            &Hashes::default(),
            &mut changes,
            Wait::Park,
            |_| ShardSet::None,
            mark,
        );
        match marked {
            Ok((snapshot, _)) => snapshot,
            Err(Acquired::Busy | Acquired::Retry | Acquired::Granted) => Err(SnapshotRefused::Busy),
        }
    }

    /// Bytes of old values that wait for a snapshot's saver.
    pub fn snapshot_bytes(&self) -> u64 {
        self.snapshots.lock().tap.upgrade().map_or(0, |tap| tap.bytes())
    }
}

impl Keys<'_> {
    /// Marks the keyspace as it is. Needs all locks; `engine` is theirs.
    ///
    /// # Errors
    /// While another snapshot runs.
    pub fn begin_snapshot(&mut self, engine: &Arc<Engine>) -> Result<Snapshot, SnapshotRefused> {
        let now_ms = self.now_ms();
        let mut snapshots = engine.snapshots.lock();
        if snapshots.running {
            return Err(SnapshotRefused::Running);
        }
        let restamp = snapshots.aborted > MAX_ABORTED;
        let epoch = snapshots.epoch.wrapping_add(1);
        let tap = Arc::new(Tap::new(Arc::downgrade(engine), now_ms, engine.config()));
        let position = engine.log().position();
        let (sizes, libraries) = ([Size::default(); DATABASES], engine.libraries());
        let mut mark = Mark { position, now_ms, sizes, fields_expire: false, libraries };
        for shard in self.shards() {
            if restamp {
                shard.restamp();
            }
            shard.mark(epoch, &tap);
            for (db, size) in (0..).zip(&mut mark.sizes) {
                let (keys, expiring) = shard.len(db);
                size.keys += keys;
                size.expiring += expiring;
                mark.fields_expire |= shard.keys_with_deadlines_of_fields(db) > 0;
            }
        }
        if restamp {
            snapshots.aborted = 0;
        }
        snapshots.running = true;
        snapshots.epoch = epoch;
        snapshots.tap = Arc::downgrade(&tap);
        let (engine, walk) = (engine.clone(), Walk::default());
        Ok(Snapshot { engine, tap, mark, shard: 0, walk, lent: 0, walked: false, done: false })
    }
}

impl Engine {
    /// Puts saved entries into the keyspace, through the gate and without an effect: how a snapshot
    /// comes back. Returns how many; the rest is lost to a busy store only.
    pub fn load(&self, entries: impl IntoIterator<Item = SavedEntry>) -> u64 {
        let mut changes = Changes::default();
        let mut loaded = 0;
        for entry in entries {
            let shard = self.shard_index(self.hash().of(&entry.key));
            let put = self.with_keys(
                ShardSet::One(shard),
                &Hashes::default(),
                &mut changes,
                Wait::Park,
                |_| ShardSet::None,
                |keys| keys.put_saved(entry),
            );
            loaded += u64::from(put.is_ok());
        }
        loaded
    }

    /// The same for many at once, all of them under one hold of all locks: for a start, when nobody
    /// else has much to do. Empties `entries`; how many replaced a key, or were lost to a busy store.
    pub fn load_all(&self, entries: &mut Vec<SavedEntry>) -> u64 {
        let mut changes = Changes::default();
        let many = entries.len() as u64;
        let put = self.with_keys(
            ShardSet::All,
            &Hashes::default(),
            &mut changes,
            Wait::Park,
            |_| ShardSet::None,
            |keys| entries.drain(..).map(|entry| u64::from(keys.put_saved(entry))).sum(),
        );
        put.map_or(many, |(replaced, _)| replaced)
    }
}

impl Keys<'_> {
    /// Puts a saved entry into the keyspace; whether it replaced one. Needs its lock.
    pub(crate) fn put_saved(&mut self, entry: SavedEntry) -> bool {
        let SavedEntry { db, key, value, deadline_ms, uses } = entry;
        let mut gate = self.write_in(db, &key);
        let replaces = gate.exists();
        gate.put_owned(value, deadline_ms);
        gate.restore_uses(uses);
        replaces
    }
}

impl Snapshot {
    /// The log's position at the mark: effects after it are not in the snapshot.
    pub fn position(&self) -> Position {
        self.mark.position
    }

    /// When it was marked, in Unix milliseconds.
    pub fn marked_ms(&self) -> u64 {
        self.mark.now_ms
    }

    /// How large the databases were at the mark, keys among them that were due.
    pub fn sizes(&self) -> &[Size; DATABASES] {
        &self.mark.sizes
    }

    /// Whether a field of a hash had a deadline at the mark.
    pub fn fields_expire(&self) -> bool {
        self.mark.fields_expire
    }

    /// Sources of the libraries of functions that there were at the mark.
    pub fn libraries(&self) -> &[Vec<u8>] {
        &self.mark.libraries
    }

    /// The engine whose snapshot it is.
    pub fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// For those who watch over it.
    pub fn handle(&self) -> Handle {
        Handle { tap: self.tap.clone() }
    }

    /// Whether it was given up: what it returned is not all.
    pub fn is_aborted(&self) -> bool {
        !self.done && !self.tap.is_open()
    }

    /// Walks over about `budget` entries, under one shard's lock; what was saved since the last
    /// step, in no order. `None` once everything was returned, or it was given up
    /// ([`Snapshot::is_aborted`]). What the step before has returned counts as written.
    pub fn step(&mut self, budget: usize) -> Option<Vec<SavedEntry>> {
        self.tap.release(std::mem::take(&mut self.lent));
        if self.done || !self.tap.is_open() {
            return None;
        }
        // What writers have handed over goes first: they may be waiting.
        if !self.tap.is_busy() {
            self.walk(budget.max(1));
        }
        if self.walked && self.tap.is_empty() {
            self.finish();
            return None;
        }
        let (entries, bytes) = self.tap.take(STEP_BYTES);
        self.lent = bytes;
        Some(entries)
    }

    /// The same for who holds all locks.
    pub(crate) fn step_in(
        &mut self,
        keys: &mut Keys<'_>,
        budget: usize,
    ) -> Option<Vec<SavedEntry>> {
        self.tap.release(std::mem::take(&mut self.lent));
        let mut budget = budget.max(1);
        let Snapshot { tap, shard, walk, .. } = self;
        if !self.walked {
            let (first, mut garbage) = (*shard, Vec::new());
            for held in keys.shards().skip(usize::from(first)) {
                if !held.walk(walk, tap, &mut budget, &mut garbage) {
                    break;
                }
                *shard += 1;
                *walk = Walk::default();
            }
            keys.changes.garbage.append(&mut garbage);
            self.walked = self.shard == self.engine.shard_count();
        }
        if self.walked && self.tap.is_empty() {
            self.finish();
            return None;
        }
        let (entries, bytes) = self.tap.take(STEP_BYTES);
        self.lent = bytes;
        Some(entries)
    }

    fn walk(&mut self, mut budget: usize) {
        while budget > 0 && self.shard < self.engine.shard_count() {
            match self.walk_shard(&mut budget) {
                Some(true) => {
                    self.shard += 1;
                    self.walk = Walk::default();
                    self.tap.set_walked(self.shard);
                }
                Some(false) => {}
                None => return,
            }
        }
        if budget > 0 {
            self.save_detached(&mut budget);
        }
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
        self.walked = true;
    }

    fn finish(&mut self) {
        self.done = true;
        drop(self.tap.close());
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
        self.tap.release(std::mem::take(&mut self.lent));
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
    /// The tap of the last one.
    pub(crate) tap: Weak<Tap>,
}
