//! The part of the keyspace that a running command holds: what it may read, and the door to the
//! gate for what it may change.
//!
//! Made by [`crate::engine::Engine::with_keys`] once the locks are held; nothing else makes one.
//! Knows no session: a waiter is served through it just as a command runs through it.
#![allow(unsafe_code)]

use crate::changes::Changes;
use crate::commands::string::set;
use crate::config::Config;
use crate::engine::Engine;
use crate::error::Error;
use crate::expiry::Unit;
use crate::keyspace::entry::Entry;
use crate::keyspace::locks::ShardSet;
use crate::keyspace::shard::Shard;
use crate::keyspace::{Gate, Type, ValueRef};
use crate::spec::Spec;
use larder_codec::integer::format_i64;
use smallvec::SmallVec;
use std::cell::Cell;

/// Hashes of the keys whose locks were taken, found again by the key's address.
#[derive(Debug, Default)]
pub(crate) struct Hashes {
    known: SmallVec<[(*const u8, usize, u64); 4]>,
    next: Cell<usize>,
}

impl Hashes {
    pub(crate) fn push(&mut self, key: &[u8], hash: u64) {
        self.known.push((key.as_ptr(), key.len(), hash));
    }

    /// Address, length and hash of each key.
    pub(crate) fn known(&self) -> &[(*const u8, usize, u64)] {
        &self.known
    }

    /// The hash of a key that was pushed, most likely the one after the last that was asked for.
    #[inline(always)]
    fn get(&self, key: &[u8]) -> Option<u64> {
        let known = &self.known[..];
        for turn in 0..known.len().min(2) {
            let at = (self.next.get() + turn) % known.len();
            let (address, len, hash) = known[at];
            if address == key.as_ptr() && len == key.len() {
                self.next.set(at);
                return Some(hash);
            }
        }
        None
    }
}

/// Shards that are held, for one command.
pub struct Keys<'c> {
    pub(crate) engine: &'c Engine,
    pub(crate) held: &'c mut ShardSet,
    pub(crate) changes: &'c mut Changes,
    pub(crate) db: u8,
    pub(crate) hashes: &'c Hashes,
}

impl<'c> Keys<'c> {
    /// # Safety
    /// The caller holds the locks of `held` as long as this lives.
    pub(crate) unsafe fn new(
        engine: &'c Engine,
        held: &'c mut ShardSet,
        changes: &'c mut Changes,
        hashes: &'c Hashes,
    ) -> Self {
        Keys { engine, held, changes, db: 0, hashes }
    }

    /// Time of the command, in Unix milliseconds.
    #[inline(always)]
    pub fn now_ms(&self) -> u64 {
        self.changes.now_ms
    }

    /// The same by the clock, also while a log is replayed: what relative times begin at.
    pub fn clock_ms(&self) -> u64 {
        self.changes.now_ms.max(self.changes.began_us / 1000)
    }

    /// Whether what is due is kept for now: clients are paused, or `DEBUG` has halted its removal.
    pub fn keeps_due(&self) -> bool {
        self.changes.keeps_due
    }

    /// The database that the command works on.
    pub fn db(&self) -> u8 {
        self.db
    }

    /// The engine's settings.
    pub fn config(&self) -> &'c Config {
        self.engine.config()
    }

    /// The value of a key, as a use of it: it counts as a hit or a miss and keeps the key fresh.
    #[inline]
    pub fn read(&self, key: &[u8]) -> Option<ValueRef<'_>> {
        self.look_up(key, !self.changes.no_touch, true).map(Entry::value)
    }

    /// Uses a key, also for a session whose reads leave no trace; whether it is there.
    pub fn touch(&self, key: &[u8]) -> bool {
        self.look_up(key, true, true).is_some()
    }

    /// The same for commands that ask about a key and do not use it: a hit or a miss, but the key
    /// is as old as before.
    pub fn read_untouched(&self, key: &[u8]) -> Option<ValueRef<'_>> {
        self.look_up(key, false, true).map(Entry::value)
    }

    /// The same where keyspace notifications do not tell a miss.
    pub fn read_unheard(&self, key: &[u8]) -> Option<ValueRef<'_>> {
        self.look_up(key, false, false).map(Entry::value)
    }

    /// When a key expires (`None` inside: it does not), read as by [`Keys::read_untouched`].
    pub fn read_deadline_ms(&self, key: &[u8]) -> Option<Option<u64>> {
        self.look_up(key, false, true).map(Entry::deadline_ms)
    }

    #[inline]
    fn look_up(&self, key: &[u8], touch: bool, tell: bool) -> Option<Entry> {
        let hash = self.hash(key);
        let shard = self.shard_mut_cell(hash);
        // SAFETY: the lock is held and `self` is borrowed shared, so that nobody has a unique
        // reference into the shard; counters and access bits are nowhere borrowed.
        unsafe {
            let found = (*shard).find(self.db, hash, key);
            let live = found.filter(|&f| !self.is_gone((*shard).entry(f)));
            let Some(found) = live else {
                (*shard).stats.misses += 1;
                if tell {
                    self.changes.notices.miss(self.db, key);
                }
                return None;
            };
            (*shard).stats.hits += 1;
            let entry = (*shard).entry(found);
            if touch {
                let (access, before) = (self.changes.access, entry.access());
                let after = access.used(before, |below| self.random(below));
                if after != before {
                    entry.set_access(after);
                }
            }
            Some(entry)
        }
    }

    /// The value of a key of another database, or looked at without using it.
    pub fn peek(&self, db: u8, key: &[u8]) -> Option<ValueRef<'_>> {
        self.look(db, key).map(Entry::value)
    }

    /// Whether a key of the command's database is there.
    pub fn exists(&self, key: &[u8]) -> bool {
        self.look(self.db, key).is_some()
    }

    /// The type of a key's value, without using it.
    pub fn type_of(&self, key: &[u8]) -> Option<Type> {
        self.look(self.db, key).map(|entry| entry.kind().type_of())
    }

    /// When a key expires in Unix milliseconds (`None` inside: it does not), without using it.
    pub fn deadline_ms(&self, key: &[u8]) -> Option<Option<u64>> {
        self.look(self.db, key).map(Entry::deadline_ms)
    }

    /// Seconds since a key was used last; `None` inside where that is not what is kept.
    pub fn idle_seconds(&self, key: &[u8]) -> Option<Option<u32>> {
        self.look(self.db, key).map(|entry| self.changes.access.idle_seconds(entry.access()))
    }

    /// How often a key was used, as a logarithm; `None` inside where that is not what is kept.
    pub fn frequency(&self, key: &[u8]) -> Option<Option<u32>> {
        self.look(self.db, key).map(|entry| self.changes.access.frequency(entry.access()))
    }

    /// What is kept of a key's uses, as it is kept.
    pub(crate) fn access_bits(&self, key: &[u8]) -> Option<u32> {
        self.look(self.db, key).map(Entry::access)
    }

    /// Bytes that a key takes with everything that belongs to it.
    pub fn bytes_of(&self, db: u8, key: &[u8]) -> Option<u64> {
        self.look(db, key).map(|entry| {
            // The entry, and its share of a bucket (a slot in twelve of 64 bytes, 7 in use).
            let inside = crate::keyspace::arena::Arena::rounded(entry.size()) as u64 + 9;
            inside + crate::keyspace::shard::outside_bytes(entry)
        })
    }

    /// The right to change a key of the command's database.
    #[inline]
    pub fn write<'g>(&'g mut self, key: &'g [u8]) -> Gate<'g> {
        self.write_in(self.db, key)
    }

    /// The right to change a key of another database.
    pub fn write_in<'g>(&'g mut self, db: u8, key: &'g [u8]) -> Gate<'g> {
        let hash = self.hash(key);
        let shard = self.shard_mut_cell(hash);
        // SAFETY: the lock is held, and `self` is borrowed uniquely for as long as the gate.
        Gate::open(unsafe { &mut *shard }, self.changes, db, hash, key)
    }

    /// Names an effect of the running command in place of its own words.
    pub fn effect(&mut self, spec: &'static Spec, words: &[&[u8]]) {
        self.changes.effects.named = true;
        self.changes.notices.effect = Some(spec);
        if self.changes.effects.on {
            let mut all: SmallVec<[&[u8]; 8]> = SmallVec::new();
            all.push(spec.name.as_bytes());
            all.extend_from_slice(words);
            self.changes.effects.write(self.db, &all);
        }
    }

    /// Notes of a key that was changed what its SPEC's [`crate::notify::names::When::Noted`] means.
    pub fn note(&mut self, key: &[u8]) {
        if self.changes.notices.any() {
            self.changes.notices.note(self.db, key);
        }
    }

    /// Whether anybody hears effects: where naming one takes work of its own.
    pub fn names_effects(&self) -> bool {
        self.changes.effects.on
    }

    /// The effect of a string that was set with a deadline.
    pub fn effect_set(&mut self, key: &[u8], value: &[u8], deadline_ms: u64) {
        let mut digits = [0; 20];
        let at = format_i64(deadline_ms.cast_signed(), &mut digits);
        let unit = Unit::UnixMilliseconds.option().as_bytes();
        self.effect(&set::SPEC, &[key, value, unit, at]);
    }

    /// Says that what was changed is no effect to log (it is logged otherwise, or not at all).
    pub fn no_effect(&mut self) {
        self.changes.effects.named = true;
    }

    /// How many changes the command has made so far.
    pub fn changes(&self) -> u64 {
        self.changes.count
    }

    /// A number below `bound`, from the engine's generator.
    pub fn random(&self, bound: u64) -> u64 {
        self.engine.random(bound)
    }

    /// Somebody waits for a key of the held shards.
    #[inline]
    pub(crate) fn any_waiters(&mut self) -> bool {
        match *self.held {
            ShardSet::One(index) => !self.shard_at(index).waiters.is_empty(),
            _ => self.shards().any(|shard| !shard.waiters.is_empty()),
        }
    }

    /// Takes one more shard, for a script that turns to a key it did not name.
    pub(crate) fn reach(&mut self, index: u16) {
        if self.held.has(index) {
            return;
        }
        self.engine.locks().escape(index);
        self.held.add(index);
        let now_ms = self.changes.now_ms.max(self.shard_at(index).now_ms);
        self.changes.now_ms = now_ms;
        self.shard_at(index).now_ms = now_ms;
    }

    /// Takes all shards of a set that are not held yet.
    pub(crate) fn reach_all(&mut self, set: &ShardSet) {
        for index in set.iter(self.engine.shard_count()) {
            self.reach(index);
        }
    }

    /// Warms the buckets of the command's keys.
    #[inline]
    pub(crate) fn warm_buckets(&self, db: u8) {
        for &(_, _, hash) in self.hashes.known() {
            // SAFETY: the lock is held; nothing is changed.
            unsafe { (*self.shard_mut_cell(hash)).warm_bucket(db, hash) };
        }
    }

    /// The shard of a key, held or not.
    #[inline]
    pub(crate) fn shard_index(&self, key: &[u8]) -> u16 {
        self.engine.shard_index(self.hash(key))
    }

    /// Every shard, for commands that hold all of them.
    pub(crate) fn shards(&mut self) -> impl Iterator<Item = &mut Shard> {
        let (engine, held) = (self.engine, &*self.held);
        held.iter(engine.shard_count()).map(move |index| {
            // SAFETY: the lock is held, each shard is yielded once, and `self` stays borrowed
            // uniquely as long as the iterator's items.
            unsafe { &mut *engine.shard_cell(index) }
        })
    }

    /// Every held shard together with the record of changes.
    pub(crate) fn each_shard(&mut self, mut each: impl FnMut(&mut Shard, &mut Changes)) {
        for index in self.held.iter(self.engine.shard_count()) {
            // SAFETY: the lock is held and `self` is borrowed uniquely.
            each(unsafe { &mut *self.engine.shard_cell(index) }, self.changes);
        }
    }

    /// One held shard.
    pub(crate) fn shard_at(&mut self, index: u16) -> &mut Shard {
        assert!(self.held.has(index), "shard {index} is not held");
        // SAFETY: the lock is held and `self` is borrowed uniquely.
        unsafe { &mut *self.engine.shard_cell(index) }
    }

    /// One held shard, to be looked at; nothing may be read through `self` meanwhile, as that
    /// counts in the shard.
    pub(crate) fn shard_ref(&self, index: u16) -> &Shard {
        assert!(self.held.has(index), "shard {index} is not held");
        // SAFETY: the lock is held; `self` is borrowed shared, so nobody changes the shard.
        unsafe { &*self.engine.shard_cell(index) }
    }

    /// The shard of a key.
    pub(crate) fn shard_of(&mut self, key: &[u8]) -> &mut Shard {
        let cell = self.shard_mut_cell(self.hash(key));
        // SAFETY: the lock is held and `self` is borrowed uniquely.
        unsafe { &mut *cell }
    }

    fn look(&self, db: u8, key: &[u8]) -> Option<Entry> {
        let hash = self.hash(key);
        // SAFETY: the lock is held; `self` is borrowed shared, so nobody changes the shard.
        let shard = unsafe { &*self.shard_mut_cell(hash) };
        let entry = shard.entry(shard.find(db, hash, key)?);
        (!self.is_gone(entry)).then_some(entry)
    }

    #[inline(always)]
    fn is_gone(&self, entry: Entry) -> bool {
        entry.is_gone(self.changes.now_ms, self.changes.keeps_due)
    }

    #[inline(always)]
    pub(crate) fn hash(&self, key: &[u8]) -> u64 {
        self.hashes.get(key).unwrap_or_else(|| self.engine.hash().of(key))
    }

    #[inline(always)]
    fn shard_mut_cell(&self, hash: u64) -> *mut Shard {
        let index = self.engine.shard_index(hash);
        assert!(self.held.has(index), "a command reached for a key that it did not name");
        self.engine.shard_cell(index)
    }
}

/// A value that must be a string, if it is there.
pub fn string_of(value: Option<ValueRef<'_>>) -> Result<Option<&[u8]>, Error> {
    match value {
        None => Ok(None),
        Some(ValueRef::String(bytes, _)) => Ok(Some(bytes)),
        Some(_) => Err(Error::WrongType),
    }
}
