//! `COMMAND` · `COMMAND COUNT|DOCS|GETKEYS|GETKEYSANDFLAGS|HELP|INFO|LIST`
//!
//! What commands there are, all of it read from their SPECs. O(commands).

pub(crate) mod arguments;
mod docs;
mod getkeys;
mod info;
mod list;

pub use docs::Docs;
pub use getkeys::{GetKeys, GetKeysAndFlags};
pub use info::{Count, Describe, Info};
pub use list::{Filter, List};

use super::super::{Known, all, find, find_subcommand, help, subcommand};
use crate::spec::{Entry, Group, Spec, acl, flag};
use docs::SPEC_DOCS;
use getkeys::{SPEC_GETKEYS, SPEC_GETKEYSANDFLAGS};
use info::{SPEC_COUNT, SPEC_INFO};
use list::SPEC_LIST;

/// What is known of `COMMAND`.
pub const SPEC: Spec = Spec {
    name: "command",
    summary: "Returns detailed information about all commands.",
    since: "2.8.13",
    arity: -1,
    subcommands: &[
        subcommand!(plain SPEC_COUNT, Count),
        subcommand!(SPEC_DOCS, Docs),
        subcommand!(SPEC_GETKEYS, GetKeys),
        subcommand!(SPEC_GETKEYSANDFLAGS, GetKeysAndFlags),
        HELP,
        subcommand!(SPEC_INFO, Info),
        subcommand!(SPEC_LIST, List),
    ],
    ..SUB
};

const HELP: Entry = help::entry(&help::spec(Group::Server, "5.0.0", acl::CONNECTION));

/// What the subcommands have in common.
const SUB: Spec = Spec {
    since: "7.0.0",
    group: Group::Server,
    complexity: "O(N) where N is the total number of commands",
    arity: -2,
    flags: flag::LOADING | flag::STALE,
    acl: acl::CONNECTION,
    tips: &["nondeterministic_output_order"],
    ..Spec::BASE
};

/// The commands of the table, without subcommands.
fn commands() -> impl Iterator<Item = &'static Known> {
    all().iter().filter(|known| !known.is_sub)
}

/// A command by its name, or a subcommand by `container|name`; its full name with it.
fn by_name(name: &[u8]) -> Option<&'static Known> {
    let (container, sub) = match name.iter().position(|&byte| byte == b'|') {
        Some(at) => (&name[..at], Some(&name[at + 1..])),
        None => (name, None),
    };
    let entry = find(container)?;
    Some(known(match sub {
        Some(sub) => find_subcommand(entry, sub)?,
        None => entry,
    }))
}

fn known(entry: &'static Entry) -> &'static Known {
    &all()[super::super::number_of(entry)]
}
