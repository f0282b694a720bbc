//! `EXPIRE key seconds [NX | XX | GT | LT]`
//!
//! Lets a key expire so many seconds from now.
//! `NX` only where the key has no TTL, `XX` only where it has one, `GT` and `LT` only where that is
//! shorter or longer; no TTL counts as the longest. Answers 1, or 0 when nothing was set. A time
//! that has passed removes the key. O(1).
//!
//! Effect: `PEXPIREAT` without conditions, or `DEL`.

use super::deadline::Deadline;
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::expiry::Unit;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, acl, flag, key};

/// What is known of `EXPIRE`.
pub const SPEC: Spec = Spec {
    name: "expire",
    syntax: "key seconds [NX | XX | GT | LT]",
    summary: "Sets the TTL of a key in seconds.",
    since: "1.0.0",
    group: Group::Generic,
    complexity: "O(1)",
    arity: -3,
    flags: flag::WRITE | flag::FAST,
    acl: acl::KEYSPACE,
    keys: &[KeySpec::one(1, key::RW | key::UPDATE)],
    ..Spec::BASE
};

/// `EXPIRE`
#[derive(Debug, Clone)]
pub struct Expire<'a>(pub Deadline<'a>);

impl<'a> Command<'a> for Expire<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Deadline::parse(args).map(Expire)
    }

    fn words(&self, words: &mut Words<'_>) {
        self.0.words(words);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.0.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        self.0.run(Unit::Seconds, SPEC.name, ctx, reply)
    }
}
