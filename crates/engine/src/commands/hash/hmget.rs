//! `HMGET key field [field ...]`
//!
//! Answers the values of fields in their order, null for a missing one. O(1) a field for a table,
//! O(n) for a listpack.
//!
//! Effect: none.

use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::hash;

/// What is known of `HMGET`.
pub const SPEC: Spec = Spec {
    name: "hmget",
    syntax: "key field [field ...]",
    summary: "Returns the values of fields of a hash.",
    since: "2.0.0",
    group: Group::Hash,
    complexity: "O(N) in the fields asked for",
    arity: -3,
    flags: flag::READONLY | flag::FAST,
    keys: &[KeySpec::one(1, key::RO | key::ACCESS)],
    ..Spec::BASE
};

/// `HMGET`
#[derive(Debug, Clone)]
pub struct Hmget<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The fields.
    pub fields: &'a [&'a [u8]],
}

impl<'a> Command<'a> for Hmget<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(Hmget { key: args.word()?, fields: args.rest() })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key).all(self.fields);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let hash = hash::read(ctx.keys, self.key)?;
        reply.array(self.fields.len());
        for field in self.fields {
            match hash.and_then(|hash| hash.get(field)) {
                Some(held) => hash::answer(held.value, reply),
                None => reply.null(),
            }
        }
        Ok(())
    }
}
