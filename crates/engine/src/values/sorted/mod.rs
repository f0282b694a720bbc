//! Sorted sets: a small one is a listpack in its entry, a large one a [`Big`].
//!
//! Order: [`score`], [`compact`] → [`page`] → [`node`], [`tree`], [`cursor`] (the elements in
//! order) → [`big`] (and by name), [`pack`] (the small form) → [`range`], [`view`] (reading either)
//! → [`collect`], [`algebra`] (making new ones) → this file: changing a key's sorted set through
//! its gate. Names of encodings, and where one becomes the other, are Redis 7.2's; a sorted set
//! never becomes small again but by being made anew. Knows no words of commands and no replies but
//! what an element answers.

pub mod algebra;
pub mod big;
pub mod collect;
mod compact;
pub mod cursor;
mod node;
mod pack;
mod page;
pub mod range;
pub mod score;
#[cfg(test)]
mod tests;
pub mod tree;
pub mod view;

pub use big::Big;
pub use collect::Collected;
pub use range::{LexEnd, LexRange, ScoreEnd, ScoreRange};
pub use score::Key;
pub use tree::Tree;
pub use view::{Element, Elements, SortedRef};

use crate::config::Config;
use crate::error::Error;
use crate::keys::Keys;
use crate::keyspace::entry::MAX_PACKED;
use crate::keyspace::{Expiry, Gate, KeyHash, Kind, NewValue, ValueRef};
use crate::values::Object;
use larder_codec::integer::MAX_TEXT;
use larder_codec::listpack;
use pack::Change;
use std::ops::Range;

const NOT_A_NUMBER: Error = Error::text("ERR resulting score is not a number (NaN)");

/// Bounds of the small form.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// `zset-max-listpack-entries`
    pub entries: usize,
    /// `zset-max-listpack-value`, in bytes
    pub value: usize,
}

/// What sorted sets take from the engine.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// Bounds of the small form.
    pub limits: Limits,
    /// How members hash.
    pub hash: KeyHash,
}

impl Rules {
    /// Of the engine that holds these keys.
    pub fn of(keys: &Keys<'_>) -> Rules {
        Rules { limits: Limits::of(keys.config()), hash: *keys.engine.hash() }
    }
}

impl Limits {
    /// What the settings say.
    pub fn of(config: &Config) -> Limits {
        Limits {
            entries: config.zset_max_listpack_entries(),
            value: config.zset_max_listpack_value(),
        }
    }
}

/// When, and how, a score that is given becomes a member's: the options of `ZADD`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Putting {
    /// `NX`: of members that are not there.
    pub only_new: bool,
    /// `XX`: of members that are.
    pub only_old: bool,
    /// `GT`: where it is greater than the old one, if there is one.
    pub only_greater: bool,
    /// `LT`: where it is less.
    pub only_less: bool,
    /// `INCR`: it is added to the old one.
    pub increment: bool,
}

/// What came of putting scores.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Put {
    /// Members that were not there.
    pub added: usize,
    /// Members with another score than before.
    pub updated: usize,
    /// The score of the last member, unless a condition forbade it.
    pub score: Option<f64>,
}

impl Putting {
    /// The score that a member gets; none where a condition forbids it.
    fn decide(&self, old: Option<f64>, given: f64) -> Result<Option<f64>, Error> {
        let Some(old) = old else { return Ok((!self.only_old).then_some(given)) };
        if self.only_new {
            return Ok(None);
        }
        let score = if self.increment { old + given } else { given };
        if score.is_nan() {
            return Err(NOT_A_NUMBER);
        }
        let refused = self.only_greater && score <= old || self.only_less && score >= old;
        Ok((!refused).then_some(score))
    }
}

impl Put {
    /// Notes what becomes of a member; whether that changes it.
    fn note(&mut self, old: Option<f64>, new: Option<f64>) -> bool {
        self.score = new;
        match (old, new) {
            (_, None) => false,
            (None, Some(_)) => {
                self.added += 1;
                true
            }
            (Some(old), Some(new)) => {
                self.updated += usize::from(old != new);
                old != new
            }
        }
    }
}

/// A value that must be a sorted set, if it is there.
///
/// # Errors
/// [`Error::WrongType`]
#[inline]
pub fn sorted_of(value: Option<ValueRef<'_>>) -> Result<Option<SortedRef<'_>>, Error> {
    match value {
        None => Ok(None),
        Some(ValueRef::Packed(Kind::SortedPack, lp)) => Ok(Some(SortedRef::Packed(lp))),
        Some(ValueRef::Object(_, Object::Sorted(big))) => Ok(Some(SortedRef::Big(big))),
        Some(_) => Err(Error::WrongType),
    }
}

/// Puts scores, one after the other.
///
/// # Errors
/// [`Error::WrongType`], and where one increment gives no number; nothing is changed then.
pub fn put(
    gate: &mut Gate<'_>,
    pairs: &[(f64, &[u8])],
    putting: Putting,
    rules: &Rules,
) -> Result<Put, Error> {
    let Rules { limits, .. } = rules;
    let mut put = Put::default();
    match sorted_of(gate.value())? {
        Some(SortedRef::Big(_)) => return put_into_big(gate, pairs, putting),
        Some(SortedRef::Packed(_)) if pairs.len() > limits.entries => {
            become_big(gate, rules);
            return put_into_big(gate, pairs, putting);
        }
        Some(SortedRef::Packed(_)) => {}
        None if putting.only_old => return Ok(put),
        None => {
            let Some((_, first)) = pairs.first() else { return Ok(put) };
            if pairs.len() > limits.entries || first.len() > limits.value {
                become_big(gate, rules);
                return put_into_big(gate, pairs, putting);
            }
        }
    }
    for (at, (given, member)) in pairs.iter().enumerate() {
        if !put_into_packed(gate, *given, member, putting, limits, &mut put)? {
            become_big(gate, rules);
            let rest = put_into_big(gate, &pairs[at..], putting)?;
            put.added += rest.added;
            put.updated += rest.updated;
            put.score = rest.score;
            break;
        }
    }
    Ok(put)
}

/// Takes members out of a key's sorted set, and the key with the last of them; how many were
/// there.
///
/// # Errors
/// [`Error::WrongType`]
pub fn remove(gate: &mut Gate<'_>, members: &[&[u8]]) -> Result<usize, Error> {
    match sorted_of(gate.value())? {
        None => Ok(0),
        Some(SortedRef::Packed(_)) => {
            let mut removed = 0;
            for member in members {
                // With its last element the key is gone.
                let Some(SortedRef::Packed(lp)) = sorted_of(gate.value())? else { break };
                let Some(place) = pack::find(lp, member) else { continue };
                removed += 1;
                if pack::len(lp) == 1 {
                    gate.remove();
                } else {
                    let change = pack::removal_at(lp, &place);
                    apply(gate, &change);
                }
            }
            Ok(removed)
        }
        Some(SortedRef::Big(big)) => {
            let Some(first) = members.iter().position(|member| big.score(member).is_some()) else {
                return Ok(0);
            };
            let members = members[first..].iter();
            let (removed, left) = edit_big(gate, |big| {
                let removed = members.filter(|member| big.remove(member).is_some()).count();
                (removed, big.len())
            });
            if left == 0 {
                gate.remove();
            }
            Ok(removed)
        }
    }
}

/// Takes the elements of some ranks out of a key's sorted set, and the key with the last of them.
pub fn remove_ranks(gate: &mut Gate<'_>, ranks: Range<usize>) {
    match sorted_of(gate.value()) {
        Ok(Some(_)) if ranks.is_empty() => {}
        Ok(Some(set)) if ranks.len() >= set.len() => drop(gate.remove()),
        Ok(Some(SortedRef::Packed(lp))) => {
            let change = pack::removal(lp, ranks);
            apply(gate, &change);
        }
        Ok(Some(SortedRef::Big(_))) => edit_big(gate, |big| big.remove_ranks(ranks)),
        Ok(None) | Err(_) => {}
    }
}

/// Puts one score into a small set; `false` where the set cannot stay small.
fn put_into_packed(
    gate: &mut Gate<'_>,
    given: f64,
    member: &[u8],
    putting: Putting,
    limits: &Limits,
    put: &mut Put,
) -> Result<bool, Error> {
    let Some(SortedRef::Packed(lp)) = sorted_of(gate.value())? else {
        return Ok(begin(gate, given, member, putting, limits, put));
    };
    let place = pack::find(lp, member);
    let old = place.map(|place| place.score);
    let new = putting.decide(old, given)?;
    let change = match (place, new) {
        (Some(place), Some(new)) if place.score != new => {
            pack::rescoring(lp, &place, &Key::new(new, member))
        }
        (None, Some(new)) => {
            if pack::len(lp) >= limits.entries || member.len() > limits.value {
                return Ok(false);
            }
            pack::insertion(lp, &Key::new(new, member))
        }
        _ => {
            put.note(old, new);
            return Ok(true);
        }
    };
    if change.len_after(lp) > MAX_PACKED {
        return Ok(false);
    }
    put.note(old, new);
    apply(gate, &change);
    Ok(true)
}

/// Makes a small set of one member where nothing is; `false` where it would be too large.
fn begin(
    gate: &mut Gate<'_>,
    given: f64,
    member: &[u8],
    putting: Putting,
    limits: &Limits,
    put: &mut Put,
) -> bool {
    let key = Key::new(given, member);
    if putting.only_old {
        put.score = None;
        return true;
    }
    let bytes = listpack::HEADER + 1 + pack::encoded_len(&key);
    if limits.entries == 0 || member.len() > limits.value || bytes > MAX_PACKED {
        return false;
    }
    put.note(None, Some(given));
    gate.edit_packed(Kind::SortedPack, |lp| {
        *lp = listpack::with_capacity(bytes);
        pack::push(lp, &key);
    });
    true
}

fn put_into_big(
    gate: &mut Gate<'_>,
    pairs: &[(f64, &[u8])],
    putting: Putting,
) -> Result<Put, Error> {
    let mut put = Put::default();
    let Some(SortedRef::Big(big)) = sorted_of(gate.value())? else { return Ok(put) };
    // What changes nothing must not look like a change.
    for (at, (given, member)) in pairs.iter().enumerate() {
        let old = big.score(member);
        let new = putting.decide(old, *given)?;
        if !put.note(old, new) {
            continue;
        }
        let rest = &pairs[at + 1..];
        edit_big(gate, |big| {
            big.put(member, old, new.unwrap_or_default());
            for (given, member) in rest {
                let old = big.score(member);
                // One increment comes alone, so that nothing fails here.
                let new = putting.decide(old, *given).unwrap_or(None);
                if put.note(old, new) {
                    big.put(member, old, new.unwrap_or_default());
                }
            }
        });
        break;
    }
    Ok(put)
}

/// Turns a small sorted set, or none, into a big one.
#[cold]
fn become_big(gate: &mut Gate<'_>, rules: &Rules) {
    let mut big = Big::new(rules.hash);
    if let Ok(Some(set)) = sorted_of(gate.value()) {
        for Element { member, score } in set.iter() {
            big.put(member.text(&mut [0; MAX_TEXT]), None, score);
        }
    }
    gate.put(NewValue::Object(Box::new(Object::Sorted(Box::new(big)))), Expiry::Keep);
}

fn apply(gate: &mut Gate<'_>, change: &Change) {
    gate.splice_packed(change.cut.clone(), change.put.len(), |lp| change.fill(lp));
}

/// Changes a big sorted set.
fn edit_big<R: Default>(gate: &mut Gate<'_>, edit: impl FnOnce(&mut Big) -> R) -> R {
    gate.edit_object(|object| match object {
        Object::Sorted(big) => edit(big),
        _ => R::default(),
    })
    .unwrap_or_default()
}
