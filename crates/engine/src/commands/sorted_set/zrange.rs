//! `ZRANGE key start stop [BYSCORE | BYLEX] [REV] [LIMIT offset count] [WITHSCORES]`
//!
//! Answers the members of a range of ranks, scores or members, in order, with `REV` in the reverse
//! order (and `start` is the greater end then); with their scores if wanted: as pairs in RESP3.
//! O(log n + members answered), whatever is skipped.
//!
//! Effect: none.

use super::query::{Fixed, Query};
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::sorted::sorted_of;

const FIXED: Fixed = Fixed::Nothing { scores: true };

/// What is known of `ZRANGE`.
pub const SPEC: Spec = Spec {
    name: "zrange",
    syntax: "key start stop [BYSCORE | BYLEX] [REV] [LIMIT offset count] [WITHSCORES]",
    summary: "Answers the members of a range of a sorted set.",
    since: "1.2.0",
    group: Group::SortedSet,
    complexity: "O(log(N)+M) for M members answered",
    arity: -4,
    flags: flag::READONLY,
    keys: &[KeySpec::one(1, key::RO | key::ACCESS)],
    ..Spec::BASE
};

/// `ZRANGE`
#[derive(Debug, Clone, PartialEq)]
pub struct Zrange<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The range.
    pub query: Query<'a>,
}

impl<'a> Command<'a> for Zrange<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(Zrange { key: args.word()?, query: Query::parse(args, FIXED)? })
    }

    fn words(&self, words: &mut Words<'_>) {
        self.query.words(words.push(self.key), FIXED);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        self.query.answer(sorted_of(ctx.keys.read(self.key))?, reply);
        Ok(())
    }
}
