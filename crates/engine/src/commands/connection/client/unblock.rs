//! `CLIENT UNBLOCK id [TIMEOUT|ERROR]`
//!
//! Ends another client's wait, as if its time were up or with an error. Answers 1 if it waited for
//! a key, else 0. O(1).

use super::{ADMIN, SUB};
use crate::args::Args;
use crate::blocking;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::Spec;

/// What is known of `CLIENT UNBLOCK`.
pub const SPEC_UNBLOCK: Spec = Spec {
    name: "unblock",
    syntax: "client-id [TIMEOUT | ERROR]",
    summary: "Unblocks a client blocked by a blocking command from a different connection.",
    since: "5.0.0",
    arity: -3,
    flags: ADMIN,
    ..SUB
};

/// `CLIENT UNBLOCK`
#[derive(Debug, Clone, Copy)]
pub struct Unblock {
    /// The client.
    pub id: i64,
    /// With an error, not as if its time were up.
    pub error: bool,
}

impl<'a> Command<'a> for Unblock {
    const SPEC: &'static Spec = &SPEC_UNBLOCK;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let id = args.word()?;
        let error = match args.peek() {
            None => false,
            Some(_) if args.keyword("TIMEOUT") => false,
            Some(_) if args.keyword("ERROR") => true,
            Some(_) => {
                return Err(Error::text("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR"));
            }
        };
        Ok(Unblock { id: Args::new(&[id]).int()?, error })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.int(self.id).keyword(if self.error { "ERROR" } else { "TIMEOUT" });
    }

    fn keys(&self, _: &mut dyn FnMut(&'a [u8])) {}

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let client = u64::try_from(self.id).ok().and_then(|id| ctx.engine.clients.get(id));
        let how = if self.error { blocking::Unblock::Error } else { blocking::Unblock::Timeout };
        let waited = client.is_some_and(|client| blocking::unblock(ctx.engine, &client, how));
        reply.int(waited.into());
        Ok(())
    }
}
