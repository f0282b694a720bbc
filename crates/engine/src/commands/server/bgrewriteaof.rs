//! `BGREWRITEAOF`
//!
//! Begins to write the log anew, in a thread of its own: a base out of a snapshot, then what is
//! logged from its mark on. Answers at once. O(1) here.

use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, Spec, acl, flag};

/// What is known of `BGREWRITEAOF`.
pub const SPEC: Spec = Spec {
    name: "bgrewriteaof",
    syntax: "",
    summary: "Asynchronously rewrites the append-only file to disk.",
    group: Group::Server,
    complexity: "O(1)",
    arity: 1,
    flags: flag::ADMIN | flag::NOSCRIPT | flag::NO_ASYNC_LOADING,
    acl: acl::DANGEROUS,
    ..Spec::BASE
};

/// `BGREWRITEAOF`
#[derive(Debug, Clone, Copy)]
pub struct BgRewriteAof;

impl<'a> Command<'a> for BgRewriteAof {
    const SPEC: &'static Spec = &SPEC;

    fn parse(_: &mut Args<'a>) -> Result<Self, Error> {
        Ok(BgRewriteAof)
    }

    fn words(&self, _: &mut Words<'_>) {}

    fn keys(&self, _: &mut dyn FnMut(&'a [u8])) {}

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let durability = ctx.engine.durability().ok_or(NOWHERE)?;
        reply.simple(durability.rewrite()?);
        Ok(())
    }
}

const NOWHERE: Error = Error::text(
    "ERR Can't execute an AOF background rewriting. Please check the server logs for more information.",
);
