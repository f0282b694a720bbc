//! `QUIT`
//!
//! Answers OK, then the connection is closed. O(1). Words after it are ignored, as in Redis.

use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::session::Flow;
use crate::spec::{Group, Spec, acl, flag};

/// What is known of `QUIT`.
pub const SPEC: Spec = Spec {
    name: "quit",
    summary: "Closes the connection.",
    group: Group::Connection,
    arity: -1,
    flags: flag::NOSCRIPT
        | flag::LOADING
        | flag::STALE
        | flag::FAST
        | flag::NO_AUTH
        | flag::ALLOW_BUSY
        | flag::NOT_QUEUED
        | flag::WHILE_SUBSCRIBED,
    acl: acl::CONNECTION,
    ..Spec::BASE
};

/// `QUIT`
#[derive(Debug, Clone, Copy)]
pub struct Quit;

impl<'a> Command<'a> for Quit {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        args.rest();
        Ok(Quit)
    }

    fn words(&self, _: &mut Words<'_>) {}

    fn keys(&self, _: &mut dyn FnMut(&'a [u8])) {}

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        ctx.session.flow = Some(Flow::Close);
        reply.ok();
        Ok(())
    }
}
