//! `SETEX key seconds value`
//!
//! Sets the string at `key`, whatever was there, for so many seconds. Answers OK. An error for a
//! time that is not positive. O(1) plus the copy of the value.
//!
//! Effect: `SET` with the expiry as `PXAT`.

use super::set;
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::expiry::{ExpiryArg, Unit};
use crate::keyspace::{Expiry, Kind, NewValue};
use crate::notify::names::Events;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};

/// What is known of `SETEX`.
pub const SPEC: Spec = Spec {
    name: "setex",
    syntax: "key seconds value",
    summary: "Sets the string value of a key for a number of seconds.",
    since: "2.0.0",
    group: Group::String,
    complexity: "O(1)",
    arity: 4,
    flags: flag::WRITE | flag::DENYOOM,
    keys: &[KeySpec::one(1, key::OW | key::UPDATE)],
    events: Events::named(set::SPEC.name),
    ..Spec::BASE
};

/// `SETEX`
#[derive(Debug, Clone)]
pub struct SetEx<'a> {
    /// The key.
    pub key: &'a [u8],
    /// How long.
    pub expiry: ExpiryArg,
    /// The value.
    pub value: &'a [u8],
}

impl<'a> Command<'a> for SetEx<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let key = args.word()?;
        let expiry = ExpiryArg::parse(Unit::Seconds, args, SPEC.name)?;
        Ok(SetEx { key, expiry, value: args.word()? })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key).int(self.expiry.amount).push(self.value);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let deadline_ms = self.expiry.deadline_ms(ctx.keys.clock_ms(), SPEC.name)?;
        put_for(ctx, self.key, self.value, deadline_ms, reply);
        Ok(())
    }
}

/// Sets a key for a time.
pub(super) fn put_for(
    ctx: &mut Ctx<'_, '_>,
    key: &[u8],
    value: &[u8],
    deadline_ms: u64,
    reply: &mut dyn Reply,
) {
    ctx.keys.write(key).put(NewValue::Bytes(Kind::String, value), Expiry::AtMs(deadline_ms));
    ctx.keys.effect_set(key, value, deadline_ms);
    reply.ok();
}
