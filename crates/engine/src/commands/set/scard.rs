//! `SCARD key`
//!
//! Answers the number of members; 0 where nothing is. O(1).
//!
//! Effect: none.

use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::set;

/// What is known of `SCARD`.
pub const SPEC: Spec = Spec {
    name: "scard",
    syntax: "key",
    summary: "Returns the number of members in a set.",
    group: Group::Set,
    complexity: "O(1)",
    arity: 2,
    flags: flag::READONLY | flag::FAST,
    keys: &[KeySpec::one(1, key::RO)],
    ..Spec::BASE
};

/// `SCARD`
#[derive(Debug, Clone)]
pub struct Scard<'a> {
    /// The key.
    pub key: &'a [u8],
}

impl<'a> Command<'a> for Scard<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(Scard { key: args.word()? })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let set = set::set_of(ctx.keys.read(self.key))?;
        reply.int(set.map_or(0, |set| set.len() as i64));
        Ok(())
    }
}
