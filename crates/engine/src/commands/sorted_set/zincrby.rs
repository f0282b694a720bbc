//! `ZINCRBY key increment member`
//!
//! Adds to the score of a member; one that is not there begins at 0. Answers the new score.
//! O(log n).
//!
//! Effect: the command.

use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::notify::names::Events;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::sorted::{self, Putting, Rules, score};
use larder_resp::format_double;

/// What is known of `ZINCRBY`.
pub const SPEC: Spec = Spec {
    name: "zincrby",
    syntax: "key increment member",
    summary: "Adds to the score of a member of a sorted set.",
    since: "1.2.0",
    group: Group::SortedSet,
    complexity: "O(log(N))",
    arity: 4,
    flags: flag::WRITE | flag::DENYOOM | flag::FAST,
    keys: &[KeySpec::one(1, key::RW | key::ACCESS | key::UPDATE)],
    events: Events::named(EVENT),
    ..Spec::BASE
};

/// What a score that was added to is called, also if `ZADD` does it.
pub(super) const EVENT: &str = "zincr";

/// `ZINCRBY`
#[derive(Debug, Clone, PartialEq)]
pub struct Zincrby<'a> {
    /// The key.
    pub key: &'a [u8],
    /// What is added.
    pub increment: f64,
    /// The member.
    pub member: &'a [u8],
}

impl<'a> Command<'a> for Zincrby<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let key = args.word()?;
        let increment = score::parse(args.word()?).ok_or(Error::NotFloat)?;
        Ok(Zincrby { key, increment, member: args.word()? })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key).push(format_double(self.increment).as_bytes()).push(self.member);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let rules = Rules::of(ctx.keys);
        let putting = Putting { increment: true, ..Putting::default() };
        let mut gate = ctx.keys.write(self.key);
        let put = sorted::put(&mut gate, &[(self.increment, self.member)], putting, &rules)?;
        reply.double(put.score.unwrap_or_default());
        Ok(())
    }
}
