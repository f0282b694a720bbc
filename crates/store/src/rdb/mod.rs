//! The snapshot file, Redis's RDB: written out of a [`Snapshot`], read into an engine or any other
//! [`Sink`]. Red: the bytes are frozen.
//!
//! ```text
//! "REDIS" and the version in 4 digits, or "VALKEY" and 3 from version 80 on
//! AUX name value …                          facts about who wrote it
//! FUNCTION source …                         libraries of functions
//! SELECTDB n, RESIZEDB keys expiring        a hint; each database may come more than once
//!   [EXPIRETIME_MS ms] [IDLE s | FREQ n] form key value …
//! EOF, checksum of all before (8 bytes, little endian; 0: none)
//! ```
//!
//! | module | subject |
//! |---|---|
//! | [`mod@write`] | out of a snapshot, in a little memory |
//! | [`mod@read`] | out of bytes from anywhere, a value at a time |
//! | `window` | the bytes around the place that is read |
//! | `extent` | where a value ends, before it is made |
//! | [`error`] | why a file cannot be read or written |
//!
//! Values are the codec's; next: `larder_codec::rdb`.

pub mod error;
mod extent;
pub mod read;
mod window;
pub mod write;

#[cfg(test)]
mod tests;

pub use error::Error;
pub use read::{ReadOptions, Sink, Summary, load, read};
pub use write::{WriteOptions, Written, write};

#[cfg(doc)]
use larder_engine::keyspace::snapshot::Snapshot;

/// What stands before a piece of a file.
mod opcode {
    /// Slots that are moved between servers of a cluster (Valkey).
    pub(super) const SLOT_IMPORT: u8 = 243;
    /// How large a slot of a cluster is.
    pub(super) const SLOT_INFO: u8 = 244;
    /// A library of functions.
    pub(super) const FUNCTION: u8 = 245;
    /// The same before Redis 7.0 was released.
    pub(super) const FUNCTION_PRE_GA: u8 = 246;
    /// What a module keeps beside keys.
    pub(super) const MODULE_AUX: u8 = 247;
    /// Seconds since the next key was used.
    pub(super) const IDLE: u8 = 248;
    /// How often it was used.
    pub(super) const FREQ: u8 = 249;
    /// A fact about who wrote the file.
    pub(super) const AUX: u8 = 250;
    /// How large the database is.
    pub(super) const RESIZE_DB: u8 = 251;
    /// When the next key expires, in milliseconds.
    pub(super) const EXPIRE_MS: u8 = 252;
    /// The same in seconds.
    pub(super) const EXPIRE: u8 = 253;
    /// The database of what follows.
    pub(super) const SELECT_DB: u8 = 254;
    /// The end.
    pub(super) const END: u8 = 255;
}

/// Files before this version end without a checksum.
const FIRST_WITH_CHECKSUM: u32 = 5;

/// Versions from here on are Valkey's.
const FIRST_OF_VALKEY: u32 = 80;
