//! `LRANGE key start stop`
//!
//! Answers the elements from index `start` to `stop`, both included, an empty array where there
//! are none. Negative indexes count from the tail, -1 is the last element. O(S + N) for N
//! elements, S being the chunks (of some 8 KiB) between `start` and the nearer end.

use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::list::{End, list_of};

/// What is known of `LRANGE`.
pub const SPEC: Spec = Spec {
    name: "lrange",
    syntax: "key start stop",
    summary: "Answers the elements between two indexes of a list.",
    group: Group::List,
    complexity: "O(S+N) for N elements, S being the chunks from start to the nearer end",
    arity: 4,
    flags: flag::READONLY,
    keys: &[KeySpec::one(1, key::RO | key::ACCESS)],
    ..Spec::BASE
};

/// `LRANGE`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LRange<'a> {
    /// The key.
    pub key: &'a [u8],
    /// Index of the first element.
    pub start: i64,
    /// Index of the last element.
    pub stop: i64,
}

impl<'a> Command<'a> for LRange<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(LRange { key: args.word()?, start: args.int()?, stop: args.int()? })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key).int(self.start).int(self.stop);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let Some(list) = list_of(ctx.keys.read(self.key))? else {
            reply.array(0);
            return Ok(());
        };
        let range = list.range(self.start, self.stop);
        reply.array(range.len());
        list.each(range.start, End::Tail, range.len(), |element| reply.bulk(element));
        Ok(())
    }
}
