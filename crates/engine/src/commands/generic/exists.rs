//! `EXISTS key [key ...]`
//!
//! Answers how many of the keys are there; a key named twice counts twice. O(keys). Leaves the
//! keys' age as it is.

use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, acl, flag, key};

/// What is known of `EXISTS`.
pub const SPEC: Spec = Spec {
    name: "exists",
    syntax: "key [key ...]",
    summary: "Tells how many of the keys exist.",
    group: Group::Generic,
    complexity: "O(N) in the number of keys",
    arity: -2,
    flags: flag::READONLY | flag::FAST,
    acl: acl::KEYSPACE,
    keys: &[KeySpec::rest(1, key::RO)],
    tips: &["request_policy:multi_shard", "response_policy:agg_sum"],
    ..Spec::BASE
};

/// `EXISTS`
#[derive(Debug, Clone)]
pub struct Exists<'a> {
    /// The keys.
    pub keys: &'a [&'a [u8]],
}

impl<'a> Command<'a> for Exists<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(Exists { keys: args.rest() })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.all(self.keys);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        self.keys.iter().for_each(|key| visit(key));
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let there = self.keys.iter().filter(|key| ctx.keys.read_untouched(key).is_some());
        reply.int(there.count() as i64);
        Ok(())
    }
}
