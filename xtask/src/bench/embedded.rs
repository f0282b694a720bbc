//! Time per call and resident bytes of linked stores, from the programs in `bench/embedded`.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::Scope;
use super::results::{Row, Table};
use crate::step::{capture, must};

const LARDER: &str = "larder";
const ROWS: &[&str] = &["fill", "SET", "GET", "resident bytes/key"];
const SCALED: &[&str] = &["SET, two threads", "GET, two threads"];

/// Measures every contender in processes of its own, in turn, several times over.
///
/// # Errors
/// When the bench does not build or a contender fails.
pub(super) fn measure(root: &Path, scope: Scope) -> Result<Table> {
    let folder = root.join("bench/embedded");
    let mut cargo = Command::new("cargo");
    must("cargo build bench/embedded", cargo.current_dir(&folder).args(["build", "--release"]))?;
    let program = folder.join("target/release/embedded-bench");
    let names = capture(Command::new(&program).arg("list"))?.text;
    let mut names: Vec<&str> = names.split_whitespace().collect();
    names.retain(|name| !scope.peers_only || *name != LARDER);
    let (repetitions, keys) = if scope.quick { (3, "200000") } else { (7, "1000000") };
    let row = |name: &&str| Row::new(name, names.len(), target(name));
    let mut rows: Vec<Row> = ROWS.iter().chain(SCALED).map(row).collect();
    for repetition in 1..=repetitions {
        for (index, name) in names.iter().enumerate() {
            let one = run(&program, name, "1", keys)?;
            let two = run(&program, name, "2", keys)?;
            for (row, figure) in rows.iter_mut().zip(one.iter().chain(&two[1..3])) {
                row.figures[index].push(*figure);
            }
        }
        println!("{repetition}/{repetitions}");
    }
    let larder = names.iter().position(|name| *name == LARDER);
    Ok(Table {
        title: "In-process: time per call",
        about: format!(
            "Microseconds per call, {keys} keys of 16 bytes in random order, 64-byte values; fill inserts, SET \
             overwrites, GET copies the value out; wall time over all calls, also with two threads. \
             Each run is a process of its own; medians of {repetitions}. Ratio: Larder to the best."
        ),
        contenders: versions(&folder, &names)?,
        rivals: (0..names.len()).filter(|i| Some(*i) != larder).collect(),
        larder,
        rows,
    })
}

fn target(row: &str) -> Option<f64> {
    matches!(row, "SET" | "GET").then_some(0.7)
}

fn run(program: &Path, name: &str, threads: &str, keys: &str) -> Result<Vec<f64>> {
    let output = capture(Command::new(program).args([name, threads, keys]))?;
    ensure!(output.succeeded, "{name} failed");
    let figures = output.text.split_whitespace().map(str::parse);
    let figures: Vec<f64> = figures.collect::<Result<_, _>>().context(output.text.clone())?;
    ensure!(figures.len() == ROWS.len(), "{name} printed {}", output.text);
    Ok(figures)
}

/// The contenders' names with the versions that Cargo.lock holds.
fn versions(folder: &Path, names: &[&str]) -> Result<Vec<String>> {
    let lock = std::fs::read_to_string(folder.join("Cargo.lock"))?;
    let version = |package: &str| {
        let at = lock.find(&format!("name = \"{package}\"\n"))?;
        lock[at..].lines().nth(1)?.split('"').nth(1)
    };
    let named = |name: &&str| {
        let package = if *name == "kevy" { "kevy-embedded" } else { name };
        format!("{package} {}", version(package).unwrap_or(""))
    };
    Ok(names.iter().map(named).collect())
}
