//! `SAVE`
//!
//! Saves a snapshot to its file and answers `OK` once that is on disk. Other clients are served
//! meanwhile, but for those of the same loop. An error where the file cannot be written, as in an
//! engine that has no folder. O(keys).

use super::super::nullary;
use crate::error::Error;
use crate::spec::{Group, Spec, acl, flag};

/// What is known of `SAVE`.
pub const SPEC: Spec = Spec {
    name: "save",
    summary: "Synchronously saves the database(s) to disk.",
    group: Group::Server,
    complexity: "O(N) where N is the total number of keys in all databases",
    arity: 1,
    flags: flag::ADMIN | flag::NOSCRIPT | flag::NO_ASYNC_LOADING | flag::NO_MULTI,
    acl: acl::DANGEROUS,
    ..Spec::BASE
};

/// What Redis says when a file cannot be written: the reason is in its log.
pub(super) const FAILED: Error = Error::text("ERR");

/// `SAVE`
#[derive(Debug, Clone, Copy)]
pub struct Save;

nullary!(Save, SPEC, |ctx, reply| {
    ctx.engine.durability().ok_or(FAILED)?.save()?;
    reply.ok();
    Ok(())
});
