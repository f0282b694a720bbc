//! `FLUSHALL [ASYNC | SYNC]`
//!
//! Removes every key of every database. The memory is
//! free when the reply leaves with `SYNC`, soon after it with `ASYNC`; which of the two holds
//! without an option, `lazyfree-lazy-user-flush` says. O(shards) under the locks.
//!
//! Effect: the command, when there was a key.

use super::freeing;
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::keyspace::Freeing;
use crate::reply::Reply;
use crate::spec::{Group, Spec, acl, flag};

/// What is known of `FLUSHALL`.
pub const SPEC: Spec = Spec {
    name: "flushall",
    syntax: "[ASYNC | SYNC]",
    summary: "Removes all keys of all databases.",
    group: Group::Server,
    complexity: "O(N) in the number of shards; values are freed after the locks",
    arity: -1,
    flags: flag::WRITE | flag::ALL_SHARDS,
    acl: acl::KEYSPACE | acl::DANGEROUS,
    tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
    ..Spec::BASE
};

/// `FLUSHALL`
#[derive(Debug, Clone, Default)]
pub struct FlushAll {
    /// Who frees the memory, if it was said.
    pub freeing: Option<Freeing>,
}

impl<'a> Command<'a> for FlushAll {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(FlushAll { freeing: freeing::parse(args) })
    }

    fn words(&self, words: &mut Words<'_>) {
        freeing::words(self.freeing, words);
    }

    fn keys(&self, _: &mut dyn FnMut(&'a [u8])) {}

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let freeing = self.freeing.unwrap_or_else(|| freeing::configured(ctx.config()));
        ctx.keys.flush_all(freeing);
        reply.ok();
        Ok(())
    }
}
