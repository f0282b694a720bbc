//! `PTTL key`
//!
//! Answers the milliseconds until the key expires; -1 where it does not, -2 where it is not.
//! O(1).

use super::deadline::Told;
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, acl, flag, key};

/// What is known of `PTTL`.
pub const SPEC: Spec = Spec {
    name: "pttl",
    syntax: "key",
    summary: "Tells the milliseconds until a key expires.",
    since: "2.6.0",
    group: Group::Generic,
    complexity: "O(1)",
    arity: 2,
    flags: flag::READONLY | flag::FAST,
    acl: acl::KEYSPACE,
    keys: &[KeySpec::one(1, key::RO | key::ACCESS)],
    tips: &["nondeterministic_output"],
    ..Spec::BASE
};

/// `PTTL`
#[derive(Debug, Clone)]
pub struct PTtl<'a> {
    /// The key.
    pub key: &'a [u8],
}

impl<'a> Command<'a> for PTtl<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(PTtl { key: args.word()? })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        Told::Milliseconds.answer(self.key, ctx, reply);
        Ok(())
    }
}
