//! `LCS key1 key2 [LEN | IDX] [MINMATCHLEN length] [WITHMATCHLEN]`
//!
//! Answers the longest common subsequence of two strings; with `LEN` its length; with `IDX` its
//! length and where its runs stand in both, the last first: those of at least `MINMATCHLEN` bytes,
//! with `WITHMATCHLEN` each one's length. A missing key is an empty string.
//!
//! O(N × M) in time and memory (with `LEN`, the time only). Strings whose table of lengths would
//! take more than `proto-max-bulk-len` are refused, as in Redis.
//!
//! A syntax error comes before an error about the keys' types; in Redis it is the other way round.

use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::keys::string_of;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::lcs::{self, Match};
use crate::values::string;

const BOTH: Error =
    Error::text("ERR If you want both the length and indexes, please just use IDX.");
const NOT_STRINGS: Error = Error::text("ERR The specified keys must contain string values");
const TOO_LONG: Error = Error::text("ERR String too long for LCS");
const TOO_MUCH: Error =
    Error::text("ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len");
const NO_MEMORY: Error =
    Error::text("ERR Insufficient memory, failed allocating transient memory for LCS");

/// What is known of `LCS`.
pub const SPEC: Spec = Spec {
    name: "lcs",
    syntax: "key1 key2 [LEN] [IDX] [MINMATCHLEN min-match-len] [WITHMATCHLEN]",
    summary: "Finds the longest common subsequence of two strings.",
    since: "7.0.0",
    group: Group::String,
    complexity: "O(N*M) in the lengths of the strings",
    arity: -3,
    flags: flag::READONLY,
    keys: &[KeySpec::range(1, 1, 1, key::RO | key::ACCESS)],
    ..Spec::BASE
};

/// What `LCS` answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// The subsequence.
    Text,
    /// `LEN`: its length.
    Length,
    /// `IDX`: where its runs are.
    Matches {
        /// Only runs of so many bytes or more.
        min_len: u64,
        /// Each run's length too.
        with_len: bool,
    },
}

/// `LCS`
#[derive(Debug, Clone)]
pub struct Lcs<'a> {
    /// One string's key.
    pub one: &'a [u8],
    /// The other's.
    pub other: &'a [u8],
    /// What to answer.
    pub want: Want,
}

impl<'a> Command<'a> for Lcs<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let (one, other) = (args.word()?, args.word()?);
        let (mut len, mut idx) = (false, false);
        let (mut min_len, mut with_len) = (0, false);
        while args.left() > 0 {
            if args.keyword("IDX") {
                idx = true;
            } else if args.keyword("LEN") {
                len = true;
            } else if args.keyword("WITHMATCHLEN") {
                with_len = true;
            } else if args.left() > 1 && args.keyword("MINMATCHLEN") {
                min_len = args.int()?.max(0).cast_unsigned();
            } else {
                return Err(Error::Syntax);
            }
        }
        let want = match (len, idx) {
            (true, true) => return Err(BOTH),
            (true, false) => Want::Length,
            (false, true) => Want::Matches { min_len, with_len },
            (false, false) => Want::Text,
        };
        Ok(Lcs { one, other, want })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.one).push(self.other);
        match self.want {
            Want::Text => {}
            Want::Length => drop(words.keyword("LEN")),
            Want::Matches { min_len, with_len } => {
                words.keyword("IDX").keyword("MINMATCHLEN").int(min_len.cast_signed());
                if with_len {
                    words.keyword("WITHMATCHLEN");
                }
            }
        }
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.one);
        visit(self.other);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let keys = &*ctx.keys;
        let read = |key| string_of(keys.read(key)).map_err(|_| NOT_STRINGS);
        let one = read(self.one)?.unwrap_or_default();
        let other = read(self.other)?.unwrap_or_default();
        if one.len().max(other.len()) >= u32::MAX as usize - 1 {
            return Err(TOO_LONG);
        }
        if lcs::table_bytes(one.len(), other.len()) > string::max_len(ctx.config()).into() {
            return Err(TOO_MUCH);
        }
        if self.want == Want::Length {
            reply.int(lcs::length(one, other) as i64);
            return Ok(());
        }
        let matches = lcs::matches(one, other).ok_or(NO_MEMORY)?;
        match self.want {
            Want::Matches { min_len, with_len } => report(&matches, min_len, with_len, reply),
            Want::Text | Want::Length => {
                let runs = matches.iter().rev().map(|run| &one[run.one..run.one + run.len]);
                reply.bulk(&runs.collect::<Vec<_>>().concat());
            }
        }
        Ok(())
    }
}

fn report(matches: &[Match], min_len: u64, with_len: bool, reply: &mut dyn Reply) {
    let wanted = || matches.iter().filter(|run| run.len as u64 >= min_len);
    reply.map(2);
    reply.bulk(b"matches");
    reply.array(wanted().count());
    for run in wanted() {
        reply.array(2 + usize::from(with_len));
        for start in [run.one, run.other] {
            reply.array(2);
            reply.int(start as i64);
            reply.int((start + run.len - 1) as i64);
        }
        if with_len {
            reply.int(run.len as i64);
        }
    }
    reply.bulk(b"len");
    reply.int(matches.iter().map(|run| run.len as i64).sum());
}
