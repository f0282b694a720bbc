//! `SISMEMBER key member`
//!
//! Answers 1 when `member` is in the set, else 0. O(1) for a table, O(log n) for integers, O(n) for
//! a listpack.
//!
//! Effect: none.

use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::set::{self, Member};

/// What is known of `SISMEMBER`.
pub const SPEC: Spec = Spec {
    name: "sismember",
    syntax: "key member",
    summary: "Determines whether a member belongs to a set.",
    group: Group::Set,
    complexity: "O(1)",
    arity: 3,
    flags: flag::READONLY | flag::FAST,
    keys: &[KeySpec::one(1, key::RO)],
    ..Spec::BASE
};

/// `SISMEMBER`
#[derive(Debug, Clone)]
pub struct Sismember<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The member asked for.
    pub member: &'a [u8],
}

impl<'a> Command<'a> for Sismember<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(Sismember { key: args.word()?, member: args.word()? })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key).push(self.member);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let set = set::set_of(ctx.keys.read(self.key))?;
        let is = set.is_some_and(|set| set.contains(Member::Text(self.member)));
        reply.int(i64::from(is));
        Ok(())
    }
}
