//! `FUNCTION`: libraries of functions that the server keeps. What holds them:
//! [`crate::scripts::libraries`].

pub mod delete;
pub mod list;
pub mod load;
pub mod restore;
pub mod stats;

use crate::commands::{help, subcommand};
use crate::keys::Keys;
use crate::spec::{Entry, Group, Spec, acl, flag};
use delete::{Delete, Flush};
use list::List;
use load::Load;
use restore::{Dump, Restore};
use stats::{Kill, Stats};

/// What is known of `FUNCTION`.
pub const SPEC: Spec = Spec {
    name: "function",
    summary: "A container for function commands.",
    since: "7.0.0",
    group: Group::Scripting,
    complexity: "Depends on subcommand.",
    arity: -2,
    subcommands: SUBCOMMANDS,
    ..Spec::BASE
};

const SUBCOMMANDS: &[Entry] = &[
    subcommand!(delete::DELETE, Delete),
    subcommand!(plain restore::DUMP, Dump),
    subcommand!(delete::FLUSH, Flush),
    help::entry(&HELP),
    subcommand!(plain stats::KILL, Kill),
    subcommand!(list::LIST, List),
    subcommand!(load::LOAD, Load),
    subcommand!(restore::RESTORE, Restore),
    subcommand!(plain stats::STATS, Stats),
];

const HELP: Spec = help::spec(Group::Scripting, "7.0.0", acl::SCRIPTING);

/// What all subcommands have in common.
const READS: Spec = Spec {
    group: Group::Scripting,
    since: "7.0.0",
    flags: flag::NOSCRIPT,
    acl: acl::SCRIPTING,
    ..Spec::BASE
};

/// What those have in common that change libraries: no script runs meanwhile.
const CHANGES: Spec = Spec {
    flags: flag::NOSCRIPT | flag::WRITE | flag::SCRIPT,
    tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
    ..READS
};

/// Names the effect of a subcommand.
fn effect(keys: &mut Keys<'_>, sub: &Spec, words: &[&[u8]]) {
    let mut all = vec![sub.name.as_bytes()];
    all.extend_from_slice(words);
    keys.effect(&SPEC, &all);
}
