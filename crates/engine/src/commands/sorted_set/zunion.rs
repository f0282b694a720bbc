//! `ZUNION numkeys key [key ...] [WEIGHTS weight ...] [AGGREGATE SUM | MIN | MAX]
//! [WITHSCORES]`
//!
//! Answers the members that any of several sorted sets, or sets, has, in order, with
//! their scores if wanted: as pairs in RESP3. Scores of a set's members are 1; all are multiplied
//! by their input's weight and joined as the aggregate says. O(members of all + members answered ×
//! log).
//!
//! Effect: none.

use super::combining::{Combining, Operation};
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};

/// What is known of `ZUNION`.
pub const SPEC: Spec = Spec {
    name: "zunion",
    syntax: "numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE <SUM | MIN | \
              MAX>] [WITHSCORES]",
    summary: "Answers the union of sorted sets.",
    since: "6.2.0",
    group: Group::SortedSet,
    complexity: "O(N)+O(M*log(M)) for N members of all inputs and M of the result",
    arity: -3,
    flags: flag::READONLY | flag::MOVABLE_KEYS,
    keys: &[KeySpec::numbered(1, key::RO | key::ACCESS)],
    ..Spec::BASE
};

/// `ZUNION`
#[derive(Debug, Clone, PartialEq)]
pub struct Zunion<'a> {
    /// The inputs and how they are joined.
    pub combining: Combining<'a>,
}

impl<'a> Command<'a> for Zunion<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(Zunion { combining: Combining::parse(args, Operation::Union, false, &SPEC)? })
    }

    fn words(&self, words: &mut Words<'_>) {
        self.combining.words(words);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        self.combining.keys.iter().for_each(|key| visit(key));
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        self.combining.answer(ctx.keys, Operation::Union, reply)
    }
}
