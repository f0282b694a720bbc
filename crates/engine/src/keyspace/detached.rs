//! Databases that left the keyspace as a whole, and how their memory is given back.
//!
//! FLUSHALL takes a shard's arena and tables away in one piece ([`Detached`]): nobody else reaches
//! them any more, so whoever holds the piece saves it for a snapshot and frees it without a lock.
//! FLUSHDB, where other databases share the arena, takes the table only ([`Condemned`]); its
//! entries are given back to the arena a few at a time under the shard's lock.

use super::arena::{Arena, Offset};
use super::entry::{Entry, Pointee};
use super::shard::{Db, Outside};
use super::tap::Tap;
use super::wheel::Links;
use smallvec::SmallVec;

/// A database without a number: its entries are gone for every reader, their memory is not.
pub(crate) struct Condemned {
    db: Box<Db>,
    /// Buckets before this are free.
    freed: u64,
    /// Buckets before this are saved, once nobody changes the database any more.
    saved: u64,
    /// Nobody waits for its memory.
    lazy: bool,
    /// A running snapshot was marked before the database was flushed.
    wanted: bool,
}

impl Condemned {
    pub(crate) fn new(db: Box<Db>, wanted: bool, lazy: bool) -> Self {
        Condemned { db, freed: 0, saved: 0, wanted, lazy }
    }

    /// The number that a running snapshot knows the database by, if it needs it.
    pub(crate) fn wanted_as(&self) -> Option<u8> {
        self.wanted.then_some(self.db.marked_as)
    }

    /// No snapshot needs it any more.
    pub(crate) fn release(&mut self) {
        self.wanted = false;
    }

    /// Keys that were in it.
    pub(crate) fn keys(&self) -> u64 {
        self.db.table.len()
    }

    /// Those, if nobody waits for their memory.
    pub(crate) fn lazy_keys(&self) -> u64 {
        if self.lazy { self.keys() } else { 0 }
    }

    /// Bytes of its table.
    pub(crate) fn table_bytes(&self) -> u64 {
        self.db.table.bytes()
    }

    /// The entries of the next bucket to be freed; `false` after the last.
    pub(crate) fn next_to_free(&mut self, offsets: &mut SmallVec<[Offset; 48]>) -> bool {
        self.freed = self.db.table.scan(self.freed, |offset| offsets.push(offset));
        self.freed != 0
    }

    fn next_to_save(&mut self, offsets: &mut SmallVec<[Offset; 48]>) -> bool {
        self.saved = self.db.table.scan(self.saved, |offset| offsets.push(offset));
        self.saved != 0
    }
}

/// All databases of a shard, taken out of it in one piece.
pub(crate) struct Detached {
    arena: Arena,
    dbs: Vec<Condemned>,
    outside: Outside,
    /// The epoch whose stamp says that the running snapshot has an entry.
    epoch: u8,
}

impl Detached {
    pub(crate) fn new(arena: Arena, mut dbs: Vec<Condemned>, outside: Outside, epoch: u8) -> Self {
        dbs.iter_mut().for_each(|db| db.saved = db.freed);
        Detached { arena, dbs, outside, epoch }
    }

    /// Saves about `budget` entries that the snapshot still needs; `true` when none is left.
    pub(crate) fn save(&mut self, tap: &Tap, budget: &mut usize) -> bool {
        let Detached { arena, dbs, epoch, .. } = self;
        for db in dbs {
            let Some(number) = db.wanted_as() else { continue };
            let mut more = true;
            while more && *budget > 0 && !tap.is_busy() {
                let mut offsets = SmallVec::new();
                more = db.next_to_save(&mut offsets);
                *budget = budget.saturating_sub(offsets.len().max(1));
                for entry in offsets.into_iter().map(|offset| arena.entry(offset)) {
                    if entry.epoch() != *epoch {
                        tap.save(number, entry);
                    }
                }
            }
            if more {
                return false;
            }
            db.release();
        }
        true
    }

    /// Keys that are in the piece.
    pub(crate) fn keys(&self) -> u64 {
        self.dbs.iter().map(Condemned::keys).sum()
    }

    /// Bytes that it takes.
    pub(crate) fn bytes(&self) -> u64 {
        let tables: u64 = self.dbs.iter().map(Condemned::table_bytes).sum();
        self.arena.used_bytes() + self.outside.bytes + tables
    }

    /// Frees what about `budget` entries hold outside of the arena, then the arena and the tables a
    /// part at a time; `true` when nothing is left. Values go to `take`, to be dropped or
    /// kept; it says how many entries that was worth.
    pub(crate) fn free(
        &mut self,
        mut budget: usize,
        take: &mut dyn FnMut(Pointee) -> usize,
    ) -> bool {
        while self.outside.entries > 0 && budget > 0 {
            let Some(db) = self.dbs.last_mut() else { break };
            let mut offsets = SmallVec::new();
            let more = db.next_to_free(&mut offsets);
            budget = budget.saturating_sub(offsets.len().max(1));
            for entry in offsets.into_iter().map(|offset| self.arena.entry(offset)) {
                self.outside.remove(entry);
                let (pointee, key) = free_outside(entry);
                drop(key);
                if let Some(pointee) = pointee {
                    budget = budget.saturating_sub(take(pointee));
                }
            }
            if !more {
                self.dbs.pop();
            }
        }
        if budget == 0 || !self.arena.free_some() {
            return false;
        }
        while let Some(db) = self.dbs.last_mut() {
            if !db.db.table.free_some() {
                return false;
            }
            self.dbs.pop();
        }
        true
    }
}

impl Drop for Detached {
    fn drop(&mut self) {
        let mut free = |pointee| {
            drop(pointee);
            0
        };
        while !self.free(usize::MAX, &mut free) {}
    }
}

/// Takes everything that an entry holds outside of the arena; the entry is never read again.
fn free_outside(entry: Entry) -> (Option<Pointee>, Option<Box<[u8]>>) {
    let pointee = entry.take_pointee();
    (pointee, entry.take_long_key())
}
