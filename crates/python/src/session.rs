//! A conversation with a store, as redis-py's connection classes need it.
//!
//! [`Session::send`] runs a command at once, [`Session::receive`] answers what was replied. Where
//! there is nothing yet, Python waits on the descriptor, by means that gevent and event loops know.

use crate::errors;
use crate::fork::Own;
use crate::registry::{self, Settings};
use crate::replies::Decoding;
use crate::without_gil;
use crate::words::{Encoding, Slices};
use larder::engine::commands::string::{psetex, set, setex};
use larder::engine::commands::{self, generic::del};
use larder::engine::spec::flag;
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::{PyList, PySequence, PyTuple};
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

/// A request with more words or bytes than this is not run with the GIL held.
const QUICK_WORDS: usize = 32;
const QUICK_BYTES: usize = 64 * 1024;

/// A pipeline of more commands than this is not either.
const QUICK_COMMANDS: usize = 8;

/// One client's conversation with a store in this process.
#[pyclass(frozen, module = "larder_redis._larder")]
pub(crate) struct Session {
    inner: Own<Mutex<Option<larder::session::Session>>>,
    encoding: Encoding,
    decoding: Decoding,
    /// Locks of keys are waited for on the descriptor, too.
    is_async: bool,
    /// What was received last is a message that nobody asked for.
    was_push: AtomicBool,
}

type Inner = Option<larder::session::Session>;

#[pymethods]
impl Session {
    /// Begins a conversation with the store of this name. `encoder` is redis-py's, `error` makes
    /// an exception of an error reply; `has_sets` makes sets of RESP3's sets.
    #[new]
    #[allow(clippy::needless_pass_by_value, reason = "arguments of Python come by value")]
    #[pyo3(signature = (name, encoder, error, has_sets, settings = Vec::new(), is_async = false))]
    fn new(
        name: &str,
        encoder: &Bound<'_, PyAny>,
        error: Py<PyAny>,
        has_sets: bool,
        settings: Settings,
        is_async: bool,
    ) -> PyResult<Self> {
        let text = |name: &str| -> PyResult<String> { encoder.getattr(name)?.extract() };
        let (encoding, errors) = (text("encoding")?, text("encoding_errors")?);
        let encode = encoder.getattr("encode")?.unbind();
        let decodes = encoder.getattr("decode_responses")?.is_truthy()?;
        Ok(Session {
            inner: Own::new(Mutex::new(Some(registry::session(name, &settings)?))),
            encoding: Encoding::new(encode, &encoding, &errors),
            decoding: Decoding::new(error, decodes.then_some((encoding, errors)), has_sets),
            is_async,
            was_push: AtomicBool::new(false),
        })
    }

    /// Runs a command. Its reply, and those of commands that could not run yet, are `receive`d.
    fn send(&self, py: Python<'_>, arguments: &Bound<'_, PyTuple>) -> PyResult<()> {
        let words = self.encoding.words(arguments)?;
        let slices = words.slices();
        let mut guard = self.lock(py)?;
        let session = open(&mut guard)?;
        if is_quick(&slices) {
            session.send(&slices);
        } else {
            without_gil(py, || session.send(&slices));
        }
        self.push_on(py, session);
        Ok(())
    }

    /// Runs the commands of a pipeline. All of them can be encoded, or none is run.
    fn send_all(&self, py: Python<'_>, commands: &Bound<'_, PyList>) -> PyResult<()> {
        let mut all = Vec::with_capacity(commands.len());
        for command in commands.iter() {
            let command = match command.cast_into::<PyTuple>() {
                Ok(tuple) => tuple,
                Err(error) => error.into_inner().cast_into::<PySequence>()?.to_tuple()?,
            };
            all.push(self.encoding.words(&command)?);
        }
        let all: Vec<Slices<'_>> = all.iter().map(|words| words.slices()).collect();
        let mut guard = self.lock(py)?;
        let session = open(&mut guard)?;
        if all.len() <= QUICK_COMMANDS && all.iter().all(|words| is_quick(words)) {
            all.iter().for_each(|words| session.send(words));
        } else {
            without_gil(py, || all.iter().for_each(|words| session.send(words)));
        }
        self.push_on(py, session);
        Ok(())
    }

    /// Runs the requests in bytes of the protocol, which have to be whole.
    fn send_bytes(&self, py: Python<'_>, requests: &[u8]) -> PyResult<()> {
        let mut guard = self.lock(py)?;
        let session = open(&mut guard)?;
        let all_sent = without_gil(py, || session.send_bytes(requests));
        self.push_on(py, session);
        match all_sent {
            true => Ok(()),
            false => Err(errors::DataError::new_err("these bytes are not whole requests")),
        }
    }

    /// The next reply, or `...` if there is none yet, or if the next one is a message that nobody
    /// asked for and `push` does not say that it is wanted. `raw` keeps strings as bytes.
    #[pyo3(signature = (raw = false, push = false))]
    fn receive(&self, py: Python<'_>, raw: bool, push: bool) -> PyResult<Py<PyAny>> {
        let taken = {
            let mut guard = self.lock(py)?;
            let session = open(&mut guard)?;
            match session.take_replies() {
                None if session.is_closed() => return Err(errors::closed()),
                taken => taken,
            }
        };
        let Some(mut replies) = taken else { return py.Ellipsis().into_py_any(py) };
        // Without the lock: making objects may run code that comes back to this session.
        let is_push = replies.is_push();
        let value = if is_push && !push {
            py.Ellipsis().into_bound_py_any(py)
        } else {
            self.was_push.store(is_push, Ordering::Relaxed);
            self.decoding.next(py, &mut replies, raw)
        };
        replies.recycle();
        if let Some(session) = &mut *self.lock(py)? {
            session.put_back(replies);
        }
        value.map(Bound::unbind)
    }

    /// Whether there is something to `receive`.
    fn is_ready(&self, py: Python<'_>) -> PyResult<bool> {
        let mut guard = self.lock(py)?;
        let session = open(&mut guard)?;
        let ready = session.receive().is_some();
        if !ready && session.is_closed() {
            return Err(errors::closed());
        }
        Ok(ready)
    }

    /// Whether what is to be received next is a message that nobody asked for.
    fn is_push(&self, py: Python<'_>) -> PyResult<bool> {
        let mut guard = self.lock(py)?;
        Ok(open(&mut guard)?.receive().is_some_and(|replies| replies.is_push()))
    }

    /// Whether what was received last was such a message.
    fn was_push(&self) -> bool {
        self.was_push.load(Ordering::Relaxed)
    }

    /// A descriptor that becomes readable when it is worth to `receive` again. Look once more after
    /// having asked for it for the first time.
    fn fileno(&self, py: Python<'_>) -> PyResult<i32> {
        let mut guard = self.lock(py)?;
        let session = open(&mut guard)?;
        let descriptor = session.descriptor().map_err(|error| errors::of(&error))?;
        Ok(descriptor.as_raw_fd())
    }

    /// After how many seconds it is worth to look again though the descriptor is silent.
    fn due_in(&self, py: Python<'_>) -> PyResult<Option<f64>> {
        let mut guard = self.lock(py)?;
        Ok(open(&mut guard)?.due_in().map(|due| due.as_secs_f64()))
    }

    /// The number that `CLIENT ID` answers.
    fn id(&self, py: Python<'_>) -> PyResult<u64> {
        let mut guard = self.lock(py)?;
        Ok(open(&mut guard)?.id())
    }

    /// Ends the conversation, its wait, its subscriptions and its watches.
    fn close(&self, py: Python<'_>) {
        // In a child process there is nothing to be ended.
        if let Ok(mut guard) = self.lock(py) {
            let session = guard.take();
            drop(guard);
            without_gil(py, move || drop(session));
        }
    }

    /// Sockets can be shut down before they are closed.
    #[pyo3(signature = (_how = None))]
    fn shutdown(&self, _how: Option<i32>) {}
}

impl Session {
    /// The conversation, for this call. Another thread may be in a command of it.
    fn lock(&self, py: Python<'_>) -> PyResult<MutexGuard<'_, Inner>> {
        let inner = self.inner.get()?;
        loop {
            match inner.try_lock() {
                Ok(guard) => return Ok(guard),
                Err(TryLockError::Poisoned(poisoned)) => return Ok(poisoned.into_inner()),
                Err(TryLockError::WouldBlock) => {
                    without_gil(py, || {
                        drop(inner.lock().unwrap_or_else(PoisonError::into_inner));
                    });
                }
            }
        }
    }

    /// Waits for locks of keys that somebody else has; only callers without an event loop.
    #[inline]
    fn push_on(&self, py: Python<'_>, session: &mut larder::session::Session) {
        if session.is_locked_out() && !self.is_async {
            without_gil(py, || session.push_on());
        }
    }
}

fn open<'g>(guard: &'g mut MutexGuard<'_, Inner>) -> PyResult<&'g mut larder::session::Session> {
    guard.as_mut().ok_or_else(errors::closed)
}

/// Whether a request takes so little time that giving the GIL away would take longer.
#[inline]
fn is_quick(words: &[&[u8]]) -> bool {
    let bytes: usize = words.iter().map(|word| word.len()).sum();
    if words.len() > QUICK_WORDS || bytes > QUICK_BYTES {
        return false;
    }
    let Some(entry) = words.first().and_then(|name| commands::find(name)) else { return true };
    let others = [set::SPEC.name, setex::SPEC.name, psetex::SPEC.name, del::SPEC.name];
    entry.spec.has(flag::FAST) || others.contains(&entry.spec.name)
}
