//! The direct API: a store without redis-py between, thin over the crate `larder`.

#![allow(clippy::needless_pass_by_value, reason = "arguments of Python come by value")]

use crate::errors::{self, DataError};
use crate::fork::Own;
use crate::{registry, url, without_gil};
use larder::Larder;
use larder::engine::command::Command;
use larder::engine::commands::generic::deadline::{Deadline, When};
use larder::engine::commands::generic::{del::Del, pexpire::PExpire, pttl::PTtl};
use larder::engine::commands::string::{get::Get, incrby::IncrBy, set::Set};
use larder::engine::expiry::{ExpiryArg, Unit};
use larder::patterns::{DynData, Presence};
use larder::session::replies::Item;
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyInt, PyString};
use std::sync::{Mutex, PoisonError, TryLockError};
use std::time::Duration;

/// The longest time to live, in milliseconds, with room for today.
const MAX_TTL_MS: f64 = (1u64 << 61) as f64;

/// The topic of `mark_online` and `online`.
const ONLINE: &str = "online";

/// A store in this process: `Store("memory:")`.
#[pyclass(frozen, module = "larder_redis")]
pub(crate) struct Store {
    name: String,
    inner: Own<Inner>,
}

struct Inner {
    store: Larder,
    session: Mutex<larder::session::Session>,
}

#[pymethods]
impl Store {
    #[new]
    #[pyo3(signature = (url = "memory:"))]
    fn new(url: &str) -> PyResult<Self> {
        let (name, db, options) = url::parse_url(url)?;
        if let Some((option, _)) = options.iter().find(|(name, _)| !registry::is_setting(name)) {
            return Err(errors::UrlError::new_err(format!(
                "{url}: there is no setting '{option}'; options of redis-py's are for its clients"
            )));
        }
        if db.is_some_and(|db| db > 0) {
            return Err(errors::UrlError::new_err(format!("{url}: a Store works on database 0")));
        }
        let store = registry::open(&name, &options)?;
        let session = registry::session(&name, &options)?;
        let session = Mutex::new(session);
        Ok(Store { name, inner: Own::new(Inner { store, session }) })
    }

    fn __repr__(&self) -> String {
        format!("<larder_redis.Store memory:{}>", self.name)
    }

    /// The bytes at a key, or None.
    fn get(&self, py: Python<'_>, key: Word<'_>) -> PyResult<Py<PyAny>> {
        let (key, mut digits) = (key, itoa::Buffer::new());
        self.call(py, &Get { key: key.bytes(&mut digits) }, |item| match item {
            Item::Bulk(bytes) => Ok(PyBytes::new(py, bytes).into_any().unbind()),
            _ => Ok(py.None()),
        })
    }

    /// Sets the value at a key; it goes after `ttl` seconds, or stays without.
    #[pyo3(signature = (key, value, ttl = None))]
    fn set(
        &self,
        py: Python<'_>,
        key: Word<'_>,
        value: Word<'_>,
        ttl: Option<Ttl>,
    ) -> PyResult<()> {
        let mut digits = (itoa::Buffer::new(), itoa::Buffer::new());
        let (key, value) = (key.bytes(&mut digits.0), value.bytes(&mut digits.1));
        let expiry =
            ttl.map(|ttl| ExpiryArg { unit: Unit::Milliseconds, amount: ttl.milliseconds });
        self.call(py, &Set { expiry, ..Set::new(key, value) }, |_| Ok(()))
    }

    /// Removes a key; whether it was there.
    fn delete(&self, py: Python<'_>, key: Word<'_>) -> PyResult<bool> {
        let mut digits = itoa::Buffer::new();
        self.call(py, &Del { keys: &[key.bytes(&mut digits)] }, |item| Ok(item == Item::Int(1)))
    }

    /// The key goes after `ttl` seconds; whether it is there.
    fn expire(&self, py: Python<'_>, key: Word<'_>, ttl: Ttl) -> PyResult<bool> {
        let mut digits = itoa::Buffer::new();
        let key = key.bytes(&mut digits);
        let deadline = Deadline { key, amount: ttl.milliseconds, when: When::default() };
        self.call(py, &PExpire(deadline), |item| Ok(item == Item::Int(1)))
    }

    /// How many seconds a key has left; None without an end, or without the key.
    fn ttl(&self, py: Python<'_>, key: Word<'_>) -> PyResult<Option<f64>> {
        let mut digits = itoa::Buffer::new();
        self.call(py, &PTtl { key: key.bytes(&mut digits) }, |item| match item {
            Item::Int(left_ms) if left_ms >= 0 => Ok(Some(left_ms as f64 / 1000.0)),
            _ => Ok(None),
        })
    }

    /// Adds to the number at a key, 0 where nothing is; the sum.
    #[pyo3(signature = (key, by = 1))]
    fn incr(&self, py: Python<'_>, key: Word<'_>, by: i64) -> PyResult<i64> {
        let mut digits = itoa::Buffer::new();
        let command = IncrBy { key: key.bytes(&mut digits), increment: by };
        self.call(py, &command, |item| match item {
            Item::Int(sum) => Ok(sum),
            _ => Err(errors::LarderError::new_err("an integer was expected")),
        })
    }

    /// Keeps dynamic data of an id (a number, or text) for `ttl` seconds from now.
    #[pyo3(signature = (id, data, ttl = None))]
    fn mark_dyn_data(
        &self,
        py: Python<'_>,
        id: &Bound<'_, PyAny>,
        data: Word<'_>,
        ttl: Option<Ttl>,
    ) -> PyResult<()> {
        let (id, mut digits) = (id.str()?, itoa::Buffer::new());
        let (id, data) = (id.to_str()?, data.bytes(&mut digits));
        let mut pattern = DynData::new(&self.inner.get()?.store);
        if let Some(ttl) = ttl {
            pattern = pattern.ttl(Duration::from_millis(ttl.milliseconds.cast_unsigned()));
        }
        without_gil(py, || pattern.mark(id, data).run()).map_err(|error| errors::of(&error))
    }

    /// The dynamic data of an id: a number, or the bytes of something else; None when it is gone.
    fn get_dyn_data(&self, py: Python<'_>, id: &Bound<'_, PyAny>) -> PyResult<Option<Py<PyAny>>> {
        let id = id.str()?;
        let id = id.to_str()?;
        let pattern = DynData::new(&self.inner.get()?.store);
        let found =
            without_gil(py, || pattern.get(id).run()).map_err(|error| errors::of(&error))?;
        let Some(bytes) = found else { return Ok(None) };
        let number = std::str::from_utf8(&bytes).ok().and_then(|text| text.parse::<i64>().ok());
        let object = match number {
            Some(number) => number.into_py_any(py)?,
            None => PyBytes::new(py, &bytes).into_any().unbind(),
        };
        Ok(Some(object))
    }

    /// A user is online from now on, for about five minutes.
    fn mark_online(&self, py: Python<'_>, user: &Bound<'_, PyAny>) -> PyResult<()> {
        let user = user.str()?;
        let user = user.to_str()?;
        let pattern = Presence::new(&self.inner.get()?.store, ONLINE);
        without_gil(py, || pattern.heartbeat(user, "", b"").run())
            .map_err(|error| errors::of(&error))
    }

    /// The users who are online, by name.
    fn online(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        let pattern = Presence::new(&self.inner.get()?.store, ONLINE);
        without_gil(py, || pattern.list().run()).map_err(|error| errors::of(&error))
    }
}

impl Store {
    /// Runs a typed command and makes what the caller wants of its reply, which is one item.
    #[inline]
    fn call<'a, C: Command<'a> + Sync, T>(
        &self,
        py: Python<'_>,
        command: &C,
        result: impl FnOnce(Item<'_>) -> PyResult<T>,
    ) -> PyResult<T> {
        let inner = self.inner.get()?;
        let mut session = loop {
            match inner.session.try_lock() {
                Ok(session) => break session,
                Err(TryLockError::Poisoned(poisoned)) => break poisoned.into_inner(),
                Err(TryLockError::WouldBlock) => without_gil(py, || {
                    drop(inner.session.lock().unwrap_or_else(PoisonError::into_inner));
                }),
            }
        };
        let here = &mut *session;
        let done = match here.call(command, false) {
            Ok(false) => without_gil(py, || here.call(command, true)),
            done => done,
        };
        done.map_err(|error| errors::of(&error))?;
        let Some(mut replies) = session.take_replies() else {
            return Err(errors::LarderError::new_err("the store did not answer"));
        };
        // Python objects are made when nobody is kept waiting.
        drop(session);
        let value = replies.next_item().map(result);
        replies.recycle();
        if let Ok(mut session) = inner.session.try_lock() {
            session.put_back(replies);
        }
        value.unwrap_or_else(|| Err(errors::LarderError::new_err("the store did not answer")))
    }
}

/// A key or a value: bytes, text or a number.
enum Word<'py> {
    Bytes(Bound<'py, PyBytes>),
    Text(Bound<'py, PyString>),
    Int(i64),
}

impl Word<'_> {
    #[inline]
    fn bytes<'w>(&'w self, digits: &'w mut itoa::Buffer) -> &'w [u8] {
        match self {
            Word::Bytes(bytes) => bytes.as_bytes(),
            Word::Text(text) => text.to_str().unwrap_or_default().as_bytes(),
            Word::Int(value) => digits.format(*value).as_bytes(),
        }
    }
}

impl<'a, 'py> FromPyObject<'a, 'py> for Word<'py> {
    type Error = PyErr;

    #[inline]
    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        if let Ok(text) = object.cast::<PyString>() {
            // Text that is no Unicode is refused here.
            let text = text.to_owned();
            text.to_str()?;
            return Ok(Word::Text(text));
        }
        if let Ok(bytes) = object.cast::<PyBytes>() {
            return Ok(Word::Bytes(bytes.to_owned()));
        }
        if object.is_exact_instance_of::<PyInt>() {
            return Ok(Word::Int(object.extract()?));
        }
        let name = object.get_type().name()?;
        Err(DataError::new_err(format!(
            "Invalid input of type: '{name}'. Convert to a bytes, string or int first."
        )))
    }
}

/// A time to live: seconds, or a timedelta. At least a millisecond.
struct Ttl {
    milliseconds: i64,
}

impl<'a, 'py> FromPyObject<'a, 'py> for Ttl {
    type Error = PyErr;

    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        let seconds = match object.extract::<f64>() {
            Ok(seconds) => seconds,
            Err(_) => object.extract::<Duration>()?.as_secs_f64(),
        };
        if seconds.is_nan() || seconds <= 0.0 {
            return Err(DataError::new_err("a time to live is more than 0 seconds"));
        }
        Ok(Ttl { milliseconds: (seconds * 1000.0).clamp(1.0, MAX_TTL_MS) as i64 })
    }
}
