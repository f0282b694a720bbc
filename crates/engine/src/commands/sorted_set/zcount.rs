//! `ZCOUNT key min max`
//!
//! Answers how many members have a score from `min` to `max`; `(` before an end leaves it out.
//! O(log n).
//!
//! Effect: none.

use super::query;
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::sorted::{ScoreRange, sorted_of};

/// What is known of `ZCOUNT`.
pub const SPEC: Spec = Spec {
    name: "zcount",
    syntax: "key min max",
    summary: "Counts the members of a sorted set whose scores are in a range.",
    since: "2.0.0",
    group: Group::SortedSet,
    complexity: "O(log(N))",
    arity: 4,
    flags: flag::READONLY | flag::FAST,
    keys: &[KeySpec::one(1, key::RO | key::ACCESS)],
    ..Spec::BASE
};

/// `ZCOUNT`
#[derive(Debug, Clone, PartialEq)]
pub struct Zcount<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The scores.
    pub range: ScoreRange,
}

impl<'a> Command<'a> for Zcount<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(Zcount { key: args.word()?, range: query::scores(args.word()?, args.word()?)? })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key).push(&self.range.min.text()).push(&self.range.max.text());
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let set = sorted_of(ctx.keys.read(self.key))?;
        reply.int(set.map_or(0, |set| set.ranks_of_scores(&self.range).len()) as i64);
        Ok(())
    }
}
