//! `SCRIPT EXISTS sha1 [sha1 ...]` · `SCRIPT FLUSH [ASYNC|SYNC]` · `SCRIPT KILL` ·
//! `SCRIPT LOAD script` · `SCRIPT DEBUG YES|SYNC|NO`
//!
//! The scripts that the server knows. O(1) for each script named; LOAD compiles.
//!
//! Effect: none: what scripts do is logged as what they did.
//! Difference: there is no debugger, so that DEBUG takes `NO` only.

use super::eval::known_by_source;
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::commands::{help, nullary, subcommand};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, Spec, acl, flag};

/// What is known of `SCRIPT`.
pub const SPEC: Spec = Spec {
    name: "script",
    summary: "A container for Lua scripts management commands.",
    since: "2.6.0",
    group: Group::Scripting,
    complexity: "Depends on subcommand.",
    arity: -2,
    subcommands: &[
        subcommand!(SPEC_DEBUG, Debug),
        subcommand!(SPEC_EXISTS, Exists),
        subcommand!(SPEC_FLUSH, Flush),
        help::entry(&SPEC_HELP),
        subcommand!(plain SPEC_KILL, Kill),
        subcommand!(SPEC_LOAD, Load),
    ],
    ..Spec::BASE
};

const SPEC_HELP: Spec = help::spec(Group::Scripting, "5.0.0", acl::SCRIPTING);

const SUB: Spec =
    Spec { group: Group::Scripting, flags: flag::NOSCRIPT, acl: acl::SCRIPTING, ..Spec::BASE };

/// What is known of `SCRIPT DEBUG`.
pub const SPEC_DEBUG: Spec = Spec {
    name: "debug",
    syntax: "<YES | SYNC | NO>",
    summary: "Sets the debug mode of server-side Lua scripts.",
    since: "3.2.0",
    arity: 3,
    ..SUB
};

/// What is known of `SCRIPT EXISTS`.
pub const SPEC_EXISTS: Spec = Spec {
    name: "exists",
    syntax: "sha1 [sha1 ...]",
    summary: "Determines whether server-side Lua scripts exist in the script cache.",
    since: "2.6.0",
    complexity: "O(N) with N being the number of scripts to check",
    arity: -3,
    tips: &["request_policy:all_shards", "response_policy:agg_logical_and"],
    ..SUB
};

/// What is known of `SCRIPT FLUSH`.
pub const SPEC_FLUSH: Spec = Spec {
    name: "flush",
    syntax: "[ASYNC | SYNC]",
    summary: "Removes all server-side Lua scripts from the script cache.",
    since: "2.6.0",
    complexity: "O(N) with N being the number of scripts in cache",
    arity: -2,
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    ..SUB
};

/// What is known of `SCRIPT KILL`.
pub const SPEC_KILL: Spec = Spec {
    name: "kill",
    summary: "Terminates a server-side Lua script during execution.",
    since: "2.6.0",
    arity: 2,
    flags: flag::NOSCRIPT | flag::ALLOW_BUSY,
    tips: &["request_policy:all_shards", "response_policy:one_succeeded"],
    ..SUB
};

/// What is known of `SCRIPT LOAD`.
pub const SPEC_LOAD: Spec = Spec {
    name: "load",
    syntax: "script",
    summary: "Loads a server-side Lua script to the script cache.",
    since: "2.6.0",
    complexity: "O(N) with N being the length in bytes of the script body.",
    arity: 3,
    flags: flag::NOSCRIPT | flag::STALE,
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    ..SUB
};

/// `SCRIPT DEBUG`
#[derive(Debug, Clone)]
pub struct Debug<'a> {
    /// `NO`; there is no debugger.
    pub mode: &'a [u8],
}

impl<'a> Command<'a> for Debug<'a> {
    const SPEC: &'static Spec = &SPEC_DEBUG;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(Debug { mode: args.word()? })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.mode);
    }

    fn keys(&self, _: &mut dyn FnMut(&'a [u8])) {}

    fn run(&self, _: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let is = |word: &[u8]| self.mode.eq_ignore_ascii_case(word);
        if is(b"no") {
            reply.ok();
            return Ok(());
        }
        Err(Error::text(if is(b"yes") || is(b"sync") {
            "ERR there is no debugger for scripts here; develop them on a Redis or Valkey server"
        } else {
            "ERR Use SCRIPT DEBUG YES/SYNC/NO"
        }))
    }
}

/// `SCRIPT EXISTS`
#[derive(Debug, Clone)]
pub struct Exists<'a> {
    /// The names.
    pub shas: &'a [&'a [u8]],
}

impl<'a> Command<'a> for Exists<'a> {
    const SPEC: &'static Spec = &SPEC_EXISTS;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let left = args.left();
        Ok(Exists { shas: args.words(left)? })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.all(self.shas);
    }

    fn keys(&self, _: &mut dyn FnMut(&'a [u8])) {}

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        reply.array(self.shas.len());
        for sha in self.shas {
            reply.int(ctx.engine.scripts.find(sha).is_some().into());
        }
        Ok(())
    }
}

/// `SCRIPT FLUSH`
#[derive(Debug, Clone)]
pub struct Flush<'a> {
    /// `ASYNC` or `SYNC`; both are quick.
    pub mode: Option<&'a [u8]>,
}

impl<'a> Command<'a> for Flush<'a> {
    const SPEC: &'static Spec = &SPEC_FLUSH;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        if args.left() == 0 {
            return Ok(Flush { mode: None });
        }
        let mode = args.word()?;
        let known = [&b"async"[..], b"sync"].iter().any(|word| mode.eq_ignore_ascii_case(word));
        if known && args.left() == 0 {
            return Ok(Flush { mode: Some(mode) });
        }
        Err(Error::text("ERR SCRIPT FLUSH only support SYNC|ASYNC option"))
    }

    fn words(&self, words: &mut Words<'_>) {
        if let Some(mode) = self.mode {
            words.push(mode);
        }
    }

    fn keys(&self, _: &mut dyn FnMut(&'a [u8])) {}

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        ctx.engine.scripts.flush();
        reply.ok();
        Ok(())
    }
}

/// `SCRIPT KILL`
#[derive(Debug, Clone, Copy)]
pub struct Kill;

nullary!(Kill, SPEC_KILL, |ctx, reply| {
    let running = &ctx.engine.scripts.running;
    running.kill(false).map_err(|why| running.refusal(why))?;
    reply.ok();
    Ok(())
});

/// `SCRIPT LOAD`
#[derive(Debug, Clone)]
pub struct Load<'a> {
    /// The source.
    pub script: &'a [u8],
}

impl<'a> Command<'a> for Load<'a> {
    const SPEC: &'static Spec = &SPEC_LOAD;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(Load { script: args.word()? })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.script);
    }

    fn keys(&self, _: &mut dyn FnMut(&'a [u8])) {}

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let known = known_by_source(ctx, self.script, true)?;
        reply.bulk(known.sha.as_bytes());
        Ok(())
    }
}
