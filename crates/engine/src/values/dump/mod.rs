//! Values in the RDB form, and values out of it: what `DUMP`, `RESTORE`, `DEBUG RELOAD` and files
//! share.
//!
//! [`write`] turns a value as it lies in the keyspace into bytes, [`read`] bytes from anywhere into
//! a value in the encoding that the settings ask for, as if its elements had been added by
//! commands. The bytes themselves are [`larder_codec::rdb`]'s. Knows no key and no command.

mod hash;
mod read;
mod stream;
mod write;

#[cfg(test)]
mod tests;

pub use read::{Rules, read, read_form};
pub use write::{Choice, payload, version_of, write, write_entry};
