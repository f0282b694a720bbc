//! INFO's sections of what happened: Stats, Commandstats, Errorstats, Latencystats, Keyspace, Debug.

use super::super::super::all;
use super::{Lines, sum};
use crate::command::Ctx;
use crate::keyspace::DATABASES;
use crate::stats::CommandStats;
use std::sync::atomic::{AtomicU64, Ordering};

/// What Redis counts and what does not happen here.
const NEVER: [&str; 16] = [
    "total_net_repl_input_bytes",
    "total_net_repl_output_bytes",
    "sync_full",
    "sync_partial_ok",
    "sync_partial_err",
    "expired_time_cap_reached_count",
    "latest_fork_usec",
    "total_forks",
    "migrate_cached_sockets",
    "slave_expires_tracked_keys",
    "active_defrag_hits",
    "active_defrag_misses",
    "active_defrag_key_hits",
    "active_defrag_key_misses",
    "total_active_defrag_time",
    "current_active_defrag_time",
];

pub(super) fn stats(ctx: &mut Ctx<'_, '_>, lines: &mut Lines) {
    let engine = ctx.engine;
    let (stats, traffic) = (engine.stats(), engine.stats().traffic());
    let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    lines.add("total_connections_received", load(&stats.connections));
    lines.add("total_commands_processed", stats.commands_run());
    lines.add("total_net_input_bytes", traffic.input_bytes);
    lines.add("total_net_output_bytes", traffic.output_bytes);
    if let Some(rates) = stats.rates() {
        let kbps = |bytes: u64| format!("{:.2}", bytes as f64 / 1024.0);
        lines.add("instantaneous_ops_per_sec", rates.commands);
        lines.add("instantaneous_input_kbps", kbps(rates.input_bytes));
        lines.add("instantaneous_output_kbps", kbps(rates.output_bytes));
        lines.add("instantaneous_input_repl_kbps", kbps(0));
        lines.add("instantaneous_output_repl_kbps", kbps(0));
        lines.add("instantaneous_eventloop_cycles_per_sec", rates.rounds);
        lines.add("instantaneous_eventloop_duration_usec", rates.round_us);
    }
    lines.add("rejected_connections", load(&stats.rejected));
    lines.add("client_query_buffer_limit_disconnections", load(&stats.input_limit));
    lines.add("client_output_buffer_limit_disconnections", load(&stats.output_limit));
    lines.add("expired_keys", sum(ctx, |shard| shard.stats.expired));
    lines.add("expired_fields", sum(ctx, |shard| shard.stats.expired_fields));
    // A key is gone the millisecond it is due.
    lines.add("expired_stale_perc", "0.00");
    lines.add("expire_cycle_cpu_milliseconds", traffic.housekeeping_us / 1000);
    lines.add("evicted_keys", 0);
    lines.add("evicted_clients", load(&stats.evicted_clients));
    lines.all(&[("total_eviction_exceeded_time", 0), ("current_eviction_exceeded_time", 0)]);
    lines.add("evicted_scripts", engine.scripts.evicted());
    lines.add("keyspace_hits", sum(ctx, |shard| shard.stats.hits));
    lines.add("keyspace_misses", sum(ctx, |shard| shard.stats.misses));
    lines.add("pubsub_channels", engine.pubsub.channels.len());
    lines.add("pubsub_patterns", engine.pubsub.patterns());
    lines.add("pubsubshard_channels", engine.pubsub.sharded.len());
    lines.add("tracking_total_keys", sum(ctx, |shard| shard.tracked.len()));
    lines.add("tracking_total_items", sum(ctx, |shard| shard.tracked.items()));
    lines.add("tracking_total_prefixes", engine.tracking.prefixes());
    lines.add("unexpected_error_replies", 0);
    lines.add("total_error_replies", load(&stats.errors));
    lines.add("total_reads_processed", traffic.reads);
    lines.add("total_writes_processed", traffic.writes);
    lines.add("eventloop_cycles", traffic.rounds);
    lines.add("eventloop_duration_sum", traffic.busy_us);
    lines.add("eventloop_duration_cmd_sum", took_us(ctx));
    NEVER.iter().for_each(|name| lines.add(name, 0));
}

pub(super) fn commands(ctx: &mut Ctx<'_, '_>, lines: &mut Lines) {
    for (known, stats) in all().iter().zip(ctx.engine.stats().commands()) {
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

pub(super) fn errors(ctx: &mut Ctx<'_, '_>, lines: &mut Lines) {
    for (code, count) in ctx.engine.stats().errors_by_code() {
        lines.add(&format!("errorstat_{code}"), format_args!("count={count}"));
    }
}

pub(super) fn durations(ctx: &mut Ctx<'_, '_>, lines: &mut Lines) {
    if !ctx.config().latency_tracking() {
        return;
    }
    let percents = ctx.config().percentiles();
    for (number, known) in all().iter().enumerate() {
        let durations = ctx.engine.stats().durations(number);
        if durations.count() == 0 {
            continue;
        }
        let shown = |percent: &f64| format!("p{percent}={}.000", durations.percentile_us(*percent));
        let list: Vec<String> = percents.iter().map(shown).collect();
        lines.add(&format!("latency_percentiles_usec_{}", known.name), list.join(","));
    }
}

pub(super) fn keyspace(ctx: &mut Ctx<'_, '_>, lines: &mut Lines) {
    let now_ms = u128::from(ctx.keys.now_ms());
    for db in 0..DATABASES as u8 {
        let (mut keys, mut expires, mut volatile, mut sum_ms) = (0, 0, 0, 0);
        for shard in ctx.keys.shards() {
            let (more, more_expires) = shard.len(db);
            keys += more;
            expires += more_expires;
            volatile += shard.keys_with_deadlines_of_fields(db);
            sum_ms += shard.sum_of_deadlines_ms(db);
        }
        if keys > 0 {
            let mean_ms = sum_ms.checked_div(u128::from(expires)).unwrap_or(0);
            let avg_ttl_ms = mean_ms.saturating_sub(now_ms);
            let line = format_args!(
                "keys={keys},expires={expires},avg_ttl={avg_ttl_ms},keys_with_volatile_items={volatile}"
            );
            lines.add(&format!("db{db}"), line);
        }
    }
}

pub(super) fn debug(ctx: &mut Ctx<'_, '_>, lines: &mut Lines) {
    let traffic = ctx.engine.stats().traffic();
    lines.add("eventloop_duration_aof_sum", 0);
    lines.add("eventloop_duration_cron_sum", traffic.housekeeping_us);
    lines.add("eventloop_duration_max", traffic.longest_us);
    lines.add("eventloop_cmd_per_cycle_max", traffic.most_commands);
}

/// How long all commands took together.
fn took_us(ctx: &Ctx<'_, '_>) -> u64 {
    ctx.engine.stats().commands().iter().map(|stats| stats.took_us).sum()
}
