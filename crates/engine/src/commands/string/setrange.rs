//! `SETRANGE key offset value`
//!
//! Overwrites the string at `key` from `offset` on, with zeros before it where the string was
//! shorter; answers its length. An empty `value` changes nothing. An error for another type, for a
//! negative offset and above `proto-max-bulk-len`. Keeps the TTL. O(value) where the string is long
//! and long enough, otherwise O(string).
//!
//! Effect: the command.

use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::string;

/// What is known of `SETRANGE`.
pub const SPEC: Spec = Spec {
    name: "setrange",
    syntax: "key offset value",
    summary: "Overwrites part of the string value of a key, creating it if it does not exist.",
    since: "2.2.0",
    group: Group::String,
    complexity: "O(M) in the length of the value for long strings; O(N) up to 8 KiB",
    arity: 4,
    flags: flag::WRITE | flag::DENYOOM,
    keys: &[KeySpec::one(1, key::RW | key::UPDATE)],
    ..Spec::BASE
};

/// `SETRANGE`
#[derive(Debug, Clone)]
pub struct SetRange<'a> {
    /// The key.
    pub key: &'a [u8],
    /// Where `value` begins.
    pub offset: u64,
    /// The new bytes.
    pub value: &'a [u8],
}

impl<'a> Command<'a> for SetRange<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let key = args.word()?;
        let offset = u64::try_from(args.int()?);
        let offset = offset.map_err(|_| Error::text("ERR offset is out of range"))?;
        Ok(SetRange { key, offset, value: args.word()? })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key).int(self.offset.cast_signed()).push(self.value);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let limit = string::max_len(ctx.config());
        let offset = usize::try_from(self.offset).unwrap_or(usize::MAX);
        let len = string::overwrite(&mut ctx.keys.write(self.key), offset, self.value, limit)?;
        reply.int(len as i64);
        Ok(())
    }
}
