//! Who may touch which shards: locks that are taken as a set, and that can be let go of while
//! still being taken.
//!
//! A command takes the locks of all of its keys, in ascending order, before it does anything.
//! Whoever is still acquiring has done nothing yet, so it can always back out: when the store
//! becomes busy (a script over its time limit), when the caller may not block its thread
//! (async), or when a running script reaches for a shard out of order ([`Locks::escape`]).
//!
//! A lock is one atomic: free, held, or held with somebody waiting. Critical sections last
//! microseconds, so a release that finds waiters wakes them all and they try again; no wake-up
//! can be lost in a waiter that went away.

use crate::sync::{AtomicBool, AtomicU32, Mutex, Ordering, Parker};
use smallvec::SmallVec;
use std::task::Waker;

const FREE: u32 = 0;
const HELD: u32 = 1;
const CONTENDED: u32 = 2;

/// Tries before a waiter registers itself; few under the model checker, to which each is a choice.
const SPINS: u32 = if cfg!(feature = "shuttle") { 1 } else { 64 };

/// A set of shards, ascending.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ShardSet {
    /// No shard.
    #[default]
    None,
    /// One shard.
    One(u16),
    /// Several shards, ascending, each once.
    Some(SmallVec<[u16; 8]>),
    /// Every shard.
    All,
}

impl ShardSet {
    /// Adds a shard.
    #[inline]
    pub fn add(&mut self, shard: u16) {
        match self {
            ShardSet::None => *self = ShardSet::One(shard),
            ShardSet::One(one) if *one == shard => {}
            ShardSet::One(one) => {
                let (low, high) = (shard.min(*one), shard.max(*one));
                *self = ShardSet::Some(SmallVec::from_slice(&[low, high]));
            }
            ShardSet::Some(shards) => {
                if let Err(at) = shards.binary_search(&shard) {
                    shards.insert(at, shard);
                }
            }
            ShardSet::All => {}
        }
    }

    /// Whether a shard is in the set.
    #[inline(always)]
    pub fn has(&self, shard: u16) -> bool {
        match self {
            ShardSet::None => false,
            ShardSet::One(one) => *one == shard,
            ShardSet::Some(shards) => shards.binary_search(&shard).is_ok(),
            ShardSet::All => true,
        }
    }

    /// The shards in ascending order; `count` is how many the store has.
    pub fn iter(&self, count: u16) -> impl Iterator<Item = u16> + '_ {
        let (all, some): (std::ops::Range<u16>, &[u16]) = match self {
            ShardSet::None => (0..0, &[]),
            ShardSet::One(one) => (*one..*one + 1, &[]),
            ShardSet::Some(shards) => (0..0, shards),
            ShardSet::All => (0..count, &[]),
        };
        all.chain(some.iter().copied())
    }
}

/// How a request for locks ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Acquired {
    /// All of them are held.
    Granted,
    /// The store is busy; nothing is held.
    Busy,
    /// Somebody else holds one; nothing is held, the waker was registered.
    Retry,
}

/// What to do while somebody else holds a lock.
#[derive(Debug, Clone, Copy)]
pub enum Wait<'w> {
    /// Park the thread.
    Park,
    /// Back out and have this woken.
    Wake(&'w Waker),
}

/// The locks of all shards.
#[derive(Debug)]
pub struct Locks {
    slots: Box<[Slot]>,
    busy: AtomicBool,
    /// How many scripts wait for a shard out of order: whoever else waits lets go.
    escaping: AtomicU32,
}

#[derive(Debug)]
#[repr(align(64))]
struct Slot {
    state: AtomicU32,
    waiting: Mutex<Vec<Waiting>>,
}

#[derive(Debug)]
enum Waiting {
    Thread(Parker),
    Task(Waker),
}

impl Locks {
    /// Free locks for `count` shards.
    pub fn new(count: u16) -> Self {
        let slot = || Slot { state: AtomicU32::new(FREE), waiting: Mutex::new(Vec::new()) };
        Locks {
            slots: (0..count).map(|_| slot()).collect(),
            busy: AtomicBool::new(false),
            escaping: AtomicU32::new(0),
        }
    }

    /// How many shards there are.
    pub fn count(&self) -> u16 {
        self.slots.len() as u16
    }

    /// Takes the lock of a set of one if it is free, and that of none; `false` says nothing of
    /// larger sets.
    #[inline(always)]
    pub fn take_if_free(&self, set: &ShardSet) -> bool {
        match set {
            ShardSet::None => true,
            ShardSet::One(one) => self.try_one(*one),
            _ => false,
        }
    }

    /// Takes every lock of a set, or none.
    #[inline]
    pub fn acquire(&self, set: &ShardSet, wait: Wait<'_>) -> Acquired {
        if self.take_if_free(set) {
            return Acquired::Granted;
        }
        self.acquire_all(set, wait)
    }

    /// Takes one lock if nobody has it; given back with [`Locks::release`].
    #[inline(always)]
    pub(crate) fn try_acquire(&self, shard: u16) -> bool {
        self.try_one(shard)
    }

    /// Gives the locks of a set back.
    #[inline]
    pub fn release(&self, set: &ShardSet) {
        match set {
            ShardSet::One(one) => self.release_one(*one),
            _ => {
                for shard in set.iter(self.count()) {
                    self.release_one(shard);
                }
            }
        }
    }

    /// Raises or lowers the busy flag. Raising it turns every waiter away.
    pub fn set_busy(&self, busy: bool) {
        self.busy.store(busy, Ordering::SeqCst);
        if busy {
            self.wake_everyone();
        }
    }

    /// Whether the busy flag is up.
    pub fn is_busy(&self) -> bool {
        self.busy.load(Ordering::Relaxed)
    }

    /// Takes one more shard, in any order, for a script that already holds some: all who wait
    /// while holding locks let go until it has it. Only one script may do so at a time (the
    /// script lock sees to that).
    pub fn escape(&self, shard: u16) {
        self.escaping.fetch_add(1, Ordering::SeqCst);
        self.wake_everyone();
        while !self.wait_for(shard, Wait::Park, |_| false) {}
        self.escaping.fetch_sub(1, Ordering::SeqCst);
    }

    fn acquire_all(&self, set: &ShardSet, wait: Wait<'_>) -> Acquired {
        'again: loop {
            let mut held: SmallVec<[u16; 16]> = SmallVec::new();
            for shard in set.iter(self.count()) {
                let holding = !held.is_empty();
                let give_up = |locks: &Locks| {
                    locks.is_busy() || (holding && locks.escaping.load(Ordering::SeqCst) > 0)
                };
                if self.wait_for(shard, wait, give_up) {
                    held.push(shard);
                    continue;
                }
                for &shard in &held {
                    self.release_one(shard);
                }
                if self.is_busy() {
                    return Acquired::Busy;
                }
                if matches!(wait, Wait::Wake(_)) {
                    return Acquired::Retry;
                }
                crate::sync::yield_now();
                continue 'again;
            }
            return Acquired::Granted;
        }
    }

    #[inline(always)]
    fn try_one(&self, shard: u16) -> bool {
        self.slots[usize::from(shard)]
            .state
            .compare_exchange(FREE, HELD, Ordering::Acquire, Ordering::Relaxed)
            .is_ok()
    }

    /// Waits for one lock; `false` when the caller should back out instead.
    fn wait_for(&self, shard: u16, wait: Wait<'_>, give_up: impl Fn(&Locks) -> bool) -> bool {
        for _ in 0..SPINS {
            if self.try_one(shard) {
                return true;
            }
            crate::sync::spin();
        }
        let slot = &self.slots[usize::from(shard)];
        loop {
            let parker = {
                let mut waiting = slot.waiting.lock();
                if slot.state.swap(CONTENDED, Ordering::Acquire) == FREE {
                    return true;
                }
                match wait {
                    // Also when letting go is what is asked for: the caller tries again when the
                    // lock is free, and nobody else would tell it.
                    Wait::Wake(waker) => {
                        waiting.push(Waiting::Task(waker.clone()));
                        return false;
                    }
                    Wait::Park if give_up(self) => return false,
                    Wait::Park => {
                        let parker = Parker::new();
                        waiting.push(Waiting::Thread(parker.clone()));
                        parker
                    }
                }
            };
            parker.park();
            if give_up(self) {
                return false;
            }
        }
    }

    #[inline(always)]
    fn release_one(&self, shard: u16) {
        let slot = &self.slots[usize::from(shard)];
        if slot.state.swap(FREE, Ordering::Release) == CONTENDED {
            slot.wake_all();
        }
    }

    fn wake_everyone(&self) {
        for slot in &self.slots {
            slot.wake_all();
        }
    }
}

impl Slot {
    #[cold]
    fn wake_all(&self) {
        let woken = std::mem::take(&mut *self.waiting.lock());
        for waiting in woken {
            match waiting {
                Waiting::Thread(parker) => parker.unpark(),
                Waiting::Task(waker) => waker.wake(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shard_set_stays_sorted_and_unique() {
        let mut set = ShardSet::None;
        for shard in [5, 3, 5, 9, 1, 3] {
            set.add(shard);
        }
        assert_eq!(set.iter(16).collect::<Vec<_>>(), [1, 3, 5, 9]);
        assert!(set.has(9) && !set.has(2));
        assert_eq!(ShardSet::All.iter(3).collect::<Vec<_>>(), [0, 1, 2]);
    }

    #[test]
    fn a_task_backs_out_and_is_woken() {
        struct Flag(std::sync::atomic::AtomicBool);
        impl std::task::Wake for Flag {
            fn wake(self: std::sync::Arc<Self>) {
                self.0.store(true, std::sync::atomic::Ordering::SeqCst);
            }
        }
        let locks = Locks::new(4);
        let mut both = ShardSet::One(1);
        both.add(2);
        assert_eq!(locks.acquire(&ShardSet::One(2), Wait::Park), Acquired::Granted);
        let flag = std::sync::Arc::new(Flag(std::sync::atomic::AtomicBool::new(false)));
        let waker = Waker::from(flag.clone());
        assert_eq!(locks.acquire(&both, Wait::Wake(&waker)), Acquired::Retry);
        assert_eq!(locks.acquire(&ShardSet::One(1), Wait::Park), Acquired::Granted);
        locks.release(&ShardSet::One(1));
        locks.release(&ShardSet::One(2));
        assert!(flag.0.load(std::sync::atomic::Ordering::SeqCst));
        assert_eq!(locks.acquire(&both, Wait::Wake(&waker)), Acquired::Granted);
        locks.release(&both);
    }

    /// A task that let go of its locks because a script reached for one of them was told to try
    /// again later, and by nobody when.
    #[test]
    fn a_task_that_lets_go_for_a_script_is_woken() {
        struct Flag(std::sync::atomic::AtomicBool);
        impl std::task::Wake for Flag {
            fn wake(self: std::sync::Arc<Self>) {
                self.0.store(true, std::sync::atomic::Ordering::SeqCst);
            }
        }
        let locks = Locks::new(2);
        assert_eq!(locks.acquire(&ShardSet::One(1), Wait::Park), Acquired::Granted);
        locks.escaping.fetch_add(1, Ordering::SeqCst);
        let flag = std::sync::Arc::new(Flag(std::sync::atomic::AtomicBool::new(false)));
        let waker = Waker::from(flag.clone());
        assert_eq!(locks.acquire(&ShardSet::All, Wait::Wake(&waker)), Acquired::Retry);
        assert!(locks.try_one(0));
        locks.release(&ShardSet::One(1));
        assert!(flag.0.load(std::sync::atomic::Ordering::SeqCst));
    }

    #[test]
    fn raising_busy_turns_waiters_away() {
        let locks = std::sync::Arc::new(Locks::new(2));
        assert_eq!(locks.acquire(&ShardSet::One(0), Wait::Park), Acquired::Granted);
        let other = locks.clone();
        let waiter = std::thread::spawn(move || other.acquire(&ShardSet::All, Wait::Park));
        while locks.slots[0].waiting.lock().is_empty() {
            std::thread::yield_now();
        }
        locks.set_busy(true);
        assert_eq!(waiter.join().unwrap(), Acquired::Busy);
    }

    #[test]
    fn counters_under_many_threads_lose_nothing() {
        let locks = std::sync::Arc::new(Locks::new(4));
        let counts = std::sync::Arc::new([const { AtomicU32::new(0) }; 4]);
        let threads: Vec<_> = (0..4u64)
            .map(|seed| {
                let (locks, counts) = (locks.clone(), counts.clone());
                std::thread::spawn(move || {
                    let mut rng = fastrand::Rng::with_seed(seed);
                    for _ in 0..5000 {
                        let mut set = ShardSet::None;
                        for _ in 0..rng.u32(1..4) {
                            set.add(rng.u16(..4));
                        }
                        assert_eq!(locks.acquire(&set, Wait::Park), Acquired::Granted);
                        for shard in set.iter(4) {
                            let count = &counts[usize::from(shard)];
                            let seen = count.load(Ordering::Relaxed);
                            count.store(seen + 1, Ordering::Relaxed);
                        }
                        locks.release(&set);
                    }
                    seed
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
        let total: u32 = counts.iter().map(|count| count.load(Ordering::Relaxed)).sum();
        let mut expected = 0;
        for seed in 0..4u64 {
            let mut rng = fastrand::Rng::with_seed(seed);
            for _ in 0..5000 {
                let mut set = ShardSet::None;
                for _ in 0..rng.u32(1..4) {
                    set.add(rng.u16(..4));
                }
                expected += set.iter(4).count() as u32;
            }
        }
        assert_eq!(total, expected);
    }
}
