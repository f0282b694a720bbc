//! The script that runs, as others see it: whether it is over its time, and whether it may be ended.

use crate::error::Error;
use crate::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Running {
    /// When it began in Unix microseconds; 0 while none runs.
    began_us: AtomicU64,
    is_function: AtomicBool,
    /// It has changed data: to end it now would leave half of its work.
    has_written: AtomicBool,
    /// Somebody wants it to end.
    kill: AtomicBool,
    /// What is told of one that is over its time.
    slow: Mutex<Option<Slow>>,
}

/// A script that is over its time.
#[derive(Debug, Clone)]
pub(crate) struct Slow {
    /// A function's name, a script's sum.
    pub(crate) name: String,
    /// The request that runs it.
    pub(crate) words: Vec<Vec<u8>>,
}

/// Why a running script is not killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotKilled {
    /// None runs.
    NotBusy,
    /// It has changed data.
    Unkillable,
    /// It is of the other kind.
    Other,
}

impl Running {
    /// A script begins; who calls has the script lock.
    pub(crate) fn begin(&self, now_us: u64, is_function: bool) {
        self.is_function.store(is_function, Ordering::Relaxed);
        self.began_us.store(now_us.max(1), Ordering::Release);
    }

    /// It has ended; what was told of it if it was slow.
    pub(crate) fn end(&self) -> Option<Slow> {
        self.began_us.store(0, Ordering::Release);
        for mark in [&self.has_written, &self.kill] {
            if mark.load(Ordering::Relaxed) {
                mark.store(false, Ordering::Relaxed);
            }
        }
        self.slow.lock().take()
    }

    /// It has changed data.
    pub(crate) fn write(&self) {
        if !self.has_written.load(Ordering::Relaxed) {
            self.has_written.store(true, Ordering::SeqCst);
        }
    }

    /// Notes that it is over its time; whether nobody knew.
    pub(crate) fn be_slow(&self, slow: impl FnOnce() -> Slow) -> bool {
        let mut known = self.slow.lock();
        let is_first = known.is_none();
        known.get_or_insert_with(slow);
        is_first
    }

    /// The function that is over its time, and for how many milliseconds it has run.
    pub(crate) fn slow_function(&self, now_us: u64) -> Option<(Slow, u64)> {
        let began_us = self.began_us.load(Ordering::Acquire);
        let slow = self.slow.lock().clone()?;
        let is_function = self.is_function.load(Ordering::Relaxed);
        is_function.then(|| (slow, now_us.saturating_sub(began_us) / 1000))
    }

    /// Asks a script, or a function, to end.
    pub(crate) fn kill(&self, function: bool) -> Result<(), NotKilled> {
        if self.began_us.load(Ordering::Acquire) == 0 {
            return Err(NotKilled::NotBusy);
        }
        if self.is_function.load(Ordering::Relaxed) != function {
            return Err(NotKilled::Other);
        }
        if self.has_written.load(Ordering::SeqCst) {
            return Err(NotKilled::Unkillable);
        }
        self.kill.store(true, Ordering::SeqCst);
        Ok(())
    }

    /// Whether somebody wants it to end.
    pub(crate) fn is_killed(&self) -> bool {
        self.kill.load(Ordering::Relaxed)
    }

    /// What whoever comes while it is over its time is told.
    pub(crate) fn busy(&self) -> Error {
        Error::text(if self.is_function.load(Ordering::Relaxed) {
            "BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN \
             NOSAVE."
        } else {
            "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE."
        })
    }

    /// Why it was not killed, in Redis's words.
    pub(crate) fn refusal(&self, why: NotKilled) -> Error {
        match why {
            NotKilled::NotBusy => Error::text("NOTBUSY No scripts in execution right now."),
            NotKilled::Other => self.busy(),
            NotKilled::Unkillable => Error::text(
                "UNKILLABLE Sorry the script already executed write commands against the dataset. \
                 You can either wait the script termination or kill the server in a hard way using \
                 the SHUTDOWN NOSAVE command.",
            ),
        }
    }
}
