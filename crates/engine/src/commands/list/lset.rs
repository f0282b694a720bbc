//! `LSET key index element`
//!
//! Puts an element in the place of the one at an index of a list that is there; negative counts
//! from the tail. Answers OK. O(N), N being the chunks (of some 8 KiB) between the element and the
//! nearer end.
//!
//! Effect: the command.

use super::Index;
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::list::{self, Limits, list_of};

/// What is known of `LSET`.
pub const SPEC: Spec = Spec {
    name: "lset",
    syntax: "key index element",
    summary: "Replaces the element at an index of a list.",
    group: Group::List,
    complexity: "O(N), N being the chunks from the element to the nearer end",
    arity: 4,
    flags: flag::WRITE | flag::DENYOOM,
    keys: &[KeySpec::one(1, key::RW | key::UPDATE)],
    ..Spec::BASE
};

/// `LSET`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LSet<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The index.
    pub index: Index,
    /// The element.
    pub element: &'a [u8],
}

impl<'a> Command<'a> for LSet<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(LSet { key: args.word()?, index: Index::parse(args)?, element: args.word()? })
    }

    fn words(&self, words: &mut Words<'_>) {
        self.index.words(words.push(self.key));
        words.push(self.element);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let limits = Limits::of(ctx.config());
        let mut gate = ctx.keys.write(self.key);
        let held = list_of(gate.value())?.ok_or(Error::NoSuchKey)?;
        let index = held.index(self.index.get()?).ok_or(Error::IndexOutOfRange)?;
        list::set(&mut gate, index, self.element, &limits);
        reply.ok();
        Ok(())
    }
}
