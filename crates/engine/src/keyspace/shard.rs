//! One shard: its part of all sixteen databases, and the primitive steps on entries.
//!
//! The steps here keep arena, table, wheel and accounting consistent with each other, and no
//! more. What else a change entails (snapshot, WATCH, waiters, effects) is the gate's business:
//! only [`super::gate`] and the loader may call a step that changes an entry.
#![allow(unsafe_code)]

use super::arena::{Arena, Offset};
use super::detached::{Condemned, Detached};
use super::entry::{
    Entry, Form, Kind, MAX_INLINE_KEY, MAX_INLINE_VALUE, MAX_PACKED, Meta, NewValue, Pointee,
    ValueRef, size_of_entry,
};
use super::fields::FieldDeadlines;
use super::hash::KeyHash;
use super::table::{Place, Table};
use super::tap::Tap;
use super::wheel::{Links, Wheel};
use crate::blocking::Waiters;
use crate::freeing::{Cause, Discarded};
use crate::prefetch::prefetch;
use crate::tracking::table::Tracked;
use crate::values::Object;
use crate::watch::Watched;
use smallvec::SmallVec;
use std::ops::Range;
use std::sync::Arc;

/// Databases in a store.
pub const DATABASES: usize = 16;

/// Granules in an arena's first segment: 16 KiB.
const ARENA_FIRST_LOG2: u8 = 11;

/// The entries of one database that live in one shard.
pub(crate) struct Db {
    pub(crate) table: Table,
    wheel: Option<Box<Wheel>>,
    /// When fields of hashes are due.
    fields: Option<Box<FieldDeadlines>>,
    /// The number under which this database is in the running snapshot; [`NOT_MARKED`] for one
    /// that began after the mark, all of whose entries have the live epoch's stamp.
    pub(crate) marked_as: u8,
}

/// See [`Db::marked_as`].
const NOT_MARKED: u8 = u8::MAX;

/// What entries hold outside of the arena: values that have memory of their own, long keys.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Outside {
    /// Entries that hold something there.
    pub(crate) entries: u64,
    /// Bytes of it.
    pub(crate) bytes: u64,
}

impl Outside {
    #[inline]
    pub(crate) fn add(&mut self, entry: Entry) {
        if entry.is_all_inside() {
            return;
        }
        self.entries += 1;
        self.bytes += outside_bytes(entry);
    }

    #[inline]
    pub(crate) fn remove(&mut self, entry: Entry) {
        if entry.is_all_inside() {
            return;
        }
        self.entries -= 1;
        self.bytes -= outside_bytes(entry);
    }
}

/// What a key's entry is at, valid until the shard changes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found {
    pub(crate) place: Place,
    pub(crate) offset: Offset,
}

/// What a shard finds due.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Due {
    /// The database.
    pub(crate) db: u8,
    /// The hash of the key.
    pub(crate) hash: u64,
    pub(crate) found: Found,
    /// Only fields of the hash that the key holds are due, not the key.
    pub(crate) only_fields: bool,
}

/// Figures that a shard counts itself.
#[derive(Debug, Default, Clone, Copy)]
pub struct ShardStats {
    /// Reads that found their key.
    pub hits: u64,
    /// Reads that did not.
    pub misses: u64,
    /// Entries removed because their time had come.
    pub expired: u64,
    /// Fields of hashes removed because their time had come.
    pub expired_fields: u64,
    /// Entries of flushed databases whose memory was given back when there was time.
    pub lazyfreed: u64,
}

/// A shard.
pub(crate) struct Shard {
    pub(crate) hash: KeyHash,
    arena: Arena,
    dbs: [Option<Box<Db>>; DATABASES],
    outside: Outside,
    /// Databases that were flushed and whose memory is not free yet.
    condemned: Vec<Condemned>,
    /// Snapshot epoch that new and changed entries are stamped with.
    pub(crate) epoch: u8,
    /// Where entries that the running snapshot still needs go before they change.
    pub(crate) tap: Option<Arc<Tap>>,
    pub(crate) watched: Watched,
    pub(crate) waiters: Waiters,
    pub(crate) tracked: Tracked,
    /// Time of the latest command here; time never goes back within a shard.
    pub(crate) now_ms: u64,
    /// No entry is due before this moment; 0 while memory of flushed databases waits to be freed.
    pub(crate) next_due_ms: u64,
    /// End of the latest log frame that this shard's commands wrote.
    pub(crate) log_position: u64,
    pub(crate) stats: ShardStats,
}

impl Shard {
    pub(crate) fn new(hash: KeyHash) -> Self {
        Shard {
            hash,
            arena: Arena::new(ARENA_FIRST_LOG2),
            dbs: Default::default(),
            outside: Outside::default(),
            condemned: Vec::new(),
            epoch: 0,
            tap: None,
            watched: Watched::default(),
            tracked: Tracked::default(),
            waiters: Waiters::default(),
            now_ms: 0,
            next_due_ms: u64::MAX,
            log_position: 0,
            stats: ShardStats::default(),
        }
    }

    /// Bytes that this shard's data takes.
    pub(crate) fn bytes(&self) -> u64 {
        let condemned: u64 = self.condemned.iter().map(Condemned::table_bytes).sum();
        let own = self.arena.used_bytes() + self.outside.bytes + self.table_bytes();
        own + condemned + self.tracked.bytes()
    }

    /// Bytes of values and keys that live outside of the arena.
    #[cfg(test)]
    pub(crate) fn outside_bytes(&self) -> u64 {
        self.outside.bytes
    }

    /// Keys in a database, and how many of them have a TTL.
    pub(crate) fn len(&self, db: u8) -> (u64, u64) {
        self.dbs[usize::from(db)]
            .as_ref()
            .map_or((0, 0), |db| (db.table.len(), db.wheel.as_ref().map_or(0, |wheel| wheel.len())))
    }

    /// Bytes of a database's table.
    pub(crate) fn bytes_of_table(&self, db: u8) -> u64 {
        self.dbs[usize::from(db)].as_ref().map_or(0, |db| db.table.bytes())
    }

    /// Keys of flushed databases whose memory nobody waits for.
    pub(crate) fn lazy_keys(&self) -> u64 {
        self.condemned.iter().map(Condemned::lazy_keys).sum()
    }

    /// Buckets of a database's table: those of their own, and those behind others.
    pub(crate) fn buckets(&self, db: u8) -> (u64, u64) {
        self.dbs[usize::from(db)].as_ref().map_or((0, 0), |db| db.table.bucket_counts())
    }

    /// Keys of a database that hold hashes with fields that expire.
    pub(crate) fn keys_with_deadlines_of_fields(&self, db: u8) -> u64 {
        let home = self.dbs[usize::from(db)].as_ref();
        home.and_then(|home| home.fields.as_ref()).map_or(0, |fields| fields.len())
    }

    /// The sum of the deadlines in a database, in Unix milliseconds.
    pub(crate) fn sum_of_deadlines_ms(&self, db: u8) -> u128 {
        let wheel = self.dbs[usize::from(db)].as_ref().and_then(|db| db.wheel.as_ref());
        wheel.map_or(0, |wheel| wheel.sum_ms())
    }

    /// Bytes of the tables.
    pub(crate) fn table_bytes(&self) -> u64 {
        self.dbs.iter().flatten().map(|db| db.table.bytes()).sum()
    }

    /// Finds a key, due or not.
    #[inline]
    pub(crate) fn find(&self, db: u8, hash: u64, key: &[u8]) -> Option<Found> {
        let table = &self.dbs[usize::from(db)].as_ref()?.table;
        let place = table.find(hash, |offset| {
            let entry = self.arena.entry(offset);
            // Most values end in the entry's second cache line.
            prefetch(entry.address().wrapping_add(64));
            entry.key_is(key)
        })?;
        Some(Found { place, offset: table.offset_at(place) })
    }

    /// Warms the bucket in which a hash would be found.
    #[inline]
    pub(crate) fn warm_bucket(&self, db: u8, hash: u64) {
        let home = self.dbs[usize::from(db)].as_ref();
        if let Some(address) = home.and_then(|home| home.table.home_address(hash)) {
            prefetch(address);
        }
    }

    /// Warms the entry that a hash most likely leads to; its bucket should be warm.
    #[inline]
    pub(crate) fn warm_entry(&self, db: u8, hash: u64) {
        let home = self.dbs[usize::from(db)].as_ref();
        if let Some(offset) = home.and_then(|home| home.table.likely(hash)) {
            let address = self.arena.entry(offset).address();
            prefetch(address);
            prefetch(address.wrapping_add(64));
        }
    }

    /// The large collection that a hash most likely leads to; its entry should be warm.
    #[inline]
    pub(crate) fn likely_object(&self, db: u8, hash: u64) -> Option<&Object> {
        let home = self.dbs[usize::from(db)].as_ref()?;
        match self.arena.entry(home.table.likely(hash)?).value() {
            ValueRef::Object(_, object) => Some(object),
            _ => None,
        }
    }

    /// The entry that was found.
    #[inline(always)]
    pub(crate) fn entry(&self, found: Found) -> Entry {
        self.arena.entry(found.offset)
    }

    /// Visits one bucket of a database; returns the next cursor.
    pub(crate) fn scan(&self, db: u8, cursor: u64, mut visit: impl FnMut(Entry)) -> u64 {
        match &self.dbs[usize::from(db)] {
            Some(db) => db.table.scan(cursor, |offset| visit(self.arena.entry(offset))),
            None => 0,
        }
    }

    /// A random entry of a database.
    pub(crate) fn random(&self, db: u8, pick: impl FnMut(u64) -> u64) -> Option<Entry> {
        let db = self.dbs[usize::from(db)].as_ref()?;
        Some(self.arena.entry(db.table.random(pick)?))
    }

    /// Adds an entry for a key that is not there. The form's pointee passes to the entry.
    pub(crate) fn insert(
        &mut self,
        db: u8,
        hash: u64,
        key: &[u8],
        form: &Form<'_>,
        meta: Meta,
        deadline_ms: Option<u64>,
    ) {
        let offset = self.new_entry(key, form, meta, deadline_ms);
        self.outside.add(self.arena.entry(offset));
        let Shard { dbs, arena, hash: key_hash, .. } = self;
        let home = dbs[usize::from(db)].get_or_insert_with(|| {
            Box::new(Db { table: Table::new(), wheel: None, fields: None, marked_as: NOT_MARKED })
        });
        home.table.insert(
            hash,
            offset,
            |offset| key_hash.of(arena.entry(offset).key()),
            |offset| prefetch(arena.entry(offset).address()),
        );
        if deadline_ms.is_some() {
            self.link_deadline(db, offset);
        }
        self.list_fields(db, hash, self.arena.entry(offset));
    }

    /// Gives a found entry another value and deadline; returns what the old value held outside
    /// of the arena. In place where the new form fits the old block.
    pub(crate) fn replace(
        &mut self,
        db: u8,
        found: Found,
        form: &Form<'_>,
        deadline_ms: Option<u64>,
    ) -> (Found, Option<Pointee>) {
        let entry = self.entry(found);
        self.unlist_fields(db, entry);
        self.outside.remove(entry);
        let pointee = entry.take_pointee();
        let found = self.rewrite(db, found, form, deadline_ms);
        let entry = self.entry(found);
        self.outside.add(entry);
        if entry.kind() == Kind::HashTable {
            self.list_fields(db, self.hash.of(entry.key()), entry);
        }
        (found, pointee)
    }

    /// Puts `gap` bytes in place of the bytes `cut` of a found entry's packed value and lets
    /// `fill` write them. Moves what is behind the cut, and the entry only where its block's
    /// size changes or the value moves out of it or back.
    pub(crate) fn splice(
        &mut self,
        db: u8,
        found: Found,
        cut: Range<usize>,
        gap: usize,
        fill: impl FnOnce(&mut [u8]),
    ) -> Found {
        let entry = self.entry(found);
        if entry.holds_pointer() {
            return self.splice_outside(db, found, cut, gap, fill);
        }
        let old = entry.bytes();
        let len = old.len() - cut.len() + gap;
        if len > MAX_INLINE_VALUE {
            let mut bytes = old.to_vec();
            put_gap(&mut bytes, cut, gap);
            fill(&mut bytes);
            let form = Form::of(NewValue::Shared(entry.kind(), Arc::new(bytes)));
            return self.replace(db, found, &form, entry.deadline_ms()).0;
        }
        let size = size_of_entry(entry.key().len(), len, entry.has_ttl());
        if (len >= 255) == (old.len() >= 255)
            && Arena::rounded(size) == Arena::rounded(entry.size())
        {
            entry.splice(cut, gap);
            fill(entry.bytes_mut());
            return found;
        }
        let deadline_ms = entry.deadline_ms();
        if deadline_ms.is_some() {
            self.unlink_deadline(db, found.offset);
        }
        let form = Form::Gapped(entry.kind(), [&old[..cut.start], &old[cut.end..]], gap);
        let offset = self.move_entry(db, found, &form, deadline_ms);
        if deadline_ms.is_some() {
            self.link_deadline(db, offset);
        }
        fill(self.arena.entry(offset).bytes_mut());
        Found { place: found.place, offset }
    }

    /// The same with a value that stands outside of its entry. It moves back when it is so much
    /// smaller that it does not leave again with the next element.
    fn splice_outside(
        &mut self,
        db: u8,
        found: Found,
        cut: Range<usize>,
        gap: usize,
        fill: impl FnOnce(&mut [u8]),
    ) -> Found {
        self.change_shared(found, |bytes| {
            put_gap(bytes, cut, gap);
            fill(bytes);
        });
        let entry = self.entry(found);
        match entry.value() {
            ValueRef::Packed(kind, bytes) if bytes.len() <= MAX_INLINE_VALUE / 2 => {
                let bytes = bytes.to_vec();
                self.replace(db, found, &Form::Bytes(kind, &bytes), entry.deadline_ms()).0
            }
            _ => found,
        }
    }

    /// Sets or removes a found entry's deadline.
    pub(crate) fn set_deadline(&mut self, db: u8, found: Found, deadline_ms: Option<u64>) -> Found {
        let entry = self.entry(found);
        if entry.has_ttl() && deadline_ms.is_some() {
            self.unlink_deadline(db, found.offset);
            entry.set_deadline_ms(deadline_ms.unwrap_or(0));
            self.link_deadline(db, found.offset);
            return found;
        }
        if entry.has_ttl() == deadline_ms.is_some() {
            return found;
        }
        let form = Form::moved(entry);
        self.rewrite(db, found, &form, deadline_ms)
    }

    /// Takes a found entry out; returns what it held outside of the arena.
    pub(crate) fn remove(&mut self, db: u8, hash: u64, found: Found) -> Option<Pointee> {
        let entry = self.entry(found);
        if entry.has_ttl() {
            self.unlink_deadline(db, found.offset);
        }
        self.unlist_fields(db, entry);
        self.outside.remove(entry);
        if let Some(home) = self.dbs[usize::from(db)].as_mut() {
            home.table.remove(hash, found.place);
        }
        let pointee = entry.take_pointee();
        self.free_entry(found.offset);
        pointee
    }

    /// Gives a found entry to the running snapshot if that still needs it, and stamps it with the
    /// live epoch. Must come before the entry's first byte changes.
    #[inline]
    pub(crate) fn hand_over(&mut self, db: u8, found: Found) {
        let entry = self.entry(found);
        if entry.epoch() == self.epoch {
            return;
        }
        if let (Some(tap), Some(home)) = (&self.tap, &self.dbs[usize::from(db)]) {
            tap.save(home.marked_as, entry);
        }
        entry.set_epoch(self.epoch);
    }

    /// Changes the object of a found entry and keeps its bytes accounted.
    pub(crate) fn change_object<R>(
        &mut self,
        db: u8,
        hash: u64,
        found: Found,
        change: impl FnOnce(&mut Object) -> R,
    ) -> Option<R> {
        let entry = self.entry(found);
        let object = entry.object_mut()?;
        let before = object.bytes();
        let result = change(object);
        self.outside.bytes = self.outside.bytes - before + object.bytes();
        self.list_fields(db, hash, entry);
        Some(result)
    }

    /// Changes the bytes of a found entry's string where they stand: zeros are added until there
    /// are `len`. The entry moves only where its block's size changes.
    pub(crate) fn change_string<R>(
        &mut self,
        db: u8,
        found: Found,
        len: usize,
        change: impl FnOnce(&mut [u8]) -> R,
    ) -> (Found, R) {
        let old = self.entry(found).bytes().len();
        let found = match len.checked_sub(old) {
            None | Some(0) => found,
            Some(gap) => self.splice(db, found, old..old, gap, |value| value[old..].fill(0)),
        };
        let entry = self.entry(found);
        entry.mark_raw();
        (found, change(entry.bytes_mut()))
    }

    /// Changes the bytes of a found entry that stand outside, and keeps them accounted.
    pub(crate) fn change_shared<R>(
        &mut self,
        found: Found,
        change: impl FnOnce(&mut Vec<u8>) -> R,
    ) -> Option<R> {
        let entry = self.entry(found);
        let bytes = entry.shared_mut()?;
        let before = bytes.len() as u64;
        let result = change(bytes);
        self.outside.bytes = self.outside.bytes - before + bytes.len() as u64;
        Some(result)
    }

    /// An entry that is due at `now_ms`, or that holds fields which are.
    pub(crate) fn due(&mut self, now_ms: u64) -> Option<Due> {
        let mut next = u64::MAX;
        for number in 0..DATABASES as u8 {
            let Some(db) = self.dbs[usize::from(number)].as_deref_mut() else { continue };
            if let Some(wheel) = db.wheel.as_mut() {
                if let Some(offset) = wheel.due(&self.arena, now_ms) {
                    let hash = self.hash.of(self.arena.entry(offset).key());
                    if let Some(place) = db.table.find(hash, |other| other == offset) {
                        let found = Found { place, offset };
                        return Some(Due { db: number, hash, found, only_fields: false });
                    }
                }
                next = next.min(wheel.next_ms().unwrap_or(u64::MAX));
            }
            if let Some((hash, found)) = self.due_fields(number, now_ms) {
                return Some(Due { db: number, hash, found, only_fields: true });
            }
            let fields = self.dbs[usize::from(number)].as_ref().and_then(|db| db.fields.as_ref());
            next = next.min(fields.and_then(|fields| fields.next_ms()).unwrap_or(u64::MAX));
        }
        self.next_due_ms = if self.condemned.is_empty() { next } else { 0 };
        None
    }

    /// An entry of a database that holds fields which are due at `now_ms`, and its hash.
    fn due_fields(&mut self, db: u8, now_ms: u64) -> Option<(u64, Found)> {
        let Shard { dbs, arena, hash: key_hash, .. } = self;
        let db = dbs[usize::from(db)].as_deref_mut()?;
        let fields = db.fields.as_mut()?;
        while let Some((deadline_ms, hash)) = fields.due(now_ms) {
            let place = db.table.find(hash, |offset| {
                let entry = arena.entry(offset);
                entry.has_due_fields(now_ms) && key_hash.of(entry.key()) == hash
            });
            if let Some(place) = place {
                return Some((hash, Found { place, offset: db.table.offset_at(place) }));
            }
            fields.shift(hash, Some(deadline_ms), None);
        }
        None
    }

    /// Empties a database, or all of them, and nobody waits for the memory if `lazy`: O(1). What
    /// other databases of the shard share no memory with is handed to the caller; the rest is condemned, see [`Shard::reclaim`].
    pub(crate) fn flush(&mut self, db: Option<u8>, lazy: bool) -> Option<Detached> {
        let kept = |number: usize| db.is_some_and(|db| usize::from(db) != number);
        let others = (0..DATABASES).any(|number| {
            kept(number) && self.dbs[number].as_ref().is_some_and(|db| db.table.len() > 0)
        });
        if !others {
            return self.detach();
        }
        let home = db.and_then(|db| self.dbs[usize::from(db)].take())?;
        self.condemned.push(Condemned::new(home, self.tap.is_some(), lazy));
        self.next_due_ms = 0;
        None
    }

    /// Takes everything out in one piece, condemned databases included.
    fn detach(&mut self) -> Option<Detached> {
        if self.arena.used_bytes() == 0 {
            return None;
        }
        let wanted = self.tap.is_some();
        let arena = std::mem::replace(&mut self.arena, Arena::new(ARENA_FIRST_LOG2));
        let mut dbs = std::mem::take(&mut self.condemned);
        let living = std::mem::take(&mut self.dbs).into_iter().flatten();
        dbs.extend(living.map(|db| Condemned::new(db, wanted, false)));
        self.next_due_ms = u64::MAX;
        Some(Detached::new(arena, dbs, std::mem::take(&mut self.outside), self.epoch))
    }

    /// Gives about `most` entries of condemned databases back to the arena; whether there are
    /// more. What a running snapshot still needs of them is handed over first.
    pub(crate) fn reclaim(&mut self, most: usize, garbage: &mut Vec<Discarded>) -> bool {
        let mut reclaimed = 0;
        while let Some(mut condemned) = self.condemned.pop() {
            let mut more = true;
            while more && reclaimed < most {
                let mut offsets = SmallVec::new();
                more = condemned.next_to_free(&mut offsets);
                reclaimed += offsets.len().max(1);
                for offset in offsets {
                    self.reclaim_entry(condemned.wanted_as(), offset, garbage);
                }
            }
            if more {
                self.condemned.push(condemned);
                return true;
            }
            self.stats.lazyfreed += condemned.lazy_keys();
        }
        false
    }

    fn reclaim_entry(
        &mut self,
        wanted_as: Option<u8>,
        offset: Offset,
        garbage: &mut Vec<Discarded>,
    ) {
        let entry = self.arena.entry(offset);
        if let (Some(number), Some(tap)) = (wanted_as, &self.tap)
            && entry.epoch() != self.epoch
        {
            tap.save(number, entry);
        }
        self.outside.remove(entry);
        let value = entry.take_pointee();
        garbage.extend(value.map(|value| Discarded { value, cause: Cause::Flushed }));
        self.free_entry(offset);
    }

    /// Marks everything that is here as what a snapshot is to be made of, and begins to hand over
    /// what changes from now on.
    pub(crate) fn mark(&mut self, epoch: u8, tap: &Arc<Tap>) {
        self.epoch = epoch;
        self.tap = Some(tap.clone());
        for (number, db) in self.dbs.iter_mut().enumerate() {
            if let Some(db) = db {
                db.marked_as = number as u8;
            }
        }
        self.condemned.iter_mut().for_each(Condemned::release);
    }

    /// Stamps every entry with the live epoch, so that no older stamp is left. O(entries).
    pub(crate) fn restamp(&mut self) {
        for db in 0..DATABASES as u8 {
            let mut cursor = 0;
            loop {
                cursor = self.scan(db, cursor, |entry| entry.set_epoch(self.epoch));
                if cursor == 0 {
                    break;
                }
            }
        }
    }

    /// Saves about `budget` entries, from where the walk stands on; `true` when the shard is done,
    /// which nothing is handed over from then on.
    pub(crate) fn walk(
        &mut self,
        walk: &mut Walk,
        tap: &Arc<Tap>,
        budget: &mut usize,
        garbage: &mut Vec<Discarded>,
    ) -> bool {
        if self.reclaim(*budget, garbage) {
            return false;
        }
        while usize::from(walk.db) < DATABASES {
            if *budget == 0 || tap.is_busy() {
                return false;
            }
            let marked = self.dbs.iter().flatten().find(|db| db.marked_as == walk.db);
            walk.cursor = marked.map_or(0, |db| {
                db.table.scan(walk.cursor, |offset| {
                    let entry = self.arena.entry(offset);
                    *budget = budget.saturating_sub(1);
                    if entry.epoch() != self.epoch {
                        tap.save(walk.db, entry);
                        entry.set_epoch(self.epoch);
                    }
                })
            });
            *budget = budget.saturating_sub(1);
            if walk.cursor == 0 {
                walk.db += 1;
            }
        }
        self.tap = None;
        true
    }

    /// Exchanges two databases.
    pub(crate) fn swap(&mut self, one: u8, other: u8) {
        self.dbs.swap(usize::from(one), usize::from(other));
    }

    fn rewrite(
        &mut self,
        db: u8,
        found: Found,
        form: &Form<'_>,
        deadline_ms: Option<u64>,
    ) -> Found {
        let entry = self.entry(found);
        let same_block = entry.has_ttl() == deadline_ms.is_some()
            && entry.key().len() <= MAX_INLINE_KEY
            && Arena::rounded(entry.size())
                == Arena::rounded(size_of_entry(
                    entry.key().len(),
                    form.stored_len(),
                    deadline_ms.is_some(),
                ));
        if entry.has_ttl() {
            self.unlink_deadline(db, found.offset);
        }
        let offset = if same_block {
            entry.overwrite(form);
            if let Some(deadline_ms) = deadline_ms {
                entry.set_deadline_ms(deadline_ms);
            }
            found.offset
        } else {
            self.move_entry(db, found, form, deadline_ms)
        };
        if deadline_ms.is_some() {
            self.link_deadline(db, offset);
        }
        Found { place: found.place, offset }
    }

    /// Gives an entry, which the wheel does not hold, another block.
    fn move_entry(
        &mut self,
        db: u8,
        found: Found,
        form: &Form<'_>,
        deadline_ms: Option<u64>,
    ) -> Offset {
        let entry = self.entry(found);
        let offset = self.new_entry(entry.key(), form, entry.meta(), deadline_ms);
        if let Some(home) = self.dbs[usize::from(db)].as_mut() {
            home.table.replace_at(found.place, offset);
        }
        self.free_entry(found.offset);
        offset
    }

    fn new_entry(
        &mut self,
        key: &[u8],
        form: &Form<'_>,
        meta: Meta,
        deadline_ms: Option<u64>,
    ) -> Offset {
        let ttl = deadline_ms.is_some();
        let size = size_of_entry(key.len(), form.stored_len(), ttl);
        let offset = self.arena.alloc(size).expect("a shard holds less than 32 GiB");
        let entry = self.arena.entry(offset);
        // SAFETY: the block was just allocated with this size.
        unsafe { entry.init(key, form, meta, ttl) };
        if let Some(deadline_ms) = deadline_ms {
            entry.set_deadline_ms(deadline_ms);
        }
        offset
    }

    /// Frees an entry's block and long key; its value was moved or taken before.
    fn free_entry(&mut self, offset: Offset) {
        let entry = self.arena.entry(offset);
        let size = entry.size();
        drop(entry.take_long_key());
        self.arena.free(offset, size);
    }

    /// Enters the earliest deadline of an entry's fields, if it holds a hash with any, where it is
    /// not the one that stands in the index.
    #[inline]
    fn list_fields(&mut self, db: u8, hash: u64, entry: Entry) {
        if entry.kind() != Kind::HashTable {
            return;
        }
        let Some(Object::Hash(fields)) = entry.object_mut() else { return };
        let (before_ms, after_ms) = fields.relist();
        if before_ms != after_ms
            && let Some(home) = self.dbs[usize::from(db)].as_mut()
        {
            home.fields.get_or_insert_default().shift(hash, before_ms, after_ms);
            self.next_due_ms = self.next_due_ms.min(after_ms.unwrap_or(u64::MAX));
        }
    }

    /// Takes an entry that holds a hash out of the index of field deadlines.
    #[inline]
    fn unlist_fields(&mut self, db: u8, entry: Entry) {
        if entry.kind() != Kind::HashTable {
            return;
        }
        let Some(Object::Hash(fields)) = entry.object_mut() else { return };
        let listed_ms = fields.unlist();
        let home = self.dbs[usize::from(db)].as_mut().and_then(|home| home.fields.as_mut());
        if let (Some(_), Some(index)) = (listed_ms, home) {
            index.shift(self.hash.of(entry.key()), listed_ms, None);
        }
    }

    fn link_deadline(&mut self, db: u8, offset: Offset) {
        let Shard { dbs, arena, now_ms, next_due_ms, .. } = self;
        let Some(home) = dbs[usize::from(db)].as_mut() else { return };
        let wheel = home.wheel.get_or_insert_with(|| Wheel::new(*now_ms));
        wheel.add(arena, offset);
        let deadline_ms = arena.entry(offset).deadline_ms().unwrap_or(u64::MAX);
        *next_due_ms = (*next_due_ms).min(deadline_ms);
    }

    fn unlink_deadline(&mut self, db: u8, offset: Offset) {
        let Shard { dbs, arena, .. } = self;
        if let Some(wheel) = dbs[usize::from(db)].as_mut().and_then(|home| home.wheel.as_mut()) {
            wheel.remove(arena, offset);
        }
    }
}

impl Drop for Shard {
    fn drop(&mut self) {
        drop(self.detach());
    }
}

/// How far a snapshot's walk through a shard has come.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Walk {
    /// The database, by its number at the mark.
    db: u8,
    cursor: u64,
}

/// Bytes of a value, and of a long key, that are not in the arena.
pub(crate) fn outside_bytes(entry: Entry) -> u64 {
    let key = entry.key().len();
    let long_key = if key > MAX_INLINE_KEY { key as u64 } else { 0 };
    let value = match entry.value() {
        ValueRef::String(bytes, _) | ValueRef::Packed(_, bytes) if entry.holds_pointer() => {
            bytes.len() as u64
        }
        ValueRef::Object(_, object) => object.bytes(),
        _ => 0,
    };
    long_key + value
}

/// Puts zeros in place of some bytes; room grows by an eighth, which is what a value that grows bit
/// by bit may waste.
fn put_gap(bytes: &mut Vec<u8>, cut: Range<usize>, gap: usize) {
    let len = bytes.len() - cut.len() + gap;
    assert!(len <= MAX_PACKED, "a packed collection outgrew its bounds");
    if len > bytes.capacity() {
        bytes.reserve_exact(len.max(bytes.len() + bytes.len() / 8) - bytes.len());
    }
    bytes.splice(cut, std::iter::repeat_n(0, gap));
    if bytes.len() < bytes.capacity() / 2 {
        bytes.shrink_to(bytes.len() + bytes.len() / 8);
    }
}
