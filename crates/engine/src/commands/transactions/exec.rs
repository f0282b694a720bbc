//! `EXEC`
//!
//! Runs the queue under the locks of all of its keys and of the watched ones; answers an array of
//! the replies, or null when a watched key has changed. Costs what the commands cost.
//!
//! Effect: those of the commands, in one frame of the log.
//!
//! The session runs it ([`crate::session`]); this is what it looks like to everybody else.

use super::super::nullary;
use crate::error::Error;
use crate::spec::{Group, Spec, acl, flag};

/// What is known of `EXEC`.
pub const SPEC: Spec = Spec {
    name: "exec",
    summary: "Executes all commands in a transaction.",
    since: "1.2.0",
    group: Group::Transactions,
    complexity: "Depends on commands in the transaction",
    arity: 1,
    flags: flag::NOSCRIPT
        | flag::LOADING
        | flag::STALE
        | flag::SKIP_SLOWLOG
        | flag::EXEC
        | flag::NOT_QUEUED,
    acl: acl::TRANSACTION,
    ..Spec::BASE
};

/// `EXEC`
#[derive(Debug, Clone, Copy)]
pub struct Exec;

// Who comes here has no queue: a typed caller, or a transaction inside one.
nullary!(Exec, SPEC, |_, _| Err(Error::text("ERR EXEC without MULTI")));
