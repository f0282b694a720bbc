//! A handle made apart from the app, attached to a store later.

use crate::{Error, Larder};
use std::sync::OnceLock;

/// A place for the app's store: made where modules can reach it, attached where the app starts.
///
/// ```
/// static STORE: larder::Handle = larder::Handle::new();
///
/// fn views_of(page: &str) -> Result<i64, larder::Error> {
///     STORE.store()?.incr_by(&format!("views/{page}"), 1)
/// }
///
/// STORE.attach("memory:")?;
/// assert_eq!(views_of("home")?, 1);
/// # Ok::<(), larder::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct Handle {
    store: OnceLock<Larder>,
}

impl Handle {
    /// A handle without a store.
    #[must_use]
    pub const fn new() -> Self {
        Handle { store: OnceLock::new() }
    }

    /// Opens a store by its URL and attaches it. The first store stays: a second call answers it.
    ///
    /// # Errors
    /// As [`Larder::open`].
    pub fn attach(&self, url: &str) -> Result<&Larder, Error> {
        if let Some(store) = self.store.get() {
            return Ok(store);
        }
        let store = Larder::open(url)?;
        Ok(self.store.get_or_init(|| store))
    }

    /// Attaches a store that is open already; gives it back if there is one.
    ///
    /// # Errors
    /// The store that was not needed.
    pub fn attach_store(&self, store: Larder) -> Result<(), Larder> {
        self.store.set(store)
    }

    /// The store.
    ///
    /// # Errors
    /// [`Error::NotAttached`] before one was attached.
    pub fn store(&self) -> Result<&Larder, Error> {
        self.store.get().ok_or(Error::NotAttached)
    }
}
