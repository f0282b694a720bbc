//! `INFO [section [section ...]]`
//!
//! Facts about the engine and, from its host, about the process around it; a line is there only if
//! it is true. Holds all locks for a moment. O(shards + clients).

use super::super::all as commands;
use crate::args::Args;
use crate::clients::{Class, Client};
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::keyspace::DATABASES;
use crate::keyspace::shard::Shard;
use crate::reply::Reply;
use crate::spec::{Group, Spec, acl, flag};
use crate::stats::CommandStats;
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};

/// What is known of `INFO`.
pub const SPEC: Spec = Spec {
    name: "info",
    syntax: "[section [section ...]]",
    summary: "Returns information and statistics about the server.",
    group: Group::Server,
    complexity: "O(N) where N is the number of shards and clients",
    arity: -1,
    flags: flag::LOADING | flag::STALE | flag::ALL_SHARDS,
    acl: acl::DANGEROUS,
    tips: &["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
    ..Spec::BASE
};

/// The level of Redis that commands and replies are compatible with.
pub(crate) const REDIS_VERSION: &str = "7.2.4";

/// Our own version.
pub(crate) const LARDER_VERSION: &str = env!("CARGO_PKG_VERSION");

/// One store on its own, no cluster.
pub(crate) const REDIS_MODE: &str = "standalone";

/// Nobody is followed.
pub(crate) const ROLE: &str = "master";

/// A section: title, whether it is shown unless asked for, and its lines.
type Section = (&'static str, bool, fn(&mut Ctx<'_, '_>, &mut Lines));

const SECTIONS: [Section; 12] = [
    ("Server", true, server),
    ("Clients", true, clients),
    ("Memory", true, memory),
    ("Persistence", true, persistence),
    ("Stats", true, stats),
    ("Replication", true, replication),
    ("CPU", true, |_, _| {}),
    ("Modules", true, |_, _| {}),
    ("Commandstats", false, command_stats),
    ("Errorstats", true, error_stats),
    ("Cluster", true, |_, lines| lines.add("cluster_enabled", 0)),
    ("Keyspace", true, keyspace),
];

/// `INFO`
#[derive(Debug, Clone)]
pub struct Info<'a> {
    /// The sections; none means the usual ones.
    pub sections: &'a [&'a [u8]],
}

impl<'a> Command<'a> for Info<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(Info { sections: args.rest() })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.all(self.sections);
    }

    fn keys(&self, _: &mut dyn FnMut(&'a [u8])) {}

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let mut text = String::new();
        for (title, usual, section) in SECTIONS {
            if !self.wants(title, usual) {
                continue;
            }
            let mut lines = Lines(String::new());
            section(ctx, &mut lines);
            for (name, value) in ctx.engine.host().info(&title.to_ascii_lowercase()) {
                lines.add(name, value);
            }
            let gap = if text.is_empty() { "" } else { "\r\n" };
            text.push_str(&format!("{gap}# {title}\r\n{}", lines.0));
        }
        reply.verbatim(*b"txt", text.as_bytes());
        Ok(())
    }
}

impl Info<'_> {
    fn wants(&self, title: &str, usual: bool) -> bool {
        let names = |words: &[&str]| {
            let is =
                |name: &&[u8]| words.iter().any(|word| name.eq_ignore_ascii_case(word.as_bytes()));
            self.sections.iter().any(is)
        };
        let any = self.sections.is_empty() || names(&["default"]);
        (usual && any) || names(&["all", "everything", title])
    }
}

/// The lines of a section.
struct Lines(String);

impl Lines {
    fn add(&mut self, name: &str, value: impl std::fmt::Display) {
        // Writing to a string does not fail.
        let _ = write!(self.0, "{name}:{value}\r\n");
    }

    fn bytes(&mut self, name: &str, bytes: u64) {
        self.add(name, bytes);
        self.add(&format!("{name}_human"), human(bytes));
    }
}

fn server(ctx: &mut Ctx<'_, '_>, lines: &mut Lines) {
    let engine = ctx.engine;
    let now_us = ctx.keys.changes.began_us;
    let up_s = (now_us / 1000).saturating_sub(engine.started_ms()) / 1000;
    lines.add("redis_version", REDIS_VERSION);
    lines.add("larder_version", LARDER_VERSION);
    lines.add("redis_mode", REDIS_MODE);
    lines.add("arch_bits", usize::BITS);
    lines.add("run_id", engine.run_id());
    lines.add("server_time_usec", now_us);
    lines.add("uptime_in_seconds", up_s);
    lines.add("uptime_in_days", up_s / 86400);
    lines.add("shards", engine.shard_count());
}

fn clients(ctx: &mut Ctx<'_, '_>, lines: &mut Lines) {
    let all = ctx.engine.clients.all();
    let blocked = |client: &Client| {
        client.facts.blocked.load(Ordering::Relaxed) || client.facts.paused.load(Ordering::Relaxed)
    };
    let watching = |client: &Client| client.facts.watching.load(Ordering::Relaxed) > 0;
    lines.add("connected_clients", all.len());
    lines.add("maxclients", ctx.config().maxclients());
    lines.add("blocked_clients", all.iter().filter(|client| blocked(client)).count());
    lines.add("tracking_clients", 0);
    lines.add("pubsub_clients", all.iter().filter(|c| c.class() == Class::PubSub).count());
    lines.add("watching_clients", all.iter().filter(|client| watching(client)).count());
    lines.add("total_watched_keys", sum(ctx, |shard| shard.watched.len() as u64));
    lines.add("total_blocking_keys", sum(ctx, |shard| shard.waiters.len() as u64));
}

fn memory(ctx: &mut Ctx<'_, '_>, lines: &mut Lines) {
    let clients: u64 = ctx.engine.clients.all().iter().map(|client| client.bytes()).sum();
    let data = sum(ctx, Shard::bytes) + ctx.engine.garbage.bytes();
    let config = ctx.config();
    lines.bytes("used_memory", data + clients);
    lines.add("used_memory_dataset", data);
    lines.bytes("maxmemory", config.maxmemory());
    lines.add("maxmemory_policy", config.maxmemory_policy().word());
    lines.add("mem_clients_normal", clients);
    let (pending, freed) = (sum(ctx, Shard::lazy_keys), sum(ctx, |shard| shard.stats.lazyfreed));
    let garbage = &ctx.engine.garbage;
    lines.add("lazyfree_pending_objects", garbage.objects() + pending);
    lines.add("lazyfreed_objects", garbage.freed() + freed);
}

fn persistence(_: &mut Ctx<'_, '_>, lines: &mut Lines) {
    lines.add("loading", 0);
    lines.add("async_loading", 0);
}

fn stats(ctx: &mut Ctx<'_, '_>, lines: &mut Lines) {
    let engine = ctx.engine;
    let stats = engine.stats();
    let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    lines.add("total_connections_received", load(&stats.connections));
    lines.add("total_commands_processed", stats.commands_run());
    if let Some(per_second) = stats.per_second() {
        lines.add("instantaneous_ops_per_sec", per_second);
    }
    lines.add("total_net_input_bytes", load(&stats.input_bytes));
    lines.add("total_net_output_bytes", load(&stats.output_bytes));
    lines.add("rejected_connections", load(&stats.rejected));
    lines.add("expired_keys", sum(ctx, |shard| shard.stats.expired));
    lines.add("expired_fields", sum(ctx, |shard| shard.stats.expired_fields));
    lines.add("evicted_keys", 0);
    lines.add("keyspace_hits", sum(ctx, |shard| shard.stats.hits));
    lines.add("keyspace_misses", sum(ctx, |shard| shard.stats.misses));
    lines.add("pubsub_channels", engine.pubsub.channels.len());
    lines.add("pubsub_patterns", engine.pubsub.patterns());
    lines.add("pubsubshard_channels", engine.pubsub.sharded.len());
    lines.add("total_error_replies", load(&stats.errors));
}

fn replication(_: &mut Ctx<'_, '_>, lines: &mut Lines) {
    lines.add("role", ROLE);
    lines.add("connected_slaves", 0);
}

fn command_stats(ctx: &mut Ctx<'_, '_>, lines: &mut Lines) {
    for (known, stats) in commands().iter().zip(ctx.engine.stats().commands()) {
        let CommandStats { calls, took_us, rejected, failed } = stats;
        if stats != CommandStats::default() {
            let per_call = if calls == 0 { 0.0 } else { took_us as f64 / calls as f64 };
            lines.add(
                &format!("cmdstat_{}", known.name),
                format_args!(
                    "calls={calls},usec={took_us},usec_per_call={per_call:.2},\
                     rejected_calls={rejected},failed_calls={failed}"
                ),
            );
        }
    }
}

fn error_stats(ctx: &mut Ctx<'_, '_>, lines: &mut Lines) {
    for (code, count) in ctx.engine.stats().errors_by_code() {
        lines.add(&format!("errorstat_{code}"), format_args!("count={count}"));
    }
}

fn keyspace(ctx: &mut Ctx<'_, '_>, lines: &mut Lines) {
    for db in 0..DATABASES as u8 {
        let (mut keys, mut expires, mut volatile) = (0, 0, 0);
        for shard in ctx.keys.shards() {
            let (more, more_expires) = shard.len(db);
            keys += more;
            expires += more_expires;
            volatile += shard.keys_with_deadlines_of_fields(db);
        }
        if keys > 0 {
            let figures =
                format_args!("keys={keys},expires={expires},keys_with_volatile_items={volatile}");
            lines.add(&format!("db{db}"), figures);
        }
    }
}

fn sum(ctx: &mut Ctx<'_, '_>, figure: impl Fn(&Shard) -> u64) -> u64 {
    ctx.keys.shards().map(|shard| figure(shard)).sum()
}

/// Bytes as people read them: `1.50M`.
fn human(bytes: u64) -> String {
    let units = ["B", "K", "M", "G", "T", "P"];
    let mut size = bytes as f64;
    let mut unit = 0;
    while size >= 1024.0 && unit < units.len() - 1 {
        size /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes}B") } else { format!("{size:.2}{}", units[unit]) }
}

#[cfg(test)]
mod tests {
    #[test]
    fn bytes_are_readable() {
        assert_eq!(super::human(1023), "1023B");
        assert_eq!(super::human(1536), "1.50K");
        assert_eq!(super::human(5 << 30), "5.00G");
    }
}
