//! `ZRANGEBYSCORE key min max [WITHSCORES] [LIMIT offset count]`, `ZREVRANGEBYSCORE`
//!
//! Answers the members with a score from `min` to `max`, `(` before an end leaving it out; the
//! other one takes the greater end first and answers the greatest first. With their scores if
//! wanted: as pairs in RESP3. O(log n + members answered), whatever is skipped.
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

/// What is known of `ZRANGEBYSCORE`.
pub const SPEC_ZRANGEBYSCORE: Spec = Spec {
    name: "zrangebyscore",
    syntax: "key min max [WITHSCORES] [LIMIT offset count]",
    summary: "Answers the members of a range of scores of a sorted set.",
    since: "1.0.5",
    ..BASE
};

/// What is known of `ZREVRANGEBYSCORE`.
pub const SPEC_ZREVRANGEBYSCORE: Spec = Spec {
    name: "zrevrangebyscore",
    syntax: "key max min [WITHSCORES] [LIMIT offset count]",
    summary: "Answers the members of a range of scores of a sorted set, the greatest first.",
    since: "2.2.0",
    ..BASE
};

/// `ZRANGEBYSCORE` or, from the greater end, `ZREVRANGEBYSCORE`.
#[derive(Debug, Clone, PartialEq)]
pub struct RangeByScore<'a, const REV: bool> {
    /// The key.
    pub key: &'a [u8],
    /// The range.
    pub query: Query<'a>,
}

/// `ZRANGEBYSCORE`
pub type Zrangebyscore<'a> = RangeByScore<'a, false>;
/// `ZREVRANGEBYSCORE`
pub type Zrevrangebyscore<'a> = RangeByScore<'a, true>;

impl<const REV: bool> RangeByScore<'_, REV> {
    const FIXED: Fixed = Fixed::All { by: Unit::Score, backwards: REV };
}

impl<'a, const REV: bool> Command<'a> for RangeByScore<'a, REV> {
    const SPEC: &'static Spec = if REV { &SPEC_ZREVRANGEBYSCORE } else { &SPEC_ZRANGEBYSCORE };

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(RangeByScore { key: args.word()?, query: Query::parse(args, Self::FIXED)? })
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
