//! `SETNX key value`
//!
//! Sets the string at `key` if nothing is there; answers 1, or 0 when nothing was set. O(1) plus
//! the copy of the value.
//!
//! Effect: the command.

use super::set;
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::keyspace::{Expiry, Kind, NewValue};
use crate::notify::names::Events;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};

/// What is known of `SETNX`.
pub const SPEC: Spec = Spec {
    name: "setnx",
    syntax: "key value",
    summary: "Sets the string value of a key if it does not exist.",
    group: Group::String,
    complexity: "O(1)",
    arity: 3,
    flags: flag::WRITE | flag::DENYOOM | flag::FAST,
    keys: &[KeySpec::one(1, key::OW | key::INSERT)],
    events: Events::named(set::SPEC.name),
    ..Spec::BASE
};

/// `SETNX`
#[derive(Debug, Clone)]
pub struct SetNx<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The value.
    pub value: &'a [u8],
}

impl<'a> Command<'a> for SetNx<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(SetNx { key: args.word()?, value: args.word()? })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key).push(self.value);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let mut gate = ctx.keys.write(self.key);
        let free = !gate.exists();
        if free {
            gate.put(NewValue::Bytes(Kind::String, self.value), Expiry::Clear);
        }
        reply.int(free.into());
        Ok(())
    }
}
