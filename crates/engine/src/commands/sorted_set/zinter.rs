//! `ZINTER numkeys key [key ...] [WEIGHTS weight ...] [AGGREGATE SUM | MIN | MAX]
//! [WITHSCORES]`
//!
//! Answers the members that all of several sorted sets, or sets, have, in order, with
//! their scores if wanted: as pairs in RESP3. Scores of a set's members are 1; all are multiplied
//! by their input's weight and joined as the aggregate says. O(members of the smallest × keys +
//! members answered × log).
//!
//! Effect: none.

use super::combining::{Combining, Operation};
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};

/// What is known of `ZINTER`.
pub const SPEC: Spec = Spec {
    name: "zinter",
    syntax: "numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE <SUM | MIN | \
              MAX>] [WITHSCORES]",
    summary: "Answers the intersection of sorted sets.",
    since: "6.2.0",
    group: Group::SortedSet,
    complexity: "O(N*K)+O(M*log(M)) for N members in the smallest of K inputs and M of the result",
    arity: -3,
    flags: flag::READONLY | flag::MOVABLE_KEYS,
    keys: &[KeySpec::numbered(1, key::RO | key::ACCESS)],
    ..Spec::BASE
};

/// `ZINTER`
#[derive(Debug, Clone, PartialEq)]
pub struct Zinter<'a> {
    /// The inputs and how they are joined.
    pub combining: Combining<'a>,
}

impl<'a> Command<'a> for Zinter<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(Zinter { combining: Combining::parse(args, Operation::Intersection, false, &SPEC)? })
    }

    fn words(&self, words: &mut Words<'_>) {
        self.combining.words(words);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        self.combining.keys.iter().for_each(|key| visit(key));
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        self.combining.answer(ctx.keys, Operation::Intersection, reply)
    }
}
