//! A sorted set to read, whatever its encoding.
//!
//! Knows no key and no gate; next: [`super`] changes sorted sets by their keys.

use super::big::Big;
use super::cursor;
use super::pack;
use super::range::{LexRange, ScoreRange};
use super::score;
use crate::keyspace::Kind;
use crate::reply::Reply;
use crate::values::set::Member;
use fastrand::Rng;
use hashbrown::HashSet;
use larder_codec::integer::MAX_TEXT;
use larder_codec::listpack;
use std::ops::Range;

/// Choosing so many elements that fewer than one in this many is left out walks over all instead
/// of looking each up.
const WALK_FROM: usize = 3;

/// A sorted set as a reader sees it.
#[derive(Debug, Clone, Copy)]
pub enum SortedRef<'a> {
    /// A small one: bytes of a listpack.
    Packed(&'a [u8]),
    /// A big one.
    Big(&'a Big),
}

/// A member and its score.
#[derive(Debug, Clone, Copy)]
pub struct Element<'a> {
    /// The member.
    pub member: Member<'a>,
    /// The score.
    pub score: f64,
}

impl<'a> SortedRef<'a> {
    /// Members.
    #[inline]
    pub fn len(&self) -> usize {
        match self {
            SortedRef::Packed(lp) => pack::len(lp),
            SortedRef::Big(big) => big.len(),
        }
    }

    /// Whether there is none, which no stored sorted set is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The kind of entry that holds it.
    pub fn kind(&self) -> Kind {
        match self {
            SortedRef::Packed(_) => Kind::SortedPack,
            SortedRef::Big(_) => Kind::SortedTree,
        }
    }

    /// The score of a member. O(1) of a big one.
    pub fn score(&self, member: &[u8]) -> Option<f64> {
        match self {
            SortedRef::Packed(lp) => pack::find(lp, member).map(|place| place.score),
            SortedRef::Big(big) => big.score(member),
        }
    }

    /// How many elements stand before a member, and its score. O(log n)
    pub fn rank(&self, member: &[u8]) -> Option<(usize, f64)> {
        match self {
            SortedRef::Packed(lp) => pack::find(lp, member).map(|place| (place.rank, place.score)),
            SortedRef::Big(big) => big.rank(member),
        }
    }

    /// The ranks that a range of scores covers. O(log n)
    pub fn ranks_of_scores(&self, range: &ScoreRange) -> Range<usize> {
        match self {
            SortedRef::Packed(lp) => pack::ranks_of_scores(lp, range),
            SortedRef::Big(big) => big.ranks_of_scores(range),
        }
    }

    /// The ranks that a range of members covers, which means something where all scores are equal.
    /// O(log n)
    pub fn ranks_of_members(&self, range: &LexRange<'_>, backwards: bool) -> Range<usize> {
        match self {
            SortedRef::Packed(lp) => pack::ranks_of_members(lp, range, backwards),
            SortedRef::Big(big) => big.ranks_of_members(range),
        }
    }

    /// The ranks from `start` to `stop`, both included; negative ones count from the end.
    pub fn ranks(&self, start: i64, stop: i64) -> Range<usize> {
        let len = self.len() as i64;
        let from_start = |rank: i64| if rank < 0 { rank.saturating_add(len) } else { rank };
        let (start, stop) = (from_start(start).max(0), from_start(stop).min(len - 1));
        if start > stop { 0..0 } else { start as usize..stop as usize + 1 }
    }

    /// The elements of some ranks, ascending or, `backwards`, descending. O(log n) to begin.
    pub fn range(&self, ranks: Range<usize>, backwards: bool) -> Elements<'a> {
        match self {
            SortedRef::Packed(lp) => Elements(Walk::Packed(pack::elements(lp, ranks, backwards))),
            SortedRef::Big(big) => Elements(Walk::Big(big.tree().range(ranks, backwards))),
        }
    }

    /// All elements, ascending.
    pub fn iter(&self) -> Elements<'a> {
        self.range(0..self.len(), false)
    }

    /// The element of a rank, from 0.
    pub fn get(&self, rank: usize) -> Option<Element<'a>> {
        match self {
            SortedRef::Packed(_) => self.range(rank..rank + 1, false).next(),
            SortedRef::Big(big) => big.tree().get(rank).map(Element::from),
        }
    }

    /// A random element, each with the same chance.
    pub fn random(&self, rng: &mut Rng) -> Option<Element<'a>> {
        if self.is_empty() { None } else { self.get(rng.usize(..self.len())) }
    }

    /// `count` different random elements, or all; each choice with the same chance. O(count log n),
    /// or O(n) of a small set or when most are wanted.
    pub fn sample(&self, count: usize, rng: &mut Rng) -> Vec<Element<'a>> {
        let len = self.len();
        if count >= len || count > len / WALK_FROM || matches!(self, SortedRef::Packed(_)) {
            return self.sample_walking(count.min(len), rng);
        }
        let (mut met, mut chosen) = (HashSet::new(), Vec::with_capacity(count));
        while chosen.len() < count {
            let rank = rng.usize(..len);
            if met.insert(rank) {
                chosen.extend(self.get(rank));
            }
        }
        chosen
    }

    /// (Selection sampling: Knuth, volume 2, 3.4.2, algorithm S.)
    fn sample_walking(&self, count: usize, rng: &mut Rng) -> Vec<Element<'a>> {
        let (mut left, mut missing) = (self.len(), count);
        let mut chosen = Vec::with_capacity(count);
        for element in self.iter() {
            if rng.usize(..left) < missing {
                missing -= 1;
                chosen.push(element);
            }
            left -= 1;
        }
        chosen
    }

    /// Shows about `count` elements (a small set: all) with the texts of their scores; returns the
    /// next cursor, 0 at the end. What stays in the set all along is met at least once.
    pub fn scan(&self, cursor: u64, count: u64, mut visit: impl FnMut(Member<'a>, &[u8])) -> u64 {
        let big = match self {
            SortedRef::Packed(lp) => {
                let mut entries = listpack::iter(lp);
                while let (Some(member), Some(text)) = (entries.next(), entries.next()) {
                    visit(Member::from(member), text.as_bytes(&mut [0; MAX_TEXT]));
                }
                return 0;
            }
            SortedRef::Big(big) => big,
        };
        let (mut cursor, mut visited, mut steps, mut text) = (cursor, 0u64, 0u64, Vec::new());
        loop {
            cursor = big.scan(cursor, |key| {
                visited += 1;
                text.clear();
                score::push_precise(key.score, &mut text);
                visit(Member::Text(key.member), &text);
            });
            steps += 1;
            if cursor == 0 || visited >= count || steps > count.saturating_mul(10) {
                return cursor;
            }
        }
    }
}

impl<'a> From<super::Key<'a>> for Element<'a> {
    fn from(key: super::Key<'a>) -> Self {
        Element { member: Member::Text(key.member), score: key.score }
    }
}

impl Element<'_> {
    /// Answers member and score, one after the other.
    pub fn answer(&self, reply: &mut dyn Reply) {
        self.member.answer(reply);
        reply.double(self.score);
    }
}

/// Elements in order; see [`SortedRef::range`].
#[derive(Debug, Clone)]
pub struct Elements<'a>(Walk<'a>);

#[derive(Debug, Clone)]
enum Walk<'a> {
    Packed(pack::Elements<'a>),
    Big(cursor::Iter<'a>),
}

impl<'a> Iterator for Elements<'a> {
    type Item = Element<'a>;

    #[inline]
    fn next(&mut self) -> Option<Element<'a>> {
        match &mut self.0 {
            Walk::Packed(elements) => {
                elements.next().map(|e| Element { member: Member::from(e.member), score: e.score })
            }
            Walk::Big(elements) => elements.next().map(Element::from),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match &self.0 {
            Walk::Packed(elements) => elements.size_hint(),
            Walk::Big(elements) => elements.size_hint(),
        }
    }
}

impl ExactSizeIterator for Elements<'_> {}
