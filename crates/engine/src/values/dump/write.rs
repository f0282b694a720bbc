//! A value's RDB form. Small collections are copied as they lie, large ones element by element.

use super::{hash, stream};
use crate::config::{Config, RdbSaveVersion};
use crate::keyspace::{Kind, ValueRef};
use crate::values::Object;
use crate::values::list::{Chunks, Node};
use larder_codec::listpack;
use larder_codec::rdb::stream::Stream as StreamForm;
use larder_codec::rdb::{Version, Writer, form, seal};

/// A node of a list that is a listpack.
const PACKED: u64 = 2;

/// A node of a list that is one element.
const PLAIN: u64 = 1;

/// Which version values are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Choice {
    /// The oldest that loses nothing but when a stream's consumers got something last, and not below
    /// Redis 7.0's: so Redis 7.0 reads all that it could have made.
    #[default]
    Oldest,
    /// This one.
    Fixed(Version),
}

impl Choice {
    /// As `rdb-save-version` says.
    pub fn of(config: &Config) -> Choice {
        match config.rdb_save_version() {
            RdbSaveVersion::Auto => Choice::Oldest,
            RdbSaveVersion::V10 => Choice::Fixed(Version::V10),
            RdbSaveVersion::V11 => Choice::Fixed(Version::V11),
            RdbSaveVersion::V12 => Choice::Fixed(Version::V12),
            RdbSaveVersion::Valkey80 => Choice::Fixed(Version::Valkey80),
        }
    }
}

/// The version that a value is written in; none where the one that was chosen cannot say all of it.
pub fn version_of(value: ValueRef<'_>, choice: Choice) -> Option<Version> {
    let expires = match value {
        ValueRef::Object(_, Object::Hash(fields)) => hash::may_expire(fields),
        _ => false,
    };
    match choice {
        Choice::Oldest if expires => Some(Version::V12),
        Choice::Oldest => Some(Version::V10),
        Choice::Fixed(Version::V10 | Version::V11) if expires => None,
        Choice::Fixed(version) => Some(version),
    }
}

/// A value as `DUMP` answers it: its form, version and checksum; none where the version that was
/// chosen cannot say all of it. O(value).
pub fn payload(value: ValueRef<'_>, choice: Choice, compress: bool) -> Option<Vec<u8>> {
    let version = version_of(value, choice)?;
    let mut writer = Writer::new(Vec::new(), compress);
    write(value, version, &mut writer);
    let mut payload = writer.into_bytes();
    seal(&mut payload, version);
    Some(payload)
}

/// Writes the number of a value's form, the key, and the value, as files have them. O(value).
///
/// In a version that [`version_of`] would not choose, deadlines of fields are lost.
pub fn write_entry(key: &[u8], value: ValueRef<'_>, version: Version, writer: &mut Writer<'_>) {
    writer.byte(form_of(value, version));
    writer.string(key);
    write_value(value, version, writer);
}

/// Writes the number of a value's form, and the value. O(value).
///
/// In a version that [`version_of`] would not choose, deadlines of fields are lost.
pub fn write(value: ValueRef<'_>, version: Version, writer: &mut Writer<'_>) {
    writer.byte(form_of(value, version));
    write_value(value, version, writer);
}

/// The number of the form in which a version holds a value.
fn form_of(value: ValueRef<'_>, version: Version) -> u8 {
    match value {
        ValueRef::String(..) => form::STRING,
        ValueRef::Packed(Kind::ListPack, _) | ValueRef::Object(_, Object::List(_)) => {
            form::LIST_QUICKLIST_2
        }
        ValueRef::Packed(Kind::SetInts, _) => form::SET_INTSET,
        // Redis 7.0 knows no set in a listpack.
        ValueRef::Packed(Kind::SetPack, _) if version != Version::V10 => form::SET_LISTPACK,
        ValueRef::Packed(Kind::SetPack, _) | ValueRef::Object(_, Object::Set(_)) => form::SET,
        ValueRef::Packed(Kind::HashPack, _) => form::HASH_LISTPACK,
        ValueRef::Packed(Kind::SortedPack, _) => form::ZSET_LISTPACK,
        ValueRef::Packed(..) => form::STRING,
        ValueRef::Object(_, Object::Hash(fields)) => hash::form_of(fields, version),
        ValueRef::Object(_, Object::Stream(_)) => StreamForm::form(version),
        ValueRef::Object(_, Object::Sorted(_)) => form::ZSET_2,
    }
}

fn write_value(value: ValueRef<'_>, version: Version, writer: &mut Writer<'_>) {
    match value {
        ValueRef::String(text, _) => writer.string(text),
        ValueRef::Packed(kind, bytes) => write_packed(kind, bytes, version, writer),
        ValueRef::Object(_, Object::List(list)) => write_list(list, writer),
        ValueRef::Object(_, Object::Set(members)) => {
            let members = members.iter();
            write_members(members.len(), members, writer);
        }
        ValueRef::Object(_, Object::Hash(fields)) => hash::write(fields, version, writer),
        ValueRef::Object(_, Object::Stream(stream)) => {
            stream::parts_of(stream).write(writer, version);
        }
        ValueRef::Object(_, Object::Sorted(sorted)) => {
            writer.number(sorted.len() as u64);
            // The greatest first, as Redis has them: it adds each before the last.
            for key in sorted.tree().range(0..sorted.len(), true) {
                writer.string(key.member);
                writer.double(key.score);
            }
        }
    }
}

fn write_packed(kind: Kind, bytes: &[u8], version: Version, writer: &mut Writer<'_>) {
    match kind {
        Kind::ListPack => {
            writer.number(1);
            writer.number(PACKED);
        }
        Kind::SetPack if version == Version::V10 => {
            writer.number(listpack::len(bytes) as u64);
            for member in listpack::iter(bytes) {
                writer.string(&member.to_cow());
            }
            return;
        }
        _ => {}
    }
    writer.string(bytes);
}

fn write_list(list: &Chunks, writer: &mut Writer<'_>) {
    writer.number(list.nodes().len() as u64);
    for node in list.nodes() {
        match node {
            Node::Packed(lp) => {
                writer.number(PACKED);
                writer.string(lp);
            }
            Node::Plain(element) => {
                writer.number(PLAIN);
                writer.string(element);
            }
        }
    }
}

fn write_members<'a>(len: usize, members: impl Iterator<Item = &'a [u8]>, writer: &mut Writer<'_>) {
    writer.number(len as u64);
    members.for_each(|member| writer.string(member));
}
