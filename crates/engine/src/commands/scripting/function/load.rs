//! `FUNCTION LOAD [REPLACE] function-code`
//!
//! Makes a library of a source that begins with `#!lua name=mylib`; answers its name. O(source).
//!
//! Effect: the command.

use super::{CHANGES, effect};
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Spec, flag};

/// What is known of it.
pub const LOAD: Spec = Spec {
    name: "load",
    syntax: "[REPLACE] function-code",
    summary: "Creates a library.",
    complexity: "O(1) (considering compilation time is redundant)",
    arity: -3,
    flags: CHANGES.flags | flag::DENYOOM,
    ..CHANGES
};

const REPLACE: &str = "REPLACE";

/// `FUNCTION LOAD`
#[derive(Debug, Clone)]
pub struct Load<'a> {
    /// A library of the same name goes.
    pub replace: bool,
    /// The source.
    pub code: &'a [u8],
}

impl<'a> Command<'a> for Load<'a> {
    const SPEC: &'static Spec = &LOAD;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let mut replace = false;
        while args.left() > 1 {
            let option = args.word()?;
            if !option.eq_ignore_ascii_case(REPLACE.as_bytes()) {
                let option = String::from_utf8_lossy(option);
                return Err(Error::owned(format!("ERR Unknown option given: {option}")));
            }
            replace = true;
        }
        if args.left() == 0 {
            return Err(Error::text("ERR Function code is missing"));
        }
        Ok(Load { replace, code: args.word()? })
    }

    fn words(&self, words: &mut Words<'_>) {
        if self.replace {
            words.keyword(REPLACE);
        }
        words.push(self.code);
    }

    fn keys(&self, _: &mut dyn FnMut(&'a [u8])) {}

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let engine = ctx.engine;
        let now_us = || engine.now_us();
        let name = engine.scripts.load(self.code, self.replace, &now_us, engine.host())?;
        match self.replace {
            true => effect(ctx.keys, &LOAD, &[REPLACE.as_bytes(), self.code]),
            false => effect(ctx.keys, &LOAD, &[self.code]),
        }
        reply.bulk(name.as_bytes());
        Ok(())
    }
}
