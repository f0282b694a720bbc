//! `BLMPOP timeout numkeys key [key ...] LEFT | RIGHT [COUNT count]`
//!
//! Takes up to `count` elements from the first of several lists that is there, as
//! [`super::lmpop`]; where none is, waits until one is or `timeout` seconds have passed. Answers
//! key and elements, a null array when the time is up. Inside MULTI it does not wait. O(keys +
//! elements).
//!
//! Effect: `LPOP` or `RPOP` with the number of elements taken.

use super::blpop::take_or_wait;
use super::{Form, POPS, Popping, Timeout};
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};

/// What is known of `BLMPOP`.
pub const SPEC: Spec = Spec {
    name: "blmpop",
    syntax: "timeout numkeys key [key ...] <LEFT | RIGHT> [COUNT count]",
    summary: "Removes and answers elements of the first of several lists that is there, waiting \
              for one if need be.",
    since: "7.0.0",
    group: Group::List,
    complexity: "O(N+M) for N keys and M elements",
    arity: -5,
    flags: flag::WRITE | flag::BLOCKING | flag::MOVABLE_KEYS,
    keys: &[KeySpec::numbered(2, key::RW | key::ACCESS | key::DELETE)],
    events: POPS,
    ..Spec::BASE
};

/// `BLMPOP`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BLMPop<'a> {
    /// How long it waits.
    pub timeout: Timeout,
    /// What to take, and from where.
    pub popping: Popping<'a>,
}

impl<'a> Command<'a> for BLMPop<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        // What is wrong with the rest is said before what is wrong with the timeout.
        let timeout = args.words(1)?;
        let popping = Popping::parse(args)?;
        Ok(BLMPop { timeout: Timeout::parse(&mut Args::new(timeout))?, popping })
    }

    fn words(&self, words: &mut Words<'_>) {
        self.timeout.words(words);
        self.popping.words(words);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        self.popping.keys.iter().for_each(|key| visit(key));
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let Popping { keys, end, count } = self.popping;
        take_or_wait(ctx, keys, end, Form::Several(count), self.timeout, reply)
    }
}
