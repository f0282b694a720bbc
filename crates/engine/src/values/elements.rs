//! The elements of any value, one after the other, for whoever looks at all of them alike.
//!
//! Knows no key; for changes and for answers the types' own modules are the way.

use crate::keyspace::{Kind, ValueRef};
use crate::values::list::Node;
use crate::values::sorted::SortedRef;
use crate::values::stream::{Id, Stream};
use crate::values::{Object, dict};
use larder_codec::integer::MAX_TEXT;
use larder_codec::{intset, listpack};

/// A part of a value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Element<'a> {
    /// The string; an element of a list; of a stream's entry a field or a value, in turn.
    Text(&'a [u8]),
    /// A member of a set.
    Member(&'a [u8]),
    /// A field of a hash and its value.
    Field(&'a [u8], &'a [u8]),
    /// A member of a sorted set and its score.
    Scored(&'a [u8], f64),
    /// A stream's entry begins: milliseconds and sequence number.
    Entry((u64, u64)),
}

/// Visits every element of a value once, those of a list and a stream in order; fields that are due
/// are not there.
pub fn each(value: ValueRef<'_>, now_ms: u64, visit: &mut dyn FnMut(Element<'_>)) {
    match value {
        ValueRef::String(text, _) => visit(Element::Text(text)),
        ValueRef::Packed(kind, bytes) => each_packed(kind, bytes, visit),
        ValueRef::Object(_, Object::List(list)) => {
            for node in list.nodes() {
                match node {
                    Node::Packed(lp) => each_packed(Kind::ListPack, lp, visit),
                    Node::Plain(element) => visit(Element::Text(element)),
                }
            }
        }
        ValueRef::Object(_, Object::Set(members)) => {
            members.iter().for_each(|member| visit(Element::Member(member)));
        }
        ValueRef::Object(_, Object::Hash(fields)) => {
            let lives = |held: &dict::Value<'_>| held.deadline_ms.is_none_or(|ms| ms > now_ms);
            for (field, held) in fields.dict().iter().filter(|(_, held)| lives(held)) {
                visit(Element::Field(field, held.value));
            }
        }
        ValueRef::Object(_, Object::Stream(stream)) => each_entry(stream, visit),
        ValueRef::Object(_, Object::Sorted(sorted)) => {
            sorted.tree().iter().for_each(|key| visit(Element::Scored(key.member, key.score)));
        }
    }
}

fn each_packed(kind: Kind, bytes: &[u8], visit: &mut dyn FnMut(Element<'_>)) {
    let mut digits = [0; MAX_TEXT];
    match kind {
        Kind::SetInts => {
            for value in intset::iter(bytes) {
                let text = larder_codec::integer::format_i64(value, &mut digits);
                visit(Element::Member(text));
            }
        }
        Kind::SetPack => {
            listpack::iter(bytes).for_each(|m| visit(Element::Member(m.as_bytes(&mut digits))));
        }
        Kind::SortedPack => {
            for element in SortedRef::Packed(bytes).iter() {
                visit(Element::Scored(element.member.text(&mut digits), element.score));
            }
        }
        Kind::HashPack => {
            let mut entries = listpack::iter(bytes);
            while let (Some(field), Some(value)) = (entries.next(), entries.next()) {
                let value = value.to_cow();
                visit(Element::Field(field.as_bytes(&mut digits), &value));
            }
        }
        _ => {
            listpack::iter(bytes).for_each(|e| visit(Element::Text(e.as_bytes(&mut digits))));
        }
    }
}

fn each_entry(stream: &Stream, visit: &mut dyn FnMut(Element<'_>)) {
    let mut digits = [0; MAX_TEXT];
    for entry in stream.entries().range(Id::MIN, Id::MAX) {
        visit(Element::Entry((entry.id.ms, entry.id.seq)));
        for (field, value) in entry.pairs() {
            visit(Element::Text(field.as_bytes(&mut digits)));
            visit(Element::Text(value.as_bytes(&mut digits)));
        }
    }
}
