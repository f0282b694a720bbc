//! `STRLEN key`
//!
//! Answers the length of the string at `key`, 0 where nothing is. An error for another type.
//! O(1).

use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::keys::string_of;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};

/// What is known of `STRLEN`.
pub const SPEC: Spec = Spec {
    name: "strlen",
    syntax: "key",
    summary: "Returns the length of the string value of a key.",
    since: "2.2.0",
    group: Group::String,
    complexity: "O(1)",
    arity: 2,
    flags: flag::READONLY | flag::FAST,
    keys: &[KeySpec::one(1, key::RO)],
    ..Spec::BASE
};

/// `STRLEN`
#[derive(Debug, Clone)]
pub struct StrLen<'a> {
    /// The key.
    pub key: &'a [u8],
}

impl<'a> Command<'a> for StrLen<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(StrLen { key: args.word()? })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let len = string_of(ctx.keys.read(self.key))?.map_or(0, <[u8]>::len);
        reply.int(len as i64);
        Ok(())
    }
}
