//! `ZMSCORE key member [member ...]`
//!
//! Answers the scores of some members, null for one that is not there. O(members named).
//!
//! Effect: none.

use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::sorted::sorted_of;

/// What is known of `ZMSCORE`.
pub const SPEC: Spec = Spec {
    name: "zmscore",
    syntax: "key member [member ...]",
    summary: "Answers the scores of some members of a sorted set.",
    since: "6.2.0",
    group: Group::SortedSet,
    complexity: "O(N) in the number of members named",
    arity: -3,
    flags: flag::READONLY | flag::FAST,
    keys: &[KeySpec::one(1, key::RO | key::ACCESS)],
    ..Spec::BASE
};

/// `ZMSCORE`
#[derive(Debug, Clone, PartialEq)]
pub struct Zmscore<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The members.
    pub members: &'a [&'a [u8]],
}

impl<'a> Command<'a> for Zmscore<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(Zmscore { key: args.word()?, members: args.rest() })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key).all(self.members);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let set = sorted_of(ctx.keys.read(self.key))?;
        reply.array(self.members.len());
        for member in self.members {
            match set.and_then(|set| set.score(member)) {
                Some(score) => reply.double(score),
                None => reply.null(),
            }
        }
        Ok(())
    }
}
