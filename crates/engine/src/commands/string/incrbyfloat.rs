//! `INCRBYFLOAT key increment`
//!
//! Adds a fraction to the number at `key`, 0 where nothing is; answers the sum as text, with up to
//! 17 decimals. Computes in extended precision like Redis on x86-64, to the last digit. An error
//! for another type, for what is no number, and for a sum that is not finite. Keeps the TTL.
//! O(1).
//!
//! Effect: `SET` of the sum with `KEEPTTL`.

use super::set;
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::keys::string_of;
use crate::keyspace::{Expiry, Kind, NewValue};
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::long_double::LongDouble;

/// What is known of `INCRBYFLOAT`.
pub const SPEC: Spec = Spec {
    name: "incrbyfloat",
    syntax: "key increment",
    summary: "Adds a fraction to the numeric value of a key, 0 if it does not exist.",
    since: "2.6.0",
    group: Group::String,
    complexity: "O(1)",
    arity: 3,
    flags: flag::WRITE | flag::DENYOOM | flag::FAST,
    keys: &[KeySpec::one(1, key::RW | key::ACCESS | key::UPDATE)],
    ..Spec::BASE
};

/// `INCRBYFLOAT`
#[derive(Debug, Clone)]
pub struct IncrByFloat<'a> {
    /// The key.
    pub key: &'a [u8],
    /// What to add, as text: its precision is more than a double's.
    pub increment: &'a [u8],
}

impl<'a> Command<'a> for IncrByFloat<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(IncrByFloat { key: args.word()?, increment: args.word()? })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key).push(self.increment);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let mut gate = ctx.keys.write(self.key);
        let old = match string_of(gate.value())? {
            Some(text) => LongDouble::parse(text).ok_or(Error::NotFloat)?,
            None => LongDouble::ZERO,
        };
        let increment = LongDouble::parse(self.increment).ok_or(Error::NotFloat)?;
        let sum = old.plus(increment).filter(|sum| sum.is_finite());
        let sum = sum.ok_or(Error::text("ERR increment would produce NaN or Infinity"))?.text();
        gate.put(NewValue::Bytes(Kind::String, &sum), Expiry::Keep);
        ctx.keys.effect(&set::SPEC, &[self.key, &sum, b"KEEPTTL"]);
        reply.bulk(&sum);
        Ok(())
    }
}
