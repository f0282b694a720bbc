//! `LINDEX key index`
//!
//! Answers the element at an index, null where there is none; negative counts from the tail. An
//! index that is no number is an error only where there is a list. O(N), N being the chunks (of
//! some 8 KiB) between the element and the nearer end.

use super::Index;
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::list::{End, list_of};

/// What is known of `LINDEX`.
pub const SPEC: Spec = Spec {
    name: "lindex",
    syntax: "key index",
    summary: "Answers the element at an index of a list.",
    group: Group::List,
    complexity: "O(N), N being the chunks from the element to the nearer end",
    arity: 3,
    flags: flag::READONLY,
    keys: &[KeySpec::one(1, key::RO | key::ACCESS)],
    ..Spec::BASE
};

/// `LINDEX`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LIndex<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The index.
    pub index: Index,
}

impl<'a> Command<'a> for LIndex<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(LIndex { key: args.word()?, index: Index::parse(args)? })
    }

    fn words(&self, words: &mut Words<'_>) {
        self.index.words(words.push(self.key));
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let Some(list) = list_of(ctx.keys.read(self.key))? else {
            reply.null();
            return Ok(());
        };
        match list.index(self.index.get()?) {
            Some(index) => list.each(index, End::Tail, 1, |element| reply.bulk(element)),
            None => reply.null(),
        }
        Ok(())
    }
}
