//! The stores of this process, by name: `memory:` opened twice is one store.

use crate::errors;
use crate::fork::{self, Own};
use larder::Larder;
use larder::session::Bell;
use pyo3::prelude::*;
use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError, Weak};

/// A store, and who may be waiting in it.
pub(crate) struct Entry {
    pub(crate) store: Own<Larder>,
    /// Kept where somebody moves the clock; see [`crate::testing`].
    pub(crate) bells: Option<Vec<Weak<Bell>>>,
}

/// Held for moments, with the GIL, and while no Python code runs: never held at a fork.
static STORES: LazyLock<Mutex<HashMap<String, Entry>>> = LazyLock::new(Mutex::default);

/// Works on the stores by their names.
pub(crate) fn with<R>(work: impl FnOnce(&mut HashMap<String, Entry>) -> R) -> R {
    work(&mut STORES.lock().unwrap_or_else(PoisonError::into_inner))
}

/// The store of a name. It begins with who first asks for it.
pub(crate) fn open(name: &str) -> PyResult<Larder> {
    with(|stores| match stores.get(name) {
        Some(entry) => entry.store.get().cloned(),
        None => {
            let store = Larder::open("memory:").map_err(|error| errors::of(&error))?;
            let entry = Entry { store: Own::new(store.clone()), bells: None };
            stores.insert(name.to_owned(), entry);
            Ok(store)
        }
    })
}

/// A session with the store of a name.
pub(crate) fn session(name: &str) -> PyResult<larder::session::Session> {
    let session = open(name)?.session().map_err(|error| errors::of(&error))?;
    with(|stores| {
        if let Some(bells) = stores.get_mut(name).and_then(|entry| entry.bells.as_mut()) {
            bells.retain(|bell| bell.strong_count() > 0);
            bells.push(session.wake_up());
        }
    });
    Ok(session)
}

/// Forgets the store of a name: its data goes when the last session with it does.
#[pyfunction]
pub(crate) fn forget(py: Python<'_>, name: &str) -> PyResult<()> {
    let entry = with(|stores| match stores.get(name) {
        Some(entry) if !entry.store.is_ours() => Err(fork::refusal()),
        _ => Ok(stores.remove(name)),
    })?;
    // A whole store takes a while to free.
    crate::without_gil(py, move || drop(entry));
    Ok(())
}
