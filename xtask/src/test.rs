//! `cargo xtask test`: fetches what is missing, builds once, runs every suite, counts what passed.
//!
//! Everything is built in one go and one profile: the suites run what lies in `target/debug`, so
//! that nothing is compiled twice. It must not know any test. The last line is the sum; what failed
//! is printed in full above it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Result, ensure};

use crate::benchmark;
use crate::conformance::{self, Tally};
use crate::setup::{self, Tools};
use crate::step::capture;
use crate::wheel::{self, Profile};

/// Where rtest plays: everywhere, or in the developer's loop where it is fastest.
const BACKENDS: &str = "linked,resp2,resp3,valkey";
const QUICK_BACKENDS: &str = "linked,resp2";

/// The releases of redis-py that the wheel is tested with.
const REDIS_PY: [&str; 2] = ["8.1.0", "5.0.8"];

/// What the share of the official suites may take, measured on their own servers.
const CONFORMANCE_SECONDS: u64 = 40;

/// How many tests of a suite passed and failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Count {
    passed: usize,
    failed: usize,
}

/// One suite's run.
struct Suite {
    title: &'static str,
    count: Count,
    seconds: f64,
}

/// Runs the tests; answers whether all passed.
///
/// # Errors
/// When the project's own files cannot be read. Missing packages are failures, not errors.
pub(crate) fn run(root: &Path, quick: bool) -> Result<bool> {
    let began = Instant::now();
    let mut suites = Vec::new();
    suite(&mut suites, "what is needed", || fetch(root, quick));
    suite(&mut suites, "build", || build(root));
    // Without a build the suites would run what an older one has left.
    let built = suites.iter().all(|suite| suite.count.failed == 0);
    if built {
        suite(&mut suites, "cargo test", || cargo_test(root));
        suite(&mut suites, "rtest", || rtest(root, quick));
    }
    if built && !quick {
        suite(&mut suites, "models", || models(root));
        suite(&mut suites, "clients", || clients(root));
        suite(&mut suites, "the Python wheel", || python_wheel(root));
        suite(&mut suites, "redis-benchmark", || redis_benchmark(root));
        suite(&mut suites, "conformance, a share of it", || conformance_share(root));
    }
    let mut sum = Count::default();
    println!();
    for Suite { title, count, seconds } in suites {
        println!("{title}: {} passed, {} failed, {seconds:.1} s", count.passed, count.failed);
        sum.passed += count.passed;
        sum.failed += count.failed;
    }
    println!("in {:.1} s", began.elapsed().as_secs_f64());
    println!("{} passed, {} failed", sum.passed, sum.failed);
    Ok(sum.failed == 0)
}

/// Fetches packages; the developer's loop makes do with what is there.
fn fetch(root: &Path, quick: bool) -> Result<Count> {
    if !quick {
        setup::node(&setup::python(root)?)?;
        setup::redis_tools()?;
    }
    Ok(Count::default())
}

fn build(root: &Path) -> Result<Count> {
    let mut cargo = cargo(root);
    cargo.args(["build", "--workspace", "--all-targets", "--quiet"]);
    ensure!(capture(&mut cargo)?.succeeded, "the workspace does not build");
    Ok(Count::default())
}

fn cargo_test(root: &Path) -> Result<Count> {
    let mut cargo = cargo(root);
    cargo.args(["test", "--workspace", "--no-fail-fast", "--quiet"]);
    if let Ok(valkey) = Tools::of(root).valkey() {
        cargo.env("LARDER_TEST_VALKEY", valkey);
    }
    counted(&mut cargo, cargo_count)
}

/// Schedules of threads under the model checker, whose primitives need a build of their own.
fn models(root: &Path) -> Result<Count> {
    let mut cargo = cargo(root);
    cargo.args(["test", "--package", "larder-engine", "--features", "shuttle", "--lib"]);
    cargo.args(["--quiet", "model::"]);
    counted(&mut cargo, cargo_count)
}

/// Runs one suite. What keeps it from running is printed and counts as one failure.
fn suite(suites: &mut Vec<Suite>, title: &'static str, run: impl FnOnce() -> Result<Count>) {
    println!("… {title}");
    let began = Instant::now();
    let count = run().unwrap_or_else(|error| {
        println!("{error:#}");
        Count { passed: 0, failed: 1 }
    });
    let seconds = began.elapsed().as_secs_f64();
    let mark = if count.failed == 0 { "✓" } else { "✗" };
    println!("{mark} {title}: {seconds:.1} s");
    suites.push(Suite { title, count, seconds });
}

/// Runs a suite's program. Its output is shown when something failed, or nothing could be counted.
fn counted(command: &mut Command, count: fn(&str) -> Count) -> Result<Count> {
    let output = capture(command)?;
    let mut count = count(&output.text);
    if !output.succeeded && count.failed == 0 {
        count.failed = 1;
    }
    if count.failed > 0 {
        println!("{}", output.text);
    }
    Ok(count)
}

fn rtest(root: &Path, quick: bool) -> Result<Count> {
    let backends = if quick { QUICK_BACKENDS } else { BACKENDS };
    let mut rtest = Command::new(root.join("target/debug/rtest"));
    rtest.args(["--on", backends]);
    if backends.contains("valkey") {
        rtest.arg("--valkey").arg(Tools::of(root).valkey()?);
    }
    counted(&mut rtest, summary_count)
}

fn clients(root: &Path) -> Result<Count> {
    counted(&mut pytest(root, &Tools::of(root))?, summary_count)
}

/// The wheel's own tests, in clean virtual environments with the newest redis-py and an old one.
fn python_wheel(root: &Path) -> Result<Count> {
    let wheel = wheel::build(root, Profile::Debug)?;
    let folder = root.join("tests/python");
    let mut sum = Count::default();
    for redis_py in REDIS_PY {
        let list = folder.join("requirements.txt");
        let programs = wheel::install(root, &wheel, redis_py, Some(&list))?;
        let mut pytest = Command::new(programs.join("pytest"));
        pytest.current_dir(&folder).env("PYTHONDONTWRITEBYTECODE", "1");
        let count = counted(pytest.args(["--quiet", "--tb=short"]), summary_count)?;
        sum.passed += count.passed;
        sum.failed += count.failed;
    }
    Ok(sum)
}

fn redis_benchmark(root: &Path) -> Result<Count> {
    let (passed, complaints) = benchmark::run(&larder(root))?;
    complaints.iter().for_each(|complaint| println!("{complaint}"));
    Ok(Count { passed, failed: complaints.len() })
}

/// A share of the official suites; each commit has another turn.
fn conformance_share(root: &Path) -> Result<Count> {
    let mut git = Command::new("git");
    let commits = capture(git.current_dir(root).args(["rev-list", "--count", "HEAD"]))?;
    let turn = commits.text.trim().parse().unwrap_or(0);
    let Tally { passed, lost } =
        conformance::rotate(root, &larder(root), turn, CONFORMANCE_SECONDS)?;
    lost.iter().for_each(|name| println!("passed before and does not pass: {name}"));
    Ok(Count { passed, failed: lost.len() })
}

/// The server's binary, as the build leaves it.
fn larder(root: &Path) -> PathBuf {
    root.join("target/debug/larder")
}

fn pytest(root: &Path, tools: &Tools) -> Result<Command> {
    let mut pytest = Command::new(tools.python_program("pytest"));
    pytest
        .current_dir(root.join("tests/clients"))
        .env("PATH", tools.path()?)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("LARDER_NODE_MODULES", tools.node_modules())
        .env("LARDER_BINARY", larder(root))
        .args(["--quiet", "--tb=short"]);
    Ok(pytest)
}

fn cargo(root: &Path) -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root);
    cargo
}

/// Sums the lines `test result: ok. 5 passed; 1 failed; …` of all test programs.
fn cargo_count(output: &str) -> Count {
    let mut sum = Count::default();
    for line in output.lines().filter_map(|line| line.strip_prefix("test result: ")) {
        sum.passed += number_before(line, " passed").unwrap_or(0);
        sum.failed += number_before(line, " failed").unwrap_or(0);
    }
    sum
}

/// The last line that says how many passed or failed, as rtest and pytest end.
fn summary_count(output: &str) -> Count {
    let says =
        |line: &&str| number_before(line, " passed").or(number_before(line, " failed")).is_some();
    let last = output.lines().rev().find(says).unwrap_or("");
    let errors = number_before(last, " error").unwrap_or(0);
    Count {
        passed: number_before(last, " passed").unwrap_or(0),
        failed: number_before(last, " failed").unwrap_or(0) + errors,
    }
}

fn number_before(line: &str, word: &str) -> Option<usize> {
    let before = &line[..line.find(word)?];
    before.rsplit(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_what_every_test_program_says() {
        let output = "running 2 tests\ntest result: ok. 2 passed; 0 failed; 1 ignored\n\
                      test result: FAILED. 3 passed; 1 failed; 0 ignored\n";
        assert_eq!(cargo_count(output), Count { passed: 5, failed: 1 });
        assert_eq!(cargo_count("error: could not compile"), Count::default());
    }

    #[test]
    fn reads_the_last_line_of_pytest_and_rtest() {
        let count = |passed, failed| Count { passed, failed };
        assert_eq!(summary_count("resp2: 1 passed\n126 passed, 2 failed\n"), count(126, 2));
        assert_eq!(summary_count("....\n26 passed in 1.50s\n"), count(26, 0));
        assert_eq!(summary_count("1 failed, 25 passed, 2 errors in 1s"), count(25, 3));
        assert_eq!(summary_count("nothing"), count(0, 0));
    }

    #[test]
    fn a_program_that_fails_without_a_count_is_a_failure() {
        let failed = counted(Command::new("false").arg("x"), cargo_count).unwrap();
        assert_eq!(failed, Count { passed: 0, failed: 1 });
    }
}
