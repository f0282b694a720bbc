//! `DELIFEQ key value`
//!
//! Removes `key` if the string `value` is there; answers 1, or 0 when nothing was removed. An
//! error for another type. O(value).
//!
//! Effect: `DEL` of the key.
//!
//! Valkey's (9.0). Redis knows `DELEX key IFEQ value` instead, see [`super::delex`].

use super::super::generic::del;
use super::delex::{Condition, remove_if};
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::notify::names::Events;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};

/// What is known of `DELIFEQ`.
pub const SPEC: Spec = Spec {
    name: "delifeq",
    syntax: "key value",
    summary: "Deletes a key if its value is this string.",
    since: "9.0.0",
    group: Group::String,
    complexity: "O(N) in the length of the value",
    arity: 3,
    flags: flag::WRITE | flag::FAST,
    keys: &[KeySpec::one(1, key::RM | key::DELETE)],
    events: Events::named(del::SPEC.name),
    ..Spec::BASE
};

/// `DELIFEQ`
#[derive(Debug, Clone)]
pub struct DelIfEq<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The value that it must have.
    pub value: &'a [u8],
}

impl<'a> Command<'a> for DelIfEq<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(DelIfEq { key: args.word()?, value: args.word()? })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key).push(self.value);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let condition = Condition::Equals(self.value);
        reply.int(remove_if(ctx, self.key, condition)?.into());
        Ok(())
    }
}
