//! The freeing of what left the keyspace, so that no client waits for another one's large value.
//!
//! Commands hand over what they removed; once their locks are given back it is freed on their
//! thread, if that is quick. What is large goes to the [`Garbage`], and with it what was unlinked or
//! what a `lazyfree-lazy-*` setting names, if it has many parts. The housekeeper frees that in steps
//! of about a millisecond ([`Engine::free_garbage`]): for him may stand a loop that serves
//! clients as well.
//!
//! So `DEL` of a large value differs from `UNLINK` in nothing; Redis's settings say only what
//! becomes of values of the sizes in between.
//!
//! Knows values by [`Pointee`] alone; next: [`crate::keyspace::detached`], `free_some` of each type.

use crate::changes::Changes;
use crate::config::{Config, Id};
use crate::engine::Engine;
use crate::keyspace::detached::Detached;
use crate::keyspace::entry::Pointee;
use crate::keyspace::shard::Shard;
use crate::keyspace::whole::Flushed;
use crate::sync::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A value of more bytes is never freed by who removed it.
const LARGE_BYTES: u64 = 64 * 1024;

/// A value of more parts is worth the way to the housekeeper, if somebody asks for that.
const MANY_PARTS: usize = 64;

/// Blocks of memory that are given back in one step, about.
pub(crate) const BLOCKS_AT_ONCE: usize = 256;

/// Bytes of one block that are given back in one step.
pub(crate) const BYTES_AT_ONCE: usize = 2 << 20;

/// Entries of flushed shards that are visited in one step, less for those with large values.
const ENTRIES_AT_ONCE: usize = 4096;

/// Bytes of a value that lie in one block, about.
const BYTES_A_BLOCK: u64 = 4096;

/// Entries whose visit takes as long as the freeing of a block.
const ENTRIES_A_BLOCK: usize = 8;

/// Entries of condemned databases that are freed under one hold of a lock.
const RECLAIM_AT_ONCE: usize = 256;

/// Why a value left the keyspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// A command removed it or took its last element.
    Removed,
    /// A command removed it and leaves the freeing for later.
    Unlinked,
    /// Another value took its place.
    Overwritten,
    /// Its time had come.
    Expired,
    /// Its database was flushed.
    Flushed,
}

/// A value that left the keyspace.
#[derive(Debug)]
pub(crate) struct Discarded {
    pub(crate) value: Pointee,
    pub(crate) cause: Cause,
}

/// What the housekeeper is to free.
#[derive(Default)]
pub(crate) struct Garbage {
    waiting: Mutex<Vec<Waiting>>,
    /// How many those are, to be seen without the lock.
    count: AtomicU64,
    /// Objects among them, and objects that were freed since the counters were reset.
    objects: AtomicU64,
    freed: AtomicU64,
    /// Bytes that they took when they came.
    bytes: AtomicU64,
}

struct Waiting {
    what: What,
    /// For how many objects it counts.
    objects: u64,
    bytes: u64,
}

enum What {
    Value(Pointee),
    /// A flushed shard.
    Shard(Box<Detached>),
}

impl Garbage {
    /// Objects that wait to be freed.
    pub(crate) fn objects(&self) -> u64 {
        self.objects.load(Ordering::Relaxed)
    }

    /// Objects that were freed in the background.
    pub(crate) fn freed(&self) -> u64 {
        self.freed.load(Ordering::Relaxed)
    }

    /// Bytes that wait to be freed.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Counts what is freed from 0 again.
    pub(crate) fn reset(&self) {
        self.freed.store(0, Ordering::Relaxed);
    }

    /// Whether anything waits.
    pub(crate) fn is_any(&self) -> bool {
        self.count.load(Ordering::Relaxed) > 0
    }

    fn add(&self, more: impl IntoIterator<Item = Waiting>) {
        let mut waiting = self.waiting.lock();
        for one in more {
            self.count.fetch_add(1, Ordering::Relaxed);
            self.objects.fetch_add(one.objects, Ordering::Relaxed);
            self.bytes.fetch_add(one.bytes, Ordering::Relaxed);
            waiting.push(one);
        }
    }

    fn take(&self) -> Option<Waiting> {
        self.waiting.lock().pop()
    }

    /// Goes on with it in the next step.
    fn put_back(&self, one: Waiting) {
        self.waiting.lock().push(one);
    }

    fn done(&self, objects: u64, bytes: u64) {
        self.count.fetch_sub(1, Ordering::Relaxed);
        self.objects.fetch_sub(objects, Ordering::Relaxed);
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
        self.freed.fetch_add(objects, Ordering::Relaxed);
    }
}

impl Engine {
    /// Frees what a command removed, or leaves it to the housekeeper. No lock is held.
    #[cold]
    pub(crate) fn free(&self, garbage: &mut Vec<Discarded>) {
        let config = self.config();
        let later = garbage
            .extract_if(.., |discarded| discarded.is_left_for_later(config))
            .map(|Discarded { value, cause }| Waiting::value(value, cause));
        self.garbage.add(later);
        garbage.clear();
    }

    /// Frees what a command flushed; its locks are given back.
    pub(crate) fn free_flushed(&self, flushed: Flushed, changes: &mut Changes) {
        if !flushed.sync {
            self.garbage.add(flushed.detached.into_iter().map(Waiting::shard));
            self.call_housekeeper();
            return;
        }
        drop(flushed);
        for shard in 0..self.shard_count() {
            let mut reclaim =
                |shard: &mut Shard| shard.reclaim(RECLAIM_AT_ONCE, &mut changes.garbage);
            while self.try_shard(shard, &mut reclaim) == Some(true) {}
        }
        changes.garbage.clear();
    }

    /// Frees a part of the garbage.
    pub(crate) fn free_garbage(&self) {
        let Some(mut waiting) = self.garbage.take() else { return };
        let mut large = Vec::new();
        let done = match &mut waiting.what {
            What::Value(value) => value.free_some(),
            What::Shard(detached) => detached.free(ENTRIES_AT_ONCE, &mut |value| {
                let bytes = value.bytes();
                if bytes > LARGE_BYTES {
                    large.push(Waiting::value(value, Cause::Flushed));
                }
                (bytes.min(LARGE_BYTES) / BYTES_A_BLOCK) as usize * ENTRIES_A_BLOCK
            }),
        };
        if done {
            let Waiting { what, objects, bytes } = waiting;
            drop(what);
            self.garbage.done(objects, bytes);
        } else {
            self.garbage.put_back(waiting);
        }
        self.garbage.add(large);
    }
}

impl Waiting {
    fn value(value: Pointee, cause: Cause) -> Self {
        // What was flushed is counted with its shard.
        let objects = u64::from(cause != Cause::Flushed);
        Waiting { objects, bytes: value.bytes(), what: What::Value(value) }
    }

    fn shard(detached: Detached) -> Self {
        let (objects, bytes) = (detached.keys(), detached.bytes());
        Waiting { objects, bytes, what: What::Shard(Box::new(detached)) }
    }
}

impl Discarded {
    fn is_left_for_later(&self, config: &Config) -> bool {
        if self.value.bytes() > LARGE_BYTES {
            return true;
        }
        let asked = match self.cause {
            Cause::Removed | Cause::Flushed => false,
            Cause::Unlinked => true,
            Cause::Overwritten => config.flag(Id::LazyfreeLazyServerDel),
            Cause::Expired => config.flag(Id::LazyfreeLazyExpire),
        };
        asked && self.value.parts() > MANY_PARTS
    }
}

impl Pointee {
    /// Parts that are freed one by one, about.
    fn parts(&self) -> usize {
        match self {
            Pointee::Shared(_) => 1,
            Pointee::Object(object) => object.parts(),
        }
    }

    /// Frees a step's worth; whether what is left is dropped in no time.
    fn free_some(&mut self) -> bool {
        match self {
            Pointee::Shared(shared) => match Arc::get_mut(shared) {
                // The allocator takes the end of a large block back where it stands.
                Some(text) if text.capacity() > BYTES_AT_ONCE => {
                    text.truncate(text.capacity() - BYTES_AT_ONCE);
                    text.shrink_to_fit();
                    false
                }
                _ => true,
            },
            Pointee::Object(object) => object.free_some(BLOCKS_AT_ONCE),
        }
    }
}
