//! `cargo xtask conformance`: the official test suites, unmodified, against our server.
//!
//! `source` fetches them, `suite` runs a unit, `lists` holds what does not count and why, `kept`
//! what is remembered, `report` prints the table. Nothing of a suite is committed, and the server
//! never knows that one is running. redis-py's own tests are a suite of another make: `redis_py`.

mod kept;
mod lists;
mod redis_py;
mod report;
mod source;
mod suite;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail, ensure};
use clap::{Args, ValueEnum};

use self::kept::{Passed, Reference, References, common};
use self::lists::Lists;
use self::redis_py::Place;
use self::report::{Expected, Report, Row};
pub(crate) use self::suite::Suite;
use self::suite::{Bench, Outcome};
use crate::setup;

/// Names of the folders with the suites' output.
const OURS: &str = "larder";
const REFERENCE: &str = "reference";

/// What is run and against what.
#[derive(Args)]
pub(crate) struct Options {
    /// Which suite; both of the servers' if left out.
    suite: Option<Chosen>,
    /// Only these units, such as `unit/type/list`; of redis-py, such as `tests/test_commands.py`.
    #[arg(long = "unit", value_name = "NAME")]
    units: Vec<String>,
    /// The server's threads; if left out, once with its own default and once with one.
    #[arg(long)]
    threads: Option<u32>,
    /// Keeps what passed, or with --server what the reference does.
    #[arg(long)]
    write: bool,
    /// Measures this server as the reference.
    #[arg(long, value_name = "PATH")]
    server: Option<PathBuf>,
    /// Runs this build of Larder instead of making one.
    #[arg(long, value_name = "PATH", conflicts_with = "server")]
    binary: Option<PathBuf>,
    /// Runs what is listed, too: whatever of it passes is an error.
    #[arg(long, conflicts_with = "server")]
    listed: bool,
    /// Runs redis-py's tests in one process with the store, through the Python wheel.
    #[arg(long, conflicts_with_all = ["server", "binary", "listed"])]
    linked: bool,
}

/// What can be asked for by name.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Chosen {
    /// Valkey 9.1.2's suite, the yardstick.
    Valkey,
    /// Redis 7.0.15's.
    Redis,
    /// The tests of the Python client redis-py.
    RedisPy,
}

/// Runs the suites; answers whether everything passed that has passed before.
///
/// # Errors
/// When a suite or the server cannot be had, or a list is malformed.
pub(crate) fn run(root: &Path, options: &Options) -> Result<bool> {
    let suites = match options.suite {
        None => vec![Suite::Valkey, Suite::Redis],
        Some(Chosen::Valkey) => vec![Suite::Valkey],
        Some(Chosen::Redis) => vec![Suite::Redis],
        Some(Chosen::RedisPy) => vec![],
    };
    setup::redis_tools()?;
    if let Some(server) = &options.server {
        let [suite] = suites[..] else { bail!("--server is the reference of one suite: name it") };
        return measure(root, suite, server, options);
    }
    if options.linked {
        ensure!(options.suite == Some(Chosen::RedisPy), "--linked is for redis-py");
        return redis_py::run(root, &Place::Linked, &options.units);
    }
    let binary = match &options.binary {
        Some(binary) => binary.clone(),
        None => build(root)?,
    };
    if options.suite == Some(Chosen::RedisPy) {
        return redis_py::run(root, &Place::Server(binary), &options.units);
    }
    let mut good = true;
    for suite in suites {
        good &= judge(root, suite, &binary, options)?;
    }
    Ok(good)
}

/// A share of the suites that fits into `seconds`; which one follows from `turn`.
///
/// # Errors
/// As [`run`].
pub(crate) fn rotate(root: &Path, binary: &Path, turn: usize, seconds: u64) -> Result<Tally> {
    setup::redis_tools()?;
    let lists = Lists::read(root)?;
    let references = References::read(root)?;
    let mut tally = Tally::default();
    for suite in [Suite::Valkey, Suite::Redis] {
        let bench = Bench::new(root, suite, binary, OURS)?;
        let passed = Passed::read(root, suite);
        let judge = Judge { suite, bench: &bench, lists: &lists, passed: &passed, listed: false };
        let mut left = seconds / 2;
        let units = bench.units()?;
        for unit in units.iter().cycle().skip(turn % units.len()).take(units.len()) {
            let cost = references.of(suite, unit).map(|reference| reference.seconds);
            let Some(cost) = cost.filter(|cost| passed.knows(unit) && *cost <= left) else {
                continue;
            };
            left -= cost;
            let (outcome, lost) = judge.unit(unit, None)?;
            tally.passed += outcome.passed.len();
            tally.lost.extend(lost.into_iter().map(|name| format!("{unit}: {name}")));
        }
    }
    Ok(tally)
}

/// What a share of the suites has shown.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) passed: usize,
    /// What has passed once and does not any more.
    pub(crate) lost: Vec<String>,
}

/// The server as users get it.
fn build(root: &Path) -> Result<PathBuf> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root).args(["build", "--release", "--quiet", "--package", "larder-server"]);
    ensure!(cargo.status()?.success(), "the server does not build");
    Ok(root.join("target/release/larder"))
}

/// Runs the suite's own server, and keeps its counts.
fn measure(root: &Path, suite: Suite, server: &Path, options: &Options) -> Result<bool> {
    let bench = Bench::new(root, suite, server, REFERENCE)?;
    let lists = Lists::read(root)?;
    let mut references = References::read(root)?;
    let mut report = Report::new(suite, "the reference");
    for unit in chosen(&bench, options)? {
        if lists.whole(suite, &unit).is_some() && options.units.is_empty() {
            continue;
        }
        let outcome = bench.run(&unit, &[], options.threads)?;
        let (passed, seconds) = (outcome.passed.len(), outcome.seconds.ceil() as u64);
        report.add(Row::new(unit.clone(), &outcome, Expected::default()));
        references.set(suite, &unit, Reference { passed, seconds });
        if options.write {
            references.write(root)?;
        }
    }
    report.print();
    Ok(true)
}

/// Runs our server and compares it with the reference and with what has passed before.
fn judge(root: &Path, suite: Suite, binary: &Path, options: &Options) -> Result<bool> {
    let bench = Bench::new(root, suite, binary, OURS)?;
    let lists = Lists::read(root)?;
    let references = References::read(root)?;
    let mut passed = Passed::read(root, suite);
    let units = chosen(&bench, options)?;
    let mut good = complain("no unit of this name", &lists.strangers(suite, &bench.units()?));
    let rounds = options.threads.map_or(vec![None, Some(1)], |threads| vec![Some(threads)]);
    let mut reports: Vec<Report> = rounds.iter().map(|threads| title(suite, *threads)).collect();
    for unit in units {
        if let Some(reason) = lists.whole(suite, &unit) {
            println!("- {unit}: {reason}");
            continue;
        }
        let listed = options.listed;
        let judge = Judge { suite, bench: &bench, lists: &lists, passed: &passed, listed };
        let mut both: Option<Vec<String>> = None;
        for (threads, report) in rounds.iter().zip(&mut reports) {
            let (outcome, lost) = judge.unit(&unit, *threads)?;
            good &= complain("passed before and does not pass", &lost);
            if options.listed {
                good &= complain("is listed and passes", &judge.wrongly_listed(&unit, &outcome));
            }
            both = Some(match both {
                Some(names) => common(&names, &outcome.passed),
                None => outcome.passed.clone(),
            });
            let expected = Expected {
                reference: references.of(suite, &unit),
                names: bench.remembered(REFERENCE, &unit).passed,
                listed: lists.tests(suite, &unit),
            };
            report.add(Row::new(unit.clone(), &outcome, expected));
        }
        // A unit that could not even begin says nothing about what passes.
        if options.write && both.as_ref().is_some_and(|names| !names.is_empty()) {
            passed.set(&unit, both.unwrap_or_default());
            passed.write(root, suite)?;
        }
    }
    for report in &reports {
        report.print();
    }
    Ok(good)
}

/// How one unit is judged.
struct Judge<'a> {
    suite: Suite,
    bench: &'a Bench,
    lists: &'a Lists,
    passed: &'a Passed,
    listed: bool,
}

impl Judge<'_> {
    /// Runs a unit, and once more if something was lost: a test that depends on the machine's
    /// speed has a second chance, and no third.
    fn unit(&self, unit: &str, threads: Option<u32>) -> Result<(Outcome, Vec<String>)> {
        let skip = match self.listed {
            true => self.lists.disturbing(self.suite, unit),
            false => self.lists.tests(self.suite, unit),
        };
        let outcome = self.bench.run(unit, &skip, threads)?;
        let lost = self.passed.lost(unit, &outcome.passed);
        // What is listed may leave others in a state that they are not made for.
        if lost.is_empty() || self.listed {
            return Ok((outcome, Vec::new()));
        }
        for name in &lost {
            println!("  {unit}: once more for {name:?}");
        }
        let second = self.bench.run(unit, &skip, threads)?;
        let still = self.passed.lost(unit, &second.passed);
        let lost = common(&lost, &still);
        Ok((if still.is_empty() { second } else { outcome }, lost))
    }

    fn wrongly_listed(&self, unit: &str, outcome: &Outcome) -> Vec<String> {
        let tests = self.lists.tests(self.suite, unit);
        // A name may stand for several tests, of which only some are meant.
        let fails = |name: &String| outcome.failed.iter().any(|(failed, _)| failed == name);
        let passes = outcome.passed.iter().filter(|name| tests.contains(name) && !fails(name));
        passes.cloned().collect()
    }
}

fn title(suite: Suite, threads: Option<u32>) -> Report {
    match threads {
        None => Report::new(suite, "default threads"),
        Some(1) => Report::new(suite, "one thread"),
        Some(threads) => Report::new(suite, &format!("{threads} threads")),
    }
}

fn chosen(bench: &Bench, options: &Options) -> Result<Vec<String>> {
    let units = bench.units()?;
    for unit in &options.units {
        ensure!(units.contains(unit), "there is no unit {unit}; one of {}", units.join(" "));
    }
    Ok(if options.units.is_empty() { units } else { options.units.clone() })
}

/// Prints complaints; answers whether there are none.
fn complain(what: &str, names: &[String]) -> bool {
    for name in names {
        println!("✗ {what}: {name}");
    }
    names.is_empty()
}
