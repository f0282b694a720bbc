//! `SHUTDOWN [NOSAVE | SAVE] [NOW] [FORCE] [ABORT]`
//!
//! Has the data saved where it lasts, as the words or the save points say, and asks the process to
//! end; it is the host's to do so. Answers an error if either cannot, nothing if it ends. `ABORT`
//! calls off a shutdown that waits.

use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::host::Shutdown as How;
use crate::reply::Reply;
use crate::session::Flow;
use crate::spec::{Group, Spec, acl, flag};

/// What is known of `SHUTDOWN`.
pub const SPEC: Spec = Spec {
    name: "shutdown",
    syntax: "[NOSAVE | SAVE] [NOW] [FORCE] [ABORT]",
    summary: "Synchronously saves the database(s) to disk and shuts down the Redis server.",
    group: Group::Server,
    complexity: "O(N) when saving, where N is the total number of keys in all databases when \
                 saving data, otherwise O(1)",
    arity: -1,
    flags: flag::ADMIN
        | flag::NOSCRIPT
        | flag::LOADING
        | flag::STALE
        | flag::NO_MULTI
        | flag::ALLOW_BUSY,
    acl: acl::DANGEROUS,
    ..Spec::BASE
};

/// `SHUTDOWN`
#[derive(Debug, Clone, Copy)]
pub struct Shutdown {
    /// How to end.
    pub how: How,
}

impl<'a> Command<'a> for Shutdown {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let mut how = How::default();
        while args.left() > 0 {
            if args.keyword("NOSAVE") && how.save != Some(true) {
                how.save = Some(false);
            } else if args.keyword("SAVE") && how.save != Some(false) {
                how.save = Some(true);
            } else if args.keyword("NOW") {
                how.now = true;
            } else if args.keyword("FORCE") {
                how.force = true;
            } else if args.keyword("ABORT") {
                how.abort = true;
            } else {
                return Err(Error::Syntax);
            }
        }
        if how.abort && (how.now || how.force || how.save.is_some()) {
            return Err(Error::Syntax);
        }
        Ok(Shutdown { how })
    }

    fn words(&self, words: &mut Words<'_>) {
        let How { save, now, force, abort } = self.how;
        let options = [
            (save == Some(false), "NOSAVE"),
            (save == Some(true), "SAVE"),
            (now, "NOW"),
            (force, "FORCE"),
            (abort, "ABORT"),
        ];
        options.into_iter().filter(|(on, _)| *on).for_each(|(_, word)| {
            words.keyword(word);
        });
    }

    fn keys(&self, _: &mut dyn FnMut(&'a [u8])) {}

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        if !self.how.abort
            && let Some(durability) = ctx.engine.durability()
        {
            let saved = durability.shut_down(self.how);
            saved.map_err(|reason| Error::owned(format!("ERR {reason}")))?;
        }
        match ctx.engine.host().shut_down(self.how) {
            Ok(()) if self.how.abort => reply.ok(),
            Ok(()) => ctx.session.flow = Some(Flow::Close),
            Err(reason) => return Err(Error::owned(format!("ERR {reason}"))),
        }
        Ok(())
    }
}
