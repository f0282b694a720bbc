//! `ECHO message`
//!
//! Answers the message. O(1) plus the copy.

use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, Spec, acl, flag};

/// What is known of `ECHO`.
pub const SPEC: Spec = Spec {
    name: "echo",
    syntax: "message",
    summary: "Returns the given string.",
    group: Group::Connection,
    arity: 2,
    flags: flag::LOADING | flag::STALE | flag::FAST,
    acl: acl::CONNECTION,
    ..Spec::BASE
};

/// `ECHO`
#[derive(Debug, Clone)]
pub struct Echo<'a> {
    /// What is answered.
    pub message: &'a [u8],
}

impl<'a> Command<'a> for Echo<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(Echo { message: args.word()? })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.message);
    }

    fn keys(&self, _: &mut dyn FnMut(&'a [u8])) {}

    fn run(&self, _: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        reply.bulk(self.message);
        Ok(())
    }
}
