//! CPU time of the server process per request: server on one core, load on another.
//!
//! redis-benchmark makes the load; the document's pair, which it cannot send, comes from `load`.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, ensure};

use super::peer::{LOAD_CORE, Peers, Running};
use super::results::{Row, Table};
use super::{Scope, load};
use crate::step::capture;

const CONNECTIONS: &str = "50";
const VALUE_BYTES: &str = "64";
const KEYS: &str = "100000";
/// Enough writes to have nearly every key there before GET is measured.
const FILLING: u64 = 1_000_000;

/// One row: what is sent, so many commands at a time.
struct Workload {
    name: &'static str,
    kind: Kind,
    pipeline: u64,
    target: f64,
}

enum Kind {
    /// One of redis-benchmark's own tests.
    Test(&'static str),
    /// Any command, after another has filled the server; `RANDOM` in a word is a number of a key.
    Command { fill: &'static [&'static str], words: &'static [&'static str] },
    /// A batch of `load`.
    Batch(load::Shape),
}

const WORKLOADS: &[Workload] = &[
    Workload { name: "GET, no pipeline", kind: Kind::Test("get"), pipeline: 1, target: 0.75 },
    Workload { name: "SET, no pipeline", kind: Kind::Test("set"), pipeline: 1, target: 0.75 },
    Workload { name: "GET ×16", kind: Kind::Test("get"), pipeline: 16, target: 0.45 },
    Workload { name: "SET ×16", kind: Kind::Test("set"), pipeline: 16, target: 0.45 },
    Workload { name: "INCR ×16", kind: Kind::Test("incr"), pipeline: 16, target: 0.45 },
    Workload { name: "HSET ×16", kind: Kind::Test("hset"), pipeline: 16, target: 0.45 },
    Workload { name: "LPUSH ×16", kind: Kind::Test("lpush"), pipeline: 16, target: 0.45 },
    Workload { name: "ZADD ×16", kind: Kind::Test("zadd"), pipeline: 16, target: 0.45 },
    Workload { name: "SADD ×16", kind: Kind::Test("sadd"), pipeline: 16, target: 0.45 },
    Workload {
        name: "XADD ×16",
        kind: Kind::Command {
            fill: &[],
            words: &["XADD", "log", "*", "user", "RANDOM", "did", "x"],
        },
        pipeline: 16,
        target: 0.45,
    },
    Workload {
        name: "ZRANGE of 10 ×16",
        kind: Kind::Command {
            fill: &["ZADD", "board", "RANDOM", "member:RANDOM"],
            words: &["ZRANGE", "board", "1000", "1009", "WITHSCORES"],
        },
        pipeline: 16,
        target: 0.45,
    },
    Workload {
        name: "HGETALL of 5 fields ×16",
        kind: Kind::Command {
            fill: &[
                "HSET",
                "user:RANDOM",
                "a",
                "1",
                "b",
                "two",
                "c",
                "three",
                "d",
                "4",
                "e",
                "five",
            ],
            words: &["HGETALL", "user:RANDOM"],
        },
        pipeline: 16,
        target: 0.45,
    },
    Workload {
        name: "EVALSHA of two calls ×16",
        kind: Kind::Command {
            fill: &["SCRIPT", "LOAD", SCRIPT],
            words: &["EVALSHA", SCRIPT_SHA, "1", "key:RANDOM", "value"],
        },
        pipeline: 16,
        target: 0.8,
    },
    Workload {
        name: "SET + EXPIREAT, the document's pair",
        kind: Kind::Batch(load::Shape::Pair),
        pipeline: 2,
        target: 0.6,
    },
    Workload {
        name: "the same in MULTI, as redis-py sends it",
        kind: Kind::Batch(load::Shape::Transaction),
        pipeline: 4,
        target: 0.6,
    },
    Workload {
        name: "PUBLISH to 1,000 subscribers, a message",
        kind: Kind::Batch(load::Shape::FanOut),
        pipeline: 1,
        target: 1.0,
    },
    Workload {
        name: "tracking, 1,000 clients: an invalidation and the next GET",
        kind: Kind::Batch(load::Shape::Invalidation),
        pipeline: 1,
        target: 1.0,
    },
];

/// A script of two calls, and its SHA-1.
const SCRIPT: &str = "redis.call('SET', KEYS[1], ARGV[1]) return redis.call('GET', KEYS[1])";
const SCRIPT_SHA: &str = "2b20e84ba26251fc86a627f03be6dd614b31bac8";

/// Measures every workload on every peer, in turn, several times over.
///
/// # Errors
/// When a peer does not start or a tool is missing.
pub(super) fn measure(root: &Path, scope: Scope) -> Result<Table> {
    let peers = Peers::find(root, scope)?;
    let (repetitions, requests) = if scope.quick { (3, 100_000) } else { (5, 300_000) };
    let count = peers.all.len();
    let mut rows: Vec<Row> =
        WORKLOADS.iter().map(|w| Row::new(w.name, count, Some(w.target))).collect();
    let servers = peers.all.iter().map(super::peer::Peer::start).collect::<Result<Vec<_>>>()?;
    for repetition in 1..=repetitions {
        for (workload, row) in WORKLOADS.iter().zip(&mut rows) {
            for (index, server) in servers.iter().enumerate() {
                let requests = if workload.pipeline > 1 { requests * 4 } else { requests };
                if let Some(us) = workload.run(server, requests)? {
                    row.figures[index].push(us);
                }
            }
            println!("{repetition}/{repetitions} {}", workload.name);
        }
    }
    Ok(Table {
        title: "Server: CPU time per request",
        about: format!(
            "Microseconds of the server process per command (its threads' schedstat); server on core 0, \
             load on core 1, {CONNECTIONS} connections, {VALUE_BYTES}-byte values, keys drawn from {KEYS}; medians of \
             {repetitions} interleaved runs. ×16 is a pipeline of 16. Ratio: Larder to Valkey."
        ),
        contenders: peers.names(),
        rivals: vec![peers.valkey],
        larder: peers.larder,
        rows,
    })
}

impl Workload {
    /// Microseconds per command; `None` when the server does not know it.
    fn run(&self, server: &Running, requests: u64) -> Result<Option<f64>> {
        load::fill(server.address, 1, |_, out| load::command(out, &[b"FLUSHALL"]))?;
        let filled = match self.kind {
            Kind::Test("get") => redis_benchmark(server, &["-t", "set"], 16, FILLING)?,
            Kind::Command { fill: fill @ [_, ..], .. } => {
                redis_benchmark(server, fill, 16, FILLING)?
            }
            _ => true,
        };
        if !filled {
            return Ok(None);
        }
        let before = server.cpu_ns()?;
        let known = match self.kind {
            Kind::Test(test) => redis_benchmark(server, &["-t", test], self.pipeline, requests)?,
            Kind::Command { words, .. } => redis_benchmark(server, words, self.pipeline, requests)?,
            Kind::Batch(shape) => batches(server, shape, requests)?,
        };
        let spent = server.cpu_ns()? - before;
        Ok(known.then(|| spent as f64 / 1000.0 / requests as f64))
    }
}

fn pinned(program: &Path) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", LOAD_CORE]).arg(program);
    command
}

/// Runs redis-benchmark on one of its tests (`-t NAME`) or on a command; `false` when the server
/// does not know it.
fn redis_benchmark(server: &Running, what: &[&str], pipeline: u64, requests: u64) -> Result<bool> {
    let port = server.address.port().to_string();
    let mut command = pinned(Path::new("redis-benchmark"));
    command.args(["-p", &port, "-c", CONNECTIONS, "-d", VALUE_BYTES, "-r", KEYS, "-q"]);
    command.args(["-P", &pipeline.to_string(), "-n", &requests.to_string()]);
    command.args(what.iter().map(|word| word.replace("RANDOM", "__rand_int__")));
    let output = command.output()?;
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    let text = String::from_utf8_lossy(&text);
    let unknown = text.contains("unknown command");
    ensure!(output.status.success() || unknown, "redis-benchmark {}: {text}", what.join(" "));
    Ok(!unknown)
}

fn batches(server: &Running, shape: load::Shape, requests: u64) -> Result<bool> {
    let mut command = pinned(&std::env::current_exe()?);
    command.args(["load", "--shape", shape.name()]);
    command.args(["--address", &server.address.to_string()]);
    command.args(["--batches", &(requests / shape.commands()).to_string()]);
    ensure!(capture(&mut command)?.succeeded, "the load generator failed");
    Ok(true)
}
