//! `ZLEXCOUNT key min max`
//!
//! Answers how many members stand from `min` to `max`, where all scores are equal: `[member`,
//! `(member` (left out), `-` (the beginning), `+` (the end). O(log n).
//!
//! Effect: none.

use super::query;
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::sorted::{LexRange, sorted_of};

/// What is known of `ZLEXCOUNT`.
pub const SPEC: Spec = Spec {
    name: "zlexcount",
    syntax: "key min max",
    summary: "Counts the members of a sorted set in a range of members.",
    since: "2.8.9",
    group: Group::SortedSet,
    complexity: "O(log(N))",
    arity: 4,
    flags: flag::READONLY | flag::FAST,
    keys: &[KeySpec::one(1, key::RO | key::ACCESS)],
    ..Spec::BASE
};

/// `ZLEXCOUNT`
#[derive(Debug, Clone, PartialEq)]
pub struct Zlexcount<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The members.
    pub range: LexRange<'a>,
}

impl<'a> Command<'a> for Zlexcount<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(Zlexcount { key: args.word()?, range: query::members(args.word()?, args.word()?)? })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key).push(&self.range.min.text()).push(&self.range.max.text());
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let set = sorted_of(ctx.keys.read(self.key))?;
        reply.int(set.map_or(0, |set| set.ranks_of_members(&self.range, false).len()) as i64);
        Ok(())
    }
}
