//! `INCRBY key increment`
//!
//! Adds `increment` to the integer at `key`, 0 where nothing is; answers the sum. Errors and TTL
//! as in [`super::incr`]. O(1), without an allocation.
//!
//! Effect: the command.

use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::string;

/// What is known of `INCRBY`.
pub const SPEC: Spec = Spec {
    name: "incrby",
    syntax: "key increment",
    summary: "Adds a number to the integer value of a key, 0 if it does not exist.",
    group: Group::String,
    complexity: "O(1)",
    arity: 3,
    flags: flag::WRITE | flag::DENYOOM | flag::FAST,
    keys: &[KeySpec::one(1, key::RW | key::ACCESS | key::UPDATE)],
    ..Spec::BASE
};

/// `INCRBY`
#[derive(Debug, Clone)]
pub struct IncrBy<'a> {
    /// The key.
    pub key: &'a [u8],
    /// What to add.
    pub increment: i64,
}

impl<'a> Command<'a> for IncrBy<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(IncrBy { key: args.word()?, increment: args.int()? })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key).int(self.increment);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        reply.int(string::increase(&mut ctx.keys.write(self.key), self.increment)?);
        Ok(())
    }
}
