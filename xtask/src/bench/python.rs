//! Time per call from Python, from `bench/python/bench.py`: the wheel beside redis-py's own floor
//! and beside redis-py with a server.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::Scope;
use super::results::{Row, Table};
use crate::server::Server;
use crate::setup;
use crate::step::capture;
use crate::wheel::{self, Profile};

/// The release of redis-py that is measured.
const REDIS_PY: &str = "8.1.0";

/// What `bench.py` measures, with the target against the floor.
const ROWS: [(&str, Option<f64>); 3] =
    [("get", Some(1.25)), ("pipelined set(…, ex=60)", Some(1.25)), ("incr", None)];

/// Measures every contender in processes of its own, in turn, several times over.
///
/// # Errors
/// When the wheel does not build, or a contender fails.
pub(super) fn measure(root: &Path, scope: Scope) -> Result<Table> {
    let wheel = wheel::build(root, Profile::Release)?;
    let programs = wheel::install(root, &wheel, REDIS_PY, None)?;
    let redis = match setup::redis_server(root)? {
        Some(redis) => redis,
        None => setup::python(root)?.valkey()?,
    };
    let socket = std::env::temp_dir().join(format!("xtask-bench-{}.sock", std::process::id()));
    let mut command = Command::new(redis);
    command.arg("--unixsocket").arg(&socket);
    let server = Server::start(command)?;
    let (tcp, unix) =
        (format!("redis://{}", server.address), format!("unix://{}", socket.display()));
    let mut contenders: Vec<(&str, &str, Option<&str>)> = vec![
        ("floor", "floor: redis-py with constant answers", None),
        ("server", "redis-py over TCP to Redis", Some(&tcp)),
        ("server", "redis-py over a Unix socket to Redis", Some(&unix)),
    ];
    if !scope.peers_only {
        contenders.push(("larder", "larder-redis through redis-py", None));
        contenders.push(("store", "larder_redis.Store", None));
    }
    let row = |(name, target): &(&str, Option<f64>)| Row::new(name, contenders.len(), *target);
    let mut rows: Vec<Row> = ROWS.iter().map(row).collect();
    let repetitions = if scope.quick { 3 } else { 7 };
    for repetition in 1..=repetitions {
        for (index, (contender, _, url)) in contenders.iter().enumerate() {
            let figures = run(root, &programs.join("python"), contender, *url)?;
            for (row, figure) in rows.iter_mut().zip(figures) {
                row.figures[index].extend(figure);
            }
        }
        println!("{repetition}/{repetitions}");
    }
    Ok(Table {
        title: "Python: time per call",
        about: format!(
            "Microseconds per call from one thread of Python, redis-py {REDIS_PY} without hiredis: one hot key, \
             64-byte values, pipelines (transactions) of 100. Each run is a process of its own; medians of \
             {repetitions}. Ratio: through redis-py to the floor; target of larder_redis.Store's get: 0.5."
        ),
        contenders: contenders.iter().map(|(_, name, _)| (*name).to_owned()).collect(),
        rivals: vec![0],
        larder: (!scope.peers_only).then_some(3),
        rows,
    })
}

fn run(root: &Path, python: &Path, contender: &str, url: Option<&str>) -> Result<Vec<Option<f64>>> {
    let mut bench = Command::new(python);
    bench.arg(root.join("bench/python/bench.py")).arg(contender).args(url);
    let output = capture(&mut bench)?;
    ensure!(output.succeeded, "{contender} failed");
    let figure = |text: &str| match text {
        "-" => Ok(None),
        text => text.parse().map(Some).with_context(|| output.text.clone()),
    };
    let figures: Vec<_> = output.text.split_whitespace().map(figure).collect::<Result<_>>()?;
    ensure!(figures.len() == ROWS.len(), "{contender} printed {}", output.text);
    Ok(figures)
}
