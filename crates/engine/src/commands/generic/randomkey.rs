//! `RANDOMKEY`
//!
//! Answers a key of the database, each with about the same chance, or null when there is none.
//! O(shards).

use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, Spec, acl, flag};

/// What is known of `RANDOMKEY`.
pub const SPEC: Spec = Spec {
    name: "randomkey",
    summary: "Returns a random key of the database.",
    group: Group::Generic,
    complexity: "O(N) in the number of shards",
    arity: 1,
    flags: flag::READONLY | flag::ALL_SHARDS,
    acl: acl::KEYSPACE,
    tips: &["request_policy:all_shards", "response_policy:special", "nondeterministic_output"],
    ..Spec::BASE
};

/// `RANDOMKEY`
#[derive(Debug, Clone)]
pub struct RandomKey;

impl<'a> Command<'a> for RandomKey {
    const SPEC: &'static Spec = &SPEC;

    fn parse(_: &mut Args<'a>) -> Result<Self, Error> {
        Ok(RandomKey)
    }

    fn words(&self, _: &mut Words<'_>) {}

    fn keys(&self, _: &mut dyn FnMut(&'a [u8])) {}

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        reply.bulk_or_null(ctx.keys.random_key().as_deref());
        Ok(())
    }
}
