//! `ACL WHOAMI` · `HELP`
//!
//! There is one user, `default`; rules for more are not there yet. O(1).

use super::super::connection::auth::DEFAULT_USER;
use super::super::{help, nullary, subcommand};
use crate::spec::{Entry, Group, Spec, flag};

/// What is known of `ACL`.
pub const SPEC: Spec = Spec {
    name: "acl",
    summary: "A container for Access List Control commands.",
    since: "6.0.0",
    group: Group::Server,
    complexity: "Depends on subcommand.",
    arity: -2,
    subcommands: &[HELP, subcommand!(plain SPEC_WHOAMI, WhoAmI)],
    ..Spec::BASE
};

const HELP: Entry = help::entry(&help::spec(Group::Server, "6.0.0", 0));

/// What is known of `ACL WHOAMI`.
pub const SPEC_WHOAMI: Spec = Spec {
    name: "whoami",
    summary: "Returns the authenticated username of the current connection.",
    since: "6.0.0",
    group: Group::Server,
    arity: 2,
    flags: flag::NOSCRIPT | flag::LOADING | flag::STALE,
    ..Spec::BASE
};

/// `ACL WHOAMI`
#[derive(Debug, Clone, Copy)]
pub struct WhoAmI;

nullary!(WhoAmI, SPEC_WHOAMI, |_, reply| {
    reply.bulk(DEFAULT_USER.as_bytes());
    Ok(())
});
