//! `ZSCORE key member`
//!
//! Answers the score of a member, null where there is none. O(1).
//!
//! Effect: none.

use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::sorted::sorted_of;

/// What is known of `ZSCORE`.
pub const SPEC: Spec = Spec {
    name: "zscore",
    syntax: "key member",
    summary: "Answers the score of a member of a sorted set.",
    since: "1.2.0",
    group: Group::SortedSet,
    complexity: "O(1)",
    arity: 3,
    flags: flag::READONLY | flag::FAST,
    keys: &[KeySpec::one(1, key::RO | key::ACCESS)],
    ..Spec::BASE
};

/// `ZSCORE`
#[derive(Debug, Clone, PartialEq)]
pub struct Zscore<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The member.
    pub member: &'a [u8],
}

impl<'a> Command<'a> for Zscore<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(Zscore { key: args.word()?, member: args.word()? })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key).push(self.member);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        match sorted_of(ctx.keys.read(self.key))?.and_then(|set| set.score(self.member)) {
            Some(score) => reply.double(score),
            None => reply.null(),
        }
        Ok(())
    }
}
