//! INFO's sections of the process and its clients: Server, Clients, Persistence, Replication, CPU.
//!
//! Nothing is followed or led here: what Redis says of such a server is said.

use super::{LARDER_VERSION, Lines, REDIS_MODE, REDIS_VERSION, ROLE, sum};
use crate::clients::{Class, Client};
use crate::command::Ctx;
use crate::config::Id;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// The clock of LRU, in seconds, has 24 bits.
const LRU_CLOCK_MASK: u64 = (1 << 24) - 1;

/// How often a second housekeeping comes round at least.
const HOUSEKEEPING_HZ: u32 = 10;

pub(super) fn server(ctx: &mut Ctx<'_, '_>, lines: &mut Lines) {
    let engine = ctx.engine;
    let now_us = ctx.keys.changes.began_us;
    let up_s = (now_us / 1000).saturating_sub(engine.started_ms()) / 1000;
    lines.add("redis_version", REDIS_VERSION);
    lines.add("server_name", "larder");
    lines.add("larder_version", LARDER_VERSION);
    // What Redis says that was not built from a checkout.
    lines.add("redis_git_sha1", "00000000");
    lines.add("redis_git_dirty", 0);
    lines.add("redis_mode", REDIS_MODE);
    lines.add("server_mode", REDIS_MODE);
    lines.add("arch_bits", usize::BITS);
    lines.add("run_id", engine.run_id());
    lines.add("server_time_usec", now_us);
    lines.add("uptime_in_seconds", up_s);
    lines.add("uptime_in_days", up_s / 86400);
    lines.add("hz", HOUSEKEEPING_HZ);
    lines.add("configured_hz", ctx.config().int(Id::Hz));
    lines.add("lru_clock", (now_us / 1_000_000) & LRU_CLOCK_MASK);
    lines.add("shards", engine.shard_count());
}

pub(super) fn clients(ctx: &mut Ctx<'_, '_>, lines: &mut Lines) {
    let all = ctx.engine.clients.all();
    let on = |flag: &AtomicBool| flag.load(Ordering::Relaxed);
    let count = |is: &dyn Fn(&Client) -> bool| all.iter().filter(|client| is(client)).count();
    let most = |bytes: &dyn Fn(&Client) -> u64| all.iter().map(|c| bytes(c)).max().unwrap_or(0);
    let load = |figure: &AtomicU64| figure.load(Ordering::Relaxed);
    lines.add("connected_clients", all.len());
    lines.add("cluster_connections", 0);
    lines.add("maxclients", ctx.config().maxclients());
    let input = most(&|client| load(&client.input_bytes) + load(&client.input_free_bytes));
    lines.add("client_recent_max_input_buffer", input);
    let output = most(&|client| load(&client.output_capacity));
    lines.add("client_recent_max_output_buffer", output);
    let blocked = count(&|client| on(&client.facts.blocked) || on(&client.facts.paused));
    lines.add("blocked_clients", blocked);
    lines.add("tracking_clients", ctx.engine.tracking.clients());
    lines.add("pubsub_clients", count(&|client| client.class() == Class::PubSub));
    let watching = count(&|client| client.facts.watching.load(Ordering::Relaxed) > 0);
    lines.add("watching_clients", watching);
    lines.add("clients_in_timeout_table", count(&|client| on(&client.facts.timed)));
    lines.add("total_watched_keys", sum(ctx, |shard| shard.watched.len() as u64));
    lines.add("total_blocking_keys", sum(ctx, |shard| shard.waiters.len() as u64));
    let without = sum(ctx, |shard| shard.waiters.len_without() as u64);
    lines.add("total_blocking_keys_on_nokey", without);
    pause(ctx, lines);
}

fn pause(ctx: &mut Ctx<'_, '_>, lines: &mut Lines) {
    let (pause, now_ms) = (&ctx.engine.pause, ctx.keys.now_ms());
    let until_ms = pause.until_ms(now_ms);
    let actions = match until_ms {
        None => "none",
        Some(_) if pause.is_for_all() => "all",
        Some(_) => "write",
    };
    lines.add("paused_reason", if until_ms.is_some() { "client_pause" } else { "none" });
    lines.add("paused_actions", actions);
    lines.add("paused_timeout_milliseconds", until_ms.map_or(0, |until_ms| until_ms - now_ms));
}

/// What an engine says that is memory only; whoever makes its data last says the rest.
const MEMORY_ONLY: [(&str, &str); 30] = [
    ("loading", "0"),
    ("async_loading", "0"),
    ("current_cow_peak", "0"),
    ("current_cow_size", "0"),
    ("current_cow_size_age", "0"),
    ("current_fork_perc", "0.00"),
    ("current_save_keys_processed", "0"),
    ("current_save_keys_total", "0"),
    ("rdb_changes_since_last_save", ""),
    ("rdb_bgsave_in_progress", "0"),
    ("rdb_last_save_time", ""),
    ("rdb_last_bgsave_status", "ok"),
    ("rdb_last_bgsave_time_sec", "-1"),
    ("rdb_current_bgsave_time_sec", "-1"),
    ("rdb_saves", "0"),
    ("rdb_last_cow_size", "0"),
    ("rdb_last_load_keys_expired", "0"),
    ("rdb_last_load_keys_loaded", "0"),
    ("aof_enabled", "0"),
    ("aof_rewrite_in_progress", "0"),
    ("aof_rewrite_scheduled", "0"),
    ("aof_last_rewrite_time_sec", "-1"),
    ("aof_current_rewrite_time_sec", "-1"),
    ("aof_last_bgrewrite_status", "ok"),
    ("aof_rewrites", "0"),
    ("aof_rewrites_consecutive_failures", "0"),
    ("aof_last_write_status", "ok"),
    ("aof_last_cow_size", "0"),
    ("module_fork_in_progress", "0"),
    ("module_fork_last_cow_size", "0"),
];

pub(super) fn persistence(ctx: &mut Ctx<'_, '_>, lines: &mut Lines) {
    let engine = ctx.engine;
    let told = engine.durability().map(|durability| durability.info()).unwrap_or_default();
    for (name, otherwise) in MEMORY_ONLY {
        match (told.iter().find(|(other, _)| *other == name), name) {
            (Some((_, value)), _) => lines.add(name, value),
            (None, "rdb_changes_since_last_save") => lines.add(name, engine.stats().changes()),
            (None, "rdb_last_save_time") => lines.add(name, engine.started_ms() / 1000),
            (None, _) => lines.add(name, otherwise),
        }
    }
    for (name, value) in told {
        if !MEMORY_ONLY.iter().any(|(other, _)| *other == name) {
            lines.add(name, value);
        }
    }
}

pub(super) fn replication(ctx: &mut Ctx<'_, '_>, lines: &mut Lines) {
    let log = ctx.engine.log();
    lines.add("role", ROLE);
    lines.add("connected_slaves", 0);
    lines.add("master_failover_state", "no-failover");
    lines.add("master_replid", ctx.engine.history_id());
    lines.add("master_replid2", "0".repeat(ctx.engine.history_id().len()));
    lines.add("master_repl_offset", if log.is_on() { log.position() } else { 0 });
    lines.add("second_repl_offset", -1);
    lines.add("repl_backlog_active", 0);
    lines.add("repl_backlog_size", ctx.config().bytes(Id::ReplBacklogSize));
    lines.add("repl_backlog_first_byte_offset", 0);
    lines.add("repl_backlog_histlen", 0);
}

pub(super) fn cpu(ctx: &mut Ctx<'_, '_>, lines: &mut Lines) {
    let busy_us = ctx.engine.stats().traffic().busy_us;
    lines.add_facts();
    // The threads of connections share what Redis does in its main thread.
    lines.add("used_active_time_main_thread", format_args!("{:.6}", busy_us as f64 / 1e6));
}
