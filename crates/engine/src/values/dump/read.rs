//! A value out of its RDB form, in the encoding that the settings ask for.

use super::{hash, stream};
use crate::config::Config;
use crate::keyspace::entry::{MAX_INLINE_VALUE, MAX_PACKED};
use crate::keyspace::{KeyHash, Kind, OwnedValue};
use crate::values::set::{self, Member, SetBuf, SetRef};
use crate::values::sorted::{self, Big, Collected, SortedRef};
use crate::values::{Object, list};
use larder_codec::integer::MAX_TEXT;
use larder_codec::rdb::value::{Members, Scored, Value, read as read_value};
use larder_codec::rdb::{Reader, Version};
use larder_codec::{Corrupt, intset, listpack};
use std::sync::Arc;

/// What values take from the engine they will live in.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    list: list::Limits,
    set: set::Rules,
    sorted: sorted::Rules,
    hash: hash::Rules,
}

impl Rules {
    /// As the settings say, for keys and members that hash with `hash`.
    pub fn new(config: &Config, hash: KeyHash) -> Rules {
        Rules {
            list: list::Limits::of(config),
            set: set::Rules { limits: set::Limits::of(config), hash },
            sorted: sorted::Rules { limits: sorted::Limits::of(config), hash },
            hash: hash::Rules::new(config, hash),
        }
    }
}

/// Reads the number of a form and its value. O(value).
///
/// # Errors
/// [`Corrupt`] for anything that no server writes; nothing was taken then but memory for what had
/// been read.
pub fn read(
    reader: &mut Reader<'_>,
    version: Version,
    rules: &Rules,
) -> Result<OwnedValue, Corrupt> {
    let form = reader.byte()?;
    read_form(reader, form, version, rules)
}

/// Reads the value of a form. O(value).
///
/// # Errors
/// As [`read`].
pub fn read_form(
    reader: &mut Reader<'_>,
    form: u8,
    version: Version,
    rules: &Rules,
) -> Result<OwnedValue, Corrupt> {
    match read_value(reader, form, version)? {
        Value::String(text) => Ok(string(text.into_owned())),
        Value::List(nodes) => list::of_nodes(nodes, &rules.list),
        Value::SetInts(bytes) => Ok(ints(&bytes, rules.set)),
        Value::SetPack(bytes) => Ok(pack(&bytes, rules.set)),
        Value::Set(members) => read_set(members, rules.set),
        Value::SortedPack(bytes) => Ok(sorted_pack(bytes.into_owned(), &rules.sorted)),
        Value::Sorted(members) => read_sorted(members, &rules.sorted),
        Value::HashPack(bytes) => Ok(hash::read_pack(bytes.into_owned(), &rules.hash)),
        Value::Hash(fields) => hash::read_fields(fields, &rules.hash),
        Value::Stream(parts) => {
            let stream = stream::of_parts(&parts)?;
            Ok(OwnedValue::Object(Box::new(Object::Stream(Box::new(stream)))))
        }
    }
}

fn string(text: Vec<u8>) -> OwnedValue {
    if text.len() > MAX_INLINE_VALUE {
        OwnedValue::Shared(Kind::SharedString, Arc::new(text))
    } else {
        OwnedValue::Bytes(Kind::String, text)
    }
}

fn ints(bytes: &[u8], rules: set::Rules) -> OwnedValue {
    let set = SetBuf::copy_of(SetRef::Ints(bytes), rules);
    let fits = intset::len(bytes) <= rules.limits.ints;
    if fits { set } else { set.into_table() }.into_owned()
}

fn pack(bytes: &[u8], rules: set::Rules) -> OwnedValue {
    let set = SetBuf::copy_of(SetRef::Pack(bytes), rules);
    let fits = listpack::len(bytes) <= rules.limits.entries && bytes.len() <= MAX_PACKED;
    if fits { set } else { set.into_table() }.into_owned()
}

fn read_set(members: Members<'_, '_>, rules: set::Rules) -> Result<OwnedValue, Corrupt> {
    let packed = members.left() <= rules.limits.ints as u64;
    let mut set = SetBuf::new(if packed { Kind::SetInts } else { Kind::SetTable }, rules);
    for member in members {
        if !set.add(Member::Text(&member?)) {
            return Err(Corrupt::new("a member that comes twice", 0));
        }
    }
    Ok(set.into_owned())
}

fn sorted_pack(bytes: Vec<u8>, rules: &sorted::Rules) -> OwnedValue {
    let set = SortedRef::Packed(&bytes);
    if set.len() <= rules.limits.entries && bytes.len() <= MAX_PACKED {
        return OwnedValue::Bytes(Kind::SortedPack, bytes);
    }
    let mut big = Big::new(rules.hash);
    let mut digits = [0; MAX_TEXT];
    for element in set.iter() {
        big.put(element.member.text(&mut digits), None, element.score);
    }
    OwnedValue::Object(Box::new(Object::Sorted(Box::new(big))))
}

fn read_sorted(members: Scored<'_, '_>, rules: &sorted::Rules) -> Result<OwnedValue, Corrupt> {
    let mut big = Big::new(rules.hash);
    for element in members {
        let (member, score) = element?;
        if big.score(&member).is_some() {
            return Err(Corrupt::new("a member that comes twice", 0));
        }
        big.put(&member, None, score);
    }
    if big.len() > rules.limits.entries {
        return Ok(OwnedValue::Object(Box::new(Object::Sorted(Box::new(big)))));
    }
    let mut small = Collected::default();
    big.tree().iter().for_each(|key| small.push(Member::Text(key.member), key.score));
    Ok(small.to_value(rules))
}
