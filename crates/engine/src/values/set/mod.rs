//! Sets.
//!
//! Structure: [`members`]; encodings: [`encoding`]; what is done with whole sets: [`algebra`] and
//! [`sample`]; and here what commands call: sets by their keys. Every change goes through the
//! key's gate, and a call that changes nothing opens it without a change. Knows no words and
//! no replies but what a member answers.

pub mod algebra;
pub mod encoding;
pub mod members;
pub mod sample;
#[cfg(test)]
mod tests;

pub use encoding::{Limits, Member, Rules, SetBuf, SetRef};
pub use members::Members;
pub use sample::Texts;

use crate::error::Error;
use crate::keys::Keys;
use crate::keyspace::{Expiry, Gate, Kind, ValueRef};
use crate::values::Object;
use encoding::{Step, add_packed, empty_packed, remove_packed};
use fastrand::Rng;

/// A table gives members up one by one when so many times those that stay are more than those that
/// go; else it is built anew from those that stay.
const REBUILD_BELOW: usize = 5;

/// A value that must be a set, if it is there.
///
/// # Errors
/// [`Error::WrongType`] for any other value.
pub fn set_of(value: Option<ValueRef<'_>>) -> Result<Option<SetRef<'_>>, Error> {
    match value {
        None => Ok(None),
        Some(ValueRef::Packed(Kind::SetInts, bytes)) => Ok(Some(SetRef::Ints(bytes))),
        Some(ValueRef::Packed(Kind::SetPack, bytes)) => Ok(Some(SetRef::Pack(bytes))),
        Some(ValueRef::Object(_, Object::Set(members))) => Ok(Some(SetRef::Table(members))),
        Some(_) => Err(Error::WrongType),
    }
}

/// What sets take from the engine.
pub fn rules(keys: &Keys<'_>) -> Rules {
    Rules { limits: Limits::of(keys.config()), hash: *keys.engine.hash() }
}

/// A generator for one command's random choices.
pub fn generator(keys: &Keys<'_>) -> Rng {
    Rng::with_seed(keys.random(u64::MAX))
}

/// Adds members to a key's set; how many were not there.
///
/// # Errors
/// [`Error::WrongType`]
pub fn add(keys: &mut Keys<'_>, key: &[u8], members: &[&[u8]]) -> Result<usize, Error> {
    let Some(first) = members.first() else { return Ok(0) };
    let rules = rules(keys);
    let mut gate = keys.write(key);
    let (old, kind, news) = match set_of(gate.value())? {
        None => (None, rules.first_kind(Member::Text(first), members.len()), members),
        Some(set) => {
            let lacks = |member: &&[u8]| !set.contains(Member::Text(member));
            let Some(at) = members.iter().position(lacks) else { return Ok(0) };
            (Some(set.kind()), rules.widened(set.kind(), members.len()), &members[at..])
        }
    };
    if kind != Kind::SetTable {
        return Ok(add_to_packed(&mut gate, kind, news, rules));
    }
    if old == Some(Kind::SetTable) {
        let added = gate.edit_object(|object| insert_all(object, news));
        return Ok(added.unwrap_or(0));
    }
    let set = match set_of(gate.value())? {
        Some(set) => SetBuf::copy_of(set, rules).into_table(),
        None => SetBuf::new(kind, rules),
    };
    Ok(add_and_put(set, &mut gate, news))
}

/// Takes members out of a key's set, and the key with the last of them; how many were there.
///
/// # Errors
/// [`Error::WrongType`]
pub fn remove(keys: &mut Keys<'_>, key: &[u8], members: &[&[u8]]) -> Result<usize, Error> {
    let mut gate = keys.write(key);
    let Some(set) = set_of(gate.value())? else { return Ok(0) };
    let has = |member: &&[u8]| set.contains(Member::Text(member));
    let Some(at) = members.iter().position(has) else { return Ok(0) };
    let (before, kind) = (set.len(), set.kind());
    if before == 1 {
        gate.remove();
        return Ok(1);
    }
    let members = members[at..].iter();
    let removed = if kind == Kind::SetTable {
        let removed = gate.edit_object(|object| match object {
            Object::Set(set) => members.filter(|member| set.remove(member)).count(),
            _ => 0,
        });
        removed.unwrap_or(0)
    } else {
        gate.edit_packed(kind, |bytes| {
            members.filter(|member| remove_packed(kind, bytes, Member::Text(member))).count()
        })
    };
    if removed == before {
        gate.remove();
    }
    Ok(removed)
}

/// Moves a member from one key's set to another's; whether it was there.
///
/// # Errors
/// [`Error::WrongType`] if there is a set to move from and either value is none.
pub fn shift(keys: &mut Keys<'_>, from: &[u8], to: &[u8], member: &[u8]) -> Result<bool, Error> {
    let Some(source) = set_of(keys.peek(keys.db(), from))? else { return Ok(false) };
    set_of(keys.peek(keys.db(), to))?;
    if !source.contains(Member::Text(member)) {
        return Ok(false);
    }
    if from != to {
        remove(keys, from, &[member])?;
        add(keys, to, &[member])?;
    }
    Ok(true)
}

/// Takes up to `count` random members out of a key's set, and the key with the last of them.
///
/// # Errors
/// [`Error::WrongType`]
pub fn pop(keys: &mut Keys<'_>, key: &[u8], count: usize) -> Result<Texts, Error> {
    let (rules, mut rng) = (rules(keys), generator(keys));
    let mut gate = keys.write(key);
    let mut texts = Texts::default();
    let Some(set) = set_of(gate.value())? else { return Ok(texts) };
    if count == 0 {
        return Ok(texts);
    }
    let Some(left) = set.len().checked_sub(count).filter(|&left| left > 0) else {
        set.iter().for_each(|member| {
            texts.push(member);
        });
        gate.remove();
        return Ok(texts);
    };
    let kind = set.kind();
    if kind == Kind::SetTable && left.saturating_mul(REBUILD_BELOW) > count {
        gate.edit_object(|object| pop_from_table(object, count, &mut rng, &mut texts));
    } else if kind != Kind::SetTable && count == 1 {
        gate.edit_packed(kind, |bytes| pop_from_packed(kind, bytes, &mut rng, &mut texts));
    } else {
        let (chosen, others) = sample::split(set, count, rules, &mut rng);
        others.put(&mut gate, Expiry::Keep);
        texts = chosen;
    }
    Ok(texts)
}

/// The sets of some keys, as a use of them; a missing one is none.
///
/// # Errors
/// [`Error::WrongType`]
pub fn read_all<'k>(keys: &'k Keys<'_>, names: &[&[u8]]) -> Result<Vec<Option<SetRef<'k>>>, Error> {
    names.iter().map(|name| set_of(keys.read(name))).collect()
}

/// Visits the members that the sets of all keys have, until `visit` says no.
///
/// # Errors
/// [`Error::WrongType`]
pub fn each_common<'k>(
    keys: &'k Keys<'_>,
    names: &[&[u8]],
    visit: impl FnMut(Member<'k>) -> bool,
) -> Result<(), Error> {
    let sets = read_all(keys, names)?;
    if let Some(sets) = sets.into_iter().collect::<Option<Vec<_>>>() {
        algebra::intersect(sets, visit);
    }
    Ok(())
}

/// What a command does with several sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Members that all have.
    Intersection,
    /// Members that any has.
    Union,
    /// Members of the first that no other has.
    Difference,
}

/// The result of an operation on the sets of some keys, to be answered.
///
/// # Errors
/// [`Error::WrongType`]
pub fn combine(keys: &Keys<'_>, names: &[&[u8]], operation: Operation) -> Result<SetBuf, Error> {
    let sets = read_all(keys, names)?;
    let present: Vec<_> = sets.iter().copied().flatten().collect();
    let mut result = algebra::to_answer(&present, rules(keys));
    combine_into(sets, operation, &mut result);
    Ok(result)
}

/// Stores the result of an operation on the sets of some keys, or removes the destination when
/// there is none; its members.
///
/// # Errors
/// [`Error::WrongType`] for a key; the destination may have held anything.
pub fn combine_and_store(
    keys: &mut Keys<'_>,
    destination: &[u8],
    names: &[&[u8]],
    operation: Operation,
) -> Result<usize, Error> {
    let (sets, rules) = (read_all(keys, names)?, rules(keys));
    let mut result = match operation {
        Operation::Intersection => algebra::to_store_common(&sets, rules),
        Operation::Union | Operation::Difference => algebra::to_store(rules),
    };
    combine_into(sets, operation, &mut result);
    if operation == Operation::Intersection {
        result = result.into_ints();
    }
    let len = result.as_set().len();
    let mut gate = keys.write(destination);
    if len == 0 {
        gate.remove();
    } else {
        result.put(&mut gate, Expiry::Clear);
    }
    Ok(len)
}

fn combine_into(sets: Vec<Option<SetRef<'_>>>, operation: Operation, result: &mut SetBuf) {
    match operation {
        Operation::Intersection => {
            if let Some(sets) = sets.into_iter().collect::<Option<Vec<_>>>() {
                algebra::intersect(sets, |member| {
                    result.add(member);
                    true
                });
            }
        }
        Operation::Union => {
            algebra::unite(&sets.into_iter().flatten().collect::<Vec<_>>(), result);
        }
        Operation::Difference => {
            let mut sets = sets.into_iter();
            if let Some(Some(first)) = sets.next() {
                algebra::subtract(first, sets.flatten().collect(), result);
            }
        }
    }
}

/// Adds to a packed set in place, and goes on in a wider encoding when it is outgrown.
fn add_to_packed(gate: &mut Gate<'_>, kind: Kind, members: &[&[u8]], rules: Rules) -> usize {
    let (added, done) = gate.edit_packed(kind, |bytes| {
        if bytes.is_empty() {
            bytes.extend_from_slice(&empty_packed(kind));
        }
        let mut added = 0;
        for (at, member) in members.iter().enumerate() {
            match add_packed(kind, bytes, Member::Text(member), &rules.limits) {
                Step::Added => added += 1,
                Step::Present => {}
                Step::Outgrown => return (added, at),
            }
        }
        (added, members.len())
    });
    if done == members.len() {
        return added;
    }
    let set = match set_of(gate.value()) {
        Ok(Some(set)) => SetBuf::copy_of(set, rules),
        _ => SetBuf::new(kind, rules),
    };
    added + add_and_put(set, gate, &members[done..])
}

fn add_and_put(mut set: SetBuf, gate: &mut Gate<'_>, members: &[&[u8]]) -> usize {
    let added = members.iter().filter(|member| set.add(Member::Text(member))).count();
    set.put(gate, Expiry::Keep);
    added
}

fn pop_from_table(object: &mut Object, count: usize, rng: &mut Rng, texts: &mut Texts) {
    let Object::Set(set) = object else { return };
    for _ in 0..count {
        let Some(text) = set.random(|bound| rng.u64(..bound)) else { return };
        let text = texts.push(Member::Text(text));
        set.remove(text);
    }
}

fn pop_from_packed(kind: Kind, bytes: &mut Vec<u8>, rng: &mut Rng, texts: &mut Texts) {
    let set = if kind == Kind::SetInts { SetRef::Ints(bytes) } else { SetRef::Pack(bytes) };
    let Some(member) = set.random(rng) else { return };
    let text = texts.push(member);
    remove_packed(kind, bytes, Member::Text(text));
}

fn insert_all(object: &mut Object, members: &[&[u8]]) -> usize {
    match object {
        Object::Set(set) => members.iter().filter(|member| set.insert(member)).count(),
        _ => 0,
    }
}
