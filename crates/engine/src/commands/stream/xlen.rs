//! `XLEN key`
//!
//! How many entries a stream has; 0 where nothing is. O(1).

use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::stream::stream_of;

/// What is known of `XLEN`.
pub const SPEC: Spec = Spec {
    name: "xlen",
    syntax: "key",
    summary: "Returns the number of messages in a stream.",
    since: "5.0.0",
    group: Group::Stream,
    arity: 2,
    flags: flag::READONLY | flag::FAST,
    keys: &[KeySpec::one(1, key::RO)],
    ..Spec::BASE
};

/// `XLEN`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct XLen<'a> {
    /// The key.
    pub key: &'a [u8],
}

impl<'a> Command<'a> for XLen<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(XLen { key: args.word()? })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let stream = stream_of(ctx.keys.read(self.key))?;
        reply.int(stream.map_or(0, |stream| stream.entries().len().cast_signed()));
        Ok(())
    }
}
