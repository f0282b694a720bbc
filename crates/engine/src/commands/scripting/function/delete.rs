//! `FUNCTION DELETE library-name` · `FUNCTION FLUSH [ASYNC | SYNC]`
//!
//! Removes a library with its functions, or all of them. Answers OK. O(1).
//!
//! Effect: the command.

use super::{CHANGES, effect};
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::Spec;

/// What is known of `FUNCTION DELETE`.
pub const DELETE: Spec = Spec {
    name: "delete",
    syntax: "library-name",
    summary: "Deletes a library and its functions.",
    complexity: "O(1)",
    arity: 3,
    ..CHANGES
};

/// What is known of `FUNCTION FLUSH`.
pub const FLUSH: Spec = Spec {
    name: "flush",
    syntax: "[ASYNC | SYNC]",
    summary: "Deletes all libraries and functions.",
    complexity: "O(N) where N is the number of functions deleted",
    arity: -2,
    ..CHANGES
};

/// `FUNCTION DELETE`
#[derive(Debug, Clone)]
pub struct Delete<'a> {
    /// The library.
    pub library: &'a [u8],
}

impl<'a> Command<'a> for Delete<'a> {
    const SPEC: &'static Spec = &DELETE;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(Delete { library: args.word()? })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.library);
    }

    fn keys(&self, _: &mut dyn FnMut(&'a [u8])) {}

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        if !ctx.engine.scripts.delete(self.library) {
            return Err(Error::text("ERR Library not found"));
        }
        effect(ctx.keys, &DELETE, &[self.library]);
        reply.ok();
        Ok(())
    }
}

/// `FUNCTION FLUSH`
#[derive(Debug, Clone)]
pub struct Flush<'a> {
    /// `ASYNC` or `SYNC`; both are quick.
    pub mode: Option<&'a [u8]>,
}

impl<'a> Command<'a> for Flush<'a> {
    const SPEC: &'static Spec = &FLUSH;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        if args.left() > 1 {
            return Err(Error::text(
                "ERR unknown subcommand or wrong number of arguments for 'flush'. Try FUNCTION \
                 HELP.",
            ));
        }
        if args.left() == 0 {
            return Ok(Flush { mode: None });
        }
        let mode = args.word()?;
        if [&b"async"[..], b"sync"].iter().any(|word| mode.eq_ignore_ascii_case(word)) {
            return Ok(Flush { mode: Some(mode) });
        }
        Err(Error::text("ERR FUNCTION FLUSH only supports SYNC|ASYNC option"))
    }

    fn words(&self, words: &mut Words<'_>) {
        if let Some(mode) = self.mode {
            words.push(mode);
        }
    }

    fn keys(&self, _: &mut dyn FnMut(&'a [u8])) {}

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        ctx.engine.scripts.flush_libraries();
        effect(ctx.keys, &FLUSH, &[]);
        reply.ok();
        Ok(())
    }
}
