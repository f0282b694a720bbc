//! `GETRANGE key start end`
//!
//! Answers a part of the string at `key`: from `start` to `end`, both included and counted from
//! the end where negative. Empty where nothing is. An error for another type. O(part).

use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::keys::string_of;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::string;

/// What is known of `GETRANGE`.
pub const SPEC: Spec = Spec {
    name: "getrange",
    syntax: "key start end",
    summary: "Returns part of the string value of a key.",
    since: "2.4.0",
    group: Group::String,
    complexity: "O(N) in the length of the part",
    arity: 4,
    flags: flag::READONLY,
    keys: &[KeySpec::one(1, key::RO | key::ACCESS)],
    ..Spec::BASE
};

/// `GETRANGE`
#[derive(Debug, Clone)]
pub struct GetRange<'a> {
    /// The key.
    pub key: &'a [u8],
    /// Index of the first byte.
    pub start: i64,
    /// Index of the last byte.
    pub end: i64,
}

impl<'a> Command<'a> for GetRange<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(GetRange { key: args.word()?, start: args.int()?, end: args.int()? })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key).int(self.start).int(self.end);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        match string_of(ctx.keys.read(self.key))? {
            Some(bytes) => reply.bulk(string::range(bytes, self.start, self.end)),
            None => reply.bulk(b""),
        }
        Ok(())
    }
}
