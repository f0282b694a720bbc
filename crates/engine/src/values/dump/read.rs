//! A value out of its RDB form, in the encoding that the settings ask for.

use crate::config::Config;
use crate::keyspace::entry::MAX_INLINE_VALUE;
use crate::keyspace::{KeyHash, Kind, OwnedValue};
use crate::values::hash::{self, Fields};
use crate::values::set::{self, Member, SetBuf, SetRef};
use crate::values::sorted::{self, Big, Collected, SortedRef};
use crate::values::stream::{ConsumerParts, Figures, GroupParts, Id, Stream};
use crate::values::{Object, list};
use larder_codec::integer::MAX_TEXT;
use larder_codec::rdb::value::{Field, Members, Scored, Value, read as read_value};
use larder_codec::rdb::{self, Reader, Version};
use larder_codec::{Corrupt, intset, listpack};
use std::sync::Arc;

/// What values take from the engine they will live in.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    hash: hash::Limits,
    list: list::Limits,
    set: set::Rules,
    sorted: sorted::Rules,
}

impl Rules {
    /// As the settings say, for keys and members that hash with `hash`.
    pub fn new(config: &Config, hash: KeyHash) -> Rules {
        Rules {
            hash: hash::Limits::of(config),
            list: list::Limits::of(config),
            set: set::Rules { limits: set::Limits::of(config), hash },
            sorted: sorted::Rules { limits: sorted::Limits::of(config), hash },
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
    match read_value(reader, form, version)? {
        Value::String(text) => Ok(string(text.into_owned())),
        Value::List(nodes) => list::of_nodes(nodes, &rules.list),
        Value::SetInts(bytes) => Ok(ints(&bytes, rules.set)),
        Value::SetPack(bytes) => Ok(pack(&bytes, rules.set)),
        Value::Set(members) => read_set(members, rules.set),
        Value::HashPack(bytes) => Ok(hash_pack(bytes.into_owned(), rules)),
        Value::Hash(fields) => read_hash(fields, rules),
        Value::SortedPack(bytes) => Ok(sorted_pack(bytes.into_owned(), &rules.sorted)),
        Value::Sorted(members) => read_sorted(members, &rules.sorted),
        Value::Stream(parts) => stream_of(&parts),
    }
}

fn string(text: Vec<u8>) -> OwnedValue {
    if text.len() > MAX_INLINE_VALUE {
        OwnedValue::Shared(Arc::new(text))
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
    let fits = listpack::len(bytes) <= rules.limits.entries && bytes.len() <= MAX_INLINE_VALUE;
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
    if set.len() <= rules.limits.entries && bytes.len() <= MAX_INLINE_VALUE {
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

fn hash_pack(bytes: Vec<u8>, rules: &Rules) -> OwnedValue {
    if listpack::len(&bytes) / 2 <= rules.hash.entries && bytes.len() <= MAX_INLINE_VALUE {
        return OwnedValue::Bytes(Kind::HashPack, bytes);
    }
    let fields = Fields::of_pack(&bytes, rules.set.hash);
    OwnedValue::Object(Box::new(Object::Hash(Box::new(fields))))
}

fn read_hash(fields: rdb::value::Fields<'_, '_>, rules: &Rules) -> Result<OwnedValue, Corrupt> {
    let mut table = Fields::new(rules.set.hash);
    let may_be_packed = !fields.may_expire() && fields.left() <= rules.hash.entries as u64;
    let mut pack = may_be_packed.then(listpack::new);
    for field in fields {
        let Field { name, value, deadline_ms } = field?;
        if !table.dict_mut().insert_until(&name, &value, deadline_ms) {
            return Err(Corrupt::new("a field that comes twice", 0));
        }
        pack = pack.filter(|_| name.len().max(value.len()) <= rules.hash.value);
        if let Some(lp) = &mut pack {
            let added = [name, value].iter().all(|text| listpack::push_back(lp, text).is_ok());
            if !added || lp.len() > MAX_INLINE_VALUE {
                pack = None;
            }
        }
    }
    Ok(match pack {
        Some(lp) => OwnedValue::Bytes(Kind::HashPack, lp),
        None => OwnedValue::Object(Box::new(Object::Hash(Box::new(table)))),
    })
}

fn stream_of(parts: &rdb::stream::Stream<'_>) -> Result<OwnedValue, Corrupt> {
    let figures = Figures {
        last_id: id_of(parts.last_id),
        max_deleted_id: id_of(parts.max_deleted_id),
        entries_added: parts.entries_added,
    };
    let groups: Vec<_> = parts.groups.iter().map(group_of).collect();
    let nodes = parts.nodes.iter().map(|(id, lp)| (id_of(*id), lp));
    let stream = Stream::of_parts(nodes, figures, &groups)?;
    Ok(OwnedValue::Object(Box::new(Object::Stream(Box::new(stream)))))
}

fn group_of(group: &rdb::stream::Group<'_>) -> GroupParts {
    let moment = |ms: i64| u64::try_from(ms).unwrap_or(0);
    let consumer = |consumer: &rdb::stream::Consumer<'_>| ConsumerParts {
        name: consumer.name.to_vec(),
        seen_ms: moment(consumer.seen_ms),
        active_ms: u64::try_from(consumer.active_ms).ok(),
        pending: Vec::new(),
    };
    let mut consumers: Vec<_> = group.consumers.iter().map(consumer).collect();
    for pending in &group.pending {
        if let Some(owner) = consumers.get_mut(pending.consumer) {
            owner.pending.push(id_of(pending.id));
        }
    }
    let pending = group.pending.iter();
    GroupParts {
        name: group.name.to_vec(),
        last_id: id_of(group.last_id),
        entries_read: group.entries_read,
        pending: pending.map(|p| (id_of(p.id), moment(p.delivered_ms), p.deliveries)).collect(),
        consumers,
    }
}

fn id_of((ms, seq): rdb::stream::Id) -> Id {
    Id { ms, seq }
}
