//! The event loops that serve an engine over TCP and Unix sockets.
//!
//! Owns sockets, buffers and limits of connections; knows no command and no file format. A
//! [`Server`] runs one loop per thread, a connection belongs to one loop for life, and requests
//! enter the engine through its [`Session`](larder_engine::Session) on the thread that read them.
//!
//! ```text
//! listeners ─ accept ─> thread 0 ─ hand over ─> the loop with the fewest connections
//!                                                 │ read once, run all requests, write once
//! sessions of other threads ─ mailbox + wake-up ──┘
//! ```
//!
//! Thread 0 accepts for all: one listening socket an address keeps `port`, `backlog` and the
//! refusal of a busy port as everybody knows them (a socket per thread on one port would let a
//! second server share it in silence), and handing over by the number of connections balances
//! what a hash of addresses does not.
//!
//! Read [`server`](Server) first, then `event_loop`, `connection`, `listeners`.
#![forbid(unsafe_code)]

mod alarm;
mod connection;
mod edge;
mod event_loop;
mod gathering;
mod limits;
mod listeners;
mod options;
mod refusal;
mod server;
mod socket;
mod timers;

pub use event_loop::serve_others;
pub use limits::{Class, Limits, OutputLimit};
pub use listeners::{Bound, ListenError};
pub use options::{Listen, ServerOptions};
pub use server::{Server, StartError};
