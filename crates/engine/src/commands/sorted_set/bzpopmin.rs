//! `BZPOPMIN key [key ...] timeout`, `BZPOPMAX`
//!
//! Takes the least (`BZPOPMIN`) or the greatest (`BZPOPMAX`) member of the first of several sorted
//! sets that is there; where none is, waits until one is, or until `timeout` seconds have passed
//! (0: for ever). Answers key, member and score, a null array when the time is up. Inside MULTI it
//! does not wait. A key that is tried and holds something else is an error. O(keys + log n).
//!
//! Effect: `ZPOPMIN` or `ZPOPMAX` of the key.

use super::popping::{Form, Side, take_or_wait};
use super::zpopmin;
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::commands::list::Timeout;
use crate::error::Error;
use crate::notify::names::Events;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};

const BASE: Spec = Spec {
    syntax: "key [key ...] timeout",
    since: "5.0.0",
    group: Group::SortedSet,
    complexity: "O(K+log(N)) for K keys",
    arity: -3,
    flags: flag::WRITE | flag::BLOCKING | flag::FAST,
    keys: &[KeySpec::range(1, -2, 1, key::RW | key::ACCESS | key::DELETE)],
    ..Spec::BASE
};

/// What is known of `BZPOPMIN`.
pub const SPEC_BZPOPMIN: Spec = Spec {
    name: "bzpopmin",
    summary: "Removes and answers the least member of the first of several sorted sets that is \
              there, waiting for one if need be.",
    events: Events::named(zpopmin::SPEC_ZPOPMIN.name),
    ..BASE
};

/// What is known of `BZPOPMAX`.
pub const SPEC_BZPOPMAX: Spec = Spec {
    name: "bzpopmax",
    summary: "Removes and answers the greatest member of the first of several sorted sets that \
              is there, waiting for one if need be.",
    events: Events::named(zpopmin::SPEC_ZPOPMAX.name),
    ..BASE
};

/// `BZPOPMIN` or, of the greatest, `BZPOPMAX`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bzpop<'a, const MAX: bool> {
    /// The keys, in the order in which they are tried.
    pub keys: &'a [&'a [u8]],
    /// How long it waits.
    pub timeout: Timeout,
}

/// `BZPOPMIN`
pub type Bzpopmin<'a> = Bzpop<'a, false>;
/// `BZPOPMAX`
pub type Bzpopmax<'a> = Bzpop<'a, true>;

impl<'a, const MAX: bool> Command<'a> for Bzpop<'a, MAX> {
    const SPEC: &'static Spec = if MAX { &SPEC_BZPOPMAX } else { &SPEC_BZPOPMIN };

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let keys = args.words(args.left().saturating_sub(1))?;
        Ok(Bzpop { keys, timeout: Timeout::parse(args)? })
    }

    fn words(&self, words: &mut Words<'_>) {
        self.timeout.words(words.all(self.keys));
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        self.keys.iter().for_each(|key| visit(key));
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let side = if MAX { Side::Max } else { Side::Min };
        take_or_wait(ctx, self.keys, side, Form::Triple, self.timeout, reply)
    }
}
