//! `MEMORY USAGE key [SAMPLES count]` · `STATS` · `HELP`
//!
//! Bytes that a key takes with everything that belongs to it, known exactly and so without samples;
//! and the sums over all keys. O(1); STATS holds all locks for a moment.

use super::super::{help, nullary, subcommand};
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::keyspace::DATABASES;
use crate::reply::Reply;
use crate::spec::{Entry, Group, KeySpec, Spec, flag, key};

/// What is known of `MEMORY`.
pub const SPEC: Spec = Spec {
    name: "memory",
    summary: "A container for memory diagnostics commands.",
    since: "4.0.0",
    group: Group::Server,
    complexity: "Depends on subcommand.",
    arity: -2,
    subcommands: &[
        HELP,
        subcommand!(plain SPEC_STATS, MemoryStats),
        subcommand!(SPEC_USAGE, Usage),
    ],
    ..Spec::BASE
};

const HELP: Entry = help::entry(&help::spec(Group::Server, "4.0.0", 0));

/// What is known of `MEMORY STATS`.
pub const SPEC_STATS: Spec = Spec {
    name: "stats",
    summary: "Returns details about memory usage.",
    since: "4.0.0",
    group: Group::Server,
    arity: 2,
    flags: flag::ALL_SHARDS,
    tips: &["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
    ..Spec::BASE
};

/// What is known of `MEMORY USAGE`.
pub const SPEC_USAGE: Spec = Spec {
    name: "usage",
    syntax: "key [SAMPLES count]",
    summary: "Estimates the memory usage of a key.",
    since: "4.0.0",
    group: Group::Server,
    arity: -3,
    flags: flag::READONLY,
    keys: &[KeySpec::one(2, key::RO)],
    ..Spec::BASE
};

/// `MEMORY USAGE`
#[derive(Debug, Clone, Copy)]
pub struct Usage<'a> {
    /// The key.
    pub key: &'a [u8],
    /// Accepted; nothing is estimated here.
    pub samples: Option<i64>,
}

impl<'a> Command<'a> for Usage<'a> {
    const SPEC: &'static Spec = &SPEC_USAGE;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let mut usage = Usage { key: args.word()?, samples: None };
        while args.left() > 0 {
            if args.left() < 2 || !args.keyword("SAMPLES") {
                return Err(Error::Syntax);
            }
            usage.samples = Some(args.int()?);
            if usage.samples < Some(0) {
                return Err(Error::Syntax);
            }
        }
        Ok(usage)
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key);
        self.samples.iter().for_each(|samples| {
            words.keyword("SAMPLES").int(*samples);
        });
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        match ctx.keys.bytes_of(ctx.keys.db(), self.key) {
            Some(bytes) => reply.int(bytes.cast_signed()),
            None => reply.null(),
        }
        Ok(())
    }
}

/// `MEMORY STATS`
#[derive(Debug, Clone, Copy)]
pub struct MemoryStats;

nullary!(MemoryStats, SPEC_STATS, |ctx, reply| {
    let mut bytes = 0;
    let mut keys = 0;
    for shard in ctx.keys.shards() {
        bytes += shard.bytes();
        keys += (0..DATABASES as u8).map(|db| shard.len(db).0).sum::<u64>();
    }
    let clients: u64 = ctx.engine.clients.all().iter().map(|client| client.bytes()).sum();
    let facts = [
        ("clients.normal", clients),
        ("keys.count", keys),
        ("keys.bytes-per-key", bytes.checked_div(keys).unwrap_or(0)),
        ("dataset.bytes", bytes),
    ];
    reply.map(facts.len());
    for (name, value) in facts {
        reply.bulk(name.as_bytes());
        reply.int(value.cast_signed());
    }
    Ok(())
});
