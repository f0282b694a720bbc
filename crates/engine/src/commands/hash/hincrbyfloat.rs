//! `HINCRBYFLOAT key field increment`
//!
//! Adds a fraction to the number that a field holds, 0 where it is not there; answers the sum as
//! text. Computes and prints as [`super::super::string::incrbyfloat`]. An error for another type, for what
//! is no number, and for a sum that is not finite. The field keeps its TTL. O(1) for a table, O(n)
//! for a listpack.
//!
//! Effect: `HSET` of the sum, or `HSETEX` with the deadline.

use super::{hset, hsetex};
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::hash::{HashGate, Ttl};
use crate::values::long_double::LongDouble;
use larder_codec::integer::MAX_TEXT;

/// What is known of `HINCRBYFLOAT`.
pub const SPEC: Spec = Spec {
    name: "hincrbyfloat",
    syntax: "key field increment",
    summary: "Adds a fraction to the number of a hash's field, 0 if it does not exist.",
    since: "2.6.0",
    group: Group::Hash,
    complexity: "O(1)",
    arity: 4,
    flags: flag::WRITE | flag::DENYOOM | flag::FAST,
    keys: &[KeySpec::one(1, key::RW | key::ACCESS | key::UPDATE)],
    ..Spec::BASE
};

/// `HINCRBYFLOAT`
#[derive(Debug, Clone)]
pub struct HincrByFloat<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The field.
    pub field: &'a [u8],
    /// What to add, as text: its precision is more than a double's.
    pub increment: &'a [u8],
}

impl<'a> Command<'a> for HincrByFloat<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(HincrByFloat { key: args.word()?, field: args.word()?, increment: args.word()? })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key).push(self.field).push(self.increment);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let increment = LongDouble::parse(self.increment).ok_or(Error::NotFloat)?;
        if !increment.is_finite() {
            return Err(Error::text("ERR value is NaN or Infinity"));
        }
        let mut gate = HashGate::open(ctx.keys, self.key)?;
        let held = gate.hash().and_then(|hash| hash.get(self.field));
        let deadline_ms = held.and_then(|held| held.deadline_ms);
        let old = match held.map(|held| held.value) {
            None => LongDouble::ZERO,
            Some(value) => LongDouble::parse(value.as_bytes(&mut [0; MAX_TEXT]))
                .ok_or(Error::text("ERR hash value is not a float"))?,
        };
        let sum = old.plus(increment).filter(|sum| sum.is_finite());
        let sum = sum.ok_or(Error::text("ERR increment would produce NaN or Infinity"))?.text();
        gate.set_with(&[self.field, &sum], Ttl::Keep);
        let pair: &[&[u8]] = &[self.field, &sum];
        match deadline_ms {
            None => ctx.keys.effect(&hset::SPEC, &[self.key, self.field, &sum]),
            Some(deadline_ms) => {
                hsetex::effect_until(ctx.keys, self.key, deadline_ms, pair);
            }
        }
        reply.bulk(&sum);
        Ok(())
    }
}
