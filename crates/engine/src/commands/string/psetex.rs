//! `PSETEX key milliseconds value`
//!
//! [`super::setex`] in milliseconds. O(1) plus the copy of the value.
//!
//! Effect: `SET` with the expiry as `PXAT`.

use super::set;
use super::setex::put_for;
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::expiry::{ExpiryArg, Unit};
use crate::notify::names::Events;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};

/// What is known of `PSETEX`.
pub const SPEC: Spec = Spec {
    name: "psetex",
    syntax: "key milliseconds value",
    summary: "Sets the string value of a key for a number of milliseconds.",
    since: "2.6.0",
    group: Group::String,
    complexity: "O(1)",
    arity: 4,
    flags: flag::WRITE | flag::DENYOOM,
    keys: &[KeySpec::one(1, key::OW | key::UPDATE)],
    events: Events::named(set::SPEC.name),
    ..Spec::BASE
};

/// `PSETEX`
#[derive(Debug, Clone)]
pub struct PSetEx<'a> {
    /// The key.
    pub key: &'a [u8],
    /// How long.
    pub expiry: ExpiryArg,
    /// The value.
    pub value: &'a [u8],
}

impl<'a> Command<'a> for PSetEx<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let key = args.word()?;
        let expiry = ExpiryArg::parse(Unit::Milliseconds, args, SPEC.name)?;
        Ok(PSetEx { key, expiry, value: args.word()? })
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
