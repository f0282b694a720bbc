//! `MONITOR`
//!
//! From now on the session sees every command of every client, in the order in which they run;
//! answers OK, and nothing at all when it is asked for again. Ends with `RESET` or the connection.
//! O(1), then O(monitors) for every command. No effect.

use super::super::nullary;
use crate::error::Error;
use crate::spec::{Group, Spec, flag};

/// What is known of `MONITOR`.
pub const SPEC: Spec = Spec {
    name: "monitor",
    summary: "Listens for all requests received by the server in real-time.",
    since: "1.0.0",
    group: Group::Server,
    arity: 1,
    flags: flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE,
    ..Spec::BASE
};

/// `MONITOR`
#[derive(Debug, Clone, Copy)]
pub struct Monitor;

nullary!(Monitor, SPEC, |ctx, reply| {
    if !ctx.may_block {
        return Err(Error::text("ERR MONITOR isn't allowed for DENY BLOCKING client"));
    }
    if ctx.engine.monitors.add(&ctx.session.client) {
        reply.ok();
    }
    Ok(())
});
