//! `HGET key field`
//!
//! Answers the value of a field, or null. O(1) for a table, O(n) for a listpack.
//!
//! Effect: none.

use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::hash;

/// What is known of `HGET`.
pub const SPEC: Spec = Spec {
    name: "hget",
    syntax: "key field",
    summary: "Returns the value of a field of a hash.",
    since: "2.0.0",
    group: Group::Hash,
    complexity: "O(1)",
    arity: 3,
    flags: flag::READONLY | flag::FAST,
    keys: &[KeySpec::one(1, key::RO | key::ACCESS)],
    ..Spec::BASE
};

/// `HGET`
#[derive(Debug, Clone)]
pub struct Hget<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The field.
    pub field: &'a [u8],
}

impl<'a> Command<'a> for Hget<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(Hget { key: args.word()?, field: args.word()? })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key).push(self.field);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        match hash::read(ctx.keys, self.key)?.and_then(|hash| hash.get(self.field)) {
            Some(held) => hash::answer(held.value, reply),
            None => reply.null(),
        }
        Ok(())
    }
}
