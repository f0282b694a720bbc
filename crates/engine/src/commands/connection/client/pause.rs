//! `CLIENT PAUSE timeout [WRITE|ALL]` · `CLIENT UNPAUSE`
//!
//! Commands of all clients wait for so many milliseconds, or only those that may change data.
//! Nothing expires meanwhile. A longer or stricter pause that is on stays. Answers OK. O(clients).

use super::super::super::{nullary, subcommand_usage_error};
use super::{ADMIN, SPEC, SUB};
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::mailbox::{Event, Recipients};
use crate::reply::Reply;
use crate::spec::Spec;
use std::sync::atomic::Ordering;

/// What is known of `CLIENT PAUSE`.
pub const SPEC_PAUSE: Spec = Spec {
    name: "pause",
    syntax: "timeout [WRITE | ALL]",
    summary: "Suspends commands processing.",
    since: "2.9.50",
    arity: -3,
    flags: ADMIN,
    ..SUB
};

/// What is known of `CLIENT UNPAUSE`.
pub const SPEC_UNPAUSE: Spec = Spec {
    name: "unpause",
    summary: "Resumes processing commands from paused clients.",
    since: "6.2.0",
    complexity: "O(N) where N is the number of client connections",
    flags: ADMIN,
    ..SUB
};

/// `CLIENT PAUSE`
#[derive(Debug, Clone, Copy)]
pub struct Pause {
    /// For so many milliseconds.
    pub timeout_ms: u64,
    /// Only commands that may change data.
    pub writes_only: bool,
}

impl<'a> Command<'a> for Pause {
    const SPEC: &'static Spec = &SPEC_PAUSE;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        if args.left() > 2 {
            return Err(subcommand_usage_error(&SPEC, args.given_name()));
        }
        let timeout = args.word()?;
        let writes_only = match args.peek() {
            None => false,
            Some(_) if args.keyword("WRITE") => true,
            Some(_) if args.keyword("ALL") => false,
            Some(_) => return Err(Error::text("ERR CLIENT PAUSE mode must be WRITE or ALL")),
        };
        let timeout_ms = Args::new(&[timeout])
            .int_or(Error::text("ERR timeout is not an integer or out of range"))?;
        let timeout_ms =
            u64::try_from(timeout_ms).map_err(|_| Error::text("ERR timeout is negative"))?;
        Ok(Pause { timeout_ms, writes_only })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.int(self.timeout_ms.cast_signed());
        words.keyword(if self.writes_only { "WRITE" } else { "ALL" });
    }

    fn keys(&self, _: &mut dyn FnMut(&'a [u8])) {}

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let now_ms = ctx.keys.now_ms();
        let until_ms = now_ms
            .checked_add(self.timeout_ms)
            .filter(|&until_ms| i64::try_from(until_ms).is_ok())
            .ok_or(Error::text("ERR timeout is out of range"))?;
        ctx.engine.pause.begin(now_ms, until_ms, !self.writes_only);
        reply.ok();
        Ok(())
    }
}

/// `CLIENT UNPAUSE`
#[derive(Debug, Clone, Copy)]
pub struct Unpause;

nullary!(Unpause, SPEC_UNPAUSE, |ctx, reply| {
    ctx.engine.pause.end();
    ctx.engine.resume_expiry();
    for client in ctx.engine.clients.all() {
        if client.facts.paused.load(Ordering::Relaxed) {
            client.mailbox.post(Recipients::One(client.id), Event::Nudge);
        }
    }
    reply.ok();
    Ok(())
});
