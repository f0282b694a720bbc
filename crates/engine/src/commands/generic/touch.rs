//! `TOUCH key [key ...]`
//!
//! Uses the keys, so that eviction takes them for fresh; answers how many are there. O(keys).

use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, acl, flag, key};

/// What is known of `TOUCH`.
pub const SPEC: Spec = Spec {
    name: "touch",
    syntax: "key [key ...]",
    summary: "Keeps keys from being evicted as unused; tells how many exist.",
    group: Group::Generic,
    complexity: "O(N) in the number of keys",
    since: "3.2.1",
    arity: -2,
    flags: flag::READONLY | flag::FAST,
    acl: acl::KEYSPACE,
    keys: &[KeySpec::rest(1, key::RO)],
    tips: &["request_policy:multi_shard", "response_policy:agg_sum"],
    ..Spec::BASE
};

/// `TOUCH`
#[derive(Debug, Clone)]
pub struct Touch<'a> {
    /// The keys.
    pub keys: &'a [&'a [u8]],
}

impl<'a> Command<'a> for Touch<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(Touch { keys: args.rest() })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.all(self.keys);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        self.keys.iter().for_each(|key| visit(key));
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let there = self.keys.iter().filter(|key| ctx.keys.touch(key));
        reply.int(there.count() as i64);
        Ok(())
    }
}
