//! `PFCOUNT key [key ...]`
//!
//! Answers about how many distinct elements a HyperLogLog was given, or several together; a missing
//! key was given none. One key remembers its number until it changes: its bytes change, and who
//! watches the key sees that. O(registers), 16,384 a key; O(1) for a number that is remembered.
//!
//! Effect: the command, where a number was put down.

use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::notify::names::Events;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::hyperloglog;

/// What is known of `PFCOUNT`.
pub const SPEC: Spec = Spec {
    name: "pfcount",
    syntax: "key [key ...]",
    summary: "Returns the approximated cardinality of the set(s) observed by the HyperLogLog \
              key(s).",
    since: "2.8.9",
    group: Group::Hyperloglog,
    complexity: "O(1) for one key; O(N) in the number of several, each with 16384 registers",
    arity: -2,
    flags: flag::READONLY | flag::MAY_REPLICATE,
    keys: &[KeySpec::rest(1, key::RW | key::ACCESS)],
    events: Events::NONE,
    ..Spec::BASE
};

/// `PFCOUNT`
#[derive(Debug, Clone)]
pub struct PfCount<'a> {
    /// The keys.
    pub keys: &'a [&'a [u8]],
}

impl<'a> Command<'a> for PfCount<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(PfCount { keys: args.rest() })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.all(self.keys);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        self.keys.iter().for_each(|key| visit(key));
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let cardinality = match self.keys {
            [key] => hyperloglog::count(ctx.keys, key)?,
            keys => hyperloglog::count_union(ctx.keys, keys)?,
        };
        reply.int(cardinality.cast_signed());
        Ok(())
    }
}
