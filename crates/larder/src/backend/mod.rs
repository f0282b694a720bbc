//! How a store is reached: linked into the process, or over a connection.

pub(crate) mod linked;
#[cfg(feature = "remote")]
pub(crate) mod remote;

use linked::Linked;
#[cfg(feature = "remote")]
use remote::Remote;

/// A way to a store.
#[derive(Debug)]
pub(crate) enum Backend {
    /// The engine is in this process.
    Linked(Box<Linked>),
    /// A server.
    #[cfg(feature = "remote")]
    Remote(Box<Remote>),
}
