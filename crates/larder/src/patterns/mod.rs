//! The patterns: what web apps keep in Redis, each with the guarantees that people otherwise get
//! wrong by hand.
//!
//! A pattern is one module on top of plain commands; it behaves the same on every store. Each
//! operation answers a [`crate::Plan`]: `.run()?` it in blocking code, `.await?` it in async code.
//! Time is always the store's, never the client's. Every key that a pattern makes expires.

pub mod dyn_data;
pub mod presence;

pub use dyn_data::DynData;
pub use presence::Presence;
