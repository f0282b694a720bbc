//! `LREM key count element`
//!
//! Removes elements that equal `element`: the first `count` of them, for a negative count the
//! last, for 0 all. Answers how many. O(N) elements that are looked at.
//!
//! Effect: the command, if it removed anything.

use super::parse_symmetric;
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::list::{self, End, Limits, list_of};

/// What is known of `LREM`.
pub const SPEC: Spec = Spec {
    name: "lrem",
    syntax: "key count element",
    summary: "Removes elements of a list by their value.",
    group: Group::List,
    complexity: "O(N) in the elements that are looked at",
    arity: 4,
    flags: flag::WRITE,
    keys: &[KeySpec::one(1, key::RW | key::DELETE)],
    ..Spec::BASE
};

/// `LREM`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LRem<'a> {
    /// The key.
    pub key: &'a [u8],
    /// How many, from the head; from the tail if negative; all if 0.
    pub count: i64,
    /// The element.
    pub element: &'a [u8],
}

impl<'a> Command<'a> for LRem<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(LRem { key: args.word()?, count: parse_symmetric(args)?, element: args.word()? })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key).int(self.count).push(self.element);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let limits = Limits::of(ctx.config());
        let mut gate = ctx.keys.write(self.key);
        list_of(gate.value())?;
        let end = if self.count < 0 { End::Tail } else { End::Head };
        let most = match self.count.unsigned_abs() {
            0 => usize::MAX,
            count => usize::try_from(count).unwrap_or(usize::MAX),
        };
        let removed = list::remove_equal(&mut gate, end, most, self.element, &limits);
        reply.int(removed as i64);
        Ok(())
    }
}
