//! Scripts: which there are, who may run one, and what becomes of one that runs too long.
//!
//! One script at a time: it takes the script lock before the locks of the keys it declares, so
//! that it may reach for further shards in any order while it runs ([`Locks::escape`]); all who
//! wait for locks let go then. Interpreters wait here between runs.
//!
//! **Busy.** A script over `busy-reply-threshold` raises the busy flag: whoever waits for a lock,
//! and whoever comes, is told so. From then on it may be killed, unless it has changed something.
//!
//! How a script's calls become commands: [`run`]; what stands in its first line: [`shebang`].

pub mod run;
pub mod shebang;

use crate::keyspace::locks::{Acquired, Locks, ShardSet, Wait};
use crate::sync::Mutex;
use hashbrown::HashMap;
use larder_lua::{Fault, Interpreter, Limits, Script};
use shebang::ScriptFlags;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Scripts that came with EVAL and are kept; those of SCRIPT LOAD stay until they are flushed.
const MAX_EVALUATED: usize = 500;

/// Bytes of memory that an interpreter may take.
const MAX_LUA_BYTES: usize = 256 << 20;

/// An interpreter that took more than this is not kept.
const MAX_IDLE_LUA_BYTES: usize = 32 << 20;

/// Compiled scripts that an interpreter keeps.
const MAX_COMPILED: usize = 1000;

/// A script that is known by its name.
#[derive(Debug)]
pub struct Known {
    /// Its source and its name.
    pub script: Script,
    /// What it says of itself.
    pub flags: ScriptFlags,
}

/// All that an engine knows of scripts.
pub(crate) struct Scripts {
    lock: Locks,
    registry: Mutex<Registry>,
    idle: Mutex<Option<Idle>>,
    /// Bytes of memory that the interpreter took when its last run was over.
    interpreter_bytes: AtomicU64,
    pub(crate) running: Running,
}

impl Default for Scripts {
    fn default() -> Self {
        Scripts {
            lock: Locks::new(1),
            registry: Mutex::default(),
            idle: Mutex::default(),
            interpreter_bytes: AtomicU64::new(0),
            running: Running::default(),
        }
    }
}

/// The scripts by name.
#[derive(Default)]
struct Registry {
    by_sha: HashMap<Box<str>, Arc<Known>>,
    /// Those that came with EVAL, oldest first.
    evaluated: VecDeque<Box<str>>,
    bytes: u64,
}

/// An interpreter that nobody uses.
struct Idle(Interpreter);

// SAFETY: an interpreter and everything that counts its references move together, and only whoever
// took it out of the mutex touches it; a Lua state is not bound to the thread that made it.
#[allow(unsafe_code)]
unsafe impl Send for Idle {}

/// The script that runs, as others see it.
#[derive(Debug, Default)]
pub(crate) struct Running {
    /// When it began in Unix microseconds; 0 while none runs.
    pub(crate) began_us: AtomicU64,
    /// It is over its time.
    pub(crate) is_slow: AtomicBool,
    /// It has changed data: to end it now would leave half of its work.
    pub(crate) has_written: AtomicBool,
    /// Somebody wants it to end.
    pub(crate) kill: AtomicBool,
}

/// The right to run scripts, given back when it is dropped.
pub(crate) struct ScriptLock<'e>(&'e Locks);

impl Drop for ScriptLock<'_> {
    fn drop(&mut self) {
        self.0.release(&ShardSet::One(0));
    }
}

/// Why a running script is not killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotKilled {
    /// None runs.
    NotBusy,
    /// It has changed data.
    Unkillable,
}

impl Scripts {
    /// Waits for the right to run a script.
    pub(crate) fn take_lock(&self, wait: Wait<'_>) -> Result<ScriptLock<'_>, Acquired> {
        match self.lock.acquire(&ShardSet::One(0), wait) {
            Acquired::Granted => Ok(ScriptLock(&self.lock)),
            refused => Err(refused),
        }
    }

    /// Turns away whoever waits to run a script, or lets them wait again.
    pub(crate) fn set_busy(&self, busy: bool) {
        self.lock.set_busy(busy);
    }

    /// The script of a name.
    pub(crate) fn find(&self, sha: &[u8]) -> Option<Arc<Known>> {
        let sha = std::str::from_utf8(sha).ok()?.to_ascii_lowercase();
        self.registry.lock().by_sha.get(&*sha).cloned()
    }

    /// The script of a source, if it is known.
    pub(crate) fn find_source(&self, source: &[u8]) -> Option<Arc<Known>> {
        let script = Script::new(source);
        self.registry.lock().by_sha.get(&*script.sha).cloned()
    }

    /// Keeps a script: for ever, or until many others came.
    pub(crate) fn keep(&self, known: Known, for_ever: bool) -> Arc<Known> {
        let mut registry = self.registry.lock();
        let Registry { by_sha, evaluated, bytes } = &mut *registry;
        let sha: Box<str> = known.script.sha.as_str().into();
        if let Some(known) = by_sha.get(&sha) {
            if for_ever {
                evaluated.retain(|other| *other != sha);
            }
            return known.clone();
        }
        if !for_ever {
            if evaluated.len() >= MAX_EVALUATED
                && let Some(oldest) = evaluated.pop_front()
                && let Some(old) = by_sha.remove(&oldest)
            {
                *bytes -= old.script.source.len() as u64;
            }
            evaluated.push_back(sha.clone());
        }
        *bytes += known.script.source.len() as u64;
        by_sha.entry(sha).insert(Arc::new(known)).get().clone()
    }

    /// Forgets every script, and what interpreters know of them.
    pub(crate) fn flush(&self) {
        *self.registry.lock() = Registry::default();
        *self.idle.lock() = None;
    }

    /// How many scripts are known, and the bytes of their sources.
    pub(crate) fn size(&self) -> (usize, u64) {
        let registry = self.registry.lock();
        (registry.by_sha.len(), registry.bytes)
    }

    /// Bytes of memory that interpreters take.
    pub(crate) fn interpreter_bytes(&self) -> u64 {
        self.interpreter_bytes.load(Ordering::Relaxed)
    }

    /// Asks the running script to end.
    pub(crate) fn kill(&self) -> Result<(), NotKilled> {
        if self.running.began_us.load(Ordering::SeqCst) == 0 {
            return Err(NotKilled::NotBusy);
        }
        if self.running.has_written.load(Ordering::SeqCst) {
            return Err(NotKilled::Unkillable);
        }
        self.running.kill.store(true, Ordering::SeqCst);
        Ok(())
    }

    /// Lends an interpreter.
    fn with_interpreter<R>(
        &self,
        work: impl FnOnce(&mut Interpreter) -> Result<R, Fault>,
    ) -> Result<R, Fault> {
        let idle = self.idle.lock().take();
        let limits = Limits { memory: MAX_LUA_BYTES, scripts: MAX_COMPILED };
        let mut interpreter = match idle {
            Some(Idle(interpreter)) => interpreter,
            None => Interpreter::new(limits)?,
        };
        let result = work(&mut interpreter);
        let spoiled = matches!(result, Err(Fault::Memory | Fault::Killed));
        let bytes = interpreter.memory();
        let is_kept = !spoiled && bytes <= MAX_IDLE_LUA_BYTES;
        self.interpreter_bytes.store(if is_kept { bytes as u64 } else { 0 }, Ordering::Relaxed);
        if is_kept {
            *self.idle.lock() = Some(Idle(interpreter));
        }
        result
    }

    /// Whether a source is Lua.
    pub(crate) fn check(&self, script: &Script) -> Result<(), Fault> {
        self.with_interpreter(|interpreter| interpreter.compile(script))
    }
}
