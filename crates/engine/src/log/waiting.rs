//! Waiting for the log: for room before a write, and for release before a reply.
//!
//! Threads park, tasks are woken, owners of loops are called. Whoever waits says so first and looks
//! again after; who changes something wakes everybody after. Knows nothing of frames.

use super::{Log, Position};
use crate::keyspace::locks::Wait;
use crate::sync::{Mutex, Parker};
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Waker;

/// What is to become of a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It may leave.
    Released,
    /// It may not leave yet.
    Waits,
    /// It must not leave: what it says may be lost.
    Unknown,
}

/// What a reply speaks of: a position of the log, how often the log had failed and recovered when
/// that was noted, and whether something was written while it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stamp {
    /// The position.
    pub position: Position,
    /// See [`Log::epoch`].
    pub epoch: u64,
    /// Something may be lost however the log goes on.
    pub doubt: bool,
}

/// Who waits.
#[derive(Default)]
pub(super) struct Waiting {
    any: AtomicBool,
    sleepers: Mutex<Vec<Sleeper>>,
    listeners: Mutex<Vec<Box<dyn Fn() + Send + Sync>>>,
}

enum Sleeper {
    Thread(Parker),
    Task(Waker),
}

impl Waiting {
    /// Wakes everybody, to look again.
    pub(super) fn wake_all(&self) {
        if !self.any.swap(false, Ordering::SeqCst) {
            return;
        }
        for sleeper in std::mem::take(&mut *self.sleepers.lock()) {
            match sleeper {
                Sleeper::Thread(parker) => parker.unpark(),
                Sleeper::Task(waker) => waker.wake(),
            }
        }
    }

    fn add(&self, sleeper: Sleeper) {
        self.sleepers.lock().push(sleeper);
        self.any.store(true, Ordering::SeqCst);
    }
}

impl Log {
    /// Waits until a frame with a payload of `bytes` fits. `false` for a task that will be woken.
    #[cold]
    pub fn wait_for_room(&self, bytes: usize, now_us: impl Fn() -> u64, wait: Wait<'_>) -> bool {
        loop {
            let parker = match wait {
                Wait::Wake(waker) => {
                    self.waiting.add(Sleeper::Task(waker.clone()));
                    None
                }
                Wait::Park => {
                    let parker = Parker::new();
                    self.waiting.add(Sleeper::Thread(parker.clone()));
                    Some(parker)
                }
            };
            if self.has_room(bytes, &now_us) {
                return true;
            }
            self.wake_reader();
            match parker {
                Some(parker) => parker.park(),
                None => return false,
            }
        }
    }

    /// How often the log has failed and recovered: noted with the position that a reply speaks of,
    /// before the frame of its command is written.
    #[inline]
    pub fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::SeqCst)
    }

    /// Whether it fails now.
    #[inline]
    pub fn is_failing(&self) -> bool {
        self.epoch() & 1 == 1
    }

    /// Whether anything has to wait for release.
    #[inline]
    pub fn gates(&self) -> bool {
        self.released.load(Ordering::SeqCst) != u64::MAX
    }

    /// Replies of positions up to here may leave.
    pub fn released(&self) -> Position {
        self.released.load(Ordering::SeqCst)
    }

    /// What is to become of a reply.
    #[inline]
    pub fn fate(&self, stamp: Stamp) -> Fate {
        let Stamp { position, epoch, doubt } = stamp;
        if position == 0 {
            return Fate::Released;
        }
        // In this order: a failure first counts the epoch up, then releases everything.
        let released = self.released.load(Ordering::SeqCst);
        if doubt || (self.epoch() != epoch && position > self.safe.load(Ordering::SeqCst)) {
            return Fate::Unknown;
        }
        if position <= released { Fate::Released } else { Fate::Waits }
    }

    /// Waits until a reply's fate is known, [`Fate::Waits`] only for a task that will be woken.
    pub fn await_fate(&self, stamp: Stamp, wait: Wait<'_>) -> Fate {
        loop {
            match (self.fate(stamp), wait) {
                (Fate::Waits, Wait::Park) => match self.reader.get() {
                    Some(reader) => reader.wait(stamp.position),
                    None => crate::sync::yield_now(),
                },
                (Fate::Waits, Wait::Wake(waker)) => {
                    self.waiting.add(Sleeper::Task(waker.clone()));
                    let fate = self.fate(stamp);
                    if fate == Fate::Waits {
                        self.wake_reader();
                    }
                    return fate;
                }
                (fate, _) => return fate,
            }
        }
    }

    /// Somebody holds replies back: the reader should hurry.
    pub fn hurry(&self) {
        self.wake_reader();
    }

    /// Names somebody who is called whenever more was released or the log failed. Must not wait.
    pub fn on_release(&self, listener: impl Fn() + Send + Sync + 'static) {
        self.waiting.listeners.lock().push(Box::new(listener));
    }

    /// Replies of positions up to this one may leave; those after it have to wait from now on.
    pub fn release(&self, position: Position) {
        self.released.store(position, Ordering::SeqCst);
        self.tell();
    }

    /// All replies may leave, but for those after a payload by reference that was not read yet.
    pub fn release_but_referenced(&self) {
        let referenced = self.referenced.lock();
        let first = referenced.keys().next().copied().unwrap_or(u64::MAX);
        let before = self.released.swap(first, Ordering::SeqCst);
        drop(referenced);
        if before != first {
            self.tell();
        }
    }

    /// What was not released by now has an unknown outcome; nothing waits any more.
    pub fn fail(&self) {
        if !self.is_failing() {
            self.safe.store(self.released.load(Ordering::SeqCst), Ordering::SeqCst);
            self.epoch.fetch_add(1, Ordering::SeqCst);
        }
        self.release(u64::MAX);
    }

    /// All that was written is safe up to a position, from which on replies wait again.
    pub fn recover(&self, released: Position) {
        self.released.store(released, Ordering::SeqCst);
        if self.is_failing() {
            self.epoch.fetch_add(1, Ordering::SeqCst);
        }
        self.tell();
    }

    /// A sync has begun, in microseconds of the engine's clock, or is done (0).
    pub fn note_sync(&self, since_us: u64) {
        self.syncing_since_us.store(since_us, Ordering::Relaxed);
        if since_us == 0 {
            self.waiting.wake_all();
        }
    }

    /// Whether a sync is going on.
    pub fn is_syncing(&self) -> bool {
        self.syncing_since_us.load(Ordering::Relaxed) != 0
    }

    fn tell(&self) {
        self.waiting.wake_all();
        self.waiting.listeners.lock().iter().for_each(|listener| listener());
    }
}
