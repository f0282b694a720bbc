//! `CONFIG GET pattern [pattern ...]` · `SET name value [name value ...]` · `RESETSTAT` · `REWRITE`
//! · `HELP`
//!
//! Settings of the running process. SET is all or nothing: what the process around the engine
//! cannot apply is taken back. O(settings).

use super::super::{help, nullary, subcommand};
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::config::{Caller, ConfigError, Id, lookup};
use crate::error::Error;
use crate::keyspace::shard::ShardStats;
use crate::reply::Reply;
use crate::session::after;
use crate::spec::{Entry, Group, Spec, acl, flag};
use larder_codec::glob;

/// What is known of `CONFIG`.
pub const SPEC: Spec = Spec {
    name: "config",
    summary: "A container for server configuration commands.",
    since: "2.0.0",
    group: Group::Server,
    complexity: "Depends on subcommand.",
    arity: -2,
    subcommands: &[
        subcommand!(SPEC_GET, Get),
        HELP,
        subcommand!(plain SPEC_RESETSTAT, ResetStat),
        subcommand!(plain SPEC_REWRITE, Rewrite),
        subcommand!(SPEC_SET, Set),
    ],
    ..Spec::BASE
};

const HELP: Entry = help::entry(&help::spec(Group::Server, "5.0.0", 0));

const SUB: Spec = Spec {
    since: "2.0.0",
    group: Group::Server,
    arity: 2,
    flags: flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE,
    acl: acl::DANGEROUS,
    ..Spec::BASE
};

/// What is known of `CONFIG GET`.
pub const SPEC_GET: Spec = Spec {
    name: "get",
    syntax: "parameter [parameter ...]",
    summary: "Returns the effective values of configuration parameters.",
    complexity: "O(N) when N is the number of configuration parameters",
    arity: -3,
    ..SUB
};

/// What is known of `CONFIG SET`.
pub const SPEC_SET: Spec = Spec {
    name: "set",
    syntax: "parameter value [parameter value ...]",
    summary: "Sets configuration parameters in-flight.",
    complexity: "O(N) when N is the number of configuration parameters provided",
    arity: -4,
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    ..SUB
};

/// What is known of `CONFIG RESETSTAT`.
pub const SPEC_RESETSTAT: Spec = Spec {
    name: "resetstat",
    summary: "Resets the server's statistics.",
    flags: SUB.flags | flag::ALL_SHARDS,
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    ..SUB
};

/// What is known of `CONFIG REWRITE`.
pub const SPEC_REWRITE: Spec = Spec {
    name: "rewrite",
    summary: "Persists the effective configuration to file.",
    since: "2.8.0",
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    ..SUB
};

/// `CONFIG GET`
#[derive(Debug, Clone)]
pub struct Get<'a> {
    /// Names or glob patterns.
    pub patterns: &'a [&'a [u8]],
}

impl<'a> Command<'a> for Get<'a> {
    const SPEC: &'static Spec = &SPEC_GET;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(Get { patterns: args.rest() })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.all(self.patterns);
    }

    fn keys(&self, _: &mut dyn FnMut(&'a [u8])) {}

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let matches =
            |pattern: &[u8], name: &str| glob::matches_ignore_case(pattern, name.as_bytes());
        let found = ctx.config().get_matching(self.patterns, &matches);
        reply.map(found.len());
        for (name, value) in found {
            reply.bulk(&name);
            reply.bulk(&value);
        }
        Ok(())
    }
}

/// `CONFIG SET`
#[derive(Debug, Clone)]
pub struct Set<'a> {
    /// Names and values.
    pub pairs: Vec<(&'a [u8], &'a [u8])>,
}

impl<'a> Command<'a> for Set<'a> {
    const SPEC: &'static Spec = &SPEC_SET;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let (pairs, rest) = args.rest().as_chunks::<2>();
        if !rest.is_empty() {
            return Err(Error::Syntax);
        }
        Ok(Set { pairs: pairs.iter().map(|[name, value]| (*name, *value)).collect() })
    }

    fn words(&self, words: &mut Words<'_>) {
        self.pairs.iter().for_each(|(name, value)| {
            words.push(name).push(value);
        });
    }

    fn keys(&self, _: &mut dyn FnMut(&'a [u8])) {}

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        for (at, (name, _)) in self.pairs.iter().enumerate() {
            if lookup(name).is_some_and(|name| name.id.param().sensitive) {
                ctx.session.redacted.push(at as u16 * 2 + 3);
            }
        }
        let caller = Caller {
            is_local: ctx.session.client.origin.is_local(),
            loading: ctx.engine.is_loading(),
        };
        let mut apply = |changed: &[Id]| {
            ctx.engine.host().apply(changed)?;
            ctx.engine.durability().map_or(Ok(()), |durability| durability.apply(changed))
        };
        let done = ctx.config().set_at_run_time(&self.pairs, caller, &mut apply);
        let changed = done.map_err(|error| match error {
            ConfigError::Loading => Error::owned(format!("LOADING {error}")),
            error => Error::owned(format!("ERR {error}")),
        })?;
        for id in changed {
            ctx.session.after |= match id {
                Id::TrackingTableMaxKeys => after::TRIM_TRACKED,
                Id::MaxmemoryClients | Id::Maxmemory => after::COUNT_CLIENTS,
                _ => 0,
            };
        }
        reply.ok();
        Ok(())
    }
}

/// `CONFIG RESETSTAT`
#[derive(Debug, Clone, Copy)]
pub struct ResetStat;

nullary!(ResetStat, SPEC_RESETSTAT, |ctx, reply| {
    ctx.engine.stats().reset();
    ctx.engine.garbage.reset();
    ctx.keys.shards().for_each(|shard| shard.stats = ShardStats::default());
    reply.ok();
    Ok(())
});

/// `CONFIG REWRITE`
#[derive(Debug, Clone, Copy)]
pub struct Rewrite;

nullary!(Rewrite, SPEC_REWRITE, |ctx, reply| {
    let done = ctx.engine.host().rewrite_config();
    done.map_err(|reason| Error::owned(format!("ERR {reason}")))?;
    reply.ok();
    Ok(())
});
