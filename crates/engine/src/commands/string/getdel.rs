//! `GETDEL key`
//!
//! Answers the string at `key`, or null, and removes the key. An error for another type. O(1) plus
//! the copy of the value.
//!
//! Effect: `DEL` of the key.

use super::super::generic::del;
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::keys::string_of;
use crate::notify::names::Events;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};

/// What is known of `GETDEL`.
pub const SPEC: Spec = Spec {
    name: "getdel",
    syntax: "key",
    summary: "Returns the string value of a key and deletes the key.",
    since: "6.2.0",
    group: Group::String,
    complexity: "O(1)",
    arity: 2,
    flags: flag::WRITE | flag::FAST,
    keys: &[KeySpec::one(1, key::RW | key::ACCESS | key::DELETE)],
    events: Events::named(del::SPEC.name),
    ..Spec::BASE
};

/// `GETDEL`
#[derive(Debug, Clone)]
pub struct GetDel<'a> {
    /// The key.
    pub key: &'a [u8],
}

impl<'a> Command<'a> for GetDel<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(GetDel { key: args.word()? })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        reply.bulk_or_null(string_of(ctx.keys.read(self.key))?);
        if ctx.keys.write(self.key).remove() {
            ctx.keys.effect(&del::SPEC, &[self.key]);
        }
        Ok(())
    }
}
