//! `EXPIRETIME key`
//!
//! Answers the Unix time in seconds at which the key expires, rounded; -1 where it does not, -2
//! where it is not.
//! O(1).

use super::deadline::Told;
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, acl, flag, key};

/// What is known of `EXPIRETIME`.
pub const SPEC: Spec = Spec {
    name: "expiretime",
    syntax: "key",
    summary: "Tells the Unix time in seconds at which a key expires.",
    since: "7.0.0",
    group: Group::Generic,
    complexity: "O(1)",
    arity: 2,
    flags: flag::READONLY | flag::FAST,
    acl: acl::KEYSPACE,
    keys: &[KeySpec::one(1, key::RO | key::ACCESS)],
    ..Spec::BASE
};

/// `EXPIRETIME`
#[derive(Debug, Clone)]
pub struct ExpireTime<'a> {
    /// The key.
    pub key: &'a [u8],
}

impl<'a> Command<'a> for ExpireTime<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(ExpireTime { key: args.word()? })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        Told::UnixSeconds.answer(self.key, ctx, reply);
        Ok(())
    }
}
