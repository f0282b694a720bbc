//! `SADD key member [member ...]`
//!
//! Adds members to a set; answers how many were not there. O(1) per member for a table, O(members
//! of the set) for a packed one.
//!
//! Effect: the command, unless every member was there.

use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::set;

/// What is known of `SADD`.
pub const SPEC: Spec = Spec {
    name: "sadd",
    syntax: "key member [member ...]",
    summary: "Adds one or more members to a set. Creates the key if it doesn't exist.",
    group: Group::Set,
    complexity: "O(N) in the number of members",
    arity: -3,
    flags: flag::WRITE | flag::DENYOOM | flag::FAST,
    keys: &[KeySpec::one(1, key::RW | key::INSERT)],
    ..Spec::BASE
};

/// `SADD`
#[derive(Debug, Clone)]
pub struct Sadd<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The members.
    pub members: &'a [&'a [u8]],
}

impl<'a> Command<'a> for Sadd<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(Sadd { key: args.word()?, members: args.rest() })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key).all(self.members);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let added = set::add(ctx.keys, self.key, self.members)?;
        reply.int(added as i64);
        Ok(())
    }
}
