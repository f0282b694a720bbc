//! `PEXPIRE key milliseconds [NX | XX | GT | LT]`
//!
//! Lets a key expire so many milliseconds from now.
//! `NX` only where the key has no TTL, `XX` only where it has one, `GT` and `LT` only where that is
//! shorter or longer; no TTL counts as the longest. Answers 1, or 0 when nothing was set. A time
//! that has passed removes the key. O(1).
//!
//! Effect: `PEXPIREAT` without conditions, or `DEL`.

use super::deadline::Deadline;
use super::expire;
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::expiry::Unit;
use crate::notify::names::Events;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, acl, flag, key};

/// What is known of `PEXPIRE`.
pub const SPEC: Spec = Spec {
    name: "pexpire",
    syntax: "key milliseconds [NX | XX | GT | LT]",
    summary: "Sets the TTL of a key in milliseconds.",
    since: "2.6.0",
    group: Group::Generic,
    complexity: "O(1)",
    arity: -3,
    flags: flag::WRITE | flag::FAST,
    acl: acl::KEYSPACE,
    keys: &[KeySpec::one(1, key::RW | key::UPDATE)],
    events: Events::named(expire::SPEC.name),
    ..Spec::BASE
};

/// `PEXPIRE`
#[derive(Debug, Clone)]
pub struct PExpire<'a>(pub Deadline<'a>);

impl<'a> Command<'a> for PExpire<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Deadline::parse(args).map(PExpire)
    }

    fn words(&self, words: &mut Words<'_>) {
        self.0.words(words);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.0.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        self.0.run(Unit::Milliseconds, SPEC.name, ctx, reply)
    }
}
