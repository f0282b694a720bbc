//! Intersection, union and difference of sets, whatever their encodings.
//!
//! Knows no key: [`super`] finds the sets and stores what comes out.

use super::encoding::{Member, Rules, SetBuf, SetRef};
use crate::keyspace::Kind;

/// Visits the members that all sets have, until `visit` says no. O(smallest × sets).
pub fn intersect<'a>(mut sets: Vec<SetRef<'a>>, mut visit: impl FnMut(Member<'a>) -> bool) {
    // The smallest first: whatever it lacks, all lack; small ones miss soonest.
    sets.sort_by_key(|set| set.len());
    let Some((smallest, others)) = sets.split_first() else { return };
    for member in smallest.iter() {
        if others.iter().all(|set| set.contains(member)) && !visit(member) {
            return;
        }
    }
}

/// The members that any of the sets has. O(all members).
pub fn unite(sets: &[SetRef<'_>], result: &mut SetBuf) {
    for member in sets.iter().flat_map(|set| set.iter()) {
        result.add(member);
    }
}

/// The members of the first set that no other has. O(first × sets), or O(all members) where that
/// is less.
pub fn subtract(first: SetRef<'_>, mut others: Vec<SetRef<'_>>, result: &mut SetBuf) {
    // Looking up each member costs the first set's size per set; taking out costs every member
    // of every set. A look-up ends at the first hit, which is worth a factor of two.
    let look_up = first.len().saturating_mul(others.len() + 1) / 2;
    let take_out = others.iter().fold(first.len(), |sum, set| sum.saturating_add(set.len()));
    if look_up <= take_out {
        // The greatest first: they hit soonest.
        others.sort_by_key(|set| std::cmp::Reverse(set.len()));
        for member in first.iter() {
            if !others.iter().any(|set| set.contains(member)) {
                result.add(member);
            }
        }
        return;
    }
    unite(&[first], result);
    for member in others.iter().flat_map(|set| set.iter()) {
        if result.as_set().is_empty() {
            return;
        }
        result.remove(member);
    }
}

/// An empty set for a union or a difference that will be stored: in the smallest encoding.
pub fn to_store(rules: Rules) -> SetBuf {
    SetBuf::new(Kind::SetInts, rules)
}

/// An empty set for an intersection that will be stored: in the encoding of the smallest set, or in
/// a listpack where that is a table, for the result may be small.
pub fn to_store_common(sets: &[Option<SetRef<'_>>], rules: Rules) -> SetBuf {
    let smallest = sets.iter().flatten().min_by_key(|set| set.len());
    let ints = smallest.is_none_or(|set| set.kind() == Kind::SetInts);
    SetBuf::new(if ints { Kind::SetInts } else { Kind::SetPack }, rules)
}

/// An empty set for a result that will only be answered: in an encoding that finds fast.
pub fn to_answer(sets: &[SetRef<'_>], rules: Rules) -> SetBuf {
    let ints = sets.iter().all(|set| set.kind() == Kind::SetInts);
    SetBuf::new(if ints { Kind::SetInts } else { Kind::SetTable }, rules)
}
