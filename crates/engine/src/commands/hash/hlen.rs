//! `HLEN key`
//!
//! Answers the number of fields. O(1); fields that are due and not removed yet are counted off,
//! unless they are kept for now: clients are paused, or `DEBUG` has halted their removal.
//!
//! Effect: none.

use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::hash::{self, HashRef};

/// What is known of `HLEN`.
pub const SPEC: Spec = Spec {
    name: "hlen",
    syntax: "key",
    summary: "Returns the number of fields of a hash.",
    since: "2.0.0",
    group: Group::Hash,
    complexity: "O(1)",
    arity: 2,
    flags: flag::READONLY | flag::FAST,
    keys: &[KeySpec::one(1, key::RO)],
    ..Spec::BASE
};

/// `HLEN`
#[derive(Debug, Clone)]
pub struct Hlen<'a> {
    /// The key.
    pub key: &'a [u8],
}

impl<'a> Command<'a> for Hlen<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(Hlen { key: args.word()? })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let hash = hash::read(ctx.keys, self.key)?;
        let len = if ctx.keys.keeps_due() { HashRef::len_with_due } else { HashRef::len };
        reply.int(hash.map_or(0, len) as i64);
        Ok(())
    }
}
