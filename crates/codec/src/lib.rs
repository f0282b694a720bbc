//! Byte formats of Redis values: pure functions from bytes to bytes.
//!
//! | module | subject |
//! |---|---|
//! | [`listpack`] | the compact sequence behind small lists, hashes, sets and sorted sets |
//! | [`intset`] | the sorted array of integers behind small sets of integers |
//! | [`integer`] | which texts count as integers, and printing them |
//! | [`glob`] | the patterns of `KEYS`, `SCAN MATCH`, `PSUBSCRIBE` |
//! | [`slot`] | the cluster slot of a key |
//! | [`rdb`] | the form of every value in files and in `DUMP` |
//! | [`lzf`] | the compression of strings in it |
//! | [`crc64`] | the checksum at the end of it |
//!
//! The formats are those of Redis 7 to the last byte, because the same bytes lie in RDB files.
//!
//! **Invariant**: this crate knows no key space, no file, no command, no clock. It has no unsafe
//! code, and takes memory only in proportion to what it is given.

pub mod crc64;
pub mod glob;
pub mod integer;
pub mod intset;
pub mod listpack;
pub mod lzf;
pub mod rdb;
pub mod slot;

mod error;

pub use error::{Corrupt, TooLarge};
