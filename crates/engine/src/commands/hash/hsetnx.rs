//! `HSETNX key field value`
//!
//! Sets a field where it is not there. Answers 1, or 0 where it was. An error for another type.
//! O(1) for a table, O(n) for a listpack.
//!
//! Effect: the command.

use super::hset;
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::notify::names::Events;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::hash::HashGate;

/// What is known of `HSETNX`.
pub const SPEC: Spec = Spec {
    name: "hsetnx",
    syntax: "key field value",
    summary: "Sets a field of a hash only when it does not exist.",
    since: "2.0.0",
    group: Group::Hash,
    complexity: "O(1)",
    arity: 4,
    flags: flag::WRITE | flag::DENYOOM | flag::FAST,
    keys: &[KeySpec::one(1, key::RW | key::INSERT)],
    events: Events::named(hset::SPEC.name),
    ..Spec::BASE
};

/// `HSETNX`
#[derive(Debug, Clone)]
pub struct Hsetnx<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The field.
    pub field: &'a [u8],
    /// The value.
    pub value: &'a [u8],
}

impl<'a> Command<'a> for Hsetnx<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(Hsetnx { key: args.word()?, field: args.word()?, value: args.word()? })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key).push(self.field).push(self.value);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let mut gate = HashGate::open(ctx.keys, self.key)?;
        let missing = !gate.hash().is_some_and(|hash| hash.contains(self.field));
        if missing {
            gate.set(&[self.field, self.value]);
        }
        reply.int(i64::from(missing));
        Ok(())
    }
}
