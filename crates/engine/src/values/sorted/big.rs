//! A sorted set that outgrew its entry: a [`Tree`] in order, and a table from members to scores.
//!
//! Both hold the members' bytes, and scores as [`super::compact`] writes them. A copy shares what
//! it can, see the two. Knows no key and no limits; next: [`super`].

use super::compact::{self, Compact};
use super::range::{LexEnd, LexRange, ScoreRange};
use super::score::Key;
use super::tree::Tree;
use crate::keyspace::KeyHash;
use crate::values::dict::{Dict, Value};
use smallvec::SmallVec;
use std::ops::Range;

/// Members and their scores.
#[derive(Debug, Clone)]
pub struct Big {
    tree: Tree,
    scores: Dict,
}

impl Big {
    /// An empty sorted set whose members hash with `hash`.
    pub fn new(hash: KeyHash) -> Self {
        Big { tree: Tree::default(), scores: Dict::new(hash) }
    }

    /// Members.
    #[inline]
    pub fn len(&self) -> usize {
        self.tree.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.tree.is_empty()
    }

    /// Bytes that it takes. O(1).
    pub fn bytes(&self) -> u64 {
        // The table counts its own struct.
        size_of::<Tree>() as u64 + self.tree.bytes() + self.scores.bytes()
    }

    /// The elements in order.
    #[inline]
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// The table from members to scores.
    pub(crate) fn scores(&self) -> &Dict {
        &self.scores
    }

    /// The score of a member. O(1).
    #[inline]
    pub fn score(&self, member: &[u8]) -> Option<f64> {
        self.scores.get(member).map(read)
    }

    /// How many elements stand before a member, and its score. O(log n)
    pub fn rank(&self, member: &[u8]) -> Option<(usize, f64)> {
        let score = self.score(member)?;
        Some((self.tree.rank(&Key::new(score, member)), score))
    }

    /// Sets the score of a member that has the score `old`, or is not there. O(log n)
    pub fn put(&mut self, member: &[u8], old: Option<f64>, score: f64) {
        self.scores.insert(member, Compact::of(score).as_value());
        match old {
            Some(old) => self.tree.rescore(&Key::new(old, member), score),
            None => self.tree.insert(&Key::new(score, member)),
        }
    }

    /// Takes a member out; its score, if it was there. O(log n)
    pub fn remove(&mut self, member: &[u8]) -> Option<f64> {
        let score = self.score(member)?;
        self.scores.remove(member);
        self.tree.remove(&Key::new(score, member));
        Some(score)
    }

    /// Takes the elements of some ranks out. O(log n), and O(1) for each.
    pub fn remove_ranks(&mut self, ranks: Range<usize>) {
        for key in self.tree.range(ranks.clone(), false) {
            self.scores.remove(key.member);
        }
        self.tree.remove_range(ranks);
    }

    /// The ranks that a range of scores covers. O(log n)
    pub fn ranks_of_scores(&self, range: &ScoreRange) -> Range<usize> {
        let before = |score: f64| self.tree.rank(&Key::new(score, b""));
        // What is not above a score is before the next one.
        let through = |score: f64| {
            if score == f64::INFINITY { self.len() } else { before(score.next_up()) }
        };
        let start = if range.min.open { through(range.min.score) } else { before(range.min.score) };
        let end = if range.max.open { before(range.max.score) } else { through(range.max.score) };
        start..end.max(start)
    }

    /// The ranks that a range of members covers, all scores being equal. O(log n)
    pub fn ranks_of_members(&self, range: &LexRange<'_>) -> Range<usize> {
        let Some(Key { score, .. }) = self.tree.get(0) else { return 0..0 };
        let before = |member: &[u8]| self.tree.rank(&Key::new(score, member));
        // No other stands between a member and the same with a zero byte.
        let through = |member: &[u8]| {
            let mut next: SmallVec<[u8; 128]> = SmallVec::from_slice(member);
            next.push(0);
            before(&next)
        };
        let start = match range.min {
            LexEnd::Least => 0,
            LexEnd::At(member) => before(member),
            LexEnd::Beside(member) => through(member),
            LexEnd::Greatest => self.len(),
        };
        let end = match range.max {
            LexEnd::Least => 0,
            LexEnd::At(member) => through(member),
            LexEnd::Beside(member) => before(member),
            LexEnd::Greatest => self.len(),
        };
        start..end.max(start)
    }

    /// Visits some members, about eight; returns the next cursor, 0 after the last. See
    /// [`Dict::scan`].
    pub fn scan<'a>(&'a self, cursor: u64, mut visit: impl FnMut(Key<'a>)) -> u64 {
        self.scores.scan(cursor, |member, value| visit(Key::new(read(value), member)))
    }

    /// Frees about so many elements, to spread the end of a great set over several steps; whether
    /// it is done. The set is good for nothing else from then on.
    pub fn free_some(&mut self, budget: usize) -> bool {
        self.tree.free_some(budget) && self.scores.free_some(budget)
    }
}

#[inline]
fn read(value: Value<'_>) -> f64 {
    compact::of_value(value.value)
}
