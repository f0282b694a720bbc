//! The engine: shards behind their locks, and what all sessions share.
//!
//! Everything from outside comes in as a parameter of [`Options`]: time, randomness, settings,
//! and through [`Host`] the commands that act on the outside. Knows no file, no socket.
#![allow(unsafe_code)]

mod turn;

use crate::changes::Changes;
use crate::clients::{Clients, Pause};
use crate::clock::Clock;
use crate::commandlog::CommandLog;
use crate::config::{Config, Id};
use crate::durability::Durability;
use crate::error::Error;
use crate::freeing::Garbage;
use crate::host::Host;
use crate::keys::{Hashes, Keys};
use crate::keyspace::hash::KeyHash;
use crate::keyspace::locks::{Acquired, Locks, ShardSet, Wait};
use crate::keyspace::shard::Shard;
use crate::keyspace::snapshot::Snapshots;
use crate::latency::Latency;
use crate::log::{Log, Position};
use crate::monitor::Monitors;
use crate::pubsub::PubSub;
use crate::renames::Renames;
use crate::scripts::Scripts;
use crate::session::pipeline::WARM_MOST;
use crate::stats::Stats;
use crate::sync::Mutex;
use crate::tracking::Tracking;
use crate::values::dict::Dict;
use smallvec::SmallVec;
use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

/// Entries that the housekeeper removes under one hold of a lock.
const EXPIRE_AT_ONCE: u32 = 128;

/// The event of LATENCY that housekeeping belongs to.
const EXPIRE_CYCLE: &str = "expire-cycle";

/// When housekeeping that a script over its time keeps from its locks is tried again.
const TRY_AGAIN_MS: u64 = 100;

/// Work that waits for locks; `true` when it is done.
pub(crate) type Deferred = Box<dyn FnMut(&Engine) -> bool + Send>;

/// What an engine is made from.
pub struct Options {
    /// Shards, a power of two up to 1024; one lock each.
    pub shards: u16,
    /// 128 random bits for the hash of keys.
    pub hash_seed: u128,
    /// Seed of the generator for SPOP and the like.
    pub random_seed: u64,
    /// Where the time comes from.
    pub clock: Arc<dyn Clock>,
    /// The settings.
    pub config: Arc<Config>,
    /// What acts on the outside.
    pub host: Arc<dyn Host>,
}

/// The engine.
pub struct Engine {
    locks: Locks,
    shards: Box<[Slot]>,
    hash: KeyHash,
    clock: Arc<dyn Clock>,
    config: Arc<Config>,
    host: Arc<dyn Host>,
    random: Mutex<fastrand::Rng>,
    log: Log,
    /// Everything about publishing.
    pub(crate) pubsub: PubSub,
    /// Who is told that keys have changed.
    pub(crate) tracking: Tracking,
    /// Who sees all commands.
    pub(crate) monitors: Monitors,
    /// Every session.
    pub(crate) clients: Clients,
    /// Whether clients have to wait (`CLIENT PAUSE`).
    pub(crate) pause: Pause,
    /// Counters for INFO.
    pub(crate) stats: Stats,
    /// Commands and moments that took long.
    pub(crate) commandlog: CommandLog,
    pub(crate) latency: Latency,
    /// Names that clients use, where they differ from the table's.
    renames: OnceLock<Renames>,
    started_ms: u64,
    run_id: String,
    history_id: String,
    alarm: Alarm,
    pub(crate) snapshots: Mutex<Snapshots>,
    /// Scripts, and who may run one.
    pub(crate) scripts: Scripts,
    /// What the housekeeper is to free.
    pub(crate) garbage: Garbage,
    /// Keys are removed when they are due, not only when somebody asks for them.
    active_expire: AtomicBool,
    /// Nothing is done but what commands ask for.
    periodic_paused: AtomicBool,
    /// What `DEBUG RELOAD` wrote the last time.
    image: Mutex<Option<Vec<u8>>>,
    /// Payloads must end in their right checksum.
    checks_seals: AtomicBool,
    deferred: Mutex<Vec<Deferred>>,
    durability: OnceLock<Arc<dyn Durability>>,
    /// Sources of libraries of functions that came out of a file and cannot be loaded here.
    unknown_libraries: Mutex<Vec<Vec<u8>>>,
    /// What commands ask before they run: bits of [`condition`].
    condition: AtomicU8,
}

/// Bits of [`Engine::condition`]; none is set where all is well.
mod condition {
    /// Data is being loaded.
    pub(super) const LOADING: u8 = 1;
    /// Writes may have to be refused.
    pub(super) const DOUBTFUL: u8 = 2;
    /// Writers have to wait for the saver of a snapshot.
    pub(super) const CROWDED: u8 = 4;
}

/// Tells the housekeeper when the next key is due.
#[derive(Default)]
struct Alarm {
    /// The moment for which the housekeeper was told to come, in Unix milliseconds.
    armed_ms: AtomicU64,
    ring: OnceLock<Box<dyn Fn(u64) + Send + Sync>>,
}

/// A shard, to be touched by the holder of its lock only.
#[repr(align(128))]
struct Slot(UnsafeCell<Shard>);

// SAFETY: a shard is reached through `shard_cell` only, by whoever holds its lock.
unsafe impl Sync for Slot {}
// SAFETY: a shard holds nothing that is bound to a thread; its raw pointers are its own memory.
unsafe impl Send for Slot {}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("shards", &self.shards.len()).finish_non_exhaustive()
    }
}

impl Engine {
    /// An empty engine.
    ///
    /// # Panics
    /// When the number of shards is not a power of two from 1 to 1024.
    pub fn new(options: Options) -> Arc<Self> {
        let Options { shards, hash_seed, random_seed, clock, config, host } = options;
        assert!(shards.is_power_of_two() && shards <= 1024, "{shards} shards");
        let hash = KeyHash::new(hash_seed);
        let started_ms = clock.now_us() / 1000;
        let mut random = fastrand::Rng::with_seed(random_seed);
        let mut id =
            || (0..40).map(|_| char::from(b"0123456789abcdef"[random.usize(..16)])).collect();
        let (run_id, history_id) = (id(), id());
        Arc::new(Engine {
            locks: Locks::new(shards),
            shards: (0..shards).map(|_| Slot(UnsafeCell::new(Shard::new(hash)))).collect(),
            hash,
            clock,
            config,
            host,
            random: Mutex::new(random),
            log: Log::default(),
            pubsub: PubSub::default(),
            tracking: Tracking::default(),
            monitors: Monitors::default(),
            clients: Clients::default(),
            pause: Pause::default(),
            stats: Stats::default(),
            commandlog: CommandLog::default(),
            latency: Latency::default(),
            renames: OnceLock::new(),
            started_ms,
            alarm: Alarm { armed_ms: AtomicU64::new(u64::MAX), ring: OnceLock::new() },
            snapshots: Mutex::default(),
            scripts: Scripts::default(),
            garbage: Garbage::default(),
            run_id,
            history_id,
            active_expire: AtomicBool::new(true),
            periodic_paused: AtomicBool::new(false),
            image: Mutex::default(),
            checks_seals: AtomicBool::new(true),
            deferred: Mutex::default(),
            durability: OnceLock::new(),
            unknown_libraries: Mutex::default(),
            condition: AtomicU8::new(0),
        })
    }

    /// The settings.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// What acts on the outside.
    pub fn host(&self) -> &dyn Host {
        &*self.host
    }

    /// Gives the data a place to last in, once and for all; false if it has one.
    pub fn attach_durability(&self, durability: Arc<dyn Durability>) -> bool {
        self.durability.set(durability).is_ok()
    }

    /// Where the data lasts; none where it is in memory only.
    pub fn durability(&self) -> Option<&Arc<dyn Durability>> {
        self.durability.get()
    }

    /// Loads a library of functions that a file held. One that cannot be loaded here is kept as it
    /// is for the next file; whether its functions can be called.
    pub fn load_library(&self, source: &[u8]) -> bool {
        let loaded = self.scripts.load(source, true, &|| self.now_us(), self.host());
        if loaded.is_err() {
            self.unknown_libraries.lock().push(source.to_vec());
        }
        loaded.is_ok()
    }

    /// The sources of all libraries of functions.
    pub fn libraries(&self) -> Vec<Vec<u8>> {
        let mut sources = self.scripts.library_sources();
        sources.extend(self.unknown_libraries.lock().iter().cloned());
        sources
    }

    /// From now on, or no longer, writes ask [`Durability::refuses_writes`] first.
    pub fn doubt_writes(&self, on: bool) {
        self.set_condition(condition::DOUBTFUL, on);
    }

    /// From now on, or no longer, writes of clients wait, as if `CLIENT PAUSE` had no end: the last
    /// snapshot before the end has everything then.
    pub fn hold_writes(&self, on: bool) {
        if on {
            self.pause.begin(self.now_us() / 1000, u64::MAX, false);
        } else {
            self.pause.end();
        }
    }

    /// From now on, or no longer, only commands run that may while data is being loaded.
    pub fn set_loading(&self, on: bool) {
        self.set_condition(condition::LOADING, on);
    }

    /// Whether data is being loaded.
    #[inline]
    pub fn is_loading(&self) -> bool {
        self.condition.load(Ordering::Relaxed) & condition::LOADING != 0
    }

    /// From now on, or no longer, writers ask whether a snapshot's saver has room.
    pub(crate) fn set_crowded(&self, on: bool) {
        self.set_condition(condition::CROWDED, on);
    }

    /// Whether writers have to ask that.
    #[inline]
    pub(crate) fn is_crowded(&self) -> bool {
        self.condition.load(Ordering::Relaxed) & condition::CROWDED != 0
    }

    /// Whether something is out of the ordinary: one load, for the way of every command.
    #[inline(always)]
    pub(crate) fn is_out_of_order(&self) -> bool {
        self.condition.load(Ordering::Relaxed) != 0
    }

    /// Why writes are refused now.
    #[cold]
    pub(crate) fn write_refusal(&self) -> Option<Error> {
        if self.condition.load(Ordering::Relaxed) & condition::DOUBTFUL == 0 {
            return None;
        }
        self.durability.get()?.refuses_writes()
    }

    fn set_condition(&self, bit: u8, on: bool) {
        if on {
            self.condition.fetch_or(bit, Ordering::SeqCst);
        } else {
            self.condition.fetch_and(!bit, Ordering::SeqCst);
        }
    }

    /// Gives commands other names for clients, once and for all; false if that was done before.
    pub fn rename_commands(&self, renames: Renames) -> bool {
        renames.is_empty() || self.renames.set(renames).is_ok()
    }

    /// The other names, if there are any.
    #[inline]
    pub(crate) fn renames(&self) -> Option<&Renames> {
        self.renames.get()
    }

    /// The log of effects.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Counters of what happened so far.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// The clock's time in microseconds since the Unix epoch.
    pub fn now_us(&self) -> u64 {
        self.clock.now_us()
    }

    /// When the engine began, in Unix milliseconds.
    pub fn started_ms(&self) -> u64 {
        self.started_ms
    }

    /// Forty hexadecimal digits that tell this run from others.
    pub fn run_id(&self) -> &str {
        &self.run_id
    }

    /// Forty hexadecimal digits that tell the history of this data from others.
    pub fn history_id(&self) -> &str {
        &self.history_id
    }

    /// How many shards there are.
    #[inline(always)]
    pub fn shard_count(&self) -> u16 {
        self.locks.count()
    }

    /// The locks of the shards.
    pub fn locks(&self) -> &Locks {
        &self.locks
    }

    /// The hash of keys.
    #[inline(always)]
    pub fn hash(&self) -> &KeyHash {
        &self.hash
    }

    /// The shard of a hash.
    #[inline(always)]
    pub(crate) fn shard_index(&self, hash: u64) -> u16 {
        (hash >> 48) as u16 & (self.locks.count() - 1)
    }

    /// A shard; only for who holds its lock.
    #[inline(always)]
    pub(crate) fn shard_cell(&self, index: u16) -> *mut Shard {
        self.shards[usize::from(index)].0.get()
    }

    /// A number below `bound` (which is not 0).
    pub(crate) fn random(&self, bound: u64) -> u64 {
        self.random.lock().u64(..bound)
    }

    /// Takes locks and does something under them: the one way into the shards. Expires what is
    /// due there first; serves waiters, logs effects and gives the locks back after.
    ///
    /// `more` may name further shards once the first are held (those that waiters would need).
    pub(crate) fn with_keys<R>(
        &self,
        set: ShardSet,
        hashes: &Hashes,
        changes: &mut Changes,
        wait: Wait<'_>,
        more: impl Fn(&mut Keys<'_>) -> ShardSet,
        work: impl FnOnce(&mut Keys<'_>) -> R,
    ) -> Result<(R, Position), Acquired> {
        let mut set = set;
        let script = match changes.runs_scripts {
            true => Some(self.scripts.take_lock(wait)?),
            false => None,
        };
        let mut held = loop {
            if !self.locks.take_if_free(&set) {
                changes.seen_us = 0;
                match self.locks.acquire(&set, wait) {
                    Acquired::Granted => {}
                    refused => return Err(refused),
                }
            }
            let mut held = Held { engine: self, set };
            // SAFETY: `held` holds the locks.
            let mut keys = unsafe { Keys::new(self, &mut held.set, changes, hashes) };
            let wider = more(&mut keys);
            if wider == ShardSet::None
                || wider.iter(self.shard_count()).all(|shard| held.set.has(shard))
            {
                break held;
            }
            set = held.set.clone();
            wider.iter(self.shard_count()).for_each(|shard| set.add(shard));
        };
        changes.effects.on = self.log.is_on();
        changes.notices.begin(self.config.notify_keyspace_events());
        changes.invalidations.begin(&self.tracking);
        // SAFETY: `held` holds the locks until the end of this function.
        let mut keys = unsafe { Keys::new(self, &mut held.set, changes, hashes) };
        keys.begin();
        let result = work(&mut keys);
        let position = keys.finish();
        drop(held);
        drop(script);
        changes.count = 0;
        if !changes.garbage.is_empty() {
            self.free(&mut changes.garbage);
            if !changes.keeps_house && self.garbage.is_any() {
                self.call_housekeeper();
            }
        }
        if let Some(flushed) = changes.flushed.take() {
            let all = flushed.all;
            self.free_flushed(*flushed, changes);
            if all && let Some(durability) = self.durability.get() {
                durability.flushed();
            }
        }
        Ok((result, position))
    }

    /// Warms the caches for requests that will run soon, each with the hash of its key: first all
    /// buckets, then all entries, then what elements of large collections need, so that the
    /// misses overlap. Shards that somebody else holds are left out.
    #[inline]
    pub(crate) fn warm<'r, 'w: 'r>(
        &self,
        db: u8,
        requests: &(impl Iterator<Item = (u64, &'r [&'w [u8]])> + Clone),
    ) {
        let mut held = ShardSet::None;
        for (hash, _) in requests.clone() {
            let index = self.shard_index(hash);
            if held.has(index) || self.locks.try_acquire(index) {
                held.add(index);
                // SAFETY: the lock is held.
                unsafe { &*self.shard_cell(index) }.warm_bucket(db, hash);
            }
        }
        let held = Held { engine: self, set: held };
        let shard_of = |hash| {
            let index = self.shard_index(hash);
            // SAFETY: the lock is held.
            held.set.has(index).then(|| unsafe { &*self.shard_cell(index) })
        };
        for (hash, _) in requests.clone() {
            if let Some(shard) = shard_of(hash) {
                shard.warm_entry(db, hash);
            }
        }
        let of_elements = requests.clone().filter(|(_, words)| words.len() > 2);
        let lookups = of_elements.filter_map(|(hash, words)| {
            let (dict, element) = shard_of(hash)?.likely_object(db, hash)?.lookup(words)?;
            Some((dict, dict.hash().of(element)))
        });
        let lookups: SmallVec<[(&Dict, u64); WARM_MOST]> =
            lookups.inspect(|(dict, hash)| dict.warm_index(*hash)).collect();
        lookups.iter().for_each(|(dict, hash)| dict.warm_entry(*hash));
    }

    /// Does something to each shard of a set under its lock, one after the other; for the
    /// bookkeeping of sessions, not for data. While a script is over its time it is put off
    /// instead, for the caller may be on the script's own thread. Doing it twice must do no harm.
    pub(crate) fn with_shards(
        &self,
        set: ShardSet,
        mut each: impl FnMut(&mut Shard) + Send + 'static,
    ) {
        if !self.try_with_shards(&set, &mut each) {
            self.defer(Box::new(move |engine| engine.try_with_shards(&set, &mut each)));
        }
    }

    /// The same, or not for all of them: `false` while a script over its time holds one.
    pub(crate) fn try_with_shards(&self, set: &ShardSet, each: &mut dyn FnMut(&mut Shard)) -> bool {
        for index in set.iter(self.shard_count()) {
            let one = ShardSet::One(index);
            if self.locks.acquire(&one, Wait::Park) != Acquired::Granted {
                return false;
            }
            let held = Held { engine: self, set: one };
            // SAFETY: the lock is held.
            each(unsafe { &mut *self.shard_cell(index) });
            drop(held);
        }
        true
    }

    /// Does a piece of work now, or later if it says that it cannot be done now.
    pub(crate) fn do_or_defer(&self, mut work: Deferred) {
        if !work(self) {
            self.defer(work);
        }
    }

    /// Tries what was put off once more; whether nothing is left. To be called when the busy flag
    /// falls; the housekeeper does it as well.
    pub(crate) fn do_deferred(&self) -> bool {
        let works = std::mem::take(&mut *self.deferred.lock());
        let left = works.into_iter().filter_map(|mut work| (!work(self)).then_some(work));
        let left: Vec<Deferred> = left.collect();
        let mut deferred = self.deferred.lock();
        deferred.extend(left);
        deferred.is_empty()
    }

    fn defer(&self, work: Deferred) {
        self.deferred.lock().push(work);
        if let Some(ring) = self.alarm.ring.get() {
            ring(self.now_us() / 1000);
        }
    }

    /// Does something to one shard under its lock, or `None` while the store is busy.
    pub(crate) fn try_shard<R>(&self, index: u16, work: impl FnOnce(&mut Shard) -> R) -> Option<R> {
        let set = ShardSet::One(index);
        if self.locks.acquire(&set, Wait::Park) != Acquired::Granted {
            return None;
        }
        let held = Held { engine: self, set };
        // SAFETY: the lock is held until the end of this function.
        let result = work(unsafe { &mut *self.shard_cell(index) });
        drop(held);
        Some(result)
    }

    /// Names who is told when a key will be due earlier than any before: a function that gets the
    /// moment in Unix milliseconds, must not block, and sees to it that [`Engine::expire_due`] is
    /// called then. Only the first one counts.
    pub fn on_deadline(&self, ring: impl Fn(u64) + Send + Sync + 'static) {
        if self.alarm.ring.set(Box::new(ring)).is_ok() {
            self.alarm.armed_ms.store(u64::MAX, Ordering::SeqCst);
        }
    }

    /// Tells the housekeeper to come at once.
    pub(crate) fn call_housekeeper(&self) {
        self.alarm.armed_ms.store(0, Ordering::SeqCst);
        if let Some(ring) = self.alarm.ring.get() {
            ring(0);
        }
    }

    /// Keys are removed again as they become due, from the next command on: a pause was ended.
    pub(crate) fn resume_expiry(&self) {
        self.alarm.armed_ms.store(u64::MAX, Ordering::SeqCst);
    }

    /// Whether keys are removed before somebody asks for them.
    pub(crate) fn set_active_expire(&self, on: bool) {
        self.active_expire.store(on, Ordering::SeqCst);
        if on {
            self.resume_expiry();
        }
    }

    /// Whether nothing is to be done from time to time.
    pub fn is_periodic_paused(&self) -> bool {
        self.periodic_paused.load(Ordering::Relaxed)
    }

    /// Sets that.
    pub(crate) fn pause_periodic(&self, on: bool) {
        self.periodic_paused.store(on, Ordering::Relaxed);
        if !on {
            self.call_housekeeper();
        }
    }

    /// Takes out what `DEBUG RELOAD` wrote the last time.
    pub(crate) fn take_image(&self) -> Option<Vec<u8>> {
        self.image.lock().take()
    }

    /// Keeps what it wrote.
    pub(crate) fn put_image(&self, image: Vec<u8>) {
        *self.image.lock() = Some(image);
    }

    /// Whether payloads that are restored must end in their right checksum.
    pub(crate) fn checks_seals(&self) -> bool {
        self.checks_seals.load(Ordering::Relaxed)
    }

    /// Sets that; for tests of what comes after the checksum.
    pub(crate) fn set_checks_seals(&self, on: bool) {
        self.checks_seals.store(on, Ordering::Relaxed);
    }

    #[inline]
    fn expires_actively(&self, now_ms: u64) -> bool {
        self.active_expire.load(Ordering::Relaxed) && self.pause.until_ms(now_ms).is_none()
    }

    /// Keeps a moment for LATENCY if it took as long as the settings say.
    pub(crate) fn note_latency(&self, event: &'static str, began_us: u64) {
        let threshold_ms = self.config.bytes(Id::LatencyMonitorThreshold);
        if threshold_ms == 0 {
            return;
        }
        let now_us = self.now_us();
        let took_ms = now_us.saturating_sub(began_us) / 1000;
        if took_ms >= threshold_ms {
            self.latency.add(event, now_us / 1_000_000, took_ms);
        }
    }

    /// Removes entries whose time has come and frees memory of flushed databases; returns when
    /// there is more to do, in Unix milliseconds (at once if the batch was not enough).
    ///
    /// Nothing is removed while clients are paused: data then stays as it is.
    pub fn expire_due(&self, changes: &mut Housekeeping) -> Option<u64> {
        let began_us = self.now_us();
        let now_ms = began_us / 1000;
        let again_ms = now_ms + TRY_AGAIN_MS;
        let mut next = (!self.do_deferred()).then_some(again_ms);
        if self.is_periodic_paused() {
            return next;
        }
        self.free_garbage();
        if !self.expires_actively(now_ms) {
            // Nobody needs to ring until this is over.
            self.alarm.armed_ms.store(0, Ordering::SeqCst);
            let garbage_ms = self.garbage.is_any().then_some(0);
            return next.into_iter().chain(self.pause.until_ms(now_ms)).chain(garbage_ms).min();
        }
        self.alarm.armed_ms.store(u64::MAX, Ordering::SeqCst);
        changes.0.keeps_house = true;
        let mut bytes = 0;
        for index in 0..self.shard_count() {
            let done = self.with_keys(
                ShardSet::One(index),
                &Hashes::default(),
                &mut changes.0,
                Wait::Park,
                |_| ShardSet::None,
                |keys| {
                    let due_ms = keys.expire(EXPIRE_AT_ONCE);
                    bytes += keys.shards().map(|shard| shard.bytes()).sum::<u64>();
                    due_ms
                },
            );
            let due_ms = match done {
                Ok((due_ms, _)) => due_ms,
                Err(_) => Some(again_ms),
            };
            next = next.into_iter().chain(due_ms).min();
        }
        self.stats.peak(bytes + self.clients.bytes());
        self.note_latency(EXPIRE_CYCLE, began_us);
        if self.garbage.is_any() {
            next = Some(0);
        }
        if let Some(next_ms) = next {
            self.alarm.armed_ms.fetch_min(next_ms, Ordering::SeqCst);
        }
        next
    }
}

/// Locks that are given back when this goes out of scope, whatever happened.
struct Held<'e> {
    engine: &'e Engine,
    set: ShardSet,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.engine.locks.release(&self.set);
    }
}

/// Working memory of whoever does housekeeping for an engine.
#[derive(Default)]
pub struct Housekeeping(Changes);

impl std::fmt::Debug for Housekeeping {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Housekeeping").finish_non_exhaustive()
    }
}
