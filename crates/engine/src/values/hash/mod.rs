//! Hashes.
//!
//! Structure: [`fields`]; encodings: [`encoding`]; and here what commands call: the hash of a key,
//! to be read ([`hash_of`]) or changed ([`HashGate`]). Every change goes through the key's gate, and
//! a call that changes nothing opens it without a change. Knows no words and no replies but what
//! a value answers.

pub mod encoding;
pub mod fields;

pub use encoding::{HashRef, Held, Limits, answer};
pub use fields::Fields;

use crate::error::Error;
use crate::keys::Keys;
use crate::keyspace::entry::MAX_PACKED;
use crate::keyspace::{Expiry, Gate, KeyHash, Kind, NewValue, ValueRef};
use crate::values::Object;
use encoding::place_in_pack;
use fastrand::Rng;
use larder_codec::listpack::{self, Encoded};

/// A value that must be a hash, if it is there, as it is at `now_ms`.
///
/// # Errors
/// [`Error::WrongType`] for any other value.
#[inline]
pub fn hash_of(value: Option<ValueRef<'_>>, now_ms: u64) -> Result<Option<HashRef<'_>>, Error> {
    match value {
        None => Ok(None),
        Some(ValueRef::Packed(Kind::HashPack, lp)) => Ok(Some(HashRef::Pack(lp))),
        Some(ValueRef::Object(_, Object::Hash(fields))) => Ok(Some(HashRef::Table(fields, now_ms))),
        Some(_) => Err(Error::WrongType),
    }
}

/// The hash of a key, as a use of it.
///
/// # Errors
/// [`Error::WrongType`]
#[inline]
pub fn read<'k>(keys: &'k Keys<'_>, key: &[u8]) -> Result<Option<HashRef<'k>>, Error> {
    hash_of(keys.read(key), keys.now_ms())
}

/// A generator for one command's random choices.
pub fn generator(keys: &Keys<'_>) -> Rng {
    Rng::with_seed(keys.random(u64::MAX))
}

/// What becomes of a field's deadline when its value is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ttl {
    /// It has none from then on.
    Clear,
    /// It keeps the one it has.
    Keep,
    /// It has this one, in Unix milliseconds.
    AtMs(u64),
}

/// The hash of a key, to be changed.
pub struct HashGate<'g> {
    gate: Gate<'g>,
    limits: Limits,
    hash: KeyHash,
}

impl<'g> HashGate<'g> {
    /// Opens the gate of a key, which must hold a hash or nothing.
    ///
    /// # Errors
    /// [`Error::WrongType`]
    #[inline]
    pub fn open(keys: &'g mut Keys<'_>, key: &'g [u8]) -> Result<HashGate<'g>, Error> {
        let (limits, hash) = (Limits::of(keys.config()), *keys.engine.hash());
        let gate = keys.write(key);
        hash_of(gate.value(), gate.now_ms())?;
        Ok(HashGate { gate, limits, hash })
    }

    /// Time of the command, in Unix milliseconds.
    pub fn now_ms(&self) -> u64 {
        self.gate.now_ms()
    }

    /// The hash, if the key has one.
    #[inline]
    pub fn hash(&self) -> Option<HashRef<'_>> {
        hash_of(self.gate.value(), self.gate.now_ms()).ok().flatten()
    }

    /// Removes those of some fields that are due already, so that what is done to them next starts
    /// from nothing; logged on its own.
    #[inline]
    pub fn remove_due<'f>(&mut self, fields: impl Iterator<Item = &'f [u8]>) {
        let now_ms = self.gate.now_ms();
        if let Some(HashRef::Table(table, _)) = self.hash()
            && table.any_due(now_ms)
        {
            let fields: Vec<&[u8]> = fields.collect();
            self.gate.expire_fields(|table| {
                let due = |field: &&&[u8]| {
                    table.dict().contains(field) && table.get(field, now_ms).is_none()
                };
                let due: Vec<Vec<u8>> = fields.iter().filter(due).map(|f| f.to_vec()).collect();
                due.into_iter().filter(|field| table.dict_mut().remove(field)).collect()
            });
        }
    }

    /// Sets fields, which stand in turn with their values, without a deadline; how many of them
    /// were not there.
    #[inline]
    pub fn set(&mut self, pairs: &[&[u8]]) -> usize {
        self.set_with(pairs, Ttl::Clear)
    }

    /// The same, with what becomes of their deadlines.
    pub fn set_with(&mut self, pairs: &[&[u8]], ttl: Ttl) -> usize {
        self.remove_due(pairs.iter().copied().step_by(2));
        if !matches!(self.hash(), Some(HashRef::Table(..))) {
            let added = match (ttl, pairs) {
                (Ttl::AtMs(_), _) => None,
                (_, &[field, value]) => self.set_packed(field, value),
                _ => self.set_all_packed(pairs),
            };
            if let Some(added) = added {
                return added;
            }
            self.become_table();
        }
        self.edit(|table| {
            let dict = table.dict_mut();
            let set = |pair: &&[&[u8]]| match ttl {
                Ttl::Clear => dict.insert(pair[0], pair[1]),
                Ttl::Keep => dict.insert_keeping_deadline(pair[0], pair[1]),
                Ttl::AtMs(at_ms) => dict.insert_until(pair[0], pair[1], Some(at_ms)),
            };
            pairs.chunks_exact(2).filter(set).count()
        })
    }

    /// Removes fields, and the key with the last of them; tells of each whether it was there.
    pub fn remove(&mut self, fields: &[&[u8]], mut tell: impl FnMut(bool)) -> usize {
        let Some(hash) = self.hash() else {
            fields.iter().for_each(|_| tell(false));
            return 0;
        };
        if !fields.iter().any(|field| hash.contains(field)) {
            fields.iter().for_each(|_| tell(false));
            return 0;
        }
        let mut removed = 0;
        if let HashRef::Pack(_) = hash {
            for field in fields {
                let was = self.remove_packed(field);
                removed += usize::from(was);
                tell(was);
            }
            return removed;
        }
        let now_ms = self.now_ms();
        let left = self.edit(|table| {
            for field in fields {
                let was = table.get(field, now_ms).is_some() && table.dict_mut().remove(field);
                removed += usize::from(was);
                tell(was);
            }
            table.dict().len()
        });
        if left == 0 {
            self.gate.remove();
        }
        removed
    }

    /// Counts fields that were given a deadline in the past, and so removed, among the expired ones.
    pub fn count_expired(&mut self, fields: usize) {
        self.gate.count_expired_fields(fields);
    }

    /// Sets or removes the deadlines of fields that are there.
    pub fn set_deadlines(&mut self, fields: &[&[u8]], deadline_ms: Option<u64>) {
        if let Some(HashRef::Pack(_)) = self.hash() {
            self.become_table();
        }
        self.edit(|table| {
            for field in fields {
                table.dict_mut().set_deadline(field, deadline_ms);
            }
        });
    }

    fn edit<R: Default>(&mut self, edit: impl FnOnce(&mut Fields) -> R) -> R {
        let edited = self.gate.edit_object(|object| match object {
            Object::Hash(fields) => edit(fields),
            _ => R::default(),
        });
        edited.unwrap_or_default()
    }

    fn become_table(&mut self) {
        let fields = match self.hash() {
            Some(HashRef::Pack(lp)) => Fields::of_pack(lp, self.hash),
            Some(HashRef::Table(..)) => return,
            None => Fields::new(self.hash),
        };
        self.gate.put(NewValue::Object(Box::new(Object::Hash(Box::new(fields)))), Expiry::Keep);
    }

    /// Sets one field of a packed hash where it stands; `None` when the encoding cannot take it.
    fn set_packed(&mut self, field: &[u8], value: &[u8]) -> Option<usize> {
        let limits = self.limits;
        if !limits.admit(&[field, value]) || limits.entries == 0 {
            return None;
        }
        let Some(HashRef::Pack(lp)) = self.hash() else {
            return self.set_all_packed(&[field, value]);
        };
        let value = Encoded::of(value);
        if let Some(at) = place_in_pack(lp, field).and_then(|place| listpack::next(lp, place)) {
            let cut = listpack::span(lp, at);
            if lp.len() - cut.len() + value.len() > MAX_PACKED {
                return None;
            }
            let at = cut.start;
            self.gate.splice_packed(cut, value.len(), |lp| {
                value.write_over(&mut lp[at..at + value.len()]);
                listpack::restate(lp, 0, 0);
            });
            return Some(0);
        }
        let field = Encoded::of(field);
        let room = field.len() + value.len();
        if listpack::len(lp) / 2 >= limits.entries || lp.len() + room > MAX_PACKED {
            return None;
        }
        let at = lp.len() - 1;
        let between = at + field.len();
        self.gate.splice_packed(at..at, room, |lp| {
            field.write_over(&mut lp[at..between]);
            value.write_over(&mut lp[between..at + room]);
            listpack::restate(lp, 2, 0);
        });
        Some(1)
    }

    /// Sets several fields of a packed hash; `None` when the encoding cannot take them, and nothing
    /// is changed then.
    fn set_all_packed(&mut self, pairs: &[&[u8]]) -> Option<usize> {
        let room: usize = pairs.iter().map(|text| listpack::encoded_size(text)).sum();
        let (bytes, len) = match self.hash() {
            Some(HashRef::Pack(lp)) => (lp.len(), listpack::len(lp) / 2),
            _ => (listpack::HEADER + 1, 0),
        };
        let fits = pairs.len() / 2 <= self.limits.entries
            && self.limits.admit(pairs)
            && bytes + room <= MAX_PACKED;
        if !fits || len + pairs.len() / 2 > self.limits.entries && self.outgrows(pairs) {
            return None;
        }
        Some(self.gate.edit_packed(Kind::HashPack, |lp| {
            if lp.is_empty() {
                lp.extend_from_slice(&listpack::new());
            }
            pairs.chunks_exact(2).filter(|pair| set_in_pack(lp, pair[0], pair[1])).count()
        }))
    }

    /// Whether the hash has too many fields with some new ones, none counted twice.
    fn outgrows(&self, pairs: &[&[u8]]) -> bool {
        let mut fields: Vec<&[u8]> = pairs.iter().copied().step_by(2).collect();
        fields.sort_unstable();
        fields.dedup();
        let hash = self.hash();
        fields.retain(|field| !hash.is_some_and(|hash| hash.contains(field)));
        hash.map_or(0, HashRef::len) + fields.len() > self.limits.entries
    }

    /// Removes a field of a packed hash, and the key with the last.
    fn remove_packed(&mut self, field: &[u8]) -> bool {
        let Some(HashRef::Pack(lp)) = self.hash() else { return false };
        let Some(place) = place_in_pack(lp, field) else { return false };
        if listpack::len(lp) <= 2 {
            return self.gate.remove();
        }
        let end = listpack::next(lp, place).map_or(place, |value| value);
        let cut = place.offset()..listpack::span(lp, end).end;
        self.gate.splice_packed(cut, 0, |lp| listpack::restate(lp, 0, 2));
        true
    }
}

/// Sets a field in the bytes of a packed hash; whether it was not there.
fn set_in_pack(lp: &mut Vec<u8>, field: &[u8], value: &[u8]) -> bool {
    let place = place_in_pack(lp, field).and_then(|place| listpack::next(lp, place));
    // The caller saw to it that both fit far below what a listpack may have.
    match place {
        Some(place) => {
            let _ = listpack::replace(lp, place, value);
        }
        None => {
            let _ = listpack::push_back(lp, field);
            let _ = listpack::push_back(lp, value);
        }
    }
    place.is_none()
}
