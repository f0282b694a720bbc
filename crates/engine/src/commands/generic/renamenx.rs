//! `RENAMENX key newkey`
//!
//! Gives a key another name, which must be free; its TTL goes with it. Answers 1, or 0 when the
//! name is taken. O(1).
//!
//! Effect: the command, when it renamed.

use super::rename;
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, acl, flag, key};

/// What is known of `RENAMENX`.
pub const SPEC: Spec = Spec {
    name: "renamenx",
    syntax: "key newkey",
    summary: "Renames a key, only when the new name is free.",
    group: Group::Generic,
    complexity: "O(1)",
    arity: 3,
    flags: flag::WRITE | flag::FAST,
    acl: acl::KEYSPACE,
    keys: &[
        KeySpec::one(1, key::RW | key::ACCESS | key::DELETE),
        KeySpec::one(2, key::OW | key::INSERT),
    ],
    events: rename::MOVES,
    ..Spec::BASE
};

/// `RENAMENX`
#[derive(Debug, Clone)]
pub struct RenameNx<'a> {
    /// The key.
    pub key: &'a [u8],
    /// Its name afterwards.
    pub new_key: &'a [u8],
}

impl<'a> Command<'a> for RenameNx<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(RenameNx { key: args.word()?, new_key: args.word()? })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key).push(self.new_key);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
        visit(self.new_key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let taken = ctx.keys.exists(self.new_key);
        let mut gate = ctx.keys.write(self.key);
        if !gate.exists() {
            return Err(Error::NoSuchKey);
        }
        let value = if taken { None } else { gate.take() };
        let renamed = value.map(|(value, deadline_ms)| {
            ctx.keys.write(self.new_key).put_owned(value, deadline_ms);
        });
        reply.int(i64::from(renamed.is_some()));
        Ok(())
    }
}
