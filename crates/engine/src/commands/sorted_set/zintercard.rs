//! `ZINTERCARD numkeys key [key ...] [LIMIT limit]`
//!
//! Answers how many members are in all of the sorted sets, or sets, counting no further than
//! `limit` (0: no limit). O(members of the smallest × keys) at most.
//!
//! Effect: none.

use super::combining::{inputs, parse_keys};
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::sorted::algebra::{Aggregate, each_common};

/// What is known of `ZINTERCARD`.
pub const SPEC: Spec = Spec {
    name: "zintercard",
    syntax: "numkeys key [key ...] [LIMIT limit]",
    summary: "Counts the members that several sorted sets have in common.",
    since: "7.0.0",
    group: Group::SortedSet,
    complexity: "O(N*K) for N members in the smallest of K sorted sets",
    arity: -3,
    flags: flag::READONLY | flag::MOVABLE_KEYS,
    keys: &[KeySpec::numbered(1, key::RO | key::ACCESS)],
    ..Spec::BASE
};

/// `ZINTERCARD`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zintercard<'a> {
    /// The keys.
    pub keys: &'a [&'a [u8]],
    /// Where counting ends; 0 for no limit.
    pub limit: u64,
}

impl<'a> Command<'a> for Zintercard<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        const NEGATIVE: Error = Error::text("ERR LIMIT can't be negative");
        let mut card = Zintercard { keys: parse_keys(args, &SPEC)?, limit: 0 };
        while args.left() > 1 && args.keyword("LIMIT") {
            card.limit = args.count_or(NEGATIVE)?;
        }
        Ok(card)
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
        each_common(inputs(ctx.keys, self.keys)?, Aggregate::default(), |_, _| {
            count += 1;
            count != self.limit
        });
        reply.int(count.cast_signed());
        Ok(())
    }
}
