//! A small sorted set: a listpack of member, score, member, score, … in order.
//!
//! The bytes are those of RDB files. A score that is a whole number stands as an integer (so that
//! -0 becomes 0), another as its shortest text. Everything is found by walking. Nothing is
//! changed here: a [`Change`] says which bytes give way to which. Knows no key; next: [`super`].

use super::range::{LexRange, ScoreRange};
use super::score::{self, Key};
use crate::values::set::Member;
use larder_codec::integer::MAX_TEXT;
use larder_codec::listpack::{self, Encoded, Entry, Pos};
use smallvec::SmallVec;
use std::cmp::Ordering;
use std::ops::Range;

/// An element of a listpack.
#[derive(Debug, Clone, Copy)]
pub(super) struct Element<'a> {
    pub(super) member: Entry<'a>,
    pub(super) score: f64,
    /// Where the member begins.
    at: Pos,
}

/// Where a member stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) rank: usize,
    pub(super) score: f64,
    at: Pos,
}

/// Bytes of a listpack that give way to others.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) cut: Range<usize>,
    pub(super) put: SmallVec<[u8; 160]>,
    /// Entries that come and go.
    pub(super) added: usize,
    pub(super) removed: usize,
}

impl Change {
    /// Bytes of the listpack afterwards.
    pub(super) fn len_after(&self, lp: &[u8]) -> usize {
        lp.len() - self.cut.len() + self.put.len()
    }

    /// Writes into the listpack, where the gap is.
    pub(super) fn fill(&self, lp: &mut [u8]) {
        lp[self.cut.start..self.cut.start + self.put.len()].copy_from_slice(&self.put);
        listpack::restate(lp, self.added, self.removed);
    }
}

/// Elements.
#[inline]
pub(super) fn len(lp: &[u8]) -> usize {
    listpack::len(lp) / 2
}

/// Where a member stands.
pub(super) fn find(lp: &[u8], member: &[u8]) -> Option<Place> {
    let number = match Entry::from_bytes(member) {
        Entry::Int(number) => Some(number),
        Entry::Str(_) => None,
    };
    let (mut next, mut rank) = (listpack::first(lp), 0);
    while let Some(at) = next {
        let is = match listpack::entry(lp, at) {
            Entry::Int(value) => number == Some(value),
            Entry::Str(bytes) => bytes == member,
        };
        let score_at = listpack::next(lp, at)?;
        if is {
            return Some(Place { rank, score: score_of(&listpack::entry(lp, score_at)), at });
        }
        next = listpack::next(lp, score_at);
        rank += 1;
    }
    None
}

/// The score that an entry holds.
#[inline]
pub(super) fn score_of(entry: &Entry<'_>) -> f64 {
    match entry {
        Entry::Int(value) => *value as f64,
        Entry::Str(text) => score::of_text(text),
    }
}

/// The ranks that a range of scores covers.
pub(super) fn ranks_of_scores(lp: &[u8], range: &ScoreRange) -> Range<usize> {
    let (mut start, mut end) = (0, 0);
    for element in elements(lp, 0..len(lp), false) {
        if !range.begins_by(element.score) {
            start += 1;
        } else if !range.reaches(element.score) {
            break;
        }
        end += 1;
    }
    start..end.max(start)
}

/// The ranks that a range of members covers, as one meets them who walks from its beginning or,
/// `backwards`, from its end: that differs where scores do.
pub(super) fn ranks_of_members(lp: &[u8], range: &LexRange<'_>, backwards: bool) -> Range<usize> {
    let len = len(lp);
    let begins = |e: &Element<'_>| range.begins_by(e.member.as_bytes(&mut [0; MAX_TEXT]));
    let reaches = |e: &Element<'_>| range.reaches(e.member.as_bytes(&mut [0; MAX_TEXT]));
    let walk = || elements(lp, 0..len, backwards);
    let (first, last) = (elements(lp, 0..len, false).next(), elements(lp, 0..len, true).next());
    if !last.is_some_and(|last| begins(&last)) || !first.is_some_and(|first| reaches(&first)) {
        return 0..0;
    }
    if backwards {
        let skipped = walk().take_while(|element| !reaches(element)).count();
        let taken = walk().skip(skipped).take_while(begins).count();
        len - skipped - taken..len - skipped
    } else {
        let skipped = walk().take_while(|element| !begins(element)).count();
        let taken = walk().skip(skipped).take_while(reaches).count();
        skipped..skipped + taken
    }
}

/// Adds an element that is not there.
pub(super) fn insertion(lp: &[u8], key: &Key<'_>) -> Change {
    let at = place_of(lp, key);
    let mut put = SmallVec::new();
    push_element(&mut put, key);
    Change { cut: at..at, put, added: 2, removed: 0 }
}

/// Gives an element another score and its place.
pub(super) fn rescoring(lp: &[u8], place: &Place, key: &Key<'_>) -> Change {
    let old = span(lp, place.at);
    let to = place_of(lp, key);
    let mut put = SmallVec::new();
    let cut = if (old.start..=old.end).contains(&to) {
        old
    } else if to < old.start {
        to..old.end
    } else {
        old.start..to
    };
    if cut.start == to {
        push_element(&mut put, key);
        put.extend_from_slice(&lp[to..place.at.offset()]);
    } else if cut.end == to {
        put.extend_from_slice(&lp[span(lp, place.at).end..to]);
        push_element(&mut put, key);
    }
    Change { cut, put, added: 0, removed: 0 }
}

/// Takes elements out.
pub(super) fn removal(lp: &[u8], ranks: Range<usize>) -> Change {
    let offset = |rank: usize| {
        listpack::seek(lp, 2 * rank as i64).unwrap_or_else(|| listpack::end(lp)).offset()
    };
    let cut = offset(ranks.start)..offset(ranks.end);
    Change { cut, put: SmallVec::new(), added: 0, removed: 2 * ranks.len() }
}

/// Takes a member out.
pub(super) fn removal_at(lp: &[u8], place: &Place) -> Change {
    Change { cut: span(lp, place.at), put: SmallVec::new(), added: 0, removed: 2 }
}

/// Adds an element behind all others.
pub(super) fn push(lp: &mut Vec<u8>, key: &Key<'_>) {
    // What goes into an entry is far below what a listpack may have.
    let _ = listpack::push_back(lp, key.member);
    let _ = score::with_text(key.score, |text| listpack::push_back(lp, text));
}

/// Bytes that an element takes.
pub(super) fn encoded_len(key: &Key<'_>) -> usize {
    listpack::encoded_size(key.member) + score::with_text(key.score, listpack::encoded_size)
}

/// Elements of some ranks; see [`elements`].
#[derive(Debug, Clone)]
pub(super) struct Elements<'a> {
    lp: &'a [u8],
    next: Option<Pos>,
    left: usize,
    backwards: bool,
}

/// The elements of some ranks, ascending or, `backwards`, descending.
pub(super) fn elements(lp: &[u8], ranks: Range<usize>, backwards: bool) -> Elements<'_> {
    let left = ranks.end.saturating_sub(ranks.start);
    let first = if backwards { ranks.end.saturating_sub(1) } else { ranks.start };
    let next = if left == 0 { None } else { listpack::seek(lp, 2 * first as i64) };
    Elements { lp, next, left, backwards }
}

impl<'a> Iterator for Elements<'a> {
    type Item = Element<'a>;

    #[inline]
    fn next(&mut self) -> Option<Element<'a>> {
        if self.left == 0 {
            return None;
        }
        let (lp, at) = (self.lp, self.next?);
        let score_at = listpack::next(lp, at)?;
        self.left -= 1;
        if self.left > 0 {
            self.next = if self.backwards {
                listpack::prev(lp, at).and_then(|before| listpack::prev(lp, before))
            } else {
                listpack::next(lp, score_at)
            };
        }
        let score = score_of(&listpack::entry(lp, score_at));
        Some(Element { member: listpack::entry(lp, at), score, at })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Elements<'_> {}

/// Where an element that is about to be added would begin.
fn place_of(lp: &[u8], key: &Key<'_>) -> usize {
    let is_behind = |element: &Element<'_>| order(element, key) == Ordering::Greater;
    let len = len(lp);
    match elements(lp, len.saturating_sub(1)..len, false).next() {
        // Ascending elements come often.
        Some(last) if is_behind(&last) => {}
        _ => return listpack::end(lp).offset(),
    }
    let behind = elements(lp, 0..len, false).find(is_behind);
    behind.map_or(listpack::end(lp).offset(), |element| element.at.offset())
}

fn order(element: &Element<'_>, key: &Key<'_>) -> Ordering {
    if element.score == key.score {
        return Member::from(element.member).text(&mut [0; MAX_TEXT]).cmp(key.member);
    }
    if element.score < key.score { Ordering::Less } else { Ordering::Greater }
}

/// Where an element's two entries lie.
fn span(lp: &[u8], at: Pos) -> Range<usize> {
    let score_at = listpack::next(lp, at).unwrap_or(at);
    at.offset()..listpack::span(lp, score_at).end
}

fn push_element(out: &mut SmallVec<[u8; 160]>, key: &Key<'_>) {
    push_entry(out, &Encoded::of(key.member));
    score::with_text(key.score, |text| push_entry(out, &Encoded::of(text)));
}

fn push_entry(out: &mut SmallVec<[u8; 160]>, entry: &Encoded<'_>) {
    let at = out.len();
    out.resize(at + entry.len(), 0);
    entry.write_over(&mut out[at..]);
}
