//! Interpreters between two runs.

use crate::sync::Mutex;
use larder_lua::{Fault, Interpreter, Limits};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// Bytes of memory that an interpreter may take.
const MAX_LUA_BYTES: usize = 256 << 20;

/// An interpreter that took more than this is not kept.
const MAX_IDLE_LUA_BYTES: usize = 32 << 20;

/// Compiled scripts that an interpreter keeps.
const MAX_COMPILED: usize = 1000;

/// Interpreters that wait; whoever runs a script has taken one out.
#[derive(Default)]
pub(crate) struct Pool {
    idle: Mutex<Vec<Idle>>,
    /// Counts those who want that no interpreter of before is used again.
    generation: AtomicU64,
    /// How many there have been.
    made: AtomicU32,
    /// Bytes of memory that the interpreter took when its last run was over.
    bytes: AtomicU64,
}

/// An interpreter that nobody uses.
struct Idle(Interpreter);

// SAFETY: an interpreter and everything that counts its references move together, and only whoever
// took it out of the mutex touches it; a Lua state is not bound to the thread that made it.
#[allow(unsafe_code)]
unsafe impl Send for Idle {}

impl Pool {
    /// Lends an interpreter. One that was killed or ran out of memory is thrown away.
    pub(crate) fn with<R>(
        &self,
        work: impl FnOnce(&mut Interpreter) -> Result<R, Fault>,
    ) -> Result<R, Fault> {
        let generation = self.generation.load(Ordering::Relaxed);
        let idle = self.idle.lock().pop();
        let mut interpreter = match idle {
            Some(Idle(interpreter)) => interpreter,
            None => self.make()?,
        };
        let result = work(&mut interpreter);
        let spoiled = matches!(result, Err(Fault::Memory | Fault::Killed { .. }));
        let bytes = interpreter.memory();
        let is_kept = !spoiled
            && bytes <= MAX_IDLE_LUA_BYTES
            && generation == self.generation.load(Ordering::Relaxed);
        self.bytes.store(if is_kept { bytes as u64 } else { 0 }, Ordering::Relaxed);
        if is_kept {
            self.idle.lock().push(Idle(interpreter));
        }
        result
    }

    /// A fresh interpreter; each begins with random numbers of its own.
    fn make(&self) -> Result<Interpreter, Fault> {
        let seed = self.made.fetch_add(1, Ordering::Relaxed);
        Interpreter::new(Limits { memory: MAX_LUA_BYTES, scripts: MAX_COMPILED, seed })
    }

    /// Does something with every interpreter that waits.
    pub(crate) fn each_idle(&self, mut work: impl FnMut(&mut Interpreter)) {
        self.idle.lock().iter_mut().for_each(|Idle(interpreter)| work(interpreter));
    }

    /// Throws all interpreters away, those in use when they come back.
    pub(crate) fn clear(&self) {
        self.generation.fetch_add(1, Ordering::Relaxed);
        self.bytes.store(0, Ordering::Relaxed);
        let idle = std::mem::take(&mut *self.idle.lock());
        drop(idle);
    }

    /// Bytes of memory that interpreters take.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}
