//! `GETSET key value`
//!
//! Sets the string at `key` and answers the one that was there, or null. An error for another
//! type. The key loses its TTL. O(1) plus the copies of the values.
//!
//! Effect: `SET` of the value.

use super::set;
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::keys::string_of;
use crate::keyspace::{Expiry, Kind, NewValue};
use crate::notify::names::Events;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};

/// What is known of `GETSET`.
pub const SPEC: Spec = Spec {
    name: "getset",
    syntax: "key value",
    summary: "Sets the string value of a key and returns the old one.",
    group: Group::String,
    complexity: "O(1)",
    arity: 3,
    flags: flag::WRITE | flag::DENYOOM | flag::FAST,
    keys: &[KeySpec::one(1, key::RW | key::ACCESS | key::UPDATE)],
    events: Events::named(set::SPEC.name),
    ..Spec::BASE
};

/// `GETSET`
#[derive(Debug, Clone)]
pub struct GetSet<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The value.
    pub value: &'a [u8],
}

impl<'a> Command<'a> for GetSet<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(GetSet { key: args.word()?, value: args.word()? })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key).push(self.value);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        reply.bulk_or_null(string_of(ctx.keys.read(self.key))?);
        let value = NewValue::Bytes(Kind::String, self.value);
        ctx.keys.write(self.key).put(value, Expiry::Clear);
        ctx.keys.effect(&set::SPEC, &[self.key, self.value]);
        Ok(())
    }
}
