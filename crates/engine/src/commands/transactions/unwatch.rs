//! `UNWATCH`
//!
//! Forgets the watched keys; answers OK. O(watched keys). No effect.

use super::super::nullary;
use crate::session::after;
use crate::spec::{Group, Spec, acl, flag};

/// What is known of `UNWATCH`.
pub const SPEC: Spec = Spec {
    name: "unwatch",
    summary: "Forgets about watched keys of a transaction.",
    since: "2.2.0",
    group: Group::Transactions,
    arity: 1,
    flags: flag::NOSCRIPT | flag::LOADING | flag::STALE | flag::FAST | flag::ALLOW_BUSY,
    acl: acl::TRANSACTION,
    ..Spec::BASE
};

/// `UNWATCH`
#[derive(Debug, Clone, Copy)]
pub struct Unwatch;

nullary!(Unwatch, SPEC, |ctx, reply| {
    // The locks of the keys are free only after the command.
    ctx.session.after |= after::UNWATCH;
    reply.ok();
    Ok(())
});
