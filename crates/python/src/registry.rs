//! The stores of this process, by name: `memory:` opened twice is one store.

use crate::errors::{self, UrlError};
use crate::fork::{self, Own};
use larder::Larder;
use larder::engine::NoHost;
use larder::engine::config::Config;
use larder::session::Bell;
use pyo3::prelude::*;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};

/// Settings of a store, by their names in redis.conf.
pub(crate) type Settings = Vec<(String, String)>;

/// A store, and who may be waiting in it.
pub(crate) struct Entry {
    pub(crate) store: Own<Larder>,
    /// What it began with.
    pub(crate) settings: Settings,
    /// Kept where somebody moves the clock; see [`crate::testing`].
    pub(crate) bells: Option<Vec<Weak<Bell>>>,
}

/// Held for moments, with the GIL, and while no Python code runs: never held at a fork.
static STORES: LazyLock<Mutex<HashMap<String, Entry>>> = LazyLock::new(Mutex::default);

/// Works on the stores by their names.
pub(crate) fn with<R>(work: impl FnOnce(&mut HashMap<String, Entry>) -> R) -> R {
    work(&mut STORES.lock().unwrap_or_else(PoisonError::into_inner))
}

/// The store of a name. It begins, with its settings, with who first asks for it; others name the
/// same settings or none.
pub(crate) fn open(name: &str, settings: &Settings) -> PyResult<Larder> {
    with(|stores| match stores.get(name) {
        Some(entry) if settings.is_empty() || *settings == entry.settings => {
            entry.store.get().cloned()
        }
        Some(entry) => Err(UrlError::new_err(format!(
            "the store memory:{name} is open with other settings ({}); settings are for who opens \
             a store first, and CONFIG SET changes those that can be changed",
            shown(&entry.settings),
        ))),
        None => {
            let store = begin(settings)?;
            let settings = settings.clone();
            let entry = Entry { store: Own::new(store.clone()), settings, bells: None };
            stores.insert(name.to_owned(), entry);
            Ok(store)
        }
    })
}

/// Whether there is a setting of this name.
#[pyfunction]
pub(crate) fn is_setting(name: &str) -> bool {
    larder::engine::config::lookup(name.as_bytes()).is_some()
}

fn begin(settings: &Settings) -> PyResult<Larder> {
    let config = Config::default();
    for (name, value) in settings {
        config
            .set(name, &[value.as_bytes()])
            .map_err(|error| UrlError::new_err(format!("{name}={value}: {error}")))?;
    }
    Larder::with_config(Arc::new(config), Arc::new(NoHost)).map_err(|error| errors::of(&error))
}

fn shown(settings: &Settings) -> String {
    let shown: Vec<String> =
        settings.iter().map(|(name, value)| format!("{name}={value}")).collect();
    if shown.is_empty() { "none".to_owned() } else { shown.join(" ") }
}

/// A session with the store of a name.
pub(crate) fn session(name: &str, settings: &Settings) -> PyResult<larder::session::Session> {
    let session = open(name, settings)?.session().map_err(|error| errors::of(&error))?;
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
