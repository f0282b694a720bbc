//! INFO's section Memory: what the data and the clients take, and how that compares with what the
//! process has.

use super::{Lines, sum};
use crate::command::Ctx;
use crate::keyspace::shard::Shard;

/// Parts of Redis that nothing is used for here, or that there are none of.
const NONE: [&str; 8] = [
    "mem_not_counted_for_evict",
    "mem_overhead_db_hashtable_rehashing",
    "mem_replication_backlog",
    "mem_total_replication_buffers",
    "mem_clients_slaves",
    "mem_cluster_links",
    "mem_aof_buffer",
    "active_defrag_running",
];

pub(super) fn memory(ctx: &mut Ctx<'_, '_>, lines: &mut Lines) {
    let clients = ctx.engine.clients.bytes();
    let data = sum(ctx, Shard::bytes) + ctx.engine.garbage.bytes();
    let overhead = sum(ctx, Shard::table_bytes) + clients;
    let used = data + clients;
    let dataset = used - overhead;
    let peak = ctx.engine.stats().peak(used);
    let (rss, total) = (lines.fact("used_memory_rss"), lines.fact("total_system_memory"));
    lines.facts.retain(|(name, _)| !["used_memory_rss", "total_system_memory"].contains(name));
    lines.bytes("used_memory", used);
    rss.iter().for_each(|rss| lines.bytes("used_memory_rss", *rss));
    lines.bytes("used_memory_peak", peak);
    lines.add("used_memory_peak_perc", percent(used, peak));
    lines.add("used_memory_overhead", overhead);
    lines.add("used_memory_startup", 0);
    lines.add("used_memory_dataset", dataset);
    lines.add("used_memory_dataset_perc", percent(dataset, used));
    total.iter().for_each(|total| lines.bytes("total_system_memory", *total));
    scripts(ctx, lines);
    lines.bytes("maxmemory", ctx.config().maxmemory());
    lines.add("maxmemory_policy", ctx.config().maxmemory_policy().word());
    if let Some(rss) = rss {
        lines.add("mem_fragmentation_ratio", format_args!("{:.2}", rss as f64 / used as f64));
        lines.add("mem_fragmentation_bytes", rss.cast_signed() - used.cast_signed());
    }
    lines.add("mem_clients_normal", clients);
    NONE.iter().for_each(|name| lines.add(name, 0));
    let (pending, freed) = (sum(ctx, Shard::lazy_keys), sum(ctx, |shard| shard.stats.lazyfreed));
    let garbage = &ctx.engine.garbage;
    lines.add("lazyfree_pending_objects", garbage.objects() + pending);
    lines.add("lazyfreed_objects", garbage.freed() + freed);
}

/// Interpreters run scripts of both kinds: what they take is told of each.
fn scripts(ctx: &Ctx<'_, '_>, lines: &mut Lines) {
    let scripts = &ctx.engine.scripts;
    let (interpreters, (known, evaluated)) = (scripts.pool.bytes(), scripts.size());
    let (libraries, functions, code) = {
        let libraries = scripts.libraries.lock();
        let (libraries_count, functions) = libraries.counts();
        (libraries_count, functions, libraries.bytes())
    };
    lines.add("used_memory_vm_eval", interpreters);
    lines.bytes("used_memory_lua", interpreters);
    lines.add("used_memory_scripts_eval", evaluated);
    lines.add("number_of_cached_scripts", known);
    lines.add("number_of_functions", functions);
    lines.add("number_of_libraries", libraries);
    lines.add("used_memory_vm_functions", interpreters);
    lines.bytes("used_memory_vm_total", interpreters);
    lines.add("used_memory_functions", code);
    lines.bytes("used_memory_scripts", evaluated + code);
}

fn percent(part: u64, whole: u64) -> String {
    format!("{:.2}%", if whole == 0 { 0.0 } else { part as f64 * 100.0 / whole as f64 })
}

#[cfg(test)]
mod tests {
    #[test]
    fn shares_are_written_with_two_digits() {
        assert_eq!(super::percent(1, 3), "33.33%");
        assert_eq!(super::percent(0, 0), "0.00%");
    }
}
