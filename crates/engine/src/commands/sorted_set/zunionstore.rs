//! `ZUNIONSTORE destination numkeys key [key ...] [WEIGHTS weight ...] [AGGREGATE SUM | MIN | MAX]`
//!
//! Stores what `ZUNION` answers, with scores, whatever `destination` held and without a TTL;
//! nothing to store removes it. Answers the number of members. Costs as `ZUNION`.
//!
//! Effect: the command, unless nothing was stored where nothing was.

use super::combining::{Combining, Operation};
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};

/// What is known of `ZUNIONSTORE`.
pub const SPEC: Spec = Spec {
    name: "zunionstore",
    syntax: "destination numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE <SUM \
              | MIN | MAX>]",
    summary: "Stores the union of sorted sets in a key.",
    since: "2.0.0",
    group: Group::SortedSet,
    complexity: "O(N)+O(M*log(M)) for N members of all inputs and M of the result",
    arity: -4,
    flags: flag::WRITE | flag::DENYOOM | flag::MOVABLE_KEYS,
    keys: &[KeySpec::one(1, key::OW | key::UPDATE), KeySpec::numbered(2, key::RO | key::ACCESS)],
    ..Spec::BASE
};

/// `ZUNIONSTORE`
#[derive(Debug, Clone, PartialEq)]
pub struct Zunionstore<'a> {
    /// Where the result goes.
    pub destination: &'a [u8],
    /// The inputs and how they are joined.
    pub combining: Combining<'a>,
}

impl<'a> Command<'a> for Zunionstore<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let destination = args.word()?;
        let combining = Combining::parse(args, Operation::Union, true, &SPEC)?;
        Ok(Zunionstore { destination, combining })
    }

    fn words(&self, words: &mut Words<'_>) {
        self.combining.words(words.push(self.destination));
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.destination);
        self.combining.keys.iter().for_each(|key| visit(key));
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        self.combining.store(ctx.keys, Operation::Union, self.destination, reply)
    }
}
