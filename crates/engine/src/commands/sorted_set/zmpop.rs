//! `ZMPOP numkeys key [key ...] MIN | MAX [COUNT count]`
//!
//! Removes the least or the greatest member, or up to `count` of them, of the first of several
//! sorted sets that is there. Answers the key and an array of pairs, a null array where there is
//! none. A key before it that holds something else is an error. O(keys + log n + count).
//!
//! Effect: `ZPOPMIN` or `ZPOPMAX` with the number of members removed.

use super::popping::{Form, POPS, Popping, take_first};
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};

/// What is known of `ZMPOP`.
pub const SPEC: Spec = Spec {
    name: "zmpop",
    syntax: "numkeys key [key ...] <MIN | MAX> [COUNT count]",
    summary: "Removes and answers members of the first of several sorted sets that is there.",
    since: "7.0.0",
    group: Group::SortedSet,
    complexity: "O(K+log(N)+M) for K keys and M members",
    arity: -4,
    flags: flag::WRITE | flag::MOVABLE_KEYS,
    keys: &[KeySpec::numbered(1, key::RW | key::ACCESS | key::DELETE)],
    events: POPS,
    ..Spec::BASE
};

/// `ZMPOP`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zmpop<'a> {
    /// What to take, and from where.
    pub popping: Popping<'a>,
}

impl<'a> Command<'a> for Zmpop<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(Zmpop { popping: Popping::parse(args)? })
    }

    fn words(&self, words: &mut Words<'_>) {
        self.popping.words(words);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        self.popping.keys.iter().for_each(|key| visit(key));
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let Popping { keys, side, count } = self.popping;
        let form = Form::Several(count);
        if !take_first(ctx.keys, keys.iter().copied(), side, form, reply, |_, _, _| {})? {
            reply.null_array();
        }
        Ok(())
    }
}
