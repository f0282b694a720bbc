//! `TYPE key`
//!
//! Answers the type of the key's value as a status: `string`, `list`, `set`, or `none` without the
//! key. O(1).

use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, acl, flag, key};

/// What is known of `TYPE`.
pub const SPEC: Spec = Spec {
    name: "type",
    syntax: "key",
    summary: "Tells the type of the value at a key.",
    since: "1.0.0",
    group: Group::Generic,
    complexity: "O(1)",
    arity: 2,
    flags: flag::READONLY | flag::FAST,
    acl: acl::KEYSPACE,
    keys: &[KeySpec::one(1, key::RO)],
    ..Spec::BASE
};

/// `TYPE`
#[derive(Debug, Clone)]
pub struct TypeOf<'a> {
    /// The key.
    pub key: &'a [u8],
}

impl<'a> Command<'a> for TypeOf<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(TypeOf { key: args.word()? })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let value = ctx.keys.read_untouched(self.key);
        reply.simple(value.map_or("none", |value| value.type_of().name()));
        Ok(())
    }
}
