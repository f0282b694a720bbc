//! `PFMERGE destkey [sourcekey [sourcekey ...]]`
//!
//! Makes the HyperLogLog at `destkey` the union of itself and others, and answers OK; missing ones
//! are empty. It is dense if any of them is. Keeps the TTL. Errors as for `PFADD`. O(registers),
//! 16,384 a key.
//!
//! Effect: the command.

use super::pfadd;
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::notify::names::Events;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::hyperloglog;

/// What is known of `PFMERGE`.
pub const SPEC: Spec = Spec {
    name: "pfmerge",
    syntax: "destkey [sourcekey [sourcekey ...]]",
    summary: "Merges one or more HyperLogLog values into a single key.",
    since: "2.8.9",
    group: Group::Hyperloglog,
    complexity: "O(N) in the number of keys, each with 16384 registers",
    arity: -2,
    flags: flag::WRITE | flag::DENYOOM,
    keys: &[
        KeySpec::one(1, key::RW | key::ACCESS | key::INSERT),
        KeySpec::rest(2, key::RO | key::ACCESS),
    ],
    events: Events::named(pfadd::SPEC.name),
    ..Spec::BASE
};

/// `PFMERGE`
#[derive(Debug, Clone)]
pub struct PfMerge<'a> {
    /// The key that becomes the union.
    pub destination: &'a [u8],
    /// The others.
    pub sources: &'a [&'a [u8]],
}

impl<'a> Command<'a> for PfMerge<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(PfMerge { destination: args.word()?, sources: args.rest() })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.destination).all(self.sources);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.destination);
        self.sources.iter().for_each(|key| visit(key));
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        hyperloglog::merge(ctx.keys, self.destination, self.sources)?;
        reply.ok();
        Ok(())
    }
}
