//! The RDB form of a value: what stands in snapshot files, in `DUMP` payloads, and in `RESTORE`'s.
//! Red: the bytes are frozen.
//!
//! | module | subject |
//! |---|---|
//! | [`write`] | lengths, strings, numbers: appended to bytes |
//! | [`read`] | the same out of bytes from anywhere |
//! | [`value`] | a whole value out of bytes, in today's encodings whatever it was written in |
//! | [`stream`] | the parts of a stream, both ways |
//! | `ziplist`, `zipmap` | encodings that only old files have, turned into listpacks |
//!
//! | form | number | value | since |
//! |---|---|---|---|
//! | [`form::STRING`] | 0 | string | 1 |
//! | [`form::LIST`] | 1 | number, elements | 1 |
//! | [`form::SET`] | 2 | number, members | 1 |
//! | [`form::ZSET`] | 3 | number, members each with a score as text | 1 |
//! | [`form::HASH`] | 4 | number, fields each with a value | 1 |
//! | [`form::ZSET_2`] | 5 | number, members each with a score in 8 bytes | 8 |
//! | [`form::HASH_ZIPMAP`] | 9 | zipmap | 1 |
//! | [`form::LIST_ZIPLIST`] | 10 | ziplist | 2 |
//! | [`form::SET_INTSET`] | 11 | intset | 2 |
//! | [`form::ZSET_ZIPLIST`] | 12 | ziplist | 2 |
//! | [`form::HASH_ZIPLIST`] | 13 | ziplist | 4 |
//! | [`form::LIST_QUICKLIST`] | 14 | number, ziplists | 7 |
//! | [`form::STREAM`] | 15 | see [`stream`] | 9 |
//! | [`form::HASH_LISTPACK`] | 16 | listpack | 10 |
//! | [`form::ZSET_LISTPACK`] | 17 | listpack | 10 |
//! | [`form::LIST_QUICKLIST_2`] | 18 | number, nodes: 1 and an element, or 2 and a listpack | 10 |
//! | [`form::STREAM_2`] | 19 | with first id, tombstone, entries added and read | 10 |
//! | [`form::SET_LISTPACK`] | 20 | listpack | 11 |
//! | [`form::STREAM_3`] | 21 | with a consumer's active time | 11 |
//! | [`form::HASH_EXPIRY`] | 22 | number, fields each with a value and a deadline in 8 bytes, -1 none | Valkey's 80 |
//! | [`form::HASH_METADATA`] | 24 | earliest deadline, number, deadline, field, value in turn | Redis's 12 |
//! | [`form::HASH_LISTPACK_EX`] | 25 | earliest deadline, listpack of field, value, deadline | Redis's 12 |
//!
//! Redis and Valkey gave numbers from 22 on to different things; which of the two is meant, the
//! version tells ([`Version`]).
//!
//! A `DUMP` payload is the form's byte, the value, the version (u16 little endian), and the
//! checksum of all that (u64 little endian); [`seal`] and [`open`].
//!
//! **Whatever comes in is hostile**: every listpack, intset and ziplist is checked to its last
//! byte, duplicates are refused, nothing panics, and no memory is taken for what a number only
//! claims.

pub mod read;
pub mod stream;
pub mod value;
pub mod write;

#[cfg(test)]
mod tests;
mod ziplist;
mod zipmap;

pub use read::Reader;
pub use value::Value;
pub use write::Writer;

use crate::crc64;

/// The numbers of the forms.
pub mod form {
    /// A string.
    pub const STRING: u8 = 0;
    /// A list, element by element.
    pub const LIST: u8 = 1;
    /// A set, member by member.
    pub const SET: u8 = 2;
    /// A sorted set with scores as text.
    pub const ZSET: u8 = 3;
    /// A hash, field by field.
    pub const HASH: u8 = 4;
    /// A sorted set with scores in binary.
    pub const ZSET_2: u8 = 5;
    /// A hash in a zipmap.
    pub const HASH_ZIPMAP: u8 = 9;
    /// A list in a ziplist.
    pub const LIST_ZIPLIST: u8 = 10;
    /// A set in an intset.
    pub const SET_INTSET: u8 = 11;
    /// A sorted set in a ziplist.
    pub const ZSET_ZIPLIST: u8 = 12;
    /// A hash in a ziplist.
    pub const HASH_ZIPLIST: u8 = 13;
    /// A list in ziplists.
    pub const LIST_QUICKLIST: u8 = 14;
    /// A stream as of Redis 5.
    pub const STREAM: u8 = 15;
    /// A hash in a listpack.
    pub const HASH_LISTPACK: u8 = 16;
    /// A sorted set in a listpack.
    pub const ZSET_LISTPACK: u8 = 17;
    /// A list in listpacks and large elements.
    pub const LIST_QUICKLIST_2: u8 = 18;
    /// A stream as of Redis 7.0.
    pub const STREAM_2: u8 = 19;
    /// A set in a listpack.
    pub const SET_LISTPACK: u8 = 20;
    /// A stream as of Redis 7.2.
    pub const STREAM_3: u8 = 21;
    /// A hash whose fields may expire, as of Valkey 9.0.
    pub const HASH_EXPIRY: u8 = 22;
    /// A hash whose fields may expire, as of Redis 7.4.
    pub const HASH_METADATA: u8 = 24;
    /// The same in a listpack.
    pub const HASH_LISTPACK_EX: u8 = 25;
}

/// A version of the format that values are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// Redis 7.0; read by everything since.
    V10,
    /// Redis 7.2 and Valkey 7.2 and 8.
    V11,
    /// Redis 7.4: fields of hashes may expire.
    V12,
    /// Valkey 9: fields of hashes may expire.
    Valkey80,
}

impl Version {
    /// The number in a file's header and a payload's footer.
    pub const fn number(self) -> u16 {
        match self {
            Version::V10 => 10,
            Version::V11 => 11,
            Version::V12 => 12,
            Version::Valkey80 => VALKEY,
        }
    }

    /// The dialect of a version that can be read: Redis's versions up to 12 share one.
    pub fn readable(number: u16) -> Option<Version> {
        match number {
            0..=10 => Some(Version::V10),
            11 => Some(Version::V11),
            12 => Some(Version::V12),
            VALKEY => Some(Version::Valkey80),
            _ => None,
        }
    }

    /// The same, and for a version of the future the dialect that it most likely has: most values
    /// are written as before.
    pub fn likely(number: u16) -> Version {
        let newest = if number > VALKEY { Version::Valkey80 } else { Version::V12 };
        Version::readable(number).unwrap_or(newest)
    }
}

/// Why an empty collection is refused: servers of former times wrote some.
pub const EMPTY_COLLECTION: &str = "an empty collection";

/// Valkey counts from here, beyond what Redis is likely to reach.
const VALKEY: u16 = 80;

/// Bytes of version and checksum at the end of a payload.
const FOOTER: usize = 10;

/// Ends a payload: version and checksum.
pub fn seal(payload: &mut Vec<u8>, version: Version) {
    payload.extend_from_slice(&version.number().to_le_bytes());
    let crc = crc64::of(payload);
    payload.extend_from_slice(&crc.to_le_bytes());
}

/// What of a payload's end is not looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Leniency {
    /// Any checksum will do.
    pub any_checksum: bool,
    /// Any version is tried.
    pub any_version: bool,
}

/// A payload without its end, and its version; none where version or checksum are wrong.
pub fn open(payload: &[u8], leniency: Leniency) -> Option<(&[u8], Version)> {
    let (value, footer) = payload.split_last_chunk::<FOOTER>()?;
    let number = u16::from_le_bytes([footer[0], footer[1]]);
    let version = match Version::readable(number) {
        None if leniency.any_version => Version::likely(number),
        known => known?,
    };
    let (sealed, crc) = payload.split_last_chunk()?;
    let is_sealed = leniency.any_checksum || crc64::of(sealed).to_le_bytes() == *crc;
    is_sealed.then_some((value, version))
}
