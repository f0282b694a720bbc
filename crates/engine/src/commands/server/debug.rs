//! `DEBUG SLEEP seconds` · `DEBUG SET-ACTIVE-EXPIRE 0|1` · `DEBUG HELP`
//!
//! What tests of clients need, and no more. Refused unless `enable-debug-command` admits it. SLEEP
//! keeps only this client waiting, for others have threads of their own; inside of a transaction
//! it keeps waiting whoever needs the transaction's keys. O(1).

use super::super::subcommand_usage_error;
use crate::args::Args;
use crate::blocking::Waiting;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::keys::Keys;
use crate::reply::Reply;
use crate::spec::{Group, Spec, acl, flag};

/// What is known of `DEBUG`.
pub const SPEC: Spec = Spec {
    name: "debug",
    syntax: "<SLEEP seconds | SET-ACTIVE-EXPIRE <0 | 1> | HELP>",
    summary: "A container for debugging commands.",
    group: Group::Server,
    complexity: "Depends on subcommand.",
    arity: -2,
    flags: flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE | flag::PROTECTED,
    acl: acl::DANGEROUS,
    ..Spec::BASE
};

/// `DEBUG`
#[derive(Debug, Clone, Copy)]
pub enum Debug {
    /// `SLEEP`: this client waits.
    Sleep {
        /// So many milliseconds.
        ms: u64,
    },
    /// `SET-ACTIVE-EXPIRE`: whether keys that are due are removed before somebody asks for them.
    SetActiveExpire(bool),
    /// `HELP`
    Help,
}

impl<'a> Command<'a> for Debug {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let name = args.word()?;
        let is = |word: &str| name.eq_ignore_ascii_case(word.as_bytes());
        match args.left() {
            0 if is("HELP") => Ok(Debug::Help),
            1 if is("SLEEP") => {
                let seconds = args.float()?;
                Ok(Debug::Sleep { ms: (seconds * 1000.0) as u64 })
            }
            1 if is("SET-ACTIVE-EXPIRE") => Ok(Debug::SetActiveExpire(args.int()? != 0)),
            _ => Err(subcommand_usage_error(&SPEC, name)),
        }
    }

    fn words(&self, words: &mut Words<'_>) {
        match self {
            Debug::Sleep { ms } => {
                words.keyword("SLEEP").push(format!("{}", *ms as f64 / 1000.0).as_bytes())
            }
            Debug::SetActiveExpire(on) => words.keyword("SET-ACTIVE-EXPIRE").int(i64::from(*on)),
            Debug::Help => words.keyword("HELP"),
        };
    }

    fn keys(&self, _: &mut dyn FnMut(&'a [u8])) {}

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        match self {
            Debug::Sleep { ms: 0 } => reply.ok(),
            Debug::Sleep { ms } if ctx.may_block => ctx.wait_for(Box::new(Asleep), *ms),
            // What holds the transaction's locks has to wait with it, as everything does in Redis.
            Debug::Sleep { ms } if ctx.keys.sleep(*ms) => reply.ok(),
            Debug::Sleep { .. } => {
                return Err(Error::text("ERR DEBUG SLEEP is not allowed in transactions"));
            }
            Debug::SetActiveExpire(on) => {
                ctx.engine.set_active_expire(*on);
                reply.ok();
            }
            Debug::Help => help(reply),
        }
        Ok(())
    }
}

fn help(reply: &mut dyn Reply) {
    let lines = [
        "DEBUG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "SLEEP <seconds>",
        "    Keep this client waiting for <seconds>. Decimals allowed.",
        "SET-ACTIVE-EXPIRE <0|1>",
        "    With 0, keys that are due are removed only when somebody asks for them.",
        "HELP",
        "    Print this help.",
    ];
    reply.array(lines.len());
    lines.iter().for_each(|line| reply.simple(line));
}

/// A wait for no key.
struct Asleep;

impl Waiting for Asleep {
    fn keys(&self) -> &[Box<[u8]>] {
        &[]
    }
    fn is_ready(&self, _: &Keys<'_>, _: &[u8]) -> bool {
        false
    }
    fn serve(&self, _: &mut Keys<'_>, _: &mut dyn Reply) {}
    fn time_out(&self, reply: &mut dyn Reply) {
        reply.ok();
    }
}
