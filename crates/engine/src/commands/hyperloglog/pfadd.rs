//! `PFADD key [element [element ...]]`
//!
//! Adds elements to a HyperLogLog, which is made if there is none; answers 1 when it was made or
//! a register has changed, else 0. An error for another type, for a string that is none, and for
//! a corrupted one. Keeps the TTL. O(1) an element when dense, O(bytes) when sparse.
//!
//! Effect: the command, unless it answers 0.

use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::hyperloglog;

/// What is known of `PFADD`.
pub const SPEC: Spec = Spec {
    name: "pfadd",
    syntax: "key [element [element ...]]",
    summary: "Adds elements to a HyperLogLog key. Creates the key if it doesn't exist.",
    since: "2.8.9",
    group: Group::Hyperloglog,
    complexity: "O(1) to add every element",
    arity: -2,
    flags: flag::WRITE | flag::DENYOOM | flag::FAST,
    keys: &[KeySpec::one(1, key::RW | key::INSERT)],
    ..Spec::BASE
};

/// `PFADD`
#[derive(Debug, Clone)]
pub struct PfAdd<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The elements.
    pub elements: &'a [&'a [u8]],
}

impl<'a> Command<'a> for PfAdd<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(PfAdd { key: args.word()?, elements: args.rest() })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key).all(self.elements);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let changed = hyperloglog::add(ctx.keys, self.key, self.elements)?;
        reply.int(i64::from(changed));
        Ok(())
    }
}
