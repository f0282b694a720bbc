//! `ZRANGEBYLEX key min max [LIMIT offset count]`, `ZREVRANGEBYLEX`
//!
//! Answers the members from `min` to `max`, where all scores are equal: `[member`, `(member` (left
//! out), `-` (the beginning), `+` (the end); the other one takes the greater end first and answers
//! the greatest first. O(log n + members answered), whatever is skipped.
//!
//! Effect: none.

use super::query::{Fixed, Query, Unit};
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::sorted::sorted_of;

const BASE: Spec = Spec {
    group: Group::SortedSet,
    complexity: "O(log(N)+M) for M members answered",
    arity: -4,
    flags: flag::READONLY,
    keys: &[KeySpec::one(1, key::RO | key::ACCESS)],
    ..Spec::BASE
};

/// What is known of `ZRANGEBYLEX`.
pub const SPEC_ZRANGEBYLEX: Spec = Spec {
    name: "zrangebylex",
    syntax: "key min max [LIMIT offset count]",
    summary: "Answers the members of a range of members of a sorted set.",
    since: "2.8.9",
    ..BASE
};

/// What is known of `ZREVRANGEBYLEX`.
pub const SPEC_ZREVRANGEBYLEX: Spec = Spec {
    name: "zrevrangebylex",
    syntax: "key max min [LIMIT offset count]",
    summary: "Answers the members of a range of members of a sorted set, the greatest first.",
    since: "2.8.9",
    ..BASE
};

/// `ZRANGEBYLEX` or, from the greater end, `ZREVRANGEBYLEX`.
#[derive(Debug, Clone, PartialEq)]
pub struct RangeByLex<'a, const REV: bool> {
    /// The key.
    pub key: &'a [u8],
    /// The range.
    pub query: Query<'a>,
}

/// `ZRANGEBYLEX`
pub type Zrangebylex<'a> = RangeByLex<'a, false>;
/// `ZREVRANGEBYLEX`
pub type Zrevrangebylex<'a> = RangeByLex<'a, true>;

impl<const REV: bool> RangeByLex<'_, REV> {
    const FIXED: Fixed = Fixed::All { by: Unit::Lex, backwards: REV };
}

impl<'a, const REV: bool> Command<'a> for RangeByLex<'a, REV> {
    const SPEC: &'static Spec = if REV { &SPEC_ZREVRANGEBYLEX } else { &SPEC_ZRANGEBYLEX };

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(RangeByLex { key: args.word()?, query: Query::parse(args, Self::FIXED)? })
    }

    fn words(&self, words: &mut Words<'_>) {
        self.query.words(words.push(self.key), Self::FIXED);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        self.query.answer(sorted_of(ctx.keys.read(self.key))?, reply);
        Ok(())
    }
}
