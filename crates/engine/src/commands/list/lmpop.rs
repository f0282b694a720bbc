//! `LMPOP numkeys key [key ...] LEFT | RIGHT [COUNT count]`
//!
//! Takes up to `count` elements (1 unless given) from an end of the first of several lists that is
//! there. Answers the key and an array of the elements, a null array where there is no list. A key
//! before it that holds something else is an error. O(keys + elements).
//!
//! Effect: `LPOP` or `RPOP` with the number of elements taken.

use super::{Form, POPS, Popping, take_first};
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};

/// What is known of `LMPOP`.
pub const SPEC: Spec = Spec {
    name: "lmpop",
    syntax: "numkeys key [key ...] <LEFT | RIGHT> [COUNT count]",
    summary: "Removes and answers elements of the first of several lists that is there.",
    since: "7.0.0",
    group: Group::List,
    complexity: "O(N+M) for N keys and M elements",
    arity: -4,
    flags: flag::WRITE | flag::MOVABLE_KEYS,
    keys: &[KeySpec::numbered(1, key::RW | key::ACCESS | key::DELETE)],
    events: POPS,
    ..Spec::BASE
};

/// `LMPOP`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LMPop<'a> {
    /// What to take, and from where.
    pub popping: Popping<'a>,
}

impl<'a> Command<'a> for LMPop<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(LMPop { popping: Popping::parse(args)? })
    }

    fn words(&self, words: &mut Words<'_>) {
        self.popping.words(words);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        self.popping.keys.iter().for_each(|key| visit(key));
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let Popping { keys, end, count } = self.popping;
        let form = Form::Several(count);
        if !take_first(ctx.keys, keys.iter().copied(), end, form, reply, |_, _| {})? {
            reply.null_array();
        }
        Ok(())
    }
}
