//! `SREM key member [member ...]`
//!
//! Takes members out of a set, and the key with the last; answers how many were there. O(1) per
//! member for a table, O(members of the set) for a packed one.
//!
//! Effect: the command, unless no member was there.

use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::set;

/// What is known of `SREM`.
pub const SPEC: Spec = Spec {
    name: "srem",
    syntax: "key member [member ...]",
    summary: "Removes one or more members from a set. Deletes the set if the last member was \
              removed.",
    group: Group::Set,
    complexity: "O(N) in the number of members",
    arity: -3,
    flags: flag::WRITE | flag::FAST,
    keys: &[KeySpec::one(1, key::RW | key::DELETE)],
    ..Spec::BASE
};

/// `SREM`
#[derive(Debug, Clone)]
pub struct Srem<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The members.
    pub members: &'a [&'a [u8]],
}

impl<'a> Command<'a> for Srem<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(Srem { key: args.word()?, members: args.rest() })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key).all(self.members);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let removed = set::remove(ctx.keys, self.key, self.members)?;
        reply.int(removed as i64);
        Ok(())
    }
}
