//! What a range command asks for: by rank, score or member, from either end, a part of it.
//!
//! `ZRANGE`, its older forms and `ZRANGESTORE` read their words and answer through here. Knows no
//! key; next: [`crate::values::sorted::range`].

use crate::args::Args;
use crate::command::Words;
use crate::error::Error;
use crate::reply::Reply;
use crate::values::sorted::{Element, LexEnd, LexRange, ScoreEnd, ScoreRange, SortedRef};
use larder_codec::integer::parse_i64_canonical;
use larder_resp::Protocol;
use std::ops::Range;

pub(super) const NOT_A_SCORE: Error = Error::text("ERR min or max is not a float");
pub(super) const NOT_A_MEMBER: Error = Error::text("ERR min or max not valid string range item");
const LIMITED_RANKS: Error = Error::text(
    "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX",
);
const SCORES_BY_LEX: Error =
    Error::text("ERR syntax error, WITHSCORES not supported in combination with BYLEX");

/// What the ends of a range are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum By<'a> {
    /// Ranks, both included; negative ones count from the other end.
    Rank(i64, i64),
    /// Scores.
    Score(ScoreRange),
    /// Members.
    Lex(LexRange<'a>),
}

/// Elements that are asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Query<'a> {
    /// The range.
    pub by: By<'a>,
    /// From the greatest to the least; ranks count from the greatest then.
    pub backwards: bool,
    /// Skip so many, then take so many (all if negative).
    pub limit: Option<(i64, i64)>,
    /// Answer scores, too.
    pub with_scores: bool,
}

/// What the words before the options leave open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fixed {
    /// Everything (`ZRANGE`); without `WITHSCORES` (`ZRANGESTORE`).
    Nothing { scores: bool },
    /// Nothing but the part and the scores.
    All { by: Unit, backwards: bool },
}

/// What ranges are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Rank,
    Score,
    Lex,
}

impl<'a> Query<'a> {
    /// Reads the two ends and the options.
    pub(super) fn parse(args: &mut Args<'a>, fixed: Fixed) -> Result<Self, Error> {
        let (first, second) = (args.word()?, args.word()?);
        let (mut unit, mut backwards) = match fixed {
            Fixed::Nothing { .. } => (None, false),
            Fixed::All { by, backwards } => (Some(by), backwards),
        };
        let (mut limit, mut with_scores) = (None, false);
        while args.left() > 0 {
            if fixed != (Fixed::Nothing { scores: false }) && args.keyword("WITHSCORES") {
                with_scores = true;
            } else if args.left() > 2 && args.keyword("LIMIT") {
                limit = Some((args.int()?, args.int()?));
            } else if matches!(fixed, Fixed::Nothing { .. }) && !backwards && args.keyword("REV") {
                backwards = true;
            } else if unit.is_none() && args.keyword("BYLEX") {
                unit = Some(Unit::Lex);
            } else if unit.is_none() && args.keyword("BYSCORE") {
                unit = Some(Unit::Score);
            } else {
                return Err(Error::Syntax);
            }
        }
        let unit = unit.unwrap_or(Unit::Rank);
        // A count of -1 stands for no LIMIT.
        limit = limit.filter(|&(_, count)| unit != Unit::Rank || count != -1);
        if limit.is_some() && unit == Unit::Rank {
            return Err(LIMITED_RANKS);
        }
        if with_scores && unit == Unit::Lex {
            return Err(SCORES_BY_LEX);
        }
        let (min, max) =
            if backwards && unit != Unit::Rank { (second, first) } else { (first, second) };
        let by = match unit {
            Unit::Rank => {
                let rank = |word| parse_i64_canonical(word).ok_or(Error::NotInteger);
                By::Rank(rank(min)?, rank(max)?)
            }
            Unit::Score => By::Score(scores(min, max)?),
            Unit::Lex => By::Lex(members(min, max)?),
        };
        Ok(Query { by, backwards, limit, with_scores })
    }

    /// The inverse of [`Query::parse`].
    pub(super) fn words(&self, words: &mut Words<'_>, fixed: Fixed) {
        self.push_ends(words);
        if matches!(fixed, Fixed::Nothing { .. }) {
            match self.by {
                By::Rank(..) => &mut *words,
                By::Score(_) => words.keyword("BYSCORE"),
                By::Lex(_) => words.keyword("BYLEX"),
            };
            if self.backwards {
                words.keyword("REV");
            }
        }
        if let Some((offset, count)) = self.limit {
            words.keyword("LIMIT").int(offset).int(count);
        }
        if self.with_scores {
            words.keyword("WITHSCORES");
        }
    }

    /// The ranks of a set that are asked for.
    pub(super) fn ranks(&self, set: &SortedRef<'_>) -> Range<usize> {
        let ranks = match &self.by {
            By::Rank(start, stop) => {
                let ranks = set.ranks(*start, *stop);
                if self.backwards { mirrored(ranks, set.len()) } else { ranks }
            }
            By::Score(range) => set.ranks_of_scores(range),
            By::Lex(range) => set.ranks_of_members(range, self.backwards),
        };
        match self.limit {
            Some(limit) => part(ranks, limit, self.backwards),
            None => ranks,
        }
    }

    /// Answers what is asked for of a set.
    pub(super) fn answer(&self, set: Option<SortedRef<'_>>, reply: &mut dyn Reply) {
        let Some(set) = set else { return reply.array(0) };
        let elements = set.range(self.ranks(&set), self.backwards);
        answer_elements(elements, self.with_scores, reply);
    }

    fn push_ends(&self, words: &mut Words<'_>) {
        let (min, max) = match &self.by {
            By::Rank(start, stop) => {
                words.int(*start).int(*stop);
                return;
            }
            By::Score(range) => (range.min.text(), range.max.text()),
            By::Lex(range) => (range.min.text(), range.max.text()),
        };
        if self.backwards {
            words.push(&max).push(&min);
        } else {
            words.push(&min).push(&max);
        }
    }
}

/// Reads a range of scores.
pub(super) fn scores(min: &[u8], max: &[u8]) -> Result<ScoreRange, Error> {
    let end = |word| ScoreEnd::parse(word).ok_or(NOT_A_SCORE);
    Ok(ScoreRange { min: end(min)?, max: end(max)? })
}

/// Reads a range of members.
pub(super) fn members<'a>(min: &'a [u8], max: &'a [u8]) -> Result<LexRange<'a>, Error> {
    let end = |word| LexEnd::parse(word).ok_or(NOT_A_MEMBER);
    Ok(LexRange { min: end(min)?, max: end(max)? })
}

/// Answers members, or members with scores: pairs in RESP3, one after the other in RESP2.
pub(super) fn answer_elements<'e>(
    elements: impl ExactSizeIterator<Item = Element<'e>>,
    with_scores: bool,
    reply: &mut dyn Reply,
) {
    if !with_scores {
        reply.array(elements.len());
        return elements.for_each(|element| element.member.answer(reply));
    }
    let pairs = reply.protocol() == Protocol::Resp3;
    reply.array(if pairs { elements.len() } else { 2 * elements.len() });
    for element in elements {
        if pairs {
            reply.array(2);
        }
        element.answer(reply);
    }
}

/// The ranks that are as far from the end.
fn mirrored(ranks: Range<usize>, len: usize) -> Range<usize> {
    if ranks.is_empty() { 0..0 } else { len - ranks.end..len - ranks.start }
}

/// Ranks without the first ones of the direction, and not more than so many.
fn part(ranks: Range<usize>, (offset, count): (i64, i64), backwards: bool) -> Range<usize> {
    let Ok(offset) = usize::try_from(offset) else { return 0..0 };
    let left = ranks.len().saturating_sub(offset);
    let taken = usize::try_from(count).map_or(left, |count| count.min(left));
    if taken == 0 {
        0..0
    } else if backwards {
        ranks.end - offset - taken..ranks.end - offset
    } else {
        ranks.start + offset..ranks.start + offset + taken
    }
}
