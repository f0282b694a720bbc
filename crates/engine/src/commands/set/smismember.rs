//! `SMISMEMBER key member [member ...]`
//!
//! Answers for each member 1 when it is in the set, else 0. O(1) per member for a table, O(log n)
//! for integers, O(n) for a listpack.
//!
//! Effect: none.

use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::set::{self, Member};

/// What is known of `SMISMEMBER`.
pub const SPEC: Spec = Spec {
    name: "smismember",
    syntax: "key member [member ...]",
    summary: "Determines whether multiple members belong to a set.",
    since: "6.2.0",
    group: Group::Set,
    complexity: "O(N) in the number of members asked for",
    arity: -3,
    flags: flag::READONLY | flag::FAST,
    keys: &[KeySpec::one(1, key::RO | key::ACCESS)],
    ..Spec::BASE
};

/// `SMISMEMBER`
#[derive(Debug, Clone)]
pub struct Smismember<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The members asked for.
    pub members: &'a [&'a [u8]],
}

impl<'a> Command<'a> for Smismember<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(Smismember { key: args.word()?, members: args.rest() })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key).all(self.members);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let set = set::set_of(ctx.keys.read(self.key))?;
        reply.array(self.members.len());
        for member in self.members {
            let is = set.is_some_and(|set| set.contains(Member::Text(member)));
            reply.int(i64::from(is));
        }
        Ok(())
    }
}
