//! `LLEN key`
//!
//! Answers the length of a list, 0 where there is none. O(1).

use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::list::list_of;

/// What is known of `LLEN`.
pub const SPEC: Spec = Spec {
    name: "llen",
    syntax: "key",
    summary: "Answers the length of a list.",
    group: Group::List,
    arity: 2,
    flags: flag::READONLY | flag::FAST,
    keys: &[KeySpec::one(1, key::RO)],
    ..Spec::BASE
};

/// `LLEN`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LLen<'a> {
    /// The key.
    pub key: &'a [u8],
}

impl<'a> Command<'a> for LLen<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(LLen { key: args.word()? })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let list = list_of(ctx.keys.read(self.key))?;
        reply.int(list.map_or(0, |list| list.len() as i64));
        Ok(())
    }
}
