//! A value's RDB form. Small collections are copied as they lie, large ones element by element.

use super::hash;
use crate::config::Config;
use crate::keyspace::{Kind, ValueRef};
use crate::values::Object;
use crate::values::list::{Chunks, Node};
use crate::values::stream::{Group, Id, Stream};
use larder_codec::listpack;
use larder_codec::rdb::{Version, Writer, form, seal, stream};
use std::borrow::Cow;

/// A node of a list that is a listpack.
const PACKED: u64 = 2;

/// A node of a list that is one element.
const PLAIN: u64 = 1;

/// Which version values are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Choice {
    /// The oldest that can say all of the value, but not below Redis 7.0's.
    #[default]
    Oldest,
    /// This one.
    Fixed(Version),
}

impl Choice {
    /// As the settings say.
    pub fn of(_: &Config) -> Choice {
        Choice::Oldest
    }
}

/// The version that a value is written in.
pub fn version_of(value: ValueRef<'_>, choice: Choice) -> Version {
    match choice {
        Choice::Oldest if expires(value) => Version::Valkey80,
        Choice::Oldest => Version::V10,
        Choice::Fixed(version) => version,
    }
}

/// Whether the value is a hash with fields that expire.
fn expires(value: ValueRef<'_>) -> bool {
    match value {
        ValueRef::Object(_, Object::Hash(fields)) => hash::may_expire(fields),
        _ => false,
    }
}

/// A value as `DUMP` answers it: its form, version and checksum. O(value).
pub fn payload(value: ValueRef<'_>, choice: Choice, compress: bool) -> Vec<u8> {
    let version = version_of(value, choice);
    let mut writer = Writer::new(Vec::new(), compress);
    write(value, version, &mut writer);
    let mut payload = writer.into_bytes();
    seal(&mut payload, version);
    payload
}

/// Writes the number of a value's form, and the value. O(value).
pub fn write(value: ValueRef<'_>, version: Version, writer: &mut Writer) {
    match value {
        ValueRef::String(text, _) => {
            writer.byte(form::STRING);
            writer.string(text);
        }
        ValueRef::Packed(kind, bytes) => write_packed(kind, bytes, version, writer),
        ValueRef::Object(_, Object::List(list)) => write_list(list, writer),
        ValueRef::Object(_, Object::Hash(fields)) => hash::write(fields, version, writer),
        ValueRef::Object(_, Object::Set(members)) => {
            let members = members.iter();
            write_members(members.len(), members, writer);
        }
        ValueRef::Object(_, Object::Stream(held)) => {
            let stream = stream_of(held);
            writer.byte(stream::Stream::form(version));
            stream.write(writer, version);
        }
        ValueRef::Object(_, Object::Sorted(sorted)) => {
            writer.byte(form::ZSET_2);
            writer.number(sorted.len() as u64);
            // The greatest first, as Redis has them: it adds each before the last.
            for key in sorted.tree().range(0..sorted.len(), true) {
                writer.string(key.member);
                writer.double(key.score);
            }
        }
    }
}

fn write_packed(kind: Kind, bytes: &[u8], version: Version, writer: &mut Writer) {
    match kind {
        Kind::ListPack => {
            writer.byte(form::LIST_QUICKLIST_2);
            writer.number(1);
            writer.number(PACKED);
        }
        Kind::SetInts => writer.byte(form::SET_INTSET),
        // Redis 7.0 knows no set in a listpack.
        Kind::SetPack if version == Version::V10 => {
            writer.byte(form::SET);
            writer.number(listpack::len(bytes) as u64);
            for member in listpack::iter(bytes) {
                writer.string(&member.to_cow());
            }
            return;
        }
        Kind::SetPack => writer.byte(form::SET_LISTPACK),
        Kind::HashPack => writer.byte(form::HASH_LISTPACK),
        Kind::SortedPack => writer.byte(form::ZSET_LISTPACK),
        _ => writer.byte(form::STRING),
    }
    writer.string(bytes);
}

fn write_list(list: &Chunks, writer: &mut Writer) {
    writer.byte(form::LIST_QUICKLIST_2);
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

fn write_members<'a>(len: usize, members: impl Iterator<Item = &'a [u8]>, writer: &mut Writer) {
    writer.byte(form::SET);
    writer.number(len as u64);
    members.for_each(|member| writer.string(member));
}

/// A stream as files hold it.
fn stream_of(held: &Stream) -> stream::Stream<'_> {
    let entries = held.entries();
    let figures = entries.figures();
    stream::Stream {
        nodes: entries.nodes().map(|(id, lp)| (of_id(id), Cow::Borrowed(lp))).collect(),
        length: entries.len(),
        last_id: of_id(figures.last_id),
        first_id: of_id(entries.first_id()),
        max_deleted_id: of_id(figures.max_deleted_id),
        entries_added: figures.entries_added,
        groups: held.groups().map(|(name, group)| group_of(name, group)).collect(),
    }
}

fn group_of<'a>(name: &'a [u8], group: &'a Group) -> stream::Group<'a> {
    let consumers: Vec<_> = group.consumers().collect();
    let pending = group.pending().map(|(id, delivery)| stream::Pending {
        id: of_id(id),
        delivered_ms: delivery.at_ms.cast_signed(),
        deliveries: delivery.count,
        consumer: consumers
            .iter()
            .position(|(number, _)| *number == delivery.consumer)
            .unwrap_or_default(),
    });
    stream::Group {
        name: Cow::Borrowed(name),
        last_id: of_id(group.last_id()),
        entries_read: group.entries_read(),
        pending: pending.collect(),
        consumers: consumers
            .iter()
            .map(|(_, consumer)| stream::Consumer {
                name: Cow::Borrowed(consumer.name()),
                seen_ms: consumer.seen_ms().cast_signed(),
                active_ms: consumer.active_ms().map_or(-1, u64::cast_signed),
            })
            .collect(),
    }
}

fn of_id(id: Id) -> stream::Id {
    (id.ms, id.seq)
}
