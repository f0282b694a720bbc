//! `TIME`
//!
//! Answers the engine's time: Unix seconds, and microseconds within the second. O(1).

use super::super::nullary;
use crate::spec::{Group, Spec, flag};

/// What is known of `TIME`.
pub const SPEC: Spec = Spec {
    name: "time",
    summary: "Returns the server time.",
    since: "2.6.0",
    group: Group::Server,
    arity: 1,
    flags: flag::LOADING | flag::STALE | flag::FAST,
    tips: &["nondeterministic_output"],
    ..Spec::BASE
};

/// `TIME`
#[derive(Debug, Clone, Copy)]
pub struct Time;

nullary!(Time, SPEC, |ctx, reply| {
    let now_us = ctx.keys.changes.began_us;
    reply.array(2);
    reply.bulk_int((now_us / 1_000_000).cast_signed());
    reply.bulk_int((now_us % 1_000_000).cast_signed());
    Ok(())
});
