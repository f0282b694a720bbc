//! `PERSIST key`
//!
//! Removes a key's TTL; answers 1 where there was one, else 0. O(1).
//!
//! Effect: the command, where there was one.

use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, acl, flag, key};

/// What is known of `PERSIST`.
pub const SPEC: Spec = Spec {
    name: "persist",
    syntax: "key",
    summary: "Removes the TTL of a key.",
    since: "2.2.0",
    group: Group::Generic,
    complexity: "O(1)",
    arity: 2,
    flags: flag::WRITE | flag::FAST,
    acl: acl::KEYSPACE,
    keys: &[KeySpec::one(1, key::RW | key::UPDATE)],
    ..Spec::BASE
};

/// `PERSIST`
#[derive(Debug, Clone)]
pub struct Persist<'a> {
    /// The key.
    pub key: &'a [u8],
}

impl<'a> Command<'a> for Persist<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(Persist { key: args.word()? })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let mut gate = ctx.keys.write(self.key);
        let expires = gate.deadline_ms().is_some();
        if expires {
            gate.set_deadline(None);
        }
        reply.int(i64::from(expires));
        Ok(())
    }
}
