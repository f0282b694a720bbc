//! `XINFO STREAM | GROUPS | CONSUMERS`, `XINFO HELP`
//!
//! What is known of a stream, its groups and their consumers.

mod consumers;
mod groups;
mod stream;

pub use consumers::Consumers;
pub use groups::Groups;
pub use stream::About;

use super::{Late, no_group_of_key, reply_entry, reply_id, since};
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::commands::{help, subcommand, subcommand_usage_error};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{self, Entry, KeySpec, Spec, flag, key};
use crate::values::stream::{Group, Stream, stream_of};

/// What is known of `XINFO`.
pub const SPEC: Spec = Spec {
    name: "xinfo",
    summary: "A container for stream introspection commands.",
    since: "5.0.0",
    group: spec::Group::Stream,
    complexity: "Depends on subcommand.",
    arity: -2,
    subcommands: SUBCOMMANDS,
    ..Spec::BASE
};

const SUBCOMMANDS: &[Entry] = &[
    subcommand!(consumers::CONSUMERS, Consumers),
    subcommand!(groups::GROUPS, Groups),
    help::entry(&HELP),
    subcommand!(stream::STREAM, About),
];

const HELP: Spec = help::spec(spec::Group::Stream, "5.0.0", 0);

/// What the subcommands have in common.
const ABOUT_STREAM: Spec = Spec {
    syntax: "key",
    since: "5.0.0",
    group: spec::Group::Stream,
    arity: 3,
    flags: flag::READONLY,
    keys: &[KeySpec::one(2, key::RO | key::ACCESS)],
    ..Spec::BASE
};

/// The key's stream, which must be there.
fn stream_at<'k>(ctx: &'k Ctx<'_, '_>, key: &[u8]) -> Result<&'k Stream, Error> {
    stream_of(ctx.keys.read(key))?.ok_or(Error::NoSuchKey)
}

/// How many entries a group has read, and how many it has not.
fn reply_progress(stream: &Stream, group: &Group, reply: &mut dyn Reply) {
    reply.bulk(b"entries-read");
    match group.entries_read() {
        Some(read) => reply.int(read.cast_signed()),
        None => reply.null(),
    }
    reply.bulk(b"lag");
    match stream.lag(group) {
        Some(lag) => reply.int(lag),
        None => reply.null(),
    }
}
