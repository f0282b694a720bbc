//! `XTRIM key MAXLEN | MINID [= | ~] threshold [LIMIT count]`
//!
//! Removes the oldest entries: all but so many, or those below an ID. With `~` only whole nodes go
//! and no more than about a hundred of them, or up to `LIMIT` entries. Answers how many went.
//! O(nodes that go); what they hold is freed after the locks.
//!
//! Effect: itself, with `=` and the outcome where it was approximate.

use super::trim::{Options, Trim};
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::stream::{self, Limits, stream_of};

/// What is known of `XTRIM`.
pub const SPEC: Spec = Spec {
    name: "xtrim",
    syntax: "key <MAXLEN | MINID> [= | ~] threshold [LIMIT count]",
    summary: "Deletes messages from the beginning of a stream.",
    since: "5.0.0",
    group: Group::Stream,
    complexity: "O(N), with N being the number of evicted entries. Constant times are very small \
                 however, since entries are organized in macro nodes containing multiple entries \
                 that can be released with a single deallocation.",
    arity: -4,
    flags: flag::WRITE,
    keys: &[KeySpec::one(1, key::RW | key::DELETE)],
    tips: &["nondeterministic_output"],
    ..Spec::BASE
};

/// `XTRIM`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct XTrim<'a> {
    /// The key.
    pub key: &'a [u8],
    /// How to trim.
    pub trim: Trim,
}

impl<'a> Command<'a> for XTrim<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let (key, mut options) = (args.word()?, Options::default());
        while args.left() > 0 {
            if !options.parse_one(args)? {
                return Err(Error::Syntax);
            }
        }
        let trim = options.finish(true)?.ok_or(Error::Syntax)?;
        Ok(XTrim { key, trim })
    }

    fn words(&self, words: &mut Words<'_>) {
        self.trim.words(words.push(self.key));
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let trimming = self.trim.trimming(Limits::of(ctx.config()));
        let mut gate = ctx.keys.write(self.key);
        // What changes nothing is no change.
        let would_trim = |stream: &stream::Stream| stream.entries().would_trim(trimming);
        if !stream_of(gate.value())?.is_some_and(would_trim) {
            reply.int(0);
            return Ok(());
        }
        let trimmed = stream::trim(&mut gate, trimming);
        reply.int(trimmed.cast_signed());
        if self.trim.approximate
            && let Some(stream) = stream_of(gate.value())?
        {
            let trim = self.trim.outcome(stream.entries());
            let mut words = Words::new();
            XTrim { key: self.key, trim }.words(&mut words);
            ctx.keys.effect(&SPEC, &words.as_slices());
        }
        Ok(())
    }
}
