//! Facts about the process for INFO, from the kernel: a line is there only if it is known.
#![allow(clippy::disallowed_methods, reason = "reads /proc")]

use larder_engine::config::{Config, Id};
use larder_net::Bound;
use rustix::param::{clock_ticks_per_second, page_size};
use rustix::system::uname;
use std::path::Path;

/// Names and values, as INFO shows them.
pub type Facts = Vec<(&'static str, String)>;

/// Names of the listeners' lines.
const LISTENERS: [&str; 8] = [
    "listener0",
    "listener1",
    "listener2",
    "listener3",
    "listener4",
    "listener5",
    "listener6",
    "listener7",
];

/// The process and where it listens.
#[must_use]
pub fn server(
    config: &Config,
    config_file: Option<&Path>,
    supervised: &'static str,
    resp: &[Bound],
) -> Facts {
    let path = |path: Option<&Path>| path.map(|p| p.display().to_string()).unwrap_or_default();
    let system = uname();
    let text = |part: &std::ffi::CStr| part.to_string_lossy().into_owned();
    let os = [system.sysname(), system.release(), system.machine()].map(text).join(" ");
    let mut facts = vec![
        ("os", os),
        ("multiplexing_api", "epoll".to_owned()),
        ("io_threads_active", i32::from(config.int(Id::IoThreads) > 1).to_string()),
        ("process_id", std::process::id().to_string()),
        ("process_supervised", supervised.to_owned()),
        ("tcp_port", config.port().to_string()),
        ("executable", path(std::env::current_exe().ok().as_deref())),
        ("config_file", path(config_file)),
    ];
    for (name, bound) in LISTENERS.into_iter().zip(resp) {
        // Redis names listeners in this form.
        let text = match bound {
            Bound::Tcp(addr) => format!("name=tcp,bind={},port={}", addr.ip(), addr.port()),
            Bound::Unix(path) => format!("name=unix,bind={}", path.display()),
        };
        facts.push((name, text));
    }
    facts
}

/// Memory of the process and of the machine, in bytes.
#[must_use]
pub fn memory() -> Facts {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok());
    let meminfo = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let total = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let total_kib = total.and_then(|line| line.trim().split(' ').next()?.parse::<u64>().ok());
    let mut facts = vec![("mem_allocator", "libc".to_owned())];
    if let Some(pages) = pages {
        facts.push(("used_memory_rss", (pages * page_size() as u64).to_string()));
    }
    if let Some(kib) = total_kib {
        facts.push(("total_system_memory", (kib * 1024).to_string()));
    }
    facts
}

/// Seconds of CPU that the process has used.
#[must_use]
pub fn cpu() -> Facts {
    let process = ticks_of("/proc/self/stat");
    let main_thread = ticks_of(&format!("/proc/self/task/{}/stat", std::process::id()));
    let seconds = |ticks: u64| format!("{:.6}", ticks as f64 / clock_ticks_per_second() as f64);
    let named = [
        ("used_cpu_sys", process.map(|ticks| ticks.sys)),
        ("used_cpu_user", process.map(|ticks| ticks.user)),
        ("used_cpu_sys_children", process.map(|ticks| ticks.sys_children)),
        ("used_cpu_user_children", process.map(|ticks| ticks.user_children)),
        ("used_cpu_sys_main_thread", main_thread.map(|ticks| ticks.sys)),
        ("used_cpu_user_main_thread", main_thread.map(|ticks| ticks.user)),
    ];
    named.into_iter().filter_map(|(name, ticks)| Some((name, seconds(ticks?)))).collect()
}

/// Ticks of CPU that a process or a thread has used.
#[derive(Debug, Clone, Copy)]
struct Ticks {
    user: u64,
    sys: u64,
    user_children: u64,
    sys_children: u64,
}

fn ticks_of(stat: &str) -> Option<Ticks> {
    let stat = std::fs::read_to_string(stat).ok()?;
    // Behind the name, which may hold anything: state is the third field, utime the fourteenth.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(14 - 3).map(|field| field.parse().ok());
    let mut next = || fields.next().flatten();
    Some(Ticks { user: next()?, sys: next()?, user_children: next()?, sys_children: next()? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use larder_engine::config::Profile;

    #[test]
    fn every_fact_is_known_on_linux() {
        let number = |facts: &Facts, name: &str| {
            let found = facts.iter().find(|(known, _)| *known == name);
            found.and_then(|(_, value)| value.parse::<f64>().ok()).expect(name)
        };
        let memory = memory();
        assert!(number(&memory, "used_memory_rss") > 100_000.0);
        assert!(number(&memory, "total_system_memory") > number(&memory, "used_memory_rss"));
        let cpu = cpu();
        assert_eq!(cpu.len(), 6);
        assert!(number(&cpu, "used_cpu_user") + number(&cpu, "used_cpu_sys") < 1e6);
        let config = Config::new(Profile::Redis);
        let resp = [Bound::Tcp("127.0.0.1:6379".parse().unwrap()), Bound::Unix("/s".into())];
        let server = server(&config, None, "no", &resp);
        assert!(server.contains(&("listener0", "name=tcp,bind=127.0.0.1,port=6379".to_owned())));
        assert!(server.contains(&("listener1", "name=unix,bind=/s".to_owned())));
        assert!(server.iter().any(|(name, value)| *name == "os" && value.starts_with("Linux ")));
    }
}
