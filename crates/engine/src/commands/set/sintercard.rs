//! `SINTERCARD numkeys key [key ...] [LIMIT limit]`
//!
//! Answers how many members are in all of the sets, counting no further than `limit` (0: no limit).
//! O(members of the smallest × sets) at most.
//!
//! Effect: none.

use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::set;

/// What is known of `SINTERCARD`.
pub const SPEC: Spec = Spec {
    name: "sintercard",
    syntax: "numkeys key [key ...] [LIMIT limit]",
    summary: "Returns the number of members of the intersect of multiple sets.",
    since: "7.0.0",
    group: Group::Set,
    complexity: "O(N*M) for N members in the smallest of M sets",
    arity: -3,
    flags: flag::READONLY | flag::MOVABLE_KEYS,
    keys: &[KeySpec::numbered(1, key::RO | key::ACCESS)],
    ..Spec::BASE
};

/// `SINTERCARD`
#[derive(Debug, Clone)]
pub struct Sintercard<'a> {
    /// The keys.
    pub keys: &'a [&'a [u8]],
    /// Where counting ends; 0 for no limit.
    pub limit: u64,
}

impl<'a> Command<'a> for Sintercard<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let count = args.int_or(NO_KEYS)?;
        let count = usize::try_from(count).ok().filter(|&count| count > 0).ok_or(NO_KEYS)?;
        if count > args.left() {
            return Err(TOO_FEW_WORDS);
        }
        let keys = args.words(count)?;
        let mut limit = 0;
        while args.keyword("LIMIT") {
            limit = args.count_or(NEGATIVE_LIMIT)?;
        }
        Ok(Sintercard { keys, limit })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.int(self.keys.len() as i64).all(self.keys);
        if self.limit > 0 {
            words.keyword("LIMIT").int(self.limit.cast_signed());
        }
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        self.keys.iter().for_each(|key| visit(key));
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let mut count = 0;
        set::each_common(ctx.keys, self.keys, |_| {
            count += 1;
            count != self.limit
        })?;
        reply.int(count.cast_signed());
        Ok(())
    }
}

const NO_KEYS: Error = Error::text("ERR numkeys should be greater than 0");
const TOO_FEW_WORDS: Error = Error::text("ERR Number of keys can't be greater than number of args");
const NEGATIVE_LIMIT: Error = Error::text("ERR LIMIT can't be negative");
