//! Scripts and functions: which there are, who may run one, and what becomes of one that runs too
//! long.
//!
//! One at a time: it takes the script lock before the locks of the keys it declares, so that it
//! may reach for further shards in any order while it runs ([`Locks::escape`]); all who wait for
//! locks let go then.
//!
//! **Busy.** A script over `busy-reply-threshold` raises the busy flag: whoever waits for a lock,
//! and whoever comes, is told so. From then on it may be killed, unless it has changed something.
//!
//! Functions: [`libraries`]. Where interpreters wait: [`pool`]. How a script's calls become
//! commands: [`run`]; what stands in a first line: [`shebang`].

pub mod libraries;
pub(crate) mod pool;
pub mod run;
pub(crate) mod running;
pub mod shebang;

use crate::keyspace::locks::{Acquired, Locks, ShardSet, Wait};
use crate::sync::Mutex;
use hashbrown::HashMap;
use larder_lua::{Fault, Source, sha1_hex};
use libraries::Libraries;
use pool::Pool;
use running::Running;
use shebang::ScriptFlags;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering};

/// Scripts that came with EVAL and are kept; those of SCRIPT LOAD stay until they are flushed.
const MAX_EVALUATED: usize = 500;

/// A script that is known by its name.
#[derive(Debug)]
pub struct Known {
    /// SHA-1 of the source in hexadecimal digits.
    pub sha: Box<str>,
    /// What is compiled: the source without its first line, if that speaks of the script.
    pub source: Source,
    /// What it says of itself.
    pub flags: ScriptFlags,
}

/// All that an engine knows of scripts.
pub(crate) struct Scripts {
    lock: Locks,
    registry: Mutex<Registry>,
    /// The number of the next script.
    next_id: AtomicI32,
    evicted: AtomicU64,
    /// Scripts may call what they may not (`DEBUG SET-DISABLE-DENY-SCRIPTS`).
    allows_denied: AtomicBool,
    pub(crate) libraries: Mutex<Libraries>,
    pub(crate) pool: Pool,
    pub(crate) running: Running,
}

impl Default for Scripts {
    fn default() -> Self {
        Scripts {
            lock: Locks::new(1),
            registry: Mutex::default(),
            next_id: AtomicI32::new(1),
            evicted: AtomicU64::new(0),
            allows_denied: AtomicBool::new(false),
            libraries: Mutex::default(),
            pool: Pool::default(),
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

/// The right to run scripts, given back when it is dropped.
pub(crate) struct ScriptLock<'e>(&'e Locks);

impl Drop for ScriptLock<'_> {
    fn drop(&mut self) {
        self.0.release(&ShardSet::One(0));
    }
}

/// A source that nobody has compiled.
pub(crate) struct Unknown<'a> {
    pub(crate) sha: Box<str>,
    pub(crate) flags: ScriptFlags,
    pub(crate) body: &'a [u8],
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
        const DIGITS: usize = 40;
        let mut digits = [0; DIGITS];
        digits.copy_from_slice(sha.get(..DIGITS).filter(|_| sha.len() == DIGITS)?);
        digits.make_ascii_lowercase();
        let sha = std::str::from_utf8(&digits).ok()?;
        self.registry.lock().by_sha.get(sha).cloned()
    }

    /// The script of a source, if it is known; it stays for ever if that is wanted.
    pub(crate) fn find_source(&self, source: &[u8], for_ever: bool) -> Option<Arc<Known>> {
        let sha = sha1_hex(source);
        let mut registry = self.registry.lock();
        let known = registry.by_sha.get(&*sha).cloned()?;
        if for_ever {
            registry.evaluated.retain(|other| **other != *sha);
        }
        Some(known)
    }

    /// Compiles a script and keeps it: for ever, or until many others came.
    pub(crate) fn keep(&self, unknown: Unknown<'_>, for_ever: bool) -> Result<Arc<Known>, Fault> {
        let Unknown { sha, flags, body } = unknown;
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let source = Source { id, text: body.into() };
        self.pool.with(|interpreter| interpreter.compile(&source))?;
        let mut registry = self.registry.lock();
        let Registry { by_sha, evaluated, bytes } = &mut *registry;
        if let Some(known) = by_sha.get(&sha) {
            if for_ever {
                evaluated.retain(|other| *other != sha);
            }
            return Ok(known.clone());
        }
        if !for_ever {
            if evaluated.len() >= MAX_EVALUATED
                && let Some(oldest) = evaluated.pop_front()
                && let Some(old) = by_sha.remove(&oldest)
            {
                *bytes -= old.source.text.len() as u64;
                self.evicted.fetch_add(1, Ordering::Relaxed);
            }
            evaluated.push_back(sha.clone());
        }
        *bytes += source.text.len() as u64;
        let known = Known { sha: sha.clone(), source, flags };
        Ok(by_sha.entry(sha).insert(Arc::new(known)).get().clone())
    }

    /// Forgets every script, and what interpreters know of them.
    pub(crate) fn flush(&self) {
        *self.registry.lock() = Registry::default();
        self.pool.clear();
    }

    /// How many scripts are known, and the bytes of their sources.
    pub(crate) fn size(&self) -> (usize, u64) {
        let registry = self.registry.lock();
        (registry.by_sha.len(), registry.bytes)
    }

    /// Lets scripts call what they may not, or no longer.
    pub(crate) fn allow_denied(&self, on: bool) {
        self.allows_denied.store(on, Ordering::Relaxed);
    }

    /// Whether scripts may call what they may not.
    fn allows_denied(&self) -> bool {
        self.allows_denied.load(Ordering::Relaxed)
    }

    /// How many scripts had to make room for others.
    pub(crate) fn evicted(&self) -> u64 {
        self.evicted.load(Ordering::Relaxed)
    }
}
