//! `HSET key field value [field value ...]`
//!
//! Sets fields, whatever they held; a field loses its TTL. Answers how many were not there.
//! An error for another type. O(1) a field for a table, O(n) for a listpack.
//!
//! Effect: the command.

use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::hash::HashGate;

/// What is known of `HSET`.
pub const SPEC: Spec = Spec {
    name: "hset",
    syntax: "key field value [field value ...]",
    summary: "Sets fields of a hash.",
    since: "2.0.0",
    group: Group::Hash,
    complexity: "O(N) in the fields set",
    arity: -4,
    flags: flag::WRITE | flag::DENYOOM | flag::FAST,
    keys: &[KeySpec::one(1, key::RW | key::UPDATE)],
    ..Spec::BASE
};

/// `HSET`
#[derive(Debug, Clone)]
pub struct Hset<'a> {
    /// The key.
    pub key: &'a [u8],
    /// Fields and their values in turn.
    pub pairs: &'a [&'a [u8]],
}

impl<'a> Command<'a> for Hset<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let hset = Hset { key: args.word()?, pairs: args.rest() };
        if !hset.pairs.len().is_multiple_of(2) {
            return Err(Error::Arity(SPEC.name.into()));
        }
        Ok(hset)
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key).all(self.pairs);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let added = HashGate::open(ctx.keys, self.key)?.set(self.pairs);
        reply.int(added as i64);
        Ok(())
    }
}
