//! `GET key`
//!
//! Answers the string at `key`, or null. An error for any other type.
//! O(1) plus the copy of the value.

use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::keys::string_of;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};

/// What is known of `GET`.
pub const SPEC: Spec = Spec {
    name: "get",
    syntax: "key",
    summary: "Returns the string value of a key.",
    group: Group::String,
    complexity: "O(1)",
    arity: 2,
    flags: flag::READONLY | flag::FAST,
    keys: &[KeySpec::one(1, key::RO | key::ACCESS)],
    ..Spec::BASE
};

/// `GET`
#[derive(Debug, Clone)]
pub struct Get<'a> {
    /// The key.
    pub key: &'a [u8],
}

impl<'a> Command<'a> for Get<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(Get { key: args.word()? })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        reply.bulk_or_null(string_of(ctx.keys.read(self.key))?);
        Ok(())
    }
}
