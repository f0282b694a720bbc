//! The machine's facts that belong beside every figure.

use std::fs::read_to_string;

/// Processor, cores, memory and kernel in one line.
pub(super) fn facts() -> String {
    let cpuinfo = read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = field(&cpuinfo, "model name").unwrap_or("unknown processor");
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let meminfo = read_to_string("/proc/meminfo").unwrap_or_default();
    let kib = field(&meminfo, "MemTotal").and_then(|v| v.split(' ').next()?.parse::<u64>().ok());
    let gib = kib.unwrap_or(0) / (1 << 20);
    let kernel = read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{model}, {cores} cores, {gib} GiB, Linux {}", kernel.trim())
}

fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    line.split_once(':').map(|(_, value)| value.trim())
}
