//! `DECRBY key decrement`
//!
//! Takes `decrement` from the integer at `key`, 0 where nothing is; answers the difference.
//! Errors and TTL as in [`super::incr`]; the least integer is refused, for it has no opposite.
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

/// What is known of `DECRBY`.
pub const SPEC: Spec = Spec {
    name: "decrby",
    syntax: "key decrement",
    summary: "Takes a number from the integer value of a key, 0 if it does not exist.",
    group: Group::String,
    complexity: "O(1)",
    arity: 3,
    flags: flag::WRITE | flag::DENYOOM | flag::FAST,
    keys: &[KeySpec::one(1, key::RW | key::ACCESS | key::UPDATE)],
    events: Events::named(incrby::SPEC.name),
    ..Spec::BASE
};

/// `DECRBY`
#[derive(Debug, Clone)]
pub struct DecrBy<'a> {
    /// The key.
    pub key: &'a [u8],
    /// What to take away.
    pub decrement: i64,
}

impl<'a> Command<'a> for DecrBy<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(DecrBy { key: args.word()?, decrement: args.int()? })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key).int(self.decrement);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let opposite = self.decrement.checked_neg();
        let increment = opposite.ok_or(Error::text("ERR decrement would overflow"))?;
        reply.int(string::increase(&mut ctx.keys.write(self.key), increment)?);
        Ok(())
    }
}
