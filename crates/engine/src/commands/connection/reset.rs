//! `RESET`
//!
//! Makes the session as it was when it began: no transaction, watches, subscriptions, tracking or
//! name, no view of others' commands, database 0, RESP2, every reply sent, and the password to be given again. Answers `RESET`.
//! O(watches + subscriptions). No effect.

use super::super::nullary;
use crate::session::ReplyMode;
use crate::spec::{Group, Spec, acl, flag};
use larder_resp::Protocol;
use std::sync::atomic::Ordering;

/// What is known of `RESET`.
pub const SPEC: Spec = Spec {
    name: "reset",
    summary: "Resets the connection.",
    since: "6.2.0",
    group: Group::Connection,
    arity: 1,
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

/// `RESET`
#[derive(Debug, Clone, Copy)]
pub struct Reset;

nullary!(Reset, SPEC, |ctx, reply| {
    let session = &mut *ctx.session;
    session.discard();
    session.unsubscribe_all(ctx.engine);
    session.end_tracking(ctx.engine);
    ctx.engine.monitors.remove(&session.client);
    session.select(0);
    session.set_protocol(Protocol::Resp2);
    session.reply_mode = ReplyMode::On;
    session.authenticated = session.trusted || !ctx.engine.config().has_password();
    session.client.names.lock().name.clear();
    session.client.facts.no_evict.store(false, Ordering::Relaxed);
    session.client.facts.no_touch.store(false, Ordering::Relaxed);
    reply.switch(Protocol::Resp2);
    reply.simple("RESET");
    Ok(())
});
