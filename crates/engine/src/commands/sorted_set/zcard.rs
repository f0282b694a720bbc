//! `ZCARD key`
//!
//! Answers how many members a sorted set has. O(1).
//!
//! Effect: none.

use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::sorted::sorted_of;

/// What is known of `ZCARD`.
pub const SPEC: Spec = Spec {
    name: "zcard",
    syntax: "key",
    summary: "Counts the members of a sorted set.",
    since: "1.2.0",
    group: Group::SortedSet,
    complexity: "O(1)",
    arity: 2,
    flags: flag::READONLY | flag::FAST,
    keys: &[KeySpec::one(1, key::RO)],
    ..Spec::BASE
};

/// `ZCARD`
#[derive(Debug, Clone, PartialEq)]
pub struct Zcard<'a> {
    /// The key.
    pub key: &'a [u8],
}

impl<'a> Command<'a> for Zcard<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(Zcard { key: args.word()? })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        reply.int(sorted_of(ctx.keys.read(self.key))?.map_or(0, |set| set.len()) as i64);
        Ok(())
    }
}
