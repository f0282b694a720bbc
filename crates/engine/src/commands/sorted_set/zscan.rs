//! `ZSCAN key cursor [MATCH pattern] [COUNT count] [NOSCORES]`
//!
//! Answers some members with their scores, without them with `NOSCORES`, and the cursor to go on with, 0 at the end. What is in
//! the sorted set all along is met at least once, whatever else comes and goes. A small one comes
//! whole. O(count).
//!
//! Effect: none. A word that makes no sense is refused also where nothing is.

use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::sorted::sorted_of;
use larder_codec::glob::matches;
use larder_codec::integer::MAX_TEXT;

/// What is known of `ZSCAN`.
pub const SPEC: Spec = Spec {
    name: "zscan",
    syntax: "key cursor [MATCH pattern] [COUNT count] [NOSCORES]",
    summary: "Iterates over members of a sorted set and their scores.",
    since: "2.8.0",
    group: Group::SortedSet,
    complexity: "O(1) for every call, O(N) for a complete iteration",
    arity: -3,
    flags: flag::READONLY,
    keys: &[KeySpec::one(1, key::RO | key::ACCESS)],
    tips: &["nondeterministic_output"],
    ..Spec::BASE
};

/// How many members a call looks at when it does not say.
const DEFAULT_COUNT: u64 = 10;

/// `ZSCAN`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zscan<'a> {
    /// The key.
    pub key: &'a [u8],
    /// 0, or what the call before answered.
    pub cursor: u64,
    /// Answer only members that match.
    pub pattern: Option<&'a [u8]>,
    /// About how many members to look at.
    pub count: Option<u64>,
    /// Answer members only.
    pub no_scores: bool,
}

impl<'a> Command<'a> for Zscan<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let key = args.word()?;
        let cursor = args.cursor()?;
        let mut scan = Zscan { key, cursor, pattern: None, count: None, no_scores: false };
        while args.left() > 0 {
            if args.keyword("MATCH") {
                scan.pattern = Some(args.word()?);
            } else if args.keyword("COUNT") {
                let count = u64::try_from(args.int()?).ok().filter(|&count| count > 0);
                scan.count = Some(count.ok_or(Error::Syntax)?);
            } else if args.keyword("NOSCORES") {
                scan.no_scores = true;
            } else {
                return Err(Error::Syntax);
            }
        }
        Ok(scan)
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key).push(self.cursor.to_string().as_bytes());
        if let Some(pattern) = self.pattern {
            words.keyword("MATCH").push(pattern);
        }
        if let Some(count) = self.count {
            words.keyword("COUNT").int(count.cast_signed());
        }
        if self.no_scores {
            words.keyword("NOSCORES");
        }
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let mut found = Vec::new();
        let mut cursor = 0;
        if let Some(set) = sorted_of(ctx.keys.read(self.key))? {
            let pattern = self.pattern.filter(|&pattern| pattern != b"*");
            cursor = set.scan(self.cursor, self.count.unwrap_or(DEFAULT_COUNT), |member, score| {
                let is = |pattern| matches(pattern, member.text(&mut [0; MAX_TEXT]));
                if pattern.is_none_or(is) {
                    found.push((member, score.to_vec()));
                }
            });
        }
        reply.array(2);
        reply.bulk(cursor.to_string().as_bytes());
        reply.array(if self.no_scores { found.len() } else { 2 * found.len() });
        for (member, score) in found {
            member.answer(reply);
            if !self.no_scores {
                reply.bulk(&score);
            }
        }
        Ok(())
    }
}
