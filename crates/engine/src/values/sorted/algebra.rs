//! Union, intersection and difference of sorted sets, and of sets, whose members have the score 1.
//!
//! Knows no key but to read the inputs; what comes out is a [`Collected`].

use super::collect::Collected;
use super::{Element, Elements, SortedRef, sorted_of};
use crate::error::Error;
use crate::keyspace::{KeyHash, ValueRef};
use crate::values::set::{self, Member, SetRef};
use larder_codec::integer::MAX_TEXT;

/// How the scores that a member has in several inputs become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Aggregate {
    /// Their sum; 0 for that of both infinities.
    #[default]
    Sum,
    /// The least.
    Min,
    /// The greatest.
    Max,
}

/// An input of an operation.
#[derive(Debug, Clone, Copy)]
pub enum Source<'a> {
    /// A sorted set.
    Sorted(SortedRef<'a>),
    /// A set.
    Set(SetRef<'a>),
    /// Nothing.
    Missing,
}

/// An input and what its scores are multiplied by.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// The input.
    pub source: Source<'a>,
    /// Its weight.
    pub weight: f64,
}

impl Aggregate {
    fn join(self, held: f64, score: f64) -> f64 {
        match self {
            Aggregate::Sum => number(held + score),
            Aggregate::Min if score < held => score,
            Aggregate::Max if score > held => score,
            Aggregate::Min | Aggregate::Max => held,
        }
    }
}

impl<'a> Source<'a> {
    /// A value that must be a sorted set or a set, if it is there.
    ///
    /// # Errors
    /// [`Error::WrongType`]
    pub fn of(value: Option<ValueRef<'a>>) -> Result<Source<'a>, Error> {
        Ok(match (set::set_of(value), value) {
            (Ok(Some(set)), _) => Source::Set(set),
            (Ok(None), _) => Source::Missing,
            (Err(_), _) => sorted_of(value)?.map_or(Source::Missing, Source::Sorted),
        })
    }

    fn len(&self) -> usize {
        match self {
            Source::Sorted(set) => set.len(),
            Source::Set(set) => set.len(),
            Source::Missing => 0,
        }
    }

    fn score(&self, member: Member<'_>) -> Option<f64> {
        match self {
            Source::Sorted(set) => set.score(member.text(&mut [0; MAX_TEXT])),
            Source::Set(set) => set.contains(member).then_some(1.0),
            Source::Missing => None,
        }
    }

    fn iter(&self) -> SourceIter<'a> {
        match self {
            Source::Sorted(set) => SourceIter::Sorted(set.iter()),
            Source::Set(set) => SourceIter::Set(set.iter()),
            Source::Missing => SourceIter::Missing,
        }
    }
}

/// The members of any input. O(all of them)
pub fn unite(mut inputs: Vec<Input<'_>>, aggregate: Aggregate, hash: &KeyHash) -> Collected {
    let mut result = Collected::default();
    // The order in which Redis adds: sums depend on it.
    inputs.sort_by_key(|input| input.source.len());
    for Input { source, weight } in &inputs {
        for Element { member, score } in source.iter() {
            let score = number(weight * score);
            result.join(hash, member, score, |held, score| aggregate.join(held, score));
        }
    }
    result.sort();
    result
}

/// The members that all inputs have. O(smallest × inputs)
pub fn intersect(inputs: Vec<Input<'_>>, aggregate: Aggregate) -> Collected {
    let mut result = Collected::default();
    each_common(inputs, aggregate, |member, score| {
        result.push(member, score);
        true
    });
    result.sort();
    result
}

/// Visits the members that all inputs have, until `visit` says no.
pub fn each_common(
    mut inputs: Vec<Input<'_>>,
    aggregate: Aggregate,
    mut visit: impl FnMut(Member<'_>, f64) -> bool,
) {
    inputs.sort_by_key(|input| input.source.len());
    let Some((smallest, others)) = inputs.split_first() else { return };
    for Element { member, score } in smallest.source.iter() {
        let first = number(smallest.weight * score);
        let joined = others.iter().try_fold(first, |held, other| {
            let score = other.source.score(member)?;
            Some(aggregate.join(held, other.weight * score))
        });
        if let Some(score) = joined
            && !visit(member, score)
        {
            return;
        }
    }
}

/// The members of the first input that no other has. O(first × inputs)
pub fn subtract(inputs: &[Input<'_>]) -> Collected {
    let mut result = Collected::default();
    let Some((first, others)) = inputs.split_first() else { return result };
    let mut others: Vec<_> = others.iter().map(|input| input.source).collect();
    // The greatest first: they hit soonest.
    others.sort_by_key(|source| std::cmp::Reverse(source.len()));
    for Element { member, score } in first.source.iter() {
        if !others.iter().any(|other| other.score(member).is_some()) {
            result.push(member, score);
        }
    }
    result.sort();
    result
}

/// Elements of an input.
enum SourceIter<'a> {
    Sorted(Elements<'a>),
    Set(set::encoding::Iter<'a>),
    Missing,
}

impl<'a> Iterator for SourceIter<'a> {
    type Item = Element<'a>;

    fn next(&mut self) -> Option<Element<'a>> {
        match self {
            SourceIter::Sorted(elements) => elements.next(),
            SourceIter::Set(members) => members.next().map(|member| Element { member, score: 1.0 }),
            SourceIter::Missing => None,
        }
    }
}

/// 0 for what is no number.
fn number(score: f64) -> f64 {
    if score.is_nan() { 0.0 } else { score }
}
