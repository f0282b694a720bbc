//! `ZREMRANGEBYLEX key min max`
//!
//! Removes the members from `min` to `max`, where all scores are equal, and the key with the last
//! of them; answers how many. O(log n + members removed).
//!
//! Effect: the command.

use super::query;
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::sorted::{self, LexRange, sorted_of};

/// What is known of `ZREMRANGEBYLEX`.
pub const SPEC: Spec = Spec {
    name: "zremrangebylex",
    syntax: "key min max",
    summary: "Removes the members of a range of members from a sorted set.",
    since: "2.8.9",
    group: Group::SortedSet,
    complexity: "O(log(N)+M) for M members removed",
    arity: 4,
    flags: flag::WRITE,
    keys: &[KeySpec::one(1, key::RW | key::DELETE)],
    ..Spec::BASE
};

/// `ZREMRANGEBYLEX`
#[derive(Debug, Clone, PartialEq)]
pub struct Zremrangebylex<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The members.
    pub range: LexRange<'a>,
}

impl<'a> Command<'a> for Zremrangebylex<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let key = args.word()?;
        Ok(Zremrangebylex { key, range: query::members(args.word()?, args.word()?)? })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key).push(&self.range.min.text()).push(&self.range.max.text());
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let mut gate = ctx.keys.write(self.key);
        let ranks =
            sorted_of(gate.value())?.map_or(0..0, |set| set.ranks_of_members(&self.range, false));
        reply.int(ranks.len() as i64);
        sorted::remove_ranks(&mut gate, ranks);
        Ok(())
    }
}
