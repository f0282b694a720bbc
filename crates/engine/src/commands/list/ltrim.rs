//! `LTRIM key start stop`
//!
//! Keeps the elements of a list from index `start` to `stop`, both included, and removes the
//! others; the key too, if none is left. Negative indexes count from the tail. Answers OK. O(N) in
//! the chunks that are removed, whose memory is freed after the locks.
//!
//! Effect: the command, if it removed anything. Unlike Redis, a list of which nothing is removed
//! does not count as changed for `WATCH`.

use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::list::{self, Limits, list_of};

/// What is known of `LTRIM`.
pub const SPEC: Spec = Spec {
    name: "ltrim",
    syntax: "key start stop",
    summary: "Removes the elements of a list that are not between two indexes.",
    group: Group::List,
    complexity: "O(N) in the chunks that are removed",
    arity: 4,
    flags: flag::WRITE,
    keys: &[KeySpec::one(1, key::RW | key::DELETE)],
    ..Spec::BASE
};

/// `LTRIM`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LTrim<'a> {
    /// The key.
    pub key: &'a [u8],
    /// Index of the first element to keep.
    pub start: i64,
    /// Index of the last element to keep.
    pub stop: i64,
}

impl<'a> Command<'a> for LTrim<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(LTrim { key: args.word()?, start: args.int()?, stop: args.int()? })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key).int(self.start).int(self.stop);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let limits = Limits::of(ctx.config());
        let mut gate = ctx.keys.write(self.key);
        if let Some(held) = list_of(gate.value())? {
            let kept = held.range(self.start, self.stop);
            list::trim(&mut gate, kept, &limits);
        }
        reply.ok();
        Ok(())
    }
}
