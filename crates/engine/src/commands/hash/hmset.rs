//! `HMSET key field value [field value ...]`
//!
//! Sets fields as HSET does, and answers OK.
//! An error for another type. O(1) a field for a table, O(n) for a listpack.
//!
//! Effect: the command.

use super::hset;
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::notify::names::Events;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::hash::HashGate;

/// What is known of `HMSET`.
pub const SPEC: Spec = Spec {
    name: "hmset",
    syntax: "key field value [field value ...]",
    summary: "Sets fields of a hash and answers OK.",
    since: "2.0.0",
    group: Group::Hash,
    complexity: "O(N) in the fields set",
    arity: -4,
    flags: flag::WRITE | flag::DENYOOM | flag::FAST,
    keys: &[KeySpec::one(1, key::RW | key::UPDATE)],
    events: Events::named(hset::SPEC.name),
    ..Spec::BASE
};

/// `HMSET`
#[derive(Debug, Clone)]
pub struct Hmset<'a> {
    /// The key.
    pub key: &'a [u8],
    /// Fields and their values in turn.
    pub pairs: &'a [&'a [u8]],
}

impl<'a> Command<'a> for Hmset<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let hmset = Hmset { key: args.word()?, pairs: args.rest() };
        if !hmset.pairs.len().is_multiple_of(2) {
            return Err(Error::Arity(SPEC.name.into()));
        }
        Ok(hmset)
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key).all(self.pairs);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        HashGate::open(ctx.keys, self.key)?.set(self.pairs);
        reply.ok();
        Ok(())
    }
}
