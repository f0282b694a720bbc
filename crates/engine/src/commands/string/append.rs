//! `APPEND key value`
//!
//! Appends to the string at `key`, which is `value` where nothing was; answers its length. An
//! error for another type and above `proto-max-bulk-len`. Keeps the TTL. O(value) where the string
//! is long, otherwise O(string).
//!
//! Effect: the command.

use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::string;

/// What is known of `APPEND`.
pub const SPEC: Spec = Spec {
    name: "append",
    syntax: "key value",
    summary: "Appends to the string value of a key, creating it if it does not exist.",
    since: "2.0.0",
    group: Group::String,
    complexity: "O(1), amortized, for long strings; O(N) up to 8 KiB",
    arity: 3,
    flags: flag::WRITE | flag::DENYOOM | flag::FAST,
    keys: &[KeySpec::one(1, key::RW | key::INSERT)],
    ..Spec::BASE
};

/// `APPEND`
#[derive(Debug, Clone)]
pub struct Append<'a> {
    /// The key.
    pub key: &'a [u8],
    /// What to append.
    pub value: &'a [u8],
}

impl<'a> Command<'a> for Append<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(Append { key: args.word()?, value: args.word()? })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key).push(self.value);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let limit = string::max_len(ctx.config());
        let len = string::append(&mut ctx.keys.write(self.key), self.value, limit)?;
        reply.int(len as i64);
        Ok(())
    }
}
