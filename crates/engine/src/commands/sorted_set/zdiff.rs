//! `ZDIFF numkeys key [key ...]
//! [WITHSCORES]`
//!
//! Answers the members of the first sorted set, or set, that no other has, in order, with
//! their scores if wanted: as pairs in RESP3. Scores are those of the first.
//! O(members of the first × keys + members answered × log).
//!
//! Effect: none.

use super::combining::{Combining, Operation};
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};

/// What is known of `ZDIFF`.
pub const SPEC: Spec = Spec {
    name: "zdiff",
    syntax: "numkeys key [key ...] [WITHSCORES]",
    summary: "Answers the difference of sorted sets.",
    since: "6.2.0",
    group: Group::SortedSet,
    complexity: "O(N*K)+O(M*log(M)) for N members in the first of K inputs and M of the result",
    arity: -3,
    flags: flag::READONLY | flag::MOVABLE_KEYS,
    keys: &[KeySpec::numbered(1, key::RO | key::ACCESS)],
    ..Spec::BASE
};

/// `ZDIFF`
#[derive(Debug, Clone, PartialEq)]
pub struct Zdiff<'a> {
    /// The inputs and how they are joined.
    pub combining: Combining<'a>,
}

impl<'a> Command<'a> for Zdiff<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(Zdiff { combining: Combining::parse(args, Operation::Difference, false, &SPEC)? })
    }

    fn words(&self, words: &mut Words<'_>) {
        self.combining.words(words);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        self.combining.keys.iter().for_each(|key| visit(key));
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        self.combining.answer(ctx.keys, Operation::Difference, reply)
    }
}
