//! `DISCARD`
//!
//! Forgets the queue and the watches; answers OK. O(commands and watched keys). No effect.

use super::super::nullary;
use crate::error::Error;
use crate::spec::{Group, Spec, acl, flag};

/// What is known of `DISCARD`.
pub const SPEC: Spec = Spec {
    name: "discard",
    summary: "Discards a transaction.",
    since: "2.0.0",
    group: Group::Transactions,
    complexity: "O(N), when N is the number of queued commands",
    arity: 1,
    flags: flag::NOSCRIPT
        | flag::LOADING
        | flag::STALE
        | flag::FAST
        | flag::ALLOW_BUSY
        | flag::NOT_QUEUED,
    acl: acl::TRANSACTION,
    ..Spec::BASE
};

/// `DISCARD`
#[derive(Debug, Clone, Copy)]
pub struct Discard;

nullary!(Discard, SPEC, |ctx, reply| {
    if ctx.session.multi.is_none() {
        return Err(Error::text("ERR DISCARD without MULTI"));
    }
    ctx.session.discard();
    reply.ok();
    Ok(())
});
