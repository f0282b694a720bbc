//! `MULTI`
//!
//! Begins to queue commands for EXEC; answers OK. O(1). No effect.

use super::super::nullary;
use crate::error::Error;
use crate::spec::{Group, Spec, acl, flag};

/// What is known of `MULTI`.
pub const SPEC: Spec = Spec {
    name: "multi",
    summary: "Starts a transaction.",
    since: "1.2.0",
    group: Group::Transactions,
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

/// `MULTI`
#[derive(Debug, Clone, Copy)]
pub struct Multi;

nullary!(Multi, SPEC, |ctx, reply| {
    if ctx.session.multi.is_some() {
        return Err(Error::text("ERR MULTI calls can not be nested"));
    }
    ctx.session.begin_multi();
    reply.ok();
    Ok(())
});
