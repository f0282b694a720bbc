//! `INCR key`
//!
//! Adds one to the integer at `key`, 0 where nothing is; answers the sum. An error for another
//! type, for a string that is no 64-bit integer, and where the sum would be none. Keeps the TTL.
//! O(1), without an allocation.
//!
//! Effect: the command.

use super::incrby;
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::notify::names::Events;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::string;

/// What is known of `INCR`.
pub const SPEC: Spec = Spec {
    name: "incr",
    syntax: "key",
    summary: "Adds one to the integer value of a key, 0 if it does not exist.",
    group: Group::String,
    complexity: "O(1)",
    arity: 2,
    flags: flag::WRITE | flag::DENYOOM | flag::FAST,
    keys: &[KeySpec::one(1, key::RW | key::ACCESS | key::UPDATE)],
    events: Events::named(incrby::SPEC.name),
    ..Spec::BASE
};

/// `INCR`
#[derive(Debug, Clone)]
pub struct Incr<'a> {
    /// The key.
    pub key: &'a [u8],
}

impl<'a> Command<'a> for Incr<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(Incr { key: args.word()? })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        reply.int(string::increase(&mut ctx.keys.write(self.key), 1)?);
        Ok(())
    }
}
