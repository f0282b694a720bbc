//! `DBSIZE`
//!
//! Answers how many keys the database has. O(shards).

use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, Spec, acl, flag};

/// What is known of `DBSIZE`.
pub const SPEC: Spec = Spec {
    name: "dbsize",
    summary: "Counts the keys of the database.",
    group: Group::Server,
    complexity: "O(N) in the number of shards",
    arity: 1,
    flags: flag::READONLY | flag::FAST | flag::ALL_SHARDS,
    acl: acl::KEYSPACE,
    tips: &["request_policy:all_shards", "response_policy:agg_sum"],
    ..Spec::BASE
};

/// `DBSIZE`
#[derive(Debug, Clone)]
pub struct DbSize;

impl<'a> Command<'a> for DbSize {
    const SPEC: &'static Spec = &SPEC;

    fn parse(_: &mut Args<'a>) -> Result<Self, Error> {
        Ok(DbSize)
    }

    fn words(&self, _: &mut Words<'_>) {}

    fn keys(&self, _: &mut dyn FnMut(&'a [u8])) {}

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        reply.int(ctx.keys.count(ctx.keys.db()).cast_signed());
        Ok(())
    }
}
