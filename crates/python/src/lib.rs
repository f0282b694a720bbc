//! The extension module `larder_redis._larder`: sessions and stores as Python objects.
//!
//! Three rules hold everywhere. The GIL is never taken under the lock of a shard: replies are
//! recorded first and become Python objects afterwards. With the GIL held nothing waits: what may
//! wait is done without it, or is a descriptor that Python watches. And nothing of a parent is
//! touched in a process that was forked from it ([`fork`]). Which client speaks through it is the
//! business of the Python side (`python/larder_redis`); it must not know more of Larder than the
//! crate `larder`.

mod errors;
mod fork;
mod registry;
mod replies;
mod session;
mod store;
mod testing;
mod url;
mod words;

use pyo3::prelude::*;

/// Larder inside the process. Import `larder_redis` instead.
#[pymodule]
mod _larder {
    #[pymodule_export]
    use super::fork::forked;
    #[pymodule_export]
    use super::registry::{forget, is_setting};
    #[pymodule_export]
    use super::session::Session;
    #[pymodule_export]
    use super::store::Store;
    #[pymodule_export]
    use super::testing::{Clock, fresh};
    #[pymodule_export]
    use super::url::parse_url;
}

/// Runs what may wait without the GIL.
fn without_gil<T: Send>(py: Python<'_>, work: impl FnOnce() -> T + Send) -> T {
    py.detach(work)
}
