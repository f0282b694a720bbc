//! `ZREMRANGEBYRANK key start stop`
//!
//! Removes the members of a range of ranks, and the key with the last of them; answers how many.
//! O(log n + members removed).
//!
//! Effect: the command.

use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::sorted::{self, sorted_of};

/// What is known of `ZREMRANGEBYRANK`.
pub const SPEC: Spec = Spec {
    name: "zremrangebyrank",
    syntax: "key start stop",
    summary: "Removes the members of a range of ranks from a sorted set.",
    since: "2.0.0",
    group: Group::SortedSet,
    complexity: "O(log(N)+M) for M members removed",
    arity: 4,
    flags: flag::WRITE,
    keys: &[KeySpec::one(1, key::RW | key::DELETE)],
    ..Spec::BASE
};

/// `ZREMRANGEBYRANK`
#[derive(Debug, Clone, PartialEq)]
pub struct Zremrangebyrank<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The first rank.
    pub start: i64,
    /// The last rank.
    pub stop: i64,
}

impl<'a> Command<'a> for Zremrangebyrank<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(Zremrangebyrank { key: args.word()?, start: args.int()?, stop: args.int()? })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key).int(self.start).int(self.stop);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let mut gate = ctx.keys.write(self.key);
        let ranks = sorted_of(gate.value())?.map_or(0..0, |set| set.ranks(self.start, self.stop));
        reply.int(ranks.len() as i64);
        sorted::remove_ranks(&mut gate, ranks);
        Ok(())
    }
}
