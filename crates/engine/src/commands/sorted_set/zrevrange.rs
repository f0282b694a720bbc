//! `ZREVRANGE key start stop [WITHSCORES]`
//!
//! Answers the members of a range of ranks, which count from the greatest, the greatest first.
//! O(log n + members answered).
//!
//! Effect: none.

use super::query::{Fixed, Query, Unit};
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::sorted::sorted_of;

const FIXED: Fixed = Fixed::All { by: Unit::Rank, backwards: true };

/// What is known of `ZREVRANGE`.
pub const SPEC: Spec = Spec {
    name: "zrevrange",
    syntax: "key start stop [WITHSCORES]",
    summary: "Answers the members of a range of ranks of a sorted set, the greatest first.",
    since: "1.2.0",
    group: Group::SortedSet,
    complexity: "O(log(N)+M) for M members answered",
    arity: -4,
    flags: flag::READONLY,
    keys: &[KeySpec::one(1, key::RO | key::ACCESS)],
    ..Spec::BASE
};

/// `ZREVRANGE`
#[derive(Debug, Clone, PartialEq)]
pub struct Zrevrange<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The range.
    pub query: Query<'a>,
}

impl<'a> Command<'a> for Zrevrange<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(Zrevrange { key: args.word()?, query: Query::parse(args, FIXED)? })
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
