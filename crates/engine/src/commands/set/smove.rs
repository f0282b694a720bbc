//! `SMOVE source destination member`
//!
//! Takes `member` out of one set and adds it to another. Answers 1, or 0 when it was not in the
//! source. O(1) for tables, O(members) for packed sets.
//!
//! Effect: the command, unless nothing moved.

use super::{sadd, srem};
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::notify::names::{Events, Told};
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::set;

/// What is known of `SMOVE`.
pub const SPEC: Spec = Spec {
    name: "smove",
    syntax: "source destination member",
    summary: "Moves a member from one set to another.",
    group: Group::Set,
    complexity: "O(1)",
    arity: 4,
    flags: flag::WRITE | flag::FAST,
    keys: &[
        KeySpec::one(1, key::RW | key::ACCESS | key::DELETE),
        KeySpec::one(2, key::RW | key::INSERT),
    ],
    events: Events::told(&[Told::of(0, srem::SPEC.name), Told::of(1, sadd::SPEC.name)]),
    ..Spec::BASE
};

/// `SMOVE`
#[derive(Debug, Clone)]
pub struct Smove<'a> {
    /// Where the member is.
    pub source: &'a [u8],
    /// Where it goes.
    pub destination: &'a [u8],
    /// The member.
    pub member: &'a [u8],
}

impl<'a> Command<'a> for Smove<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(Smove { source: args.word()?, destination: args.word()?, member: args.word()? })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.source).push(self.destination).push(self.member);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.source);
        visit(self.destination);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let Smove { source, destination, member } = self;
        let moved = set::shift(ctx.keys, source, destination, member)?;
        reply.int(i64::from(moved));
        Ok(())
    }
}
