//! `COMMANDLOG GET count type` · `LEN type` · `RESET type` · `HELP`
//!
//! Commands that are kept because they were slow (`slow`: the same as SLOWLOG shows, from
//! `slowlog-log-slower-than` microseconds on), because their request was large (`large-request`:
//! from `commandlog-request-larger-than` bytes on) or their reply (`large-reply`: from
//! `commandlog-reply-larger-than` bytes on), newest first. Bytes are counted as they stand in the
//! protocol, of clients that speak it; what a transaction runs counts in its EXEC, which is not
//! kept. O(entries).
//!
//! The command is Valkey's (8.1). Redis 7.2 does not know it.

use super::super::{help, subcommand};
use super::slowlog::{answer, parse_count};
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::commandlog::Remarkable;
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Entry, Group, Spec, acl, flag};

/// What is known of `COMMANDLOG`.
pub const SPEC: Spec = Spec {
    name: "commandlog",
    summary: "A container for command log commands.",
    since: "8.1.0",
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

const HELP: Entry = help::entry(&help::spec(Group::Server, "8.1.0", 0));

const SUB: Spec = Spec {
    since: "8.1.0",
    group: Group::Server,
    arity: 3,
    syntax: "<SLOW | LARGE-REQUEST | LARGE-REPLY>",
    flags: flag::ADMIN | flag::LOADING | flag::STALE,
    acl: acl::DANGEROUS,
    ..Spec::BASE
};

/// What is known of `COMMANDLOG GET`.
pub const SPEC_GET: Spec = Spec {
    name: "get",
    syntax: "count <SLOW | LARGE-REQUEST | LARGE-REPLY>",
    summary: "Returns the specified command log's entries.",
    complexity: "O(N) where N is the number of entries returned",
    arity: 4,
    tips: &["request_policy:all_nodes", "nondeterministic_output"],
    ..SUB
};

/// What is known of `COMMANDLOG LEN`.
pub const SPEC_LEN: Spec = Spec {
    name: "len",
    summary: "Returns the number of entries in the specified type of command log.",
    tips: &["request_policy:all_nodes", "response_policy:agg_sum", "nondeterministic_output"],
    ..SUB
};

/// What is known of `COMMANDLOG RESET`.
pub const SPEC_RESET: Spec = Spec {
    name: "reset",
    summary: "Clears all entries from the specified type of command log.",
    complexity: "O(N) where N is the number of entries in the commandlog",
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    ..SUB
};

/// What a kind is called.
fn word_of(why: Remarkable) -> &'static str {
    match why {
        Remarkable::Slow => "slow",
        Remarkable::LargeRequest => "large-request",
        Remarkable::LargeReply => "large-reply",
    }
}

fn parse_kind(args: &mut Args<'_>) -> Result<Remarkable, Error> {
    let word = args.word()?;
    let is = |why: &Remarkable| word.eq_ignore_ascii_case(word_of(*why).as_bytes());
    Remarkable::ALL.into_iter().find(is).ok_or(Error::text(
        "ERR type should be one of the following: slow, large-request, large-reply",
    ))
}

/// `COMMANDLOG GET`
#[derive(Debug, Clone, Copy)]
pub struct Get {
    /// How many entries; `None` for all.
    pub count: Option<usize>,
    /// Of which kind.
    pub why: Remarkable,
}

impl<'a> Command<'a> for Get {
    const SPEC: &'static Spec = &SPEC_GET;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(Get { count: parse_count(args)?, why: parse_kind(args)? })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.int(self.count.map_or(-1, |count| count as i64)).keyword(word_of(self.why));
    }

    fn keys(&self, _: &mut dyn FnMut(&'a [u8])) {}

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        answer(&ctx.engine.commandlog, self.why, self.count, reply);
        Ok(())
    }
}

/// `COMMANDLOG LEN`
#[derive(Debug, Clone, Copy)]
pub struct Len {
    /// Of which kind.
    pub why: Remarkable,
}

impl<'a> Command<'a> for Len {
    const SPEC: &'static Spec = &SPEC_LEN;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(Len { why: parse_kind(args)? })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.keyword(word_of(self.why));
    }

    fn keys(&self, _: &mut dyn FnMut(&'a [u8])) {}

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        reply.int(ctx.engine.commandlog.len(self.why) as i64);
        Ok(())
    }
}

/// `COMMANDLOG RESET`
#[derive(Debug, Clone, Copy)]
pub struct Reset {
    /// Of which kind.
    pub why: Remarkable,
}

impl<'a> Command<'a> for Reset {
    const SPEC: &'static Spec = &SPEC_RESET;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(Reset { why: parse_kind(args)? })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.keyword(word_of(self.why));
    }

    fn keys(&self, _: &mut dyn FnMut(&'a [u8])) {}

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        ctx.engine.commandlog.clear(self.why);
        reply.ok();
        Ok(())
    }
}
