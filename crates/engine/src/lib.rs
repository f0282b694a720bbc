//! The Larder engine: a keyspace that speaks Redis, as a library of pure state.
//!
//! Bytes in, bytes out ([`Session::execute`]), or typed commands ([`Session::call`]); time,
//! randomness and the outside are parameters ([`Options`], [`Host`]). Knows no file, no socket, no
//! async runtime. ARCHITECTURE.md shows the whole house; start reading at [`session`], then
//! [`command`], [`keys`] and [`keyspace::gate`].

pub mod args;
pub mod blocking;
mod changes;
pub mod clients;
pub mod clock;
pub mod command;
mod commandlog;
pub mod commands;
pub mod config;
pub mod durability;
pub mod engine;
pub mod error;
pub mod expiry;
mod freeing;
pub mod host;
pub mod keys;
pub mod keyspace;
mod latency;
pub mod log;
pub mod mailbox;
#[cfg(all(test, feature = "shuttle"))]
mod model;
mod monitor;
pub mod notify;
mod prefetch;
mod pubsub;
pub mod renames;
pub mod reply;
pub mod scripts;
pub mod session;
pub mod spec;
pub mod stats;
mod sync;
#[doc(hidden)]
pub mod testing;
pub mod tracking;
pub mod values;
mod watch;

pub use clients::Origin;
pub use commands::server::info::REDIS_VERSION;
pub use durability::Durability;
pub use engine::{Engine, Options};
pub use error::Error;
pub use host::{Host, NoHost, Shutdown};
pub use renames::Renames;
pub use session::{Flow, Session};
