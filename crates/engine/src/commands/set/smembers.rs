//! `SMEMBERS key`
//!
//! Answers all members. O(members).
//!
//! Effect: none.

use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::set;

/// What is known of `SMEMBERS`.
pub const SPEC: Spec = Spec {
    name: "smembers",
    syntax: "key",
    summary: "Returns all members of a set.",
    group: Group::Set,
    complexity: "O(N) in the number of members",
    arity: 2,
    flags: flag::READONLY,
    keys: &[KeySpec::one(1, key::RO | key::ACCESS)],
    tips: &["nondeterministic_output_order"],
    ..Spec::BASE
};

/// `SMEMBERS`
#[derive(Debug, Clone)]
pub struct Smembers<'a> {
    /// The key.
    pub key: &'a [u8],
}

impl<'a> Command<'a> for Smembers<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(Smembers { key: args.word()? })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let Some(set) = set::set_of(ctx.keys.read(self.key))? else {
            reply.set(0);
            return Ok(());
        };
        reply.set(set.len());
        set.iter().for_each(|member| member.answer(reply));
        Ok(())
    }
}
