//! The primitives that locks, waiters and mailboxes are built on, in one place so that the model
//! checker can stand in for them: with the feature `shuttle` they are `shuttle`'s.

#[cfg(not(feature = "shuttle"))]
use std::{sync, thread};

#[cfg(feature = "shuttle")]
use shuttle::{sync, thread};

pub(crate) use sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// Gives the processor to others.
pub(crate) fn yield_now() {
    thread::yield_now();
}

/// One turn of a short busy wait.
#[inline(always)]
pub(crate) fn spin() {
    #[cfg(not(feature = "shuttle"))]
    std::hint::spin_loop();
    #[cfg(feature = "shuttle")]
    shuttle::hint::spin_loop();
}

/// A mutex that a panic of its holder does not poison: what it guards is kept whole by its users.
#[derive(Debug, Default)]
pub(crate) struct Mutex<T>(sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Mutex(sync::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> sync::MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(sync::PoisonError::into_inner)
    }
}

/// Parks the thread that made it until somebody unparks it.
#[derive(Debug, Clone)]
pub(crate) struct Parker {
    thread: thread::Thread,
    unparked: sync::Arc<AtomicBool>,
}

impl Parker {
    pub(crate) fn new() -> Self {
        Parker { thread: thread::current(), unparked: sync::Arc::new(AtomicBool::new(false)) }
    }

    pub(crate) fn park(&self) {
        while !self.unparked.load(Ordering::Acquire) {
            thread::park();
        }
    }

    pub(crate) fn unpark(&self) {
        self.unparked.store(true, Ordering::Release);
        self.thread.unpark();
    }
}
