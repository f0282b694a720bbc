//! `XGROUP CREATE | CREATECONSUMER | DELCONSUMER | DESTROY | SETID`, `XGROUP HELP`
//!
//! Makes and removes consumer groups and consumers.

mod consumers;
mod create;
mod destroy;
mod setid;

pub use consumers::{CreateConsumer, DelConsumer};
pub use create::Create;
pub use destroy::Destroy;
pub use setid::SetId;

pub(super) use consumers::{CONSUMER_MADE, CREATECONSUMER};
pub(super) use setid::SETID;

use super::{no_group_of_key, parse_any_id, parse_id, push_id};
use crate::args::Args;
use crate::command::Words;
use crate::commands::{help, subcommand, subcommand_usage_error};
use crate::error::Error;
use crate::keys::Keys;
use crate::keyspace::Gate;
use crate::spec::{Entry, Group, KeySpec, Spec, flag, key};
use crate::values::stream::{Entries, Id, Stream, stream_of};

/// What is known of `XGROUP`.
pub const SPEC: Spec = Spec {
    name: "xgroup",
    summary: "A container for consumer groups commands.",
    since: "5.0.0",
    group: Group::Stream,
    complexity: "Depends on subcommand.",
    arity: -2,
    subcommands: SUBCOMMANDS,
    ..Spec::BASE
};

const SUBCOMMANDS: &[Entry] = &[
    subcommand!(create::CREATE, Create),
    subcommand!(consumers::CREATECONSUMER, CreateConsumer),
    subcommand!(consumers::DELCONSUMER, DelConsumer),
    subcommand!(destroy::DESTROY, Destroy),
    help::entry(&HELP),
    subcommand!(setid::SETID, SetId),
];

const HELP: Spec = help::spec(Group::Stream, "5.0.0", 0);

/// What subcommands about a group have in common.
const ABOUT_GROUP: Spec = Spec {
    syntax: "key group",
    since: "5.0.0",
    group: Group::Stream,
    arity: 4,
    flags: flag::WRITE,
    keys: &[KeySpec::one(2, key::RW | key::DELETE)],
    ..Spec::BASE
};

/// Names an effect of a subcommand.
pub(super) fn effect(keys: &mut Keys<'_>, sub: &Spec, words: &[&[u8]]) {
    let mut all = vec![sub.name.as_bytes()];
    all.extend_from_slice(words);
    keys.effect(&SPEC, &all);
}

/// How far a group has read: up to an ID, or to what is there now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Position {
    /// Up to this ID.
    Id(Id),
    /// `$`: up to the last one.
    Now,
}

impl Position {
    fn parse(args: &mut Args<'_>) -> Result<Position, Error> {
        match args.word()? {
            b"$" => Ok(Position::Now),
            word => parse_id(word, 0).map(Position::Id),
        }
    }

    /// The same, where `-` and `+` are IDs.
    fn parse_any(args: &mut Args<'_>) -> Result<Position, Error> {
        match args.word()? {
            b"$" => Ok(Position::Now),
            word => parse_any_id(word, 0).map(Position::Id),
        }
    }

    fn words(&self, words: &mut Words<'_>) {
        match self {
            Position::Id(id) => push_id(words, *id),
            Position::Now => drop(words.keyword("$")),
        }
    }

    fn id(self, entries: Option<&Entries>) -> Id {
        match self {
            Position::Id(id) => id,
            Position::Now => entries.map_or(Id::MIN, Entries::last_id),
        }
    }
}

/// `ENTRIESREAD entries-read`; -1 is unknown.
fn parse_entries_read(args: &mut Args<'_>) -> Result<Option<u64>, Error> {
    match args.int()? {
        -1 => Ok(None),
        count => u64::try_from(count)
            .map(Some)
            .map_err(|_| Error::text("ERR value for ENTRIESREAD must be positive or -1")),
    }
}

fn usage_error(args: &Args<'_>) -> Error {
    subcommand_usage_error(&SPEC, args.given_name())
}

/// The key's stream, which must be there.
fn stream_in<'g>(gate: &'g Gate<'_>) -> Result<&'g Stream, Error> {
    stream_of(gate.value())?.ok_or(NO_KEY)
}

/// An error unless the stream has the group.
fn check_group(stream: &Stream, key: &[u8], group: &[u8]) -> Result<(), Error> {
    match stream.group(group) {
        Some(_) => Ok(()),
        None => Err(no_group_of_key(key, group)),
    }
}

const NO_KEY: Error = Error::text(
    "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to \
     use the MKSTREAM option to create an empty stream automatically.",
);
