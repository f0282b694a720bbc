//! `ZREM key member [member ...]`
//!
//! Removes members, and the key with the last of them; answers how many were there. O(log n) a
//! member.
//!
//! Effect: the command.

use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::sorted;

/// What is known of `ZREM`.
pub const SPEC: Spec = Spec {
    name: "zrem",
    syntax: "key member [member ...]",
    summary: "Removes members from a sorted set.",
    since: "1.2.0",
    group: Group::SortedSet,
    complexity: "O(log(N)) a member",
    arity: -3,
    flags: flag::WRITE | flag::FAST,
    keys: &[KeySpec::one(1, key::RW | key::DELETE)],
    ..Spec::BASE
};

/// `ZREM`
#[derive(Debug, Clone, PartialEq)]
pub struct Zrem<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The members.
    pub members: &'a [&'a [u8]],
}

impl<'a> Command<'a> for Zrem<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(Zrem { key: args.word()?, members: args.rest() })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key).all(self.members);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let removed = sorted::remove(&mut ctx.keys.write(self.key), self.members)?;
        reply.int(removed as i64);
        Ok(())
    }
}
