//! Where a running snapshot gets what is about to change, and how much of that may wait.
//!
//! Writers hand over old values under their shard's lock; the saver takes them a piece at a time.
//! What was handed over and is not written yet is bounded by [`MOST_BYTES`]: beyond that, writers
//! of shards that are not saved yet wait before they take locks ([`Engine::await_saver`]); readers
//! never do. Knows no format and no file.

use super::access::Access;
use super::detached::Detached;
use super::entry::Entry;
use super::locks::{ShardSet, Wait};
use super::snapshot::{SavedEntry, Uses};
use crate::config::{Config, MaxmemoryPolicy};
use crate::engine::Engine;
use crate::sync::{Mutex, Parker};
use std::collections::VecDeque;
use std::sync::Weak;
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};
use std::task::Waker;

/// Bytes of entries that may wait for the saver.
pub const MOST_BYTES: u64 = 64 << 20;

/// Bytes of entries that a step of the saver takes, about.
pub(crate) const STEP_BYTES: u64 = 1 << 20;

/// Writers that wait go on below this.
const ROOMY_BYTES: u64 = MOST_BYTES / 4 * 3;

/// What an entry takes beside its key and value, about.
const ENTRY_BYTES: u64 = size_of::<SavedEntry>() as u64 + 32;

/// Where saved entries go while a snapshot runs.
pub(crate) struct Tap {
    engine: Weak<Engine>,
    /// Time of the mark; what was due then is not in the snapshot.
    marked_ms: u64,
    access: Access,
    tells: Tells,
    /// Bytes of entries that were handed over and are not written yet.
    bytes: AtomicU64,
    /// Since when writers have to wait, in Unix milliseconds; 0 while they need not.
    crowded_ms: AtomicU64,
    /// Shards before this hand over nothing any more.
    walked: AtomicU16,
    saved: Mutex<Saved>,
    waiting: Mutex<Vec<Waiting>>,
}

/// What a file tells of an entry's uses, by the policy of eviction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tells {
    Nothing,
    Idle,
    Frequency,
}

struct Saved {
    /// The snapshot is running and takes what it is given.
    open: bool,
    entries: VecDeque<SavedEntry>,
    detached: Vec<Detached>,
}

enum Waiting {
    Thread(Parker),
    Task(Waker),
}

impl std::fmt::Debug for Tap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tap").field("marked_ms", &self.marked_ms).finish_non_exhaustive()
    }
}

impl Tap {
    pub(crate) fn new(engine: Weak<Engine>, marked_ms: u64, config: &Config) -> Self {
        let saved = Saved { open: true, entries: VecDeque::new(), detached: Vec::new() };
        Tap {
            engine,
            marked_ms,
            access: Access::at(marked_ms, config),
            tells: Tells::of(config),
            bytes: AtomicU64::new(0),
            crowded_ms: AtomicU64::new(0),
            walked: AtomicU16::new(0),
            saved: Mutex::new(saved),
            waiting: Mutex::default(),
        }
    }

    /// Saves an entry of a database, which is given by its number at the mark.
    pub(crate) fn save(&self, db: u8, entry: Entry) {
        let deadline_ms = entry.deadline_ms();
        let mut saved = self.saved.lock();
        if !saved.open || entry.is_gone(self.marked_ms, false) {
            return;
        }
        let value = entry.copy();
        let uses = self.tells.uses(self.access, entry.access());
        let entry = SavedEntry { db, key: entry.key().into(), value, deadline_ms, uses };
        let bytes = self.bytes.fetch_add(bytes_of(&entry), Ordering::SeqCst) + bytes_of(&entry);
        saved.entries.push_back(entry);
        drop(saved);
        if bytes > MOST_BYTES && self.crowded_ms.load(Ordering::Relaxed) == 0 {
            self.crowd();
        }
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

    /// Takes the oldest entries, about so many bytes of them, and how many those are exactly.
    pub(crate) fn take(&self, most_bytes: u64) -> (Vec<SavedEntry>, u64) {
        let mut saved = self.saved.lock();
        let mut bytes = 0;
        let mut entries = Vec::new();
        while bytes < most_bytes
            && let Some(entry) = saved.entries.pop_front()
        {
            bytes += bytes_of(&entry);
            entries.push(entry);
        }
        (entries, bytes)
    }

    pub(crate) fn take_detached(&self) -> Option<Detached> {
        self.saved.lock().detached.pop()
    }

    /// Whether nothing waits for the saver.
    pub(crate) fn is_empty(&self) -> bool {
        let saved = self.saved.lock();
        saved.entries.is_empty() && saved.detached.is_empty()
    }

    /// Whether the snapshot takes what it is given.
    pub(crate) fn is_open(&self) -> bool {
        self.saved.lock().open
    }

    /// Entries of so many bytes, which were taken, are written.
    pub(crate) fn release(&self, bytes: u64) {
        let left = self.bytes.fetch_sub(bytes, Ordering::SeqCst) - bytes;
        if left <= ROOMY_BYTES && self.crowded_ms.load(Ordering::SeqCst) != 0 {
            self.clear();
        }
    }

    /// All shards before this one are saved.
    pub(crate) fn set_walked(&self, shards: u16) {
        self.walked.store(shards, Ordering::SeqCst);
        if self.crowded_ms.load(Ordering::SeqCst) != 0 {
            self.wake();
        }
    }

    /// Whether the saver has enough to write for now: large values count as many small ones.
    pub(crate) fn is_busy(&self) -> bool {
        self.bytes() >= STEP_BYTES
    }

    /// Bytes that were handed over and are not written yet.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Since when writers have to wait.
    pub(crate) fn crowded_ms(&self) -> Option<u64> {
        Some(self.crowded_ms.load(Ordering::Relaxed)).filter(|since_ms| *since_ms != 0)
    }

    /// Takes nothing from now on; what was taken and is not saved yet.
    pub(crate) fn close(&self) -> Left {
        let mut saved = self.saved.lock();
        saved.open = false;
        let bytes: u64 = saved.entries.iter().map(bytes_of).sum();
        let left = (std::mem::take(&mut saved.entries), std::mem::take(&mut saved.detached));
        drop(saved);
        self.release(bytes);
        self.clear();
        left
    }

    fn crowd(&self) {
        if let Some(engine) = self.engine.upgrade() {
            self.crowded_ms.store((engine.now_us() / 1000).max(1), Ordering::SeqCst);
            engine.set_crowded(true);
            if self.bytes.load(Ordering::SeqCst) <= ROOMY_BYTES {
                // The saver was quicker than this.
                self.clear();
            }
        }
    }

    fn clear(&self) {
        if self.crowded_ms.swap(0, Ordering::SeqCst) != 0
            && let Some(engine) = self.engine.upgrade()
        {
            engine.set_crowded(false);
        }
        self.wake();
    }

    fn wake(&self) {
        for waiting in std::mem::take(&mut *self.waiting.lock()) {
            match waiting {
                Waiting::Thread(parker) => parker.unpark(),
                Waiting::Task(waker) => waker.wake(),
            }
        }
    }

    /// Whether a writer of these shards must wait.
    fn holds_up(&self, set: &ShardSet, shards: u16) -> bool {
        let walked = self.walked.load(Ordering::SeqCst);
        self.crowded_ms.load(Ordering::SeqCst) != 0 && set.iter(shards).any(|shard| shard >= walked)
    }
}

/// What nobody will save, to be dropped outside of locks.
pub(crate) type Left = (VecDeque<SavedEntry>, Vec<Detached>);

impl Tells {
    fn of(config: &Config) -> Tells {
        match config.maxmemory_policy() {
            MaxmemoryPolicy::AllkeysLru | MaxmemoryPolicy::VolatileLru => Tells::Idle,
            MaxmemoryPolicy::AllkeysLfu | MaxmemoryPolicy::VolatileLfu => Tells::Frequency,
            _ => Tells::Nothing,
        }
    }

    fn uses(self, access: Access, bits: u32) -> Uses {
        let told = match self {
            Tells::Nothing => None,
            Tells::Idle => access.idle_seconds(bits).map(|seconds| Uses::Idle(seconds.into())),
            Tells::Frequency => access.frequency(bits).map(|count| Uses::Often(count as u8)),
        };
        told.unwrap_or_default()
    }
}

impl Engine {
    /// Waits, before locks are taken, until a snapshot's saver has room for what writers of these
    /// shards may hand over; `false` if `wait` has a waker, which is woken then.
    #[cold]
    pub(crate) fn await_saver(&self, set: &ShardSet, wait: Wait<'_>) -> bool {
        loop {
            let Some(tap) = self.snapshots.lock().tap.upgrade() else { return true };
            if !tap.holds_up(set, self.shard_count()) {
                return true;
            }
            let parker = match wait {
                Wait::Park => {
                    let parker = Parker::new();
                    tap.waiting.lock().push(Waiting::Thread(parker.clone()));
                    Some(parker)
                }
                Wait::Wake(waker) => {
                    tap.waiting.lock().push(Waiting::Task(waker.clone()));
                    None
                }
            };
            if !tap.holds_up(set, self.shard_count()) {
                return true;
            }
            match parker {
                Some(parker) => parker.park(),
                None => return false,
            }
        }
    }

    /// Whether a snapshot's saver has no room for what writers of these shards may hand over.
    #[cold]
    pub(crate) fn saver_holds_up(&self, set: &ShardSet) -> bool {
        let tap = self.snapshots.lock().tap.upgrade();
        tap.is_some_and(|tap| tap.holds_up(set, self.shard_count()))
    }
}

fn bytes_of(entry: &SavedEntry) -> u64 {
    ENTRY_BYTES + entry.key.len() as u64 + entry.value.bytes()
}
