//! `FUNCTION DUMP` · `FUNCTION RESTORE serialized-value [FLUSH | APPEND | REPLACE]`
//!
//! All libraries as bytes that Redis and Valkey read, too, and back. What is there stays
//! (`APPEND`, and an error if names are taken), gives way (`REPLACE`), or goes first (`FLUSH`).
//! Restores all or nothing. O(sources).
//!
//! Effect: of RESTORE the command.

use super::{CHANGES, READS, effect};
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::commands::nullary;
use crate::error::Error;
use crate::reply::Reply;
use crate::scripts::libraries::Policy;
use crate::spec::{Spec, flag};

/// What is known of `FUNCTION DUMP`.
pub const DUMP: Spec = Spec {
    name: "dump",
    summary: "Dumps all libraries into a serialized binary payload.",
    complexity: "O(N) where N is the number of functions",
    arity: 2,
    ..READS
};

/// What is known of `FUNCTION RESTORE`.
pub const RESTORE: Spec = Spec {
    name: "restore",
    syntax: "serialized-value [FLUSH | APPEND | REPLACE]",
    summary: "Restores all libraries from a payload.",
    complexity: "O(N) where N is the number of functions on the payload",
    arity: -3,
    flags: CHANGES.flags | flag::DENYOOM,
    ..CHANGES
};

/// `FUNCTION DUMP`
#[derive(Debug, Clone, Copy)]
pub struct Dump;

nullary!(Dump, DUMP, |ctx, reply| {
    reply.bulk(&ctx.engine.scripts.dump());
    Ok(())
});

/// `FUNCTION RESTORE`
#[derive(Debug, Clone)]
pub struct Restore<'a> {
    /// What `FUNCTION DUMP` answered.
    pub payload: &'a [u8],
    /// What becomes of libraries that are there.
    pub policy: Policy,
}

impl Policy {
    const WORDS: [(&'static str, Policy); 3] =
        [("FLUSH", Policy::Flush), ("APPEND", Policy::Append), ("REPLACE", Policy::Replace)];

    fn word(self) -> &'static str {
        Policy::WORDS.iter().find(|(_, policy)| *policy == self).map_or("", |(word, _)| word)
    }
}

impl<'a> Command<'a> for Restore<'a> {
    const SPEC: &'static Spec = &RESTORE;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let payload = args.word()?;
        if args.left() > 1 {
            return Err(Error::text(
                "ERR unknown subcommand or wrong number of arguments for 'restore'. Try FUNCTION \
                 HELP.",
            ));
        }
        if args.left() == 0 {
            return Ok(Restore { payload, policy: Policy::Append });
        }
        let word = args.word()?;
        let known = |(name, _): &&(&str, Policy)| word.eq_ignore_ascii_case(name.as_bytes());
        let policy = Policy::WORDS.iter().find(known).map(|(_, policy)| *policy);
        let policy = policy.ok_or(Error::text(
            "ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.",
        ))?;
        Ok(Restore { payload, policy })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.payload).keyword(self.policy.word());
    }

    fn keys(&self, _: &mut dyn FnMut(&'a [u8])) {}

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let engine = ctx.engine;
        let now_us = || engine.now_us();
        engine.scripts.restore(self.payload, self.policy, &now_us, engine.host())?;
        effect(ctx.keys, &RESTORE, &[self.payload, self.policy.word().as_bytes()]);
        reply.ok();
        Ok(())
    }
}
