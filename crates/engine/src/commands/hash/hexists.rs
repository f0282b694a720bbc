//! `HEXISTS key field`
//!
//! Answers 1 when the hash has the field, else 0. O(1) for a table, O(n) for a listpack.
//!
//! Effect: none.

use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::hash;

/// What is known of `HEXISTS`.
pub const SPEC: Spec = Spec {
    name: "hexists",
    syntax: "key field",
    summary: "Determines whether a hash has a field.",
    since: "2.0.0",
    group: Group::Hash,
    complexity: "O(1)",
    arity: 3,
    flags: flag::READONLY | flag::FAST,
    keys: &[KeySpec::one(1, key::RO)],
    ..Spec::BASE
};

/// `HEXISTS`
#[derive(Debug, Clone)]
pub struct Hexists<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The field.
    pub field: &'a [u8],
}

impl<'a> Command<'a> for Hexists<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(Hexists { key: args.word()?, field: args.word()? })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key).push(self.field);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let hash = hash::read(ctx.keys, self.key)?;
        reply.int(i64::from(hash.is_some_and(|hash| hash.contains(self.field))));
        Ok(())
    }
}
