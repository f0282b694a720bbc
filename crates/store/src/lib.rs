//! What makes an engine's data outlive its process: Redis's files, written without a fork.
//!
//! | module | subject |
//! |---|---|
//! | [`store`] | an engine's store: all of this put together |
//! | [`snapshots`] | when snapshots are saved, and what is known of them |
//! | [`rdb`] | the snapshot file, both ways |
//! | [`aof`] | the append-only log: Redis's files, group commit, recovery |
//! | [`ring`] | the engine's log in memory that outlives the process |
//! | [`disk`] | all that is asked of a disk, and the one that is real |
//! | [`folder_lock`] | whose folder it is |
//! | [`report`] | lines for the log |
//!
//! **Invariant**: this crate knows files and frames, no command's meaning: values become bytes in
//! `larder-codec`, commands are replayed by the engine. It asks a [`disk::Disk`] for everything, so
//! that a test can lose power between any two of its calls.

pub mod aof;
pub mod disk;
pub mod folder_lock;
pub mod rdb;
pub mod report;
pub mod ring;
pub mod snapshots;
pub mod store;

pub use store::{LoadError, Loaded, Store, StoreOptions};
