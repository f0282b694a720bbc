//! `HSTRLEN key field`
//!
//! Answers the length of a field's value, 0 for a missing one. O(1) for a table, O(n) for a
//! listpack.
//!
//! Effect: none.

use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::hash;

/// What is known of `HSTRLEN`.
pub const SPEC: Spec = Spec {
    name: "hstrlen",
    syntax: "key field",
    summary: "Returns the length of the value of a hash's field.",
    since: "3.2.0",
    group: Group::Hash,
    complexity: "O(1)",
    arity: 3,
    flags: flag::READONLY | flag::FAST,
    keys: &[KeySpec::one(1, key::RO)],
    ..Spec::BASE
};

/// `HSTRLEN`
#[derive(Debug, Clone)]
pub struct Hstrlen<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The field.
    pub field: &'a [u8],
}

impl<'a> Command<'a> for Hstrlen<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(Hstrlen { key: args.word()?, field: args.word()? })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key).push(self.field);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let held = hash::read(ctx.keys, self.key)?.and_then(|hash| hash.get(self.field));
        reply.int(held.map_or(0, |held| held.value.text_len()) as i64);
        Ok(())
    }
}
