//! Ranges of scores and of members, as commands name them.
//!
//! Knows no encoding: [`super::SortedRef`] finds the ranks that a range covers.

use super::score::parse_end;
use larder_resp::format_double;

/// An end of a range of scores.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScoreEnd {
    /// The score.
    pub score: f64,
    /// Whether elements of just this score are outside.
    pub open: bool,
}

/// A range of scores.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScoreRange {
    /// Where it begins.
    pub min: ScoreEnd,
    /// Where it ends.
    pub max: ScoreEnd,
}

/// An end of a range of members.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LexEnd<'a> {
    /// Before every member: `-`.
    Least,
    /// This member, which is inside: `[member`.
    At(&'a [u8]),
    /// This member, which is outside: `(member`.
    Beside(&'a [u8]),
    /// Behind every member: `+`.
    Greatest,
}

/// A range of members, which means something where all scores are equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LexRange<'a> {
    /// Where it begins.
    pub min: LexEnd<'a>,
    /// Where it ends.
    pub max: LexEnd<'a>,
}

impl ScoreEnd {
    /// Reads `1.5`, `(1.5`, `-inf` and the like.
    pub fn parse(word: &[u8]) -> Option<ScoreEnd> {
        let (open, number) = match word {
            [b'(', number @ ..] => (true, number),
            number => (false, number),
        };
        parse_end(number).map(|score| ScoreEnd { score, open })
    }

    /// The inverse.
    pub fn text(&self) -> Vec<u8> {
        let mut text = if self.open { b"(".to_vec() } else { Vec::new() };
        text.extend_from_slice(format_double(self.score).as_bytes());
        text
    }
}

impl ScoreRange {
    /// Whether a score is not below the range.
    #[inline]
    pub(super) fn begins_by(&self, score: f64) -> bool {
        score > self.min.score || score == self.min.score && !self.min.open
    }

    /// Whether a score is not above the range.
    #[inline]
    pub(super) fn reaches(&self, score: f64) -> bool {
        score < self.max.score || score == self.max.score && !self.max.open
    }
}

impl<'a> LexEnd<'a> {
    /// Reads `-`, `+`, `[member` or `(member`.
    pub fn parse(word: &'a [u8]) -> Option<LexEnd<'a>> {
        match word {
            b"-" => Some(LexEnd::Least),
            b"+" => Some(LexEnd::Greatest),
            [b'[', member @ ..] => Some(LexEnd::At(member)),
            [b'(', member @ ..] => Some(LexEnd::Beside(member)),
            _ => None,
        }
    }

    /// The inverse.
    pub fn text(&self) -> Vec<u8> {
        match self {
            LexEnd::Least => b"-".to_vec(),
            LexEnd::Greatest => b"+".to_vec(),
            LexEnd::At(member) => [b"[", *member].concat(),
            LexEnd::Beside(member) => [b"(", *member].concat(),
        }
    }
}

impl LexRange<'_> {
    /// Whether a member is not before the range.
    pub(super) fn begins_by(&self, member: &[u8]) -> bool {
        match self.min {
            LexEnd::Least => true,
            LexEnd::At(min) => member >= min,
            LexEnd::Beside(min) => member > min,
            LexEnd::Greatest => false,
        }
    }

    /// Whether a member is not behind the range.
    pub(super) fn reaches(&self, member: &[u8]) -> bool {
        match self.max {
            LexEnd::Least => false,
            LexEnd::At(max) => member <= max,
            LexEnd::Beside(max) => member < max,
            LexEnd::Greatest => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_read_and_written() {
        for text in ["1.5", "(1.5", "-inf", "(inf", "0", "(-0"] {
            let end = ScoreEnd::parse(text.as_bytes()).unwrap();
            assert_eq!(end.text(), text.as_bytes());
        }
        assert_eq!(ScoreEnd::parse(b"("), Some(ScoreEnd { score: 0.0, open: true }));
        assert!([&b"x"[..], b"((1", b"[1", b"nan"].iter().all(|t| ScoreEnd::parse(t).is_none()));
        for text in ["-", "+", "[", "(", "[a", "(a b"] {
            assert_eq!(LexEnd::parse(text.as_bytes()).unwrap().text(), text.as_bytes());
        }
        assert!([&b"x"[..], b"", b"--", b"+a"].iter().all(|t| LexEnd::parse(t).is_none()));
    }
}
