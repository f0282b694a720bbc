//! redis-py's source distribution from PyPI, with a virtual environment of its own, and runs of its
//! tests.
//!
//! All of it lies below `target/conformance/redis-py` and is used as it is. It must not know which
//! tests count.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, Mutex};
use std::thread;

use anyhow::{Context, Result, anyhow, ensure};
use serde_json::Value;

use crate::step::{capture, timed};

/// The release whose tests are run.
pub(super) const VERSION: &str = "8.1.0";
/// Prints what became of each test as lines of JSON.
const REPORTER: &str = "pytest-reportlog==1.0.0";
/// What is neither for one server alone nor for one without modules and TLS is left out.
const MARKS: &str = "not onlycluster and not redismod and not ssl";
/// A port of the machine's own that nobody may listen on.
const NOBODY: u16 = 1;
/// Tests of one run on nobody, and such runs at once: they mostly wait.
const SHARE: usize = 60;
const AT_ONCE: usize = 8;
/// Seconds that a test may take, and where nobody listens: what takes longer there waits for a
/// server, so that it needs one.
const PATIENCE: u32 = 30;
const PATIENCE_WITH_NOBODY: u32 = 5;

/// What became of a test.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Outcome {
    Passed,
    Skipped,
    /// The end of what it said.
    Failed(String),
}

/// The unpacked package.
pub(super) struct Package {
    folder: PathBuf,
}

impl Package {
    /// Fetches what is not there yet.
    ///
    /// # Errors
    /// When PyPI or Python cannot be had.
    pub(super) fn fetch(root: &Path) -> Result<Package> {
        let package = Package { folder: root.join("target/conformance/redis-py").join(VERSION) };
        let done = package.folder.join("fetched");
        if !done.is_file() {
            timed(&format!("redis-py {VERSION} and what its tests need"), || package.install())?;
            fs::write(done, "")?;
        }
        Ok(package)
    }

    /// Where measurements may be kept.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    fn install(&self) -> Result<()> {
        fs::create_dir_all(self.source())?;
        must(Command::new("python3").args(["-m", "venv", "--clear"]).arg(self.venv()))?;
        let archive = format!("redis=={VERSION}");
        let mut download = self.pip();
        download.args(["download", "--no-deps", "--no-binary", "redis", &archive, "--dest"]);
        must(download.arg(&self.folder))?;
        let mut tar = Command::new("tar");
        tar.arg("-xf").arg(self.folder.join(format!("redis-{VERSION}.tar.gz")));
        must(tar.arg("-C").arg(self.source()).arg("--strip-components=1"))?;
        let wanted = self.source().join("dev_requirements.txt");
        must(self.pip().args(["install", REPORTER, "-r"]).arg(wanted))
    }

    fn source(&self) -> PathBuf {
        self.folder.join("source")
    }

    fn venv(&self) -> PathBuf {
        self.folder.join("venv")
    }

    fn pip(&self) -> Command {
        let mut pip = Command::new(self.venv().join("bin/python"));
        pip.args(["-m", "pip", "--quiet", "--disable-pip-version-check"]);
        pip
    }

    /// Runs all tests, or those of some files or names, on a port.
    ///
    /// # Errors
    /// When pytest leaves no report.
    pub(super) fn run(
        &self,
        port: u16,
        protocol: u8,
        only: &[String],
    ) -> Result<BTreeMap<String, Outcome>> {
        let report = format!("{port}-{protocol}");
        self.pytest(&[], &of_port(port), protocol, everything_or(only), &report)
    }

    /// Puts the wheel where the tests run.
    ///
    /// # Errors
    /// When pip cannot install it.
    pub(super) fn link(&self, wheel: &Path) -> Result<()> {
        must(self.pip().args(["install", "--force-reinstall", "--no-deps"]).arg(wheel))
    }

    /// Runs all tests, or those of some files or names, on a store in their process, but for some.
    ///
    /// # Errors
    /// When pytest leaves no report.
    pub(super) fn run_linked(
        &self,
        root: &Path,
        protocol: u8,
        only: &[String],
        but: &[String],
    ) -> Result<BTreeMap<String, Outcome>> {
        let plugin = root.join("tests/conformance/linked");
        let mut what = everything_or(only).to_vec();
        what.extend(but.iter().map(|name| format!("--deselect={name}")));
        let url = "memory:?enable-debug-command=yes";
        self.pytest(&[&plugin], url, protocol, &what, &format!("linked-{protocol}"))
    }

    /// Runs tests where nobody listens.
    ///
    /// # Errors
    /// When pytest leaves no report.
    pub(super) fn run_on_nobody(
        &self,
        protocol: u8,
        names: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, Outcome>> {
        let names: Vec<String> = names.iter().cloned().collect();
        let shares: Vec<&[String]> = names.chunks(SHARE).collect();
        let (next, all) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
        let work = || -> Result<()> {
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some(share) = shares.get(at) else { return Ok(()) };
                let report = format!("nobody-{protocol}-{at}");
                let outcomes = self.pytest(&[], &of_port(NOBODY), protocol, share, &report)?;
                all.lock().map_err(|_| anyhow!("a run ended early"))?.extend(outcomes);
            }
        };
        thread::scope(|threads| {
            let runs: Vec<_> = (0..AT_ONCE).map(|_| threads.spawn(work)).collect();
            runs.into_iter().try_for_each(|run| run.join().unwrap_or(Err(anyhow!("a run ended"))))
        })?;
        all.into_inner().map_err(|_| anyhow!("a run ended early"))
    }

    /// Runs pytest, with the plugins `larder_linked` of these folders.
    fn pytest(
        &self,
        plugins: &[&Path],
        url: &str,
        protocol: u8,
        what: &[String],
        report: &str,
    ) -> Result<BTreeMap<String, Outcome>> {
        let report = self.folder.join(report).with_extension("jsonl");
        let patience = if url == of_port(NOBODY) { PATIENCE_WITH_NOBODY } else { PATIENCE };
        let mut pytest = Command::new(self.venv().join("bin/python"));
        pytest
            .current_dir(self.source())
            .args(["-B", "-m", "pytest", "--quiet", "--tb=short", "-p", "no:cacheprovider"])
            .args(["-m", MARKS, "--timeout", &patience.to_string()])
            .args(["--redis-url", url])
            .args(["--protocol", &protocol.to_string()])
            .arg(format!("--report-log={}", report.display()))
            .args(what);
        for plugin in plugins {
            pytest.env("PYTHONPATH", plugin).args(["-p", "larder_linked"]);
        }
        // It fails when a test does.
        let output = capture(&mut pytest)?;
        let text = fs::read_to_string(&report).unwrap_or_default();
        let _ = fs::remove_file(&report);
        let outcomes = outcomes(&text)?;
        ensure!(!outcomes.is_empty(), "pytest ran nothing:\n{}", output.text);
        Ok(outcomes)
    }
}

fn of_port(port: u16) -> String {
    format!("redis://127.0.0.1:{port}/0")
}

/// The tests that are meant where none are named.
fn everything_or(only: &[String]) -> &[String] {
    static EVERYTHING: LazyLock<[String; 1]> = LazyLock::new(|| ["tests".to_owned()]);
    if only.is_empty() { &*EVERYTHING } else { only }
}

fn must(command: &mut Command) -> Result<()> {
    let output = capture(command)?;
    ensure!(output.succeeded, "{} failed:\n{}", command.get_program().display(), output.text);
    Ok(())
}

/// What became of each test: the worst of its preparation, itself and its clearing up.
fn outcomes(report: &str) -> Result<BTreeMap<String, Outcome>> {
    let mut outcomes = BTreeMap::new();
    for line in report.lines() {
        let line: Value = serde_json::from_str(line).context("pytest's report")?;
        if line["$report_type"] != "TestReport" {
            continue;
        }
        let outcome = match line["outcome"].as_str() {
            Some("passed") => Outcome::Passed,
            Some("skipped") => Outcome::Skipped,
            _ => Outcome::Failed(reason(&line["longrepr"])),
        };
        let name = line["nodeid"].as_str().unwrap_or_default().to_owned();
        let so_far = outcomes.entry(name).or_insert(Outcome::Passed);
        if *so_far == Outcome::Passed {
            *so_far = outcome;
        }
    }
    Ok(outcomes)
}

/// The line in which a failure says what it is.
fn reason(failure: &Value) -> String {
    let message = failure["reprcrash"]["message"].as_str().or(failure.as_str()).unwrap_or("");
    message.lines().find(|line| !line.trim().is_empty()).unwrap_or("").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_of_a_tests_parts_counts() {
        let line = |when: &str, outcome: &str| {
            format!(
                "{{\"$report_type\": \"TestReport\", \"nodeid\": \"t.py::a\", \"when\": \
                 \"{when}\", \"outcome\": \"{outcome}\", \"longrepr\": \
                 {{\"reprcrash\": {{\"message\": \"\\nno such\\ncommand\"}}}}}}\n"
            )
        };
        let report = [line("setup", "passed"), line("call", "failed"), line("teardown", "passed")];
        let found = outcomes(&report.concat()).unwrap();
        assert_eq!(found["t.py::a"], Outcome::Failed("no such".to_owned()));
        let skipped = outcomes(&line("setup", "skipped")).unwrap();
        assert_eq!(skipped["t.py::a"], Outcome::Skipped);
        assert!(outcomes("{\"$report_type\": \"SessionStart\"}").unwrap().is_empty());
    }
}
