//! What a forked process must not touch: sessions and stores whose locks may be held by threads
//! that are not there, and whose data would be a private copy.
//!
//! Python calls [`forked`] in every child (`os.register_at_fork`). What was made before then is
//! left as it is: not used, not dropped.

use crate::errors::ForkError;
use pyo3::prelude::*;
use std::sync::atomic::{AtomicU64, Ordering};

/// How many forks lie between the first process and this one.
static GENERATION: AtomicU64 = AtomicU64::new(0);

/// Called in a process that was just forked.
#[pyfunction]
pub(crate) fn forked() {
    GENERATION.fetch_add(1, Ordering::Relaxed);
}

/// Something of the process that made it.
#[derive(Debug)]
pub(crate) struct Own<T> {
    generation: u64,
    value: Option<T>,
}

impl<T> Own<T> {
    pub(crate) fn new(value: T) -> Self {
        Own { generation: GENERATION.load(Ordering::Relaxed), value: Some(value) }
    }

    /// Whether this process made it.
    #[inline]
    pub(crate) fn is_ours(&self) -> bool {
        self.generation == GENERATION.load(Ordering::Relaxed)
    }

    /// The value, in the process that made it.
    #[inline]
    pub(crate) fn get(&self) -> PyResult<&T> {
        match &self.value {
            Some(value) if self.is_ours() => Ok(value),
            _ => Err(refusal()),
        }
    }
}

impl<T> Drop for Own<T> {
    fn drop(&mut self) {
        if !self.is_ours() {
            std::mem::forget(self.value.take());
        }
    }
}

/// Why a child may not go on with what its parent had.
#[cold]
pub(crate) fn refusal() -> PyErr {
    ForkError::new_err(
        "this store was opened before the process was forked, and a store in memory is not shared \
         with child processes: a copy would lose what is written to it. Open it in each child under \
         a name of its own, or let all processes use a server (redis://…)",
    )
}
