//! `LASTSAVE`
//!
//! Answers when the last snapshot was saved, or the start where none was, in Unix seconds. O(1).

use super::super::nullary;
use crate::spec::{Group, Spec, acl, flag};

/// What is known of `LASTSAVE`.
pub const SPEC: Spec = Spec {
    name: "lastsave",
    summary: "Returns the Unix timestamp of the last successful save to disk.",
    group: Group::Server,
    arity: 1,
    flags: flag::LOADING | flag::STALE | flag::FAST,
    acl: acl::DANGEROUS,
    tips: &["nondeterministic_output"],
    ..Spec::BASE
};

/// `LASTSAVE`
#[derive(Debug, Clone, Copy)]
pub struct LastSave;

nullary!(LastSave, SPEC, |ctx, reply| {
    let durability = ctx.engine.durability();
    let last_s = durability.map_or(ctx.engine.started_ms() / 1000, |last| last.last_save_s());
    reply.int(last_s.cast_signed());
    Ok(())
});
