//! `HINCRBY key field increment`
//!
//! Adds to the integer that a field holds, 0 where it is not there; answers the sum. An error for
//! another type, for what is no integer, and for a sum beyond 64 bits. The field keeps its TTL.
//! O(1) for a table, O(n) for a listpack.
//!
//! Effect: the command.

use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::hash::{HashGate, Ttl};
use larder_codec::integer::{MAX_TEXT, format_i64, parse_i64_canonical};
use larder_codec::listpack::Entry;

/// What is known of `HINCRBY`.
pub const SPEC: Spec = Spec {
    name: "hincrby",
    syntax: "key field increment",
    summary: "Adds to the integer of a hash's field, 0 if it does not exist.",
    since: "2.0.0",
    group: Group::Hash,
    complexity: "O(1)",
    arity: 4,
    flags: flag::WRITE | flag::DENYOOM | flag::FAST,
    keys: &[KeySpec::one(1, key::RW | key::ACCESS | key::UPDATE)],
    ..Spec::BASE
};

/// `HINCRBY`
#[derive(Debug, Clone)]
pub struct HincrBy<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The field.
    pub field: &'a [u8],
    /// What to add.
    pub increment: i64,
}

impl<'a> Command<'a> for HincrBy<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(HincrBy { key: args.word()?, field: args.word()?, increment: args.int()? })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key).push(self.field).int(self.increment);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let mut gate = HashGate::open(ctx.keys, self.key)?;
        let held = gate.hash().and_then(|hash| hash.get(self.field));
        let old = match held.map(|held| held.value) {
            None => 0,
            Some(Entry::Int(number)) => number,
            Some(Entry::Str(text)) => {
                parse_i64_canonical(text).ok_or(Error::text("ERR hash value is not an integer"))?
            }
        };
        let sum = old.checked_add(self.increment).ok_or(Error::Overflow)?;
        let mut digits = [0; MAX_TEXT];
        gate.set_with(&[self.field, format_i64(sum, &mut digits)], Ttl::Keep);
        reply.int(sum);
        Ok(())
    }
}
