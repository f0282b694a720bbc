//! `ROLE`
//!
//! Answers `master`, the replication offset and the replicas: 0 and none, as there is no
//! replication yet. O(1).

use super::super::nullary;
use super::info;
use crate::spec::{Group, Spec, acl, flag};

/// What is known of `ROLE`.
pub const SPEC: Spec = Spec {
    name: "role",
    summary: "Returns the replication role.",
    since: "2.8.12",
    group: Group::Server,
    arity: 1,
    flags: flag::NOSCRIPT | flag::LOADING | flag::STALE | flag::FAST | flag::ADMIN,
    acl: acl::DANGEROUS,
    ..Spec::BASE
};

/// `ROLE`
#[derive(Debug, Clone, Copy)]
pub struct Role;

nullary!(Role, SPEC, |_, reply| {
    reply.array(3);
    reply.bulk(info::ROLE.as_bytes());
    reply.int(0);
    reply.array(0);
    Ok(())
});
