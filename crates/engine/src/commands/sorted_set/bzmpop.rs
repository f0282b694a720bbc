//! `BZMPOP timeout numkeys key [key ...] MIN | MAX [COUNT count]`
//!
//! Takes up to `count` members from the first of several sorted sets that is there, as
//! [`super::zmpop`]; where none is, waits until one is or `timeout` seconds have passed. Answers
//! key and members, a null array when the time is up. Inside MULTI it does not wait. O(keys +
//! log n + count).
//!
//! Effect: `ZPOPMIN` or `ZPOPMAX` with the number of members removed.

use super::popping::{Form, POPS, Popping, take_or_wait};
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::commands::list::Timeout;
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};

/// What is known of `BZMPOP`.
pub const SPEC: Spec = Spec {
    name: "bzmpop",
    syntax: "timeout numkeys key [key ...] <MIN | MAX> [COUNT count]",
    summary: "Removes and answers members of the first of several sorted sets that is there, \
              waiting for one if need be.",
    since: "7.0.0",
    group: Group::SortedSet,
    complexity: "O(K+log(N)+M) for K keys and M members",
    arity: -5,
    flags: flag::WRITE | flag::BLOCKING | flag::MOVABLE_KEYS,
    keys: &[KeySpec::numbered(2, key::RW | key::ACCESS | key::DELETE)],
    events: POPS,
    ..Spec::BASE
};

/// `BZMPOP`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bzmpop<'a> {
    /// How long it waits.
    pub timeout: Timeout,
    /// What to take, and from where.
    pub popping: Popping<'a>,
}

impl<'a> Command<'a> for Bzmpop<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        // What is wrong with the rest is said before what is wrong with the timeout.
        let timeout = args.words(1)?;
        let popping = Popping::parse(args)?;
        Ok(Bzmpop { timeout: Timeout::parse(&mut Args::new(timeout))?, popping })
    }

    fn words(&self, words: &mut Words<'_>) {
        self.timeout.words(words);
        self.popping.words(words);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        self.popping.keys.iter().for_each(|key| visit(key));
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let Popping { keys, side, count } = self.popping;
        take_or_wait(ctx, keys, side, Form::Several(count), self.timeout, reply)
    }
}
