//! The keyspace: shards of entries behind locks, and the gate through which they change.
//!
//! Bottom up: [`segments`] → [`arena`], [`table`], [`wheel`],
//! [`fields`] (structures) → [`entry`] (bytes of
//! one key) → [`shard`] (consistent steps) → [`gate`] (every change
//! of one key) and [`whole`] (of whole databases) → [`locks`] (who may).
//! Knows values only as bytes or as an [`crate::values::Object`]; knows no command.

pub(crate) mod access;
pub(crate) mod arena;
pub(crate) mod detached;
pub(crate) mod entry;
pub(crate) mod fields;
pub mod gate;
pub mod hash;
pub mod locks;
pub(crate) mod segments;
pub(crate) mod shard;
pub mod snapshot;
pub(crate) mod table;
pub(crate) mod tap;
pub(crate) mod wheel;
pub(crate) mod whole;

pub use entry::{Kind, NewValue, SharedBytes, Type, ValueRef};
pub use gate::{Expiry, Gate, OwnedValue};
pub use hash::KeyHash;
pub use shard::{DATABASES, ShardStats};
pub use whole::{Freeing, Met};
