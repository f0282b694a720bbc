//! `SLOWLOG GET [count]` · `LEN` · `RESET` · `HELP`
//!
//! Commands that took longer than `slowlog-log-slower-than` microseconds under their locks, newest
//! first; `slowlog-max-len` are kept. Typed calls of this process are not timed. O(entries).

use super::super::{help, nullary, subcommand};
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::commandlog::{CommandLog, Remarkable};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Entry, Group, Spec, acl, flag};

/// What is known of `SLOWLOG`.
pub const SPEC: Spec = Spec {
    name: "slowlog",
    summary: "A container for slow log commands.",
    since: "2.2.12",
    group: Group::Server,
    complexity: "Depends on subcommand.",
    arity: -2,
    subcommands: &[
        subcommand!(plain SPEC_GET, Get),
        HELP,
        subcommand!(plain SPEC_LEN, Len),
        subcommand!(plain SPEC_RESET, Reset),
    ],
    ..Spec::BASE
};

const HELP: Entry = help::entry(&help::spec(Group::Server, "6.2.0", 0));

const SUB: Spec = Spec {
    since: "2.2.12",
    group: Group::Server,
    arity: 2,
    flags: flag::ADMIN | flag::LOADING | flag::STALE,
    acl: acl::DANGEROUS,
    ..Spec::BASE
};

/// What is known of `SLOWLOG GET`.
pub const SPEC_GET: Spec = Spec {
    name: "get",
    syntax: "[count]",
    summary: "Returns the slow log's entries.",
    complexity: "O(N) where N is the number of entries returned",
    arity: -2,
    tips: &["request_policy:all_nodes", "nondeterministic_output"],
    ..SUB
};

/// What is known of `SLOWLOG LEN`.
pub const SPEC_LEN: Spec = Spec {
    name: "len",
    summary: "Returns the number of entries in the slow log.",
    tips: &["request_policy:all_nodes", "response_policy:agg_sum", "nondeterministic_output"],
    ..SUB
};

/// What is known of `SLOWLOG RESET`.
pub const SPEC_RESET: Spec = Spec {
    name: "reset",
    summary: "Clears all entries from the slow log.",
    complexity: "O(N) where N is the number of entries in the slowlog",
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    ..SUB
};

/// Entries that are shown unless a number is named.
const DEFAULT_COUNT: usize = 10;

/// `SLOWLOG GET`
#[derive(Debug, Clone, Copy)]
pub struct Get {
    /// How many entries; `None` for all.
    pub count: Option<usize>,
}

impl<'a> Command<'a> for Get {
    const SPEC: &'static Spec = &SPEC_GET;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        match args.left() {
            0 => Ok(Get { count: Some(DEFAULT_COUNT) }),
            _ => Ok(Get { count: parse_count(args)? }),
        }
    }

    fn words(&self, words: &mut Words<'_>) {
        words.int(self.count.map_or(-1, |count| count as i64));
    }

    fn keys(&self, _: &mut dyn FnMut(&'a [u8])) {}

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        answer(&ctx.engine.commandlog, Remarkable::Slow, self.count, reply);
        Ok(())
    }
}

/// Reads how many entries are asked for; `None` for all.
pub(super) fn parse_count(args: &mut Args<'_>) -> Result<Option<usize>, Error> {
    let error = || Error::text("ERR count should be greater than or equal to -1");
    match args.int_or(error())? {
        -1 => Ok(None),
        count => usize::try_from(count).map(Some).map_err(|_| error()),
    }
}

/// Answers the newest entries of a kind.
pub(super) fn answer(
    log: &CommandLog,
    why: Remarkable,
    count: Option<usize>,
    reply: &mut dyn Reply,
) {
    let entries = log.newest(why, count.unwrap_or(usize::MAX));
    reply.array(entries.len());
    for entry in entries {
        reply.array(6);
        reply.int(entry.id.cast_signed());
        reply.int((entry.at_us / 1_000_000).cast_signed());
        reply.int(entry.figure.cast_signed());
        reply.array(entry.words.len());
        entry.words.iter().for_each(|word| reply.bulk(word));
        reply.bulk(entry.client.0.as_bytes());
        reply.bulk(entry.client.1.as_bytes());
    }
}

/// `SLOWLOG LEN`
#[derive(Debug, Clone, Copy)]
pub struct Len;

nullary!(Len, SPEC_LEN, |ctx, reply| {
    reply.int(ctx.engine.commandlog.len(Remarkable::Slow) as i64);
    Ok(())
});

/// `SLOWLOG RESET`
#[derive(Debug, Clone, Copy)]
pub struct Reset;

nullary!(Reset, SPEC_RESET, |ctx, reply| {
    ctx.engine.commandlog.clear(Remarkable::Slow);
    reply.ok();
    Ok(())
});
