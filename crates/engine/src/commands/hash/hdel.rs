//! `HDEL key field [field ...]`
//!
//! Removes fields, and the key with the last of them. Answers how many were there. O(1) a field
//! for a table, O(n) for a listpack.
//!
//! Effect: the command.

use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::hash::HashGate;

/// What is known of `HDEL`.
pub const SPEC: Spec = Spec {
    name: "hdel",
    syntax: "key field [field ...]",
    summary: "Removes fields of a hash, and the hash with the last of them.",
    since: "2.0.0",
    group: Group::Hash,
    complexity: "O(N) in the fields to be removed",
    arity: -3,
    flags: flag::WRITE | flag::FAST,
    keys: &[KeySpec::one(1, key::RW | key::DELETE)],
    ..Spec::BASE
};

/// `HDEL`
#[derive(Debug, Clone)]
pub struct Hdel<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The fields.
    pub fields: &'a [&'a [u8]],
}

impl<'a> Command<'a> for Hdel<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(Hdel { key: args.word()?, fields: args.rest() })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key).all(self.fields);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let removed = HashGate::open(ctx.keys, self.key)?.remove(self.fields, |_| ());
        reply.int(removed as i64);
        Ok(())
    }
}
