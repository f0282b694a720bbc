//! What a server is started with. Holds no socket; see [`crate::Server::start`].

use crate::limits::Limits;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

/// Where to listen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listen {
    /// A TCP address; port 0 takes any free one.
    Tcp {
        /// Address and port.
        addr: SocketAddr,
        /// An address that this machine does not have is passed over (`-::1` in `bind`).
        optional: bool,
    },
    /// A Unix socket.
    Unix {
        /// Where it lies.
        path: PathBuf,
        /// Permissions of the socket's file, `0o600` and the like.
        mode: u32,
    },
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Listen::Tcp { addr, .. } => addr.fmt(f),
            Listen::Unix { path, .. } => path.display().fmt(f),
        }
    }
}

/// What a server is started with.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// Where to listen.
    pub listen: Vec<Listen>,
    /// Loop threads, at least 1.
    pub threads: usize,
    /// Connections that the kernel keeps until they are accepted (`tcp-backlog`).
    pub backlog: u16,
    /// Limits, shared with whoever changes them at run time.
    pub limits: Arc<Limits>,
}

impl Default for ServerOptions {
    /// One thread that listens nowhere, with Redis's limits.
    fn default() -> Self {
        ServerOptions {
            listen: Vec::new(),
            threads: 1,
            backlog: 511,
            limits: Arc::new(Limits::default()),
        }
    }
}
