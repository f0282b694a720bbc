//! Runs one unit of an official suite, unmodified, and reads what it prints.
//!
//! Every run has a folder of its own, freshly unpacked, with the programs under the names that the
//! suite looks for, and ports of its own. The suite's own options do the rest: `--skipfile` for
//! what is listed, `--durable` so that an unexpected error costs one test. What a test means
//! is not known here; `report` counts.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;

use super::source;
use crate::setup::Tools;

/// How long a unit may print nothing. The suite itself ends it then and names the test.
const SILENCE: Duration = Duration::from_secs(90);
/// How long a unit may take at all.
const UNIT: Duration = Duration::from_secs(1200);
/// How often a unit is begun again without the test that hung.
const RETRIES: usize = 6;
/// Where servers listen: below what the kernel hands out, with room for the bus ports above. Of
/// each range the suite's own socket takes the last, the guard stands in between.
const FIRST_PORT: u16 = 18_000;
const PORTS: u16 = 160;
const SERVERS: u16 = 120;
const RANGES: u16 = 20;

/// The two official suites.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Suite {
    /// Valkey 9.1.2's, the yardstick.
    Valkey,
    /// Redis 7.0.15's.
    Redis,
}

impl Suite {
    pub(super) fn name(self) -> &'static str {
        match self {
            Suite::Valkey => "valkey",
            Suite::Redis => "redis",
        }
    }

    /// Debian's source package.
    pub(super) fn package(self) -> &'static str {
        self.name()
    }

    pub(super) fn version(self) -> &'static str {
        match self {
            Suite::Valkey => "9.1.2",
            Suite::Redis => "7.0.15",
        }
    }

    /// The release of Debian that has this version.
    pub(super) fn release(self) -> &'static str {
        match self {
            Suite::Valkey => "sid",
            Suite::Redis => "bookworm",
        }
    }

    /// The file of upstream's sources.
    pub(super) fn archive(self) -> String {
        format!("{}_{}.orig.tar.gz", self.package(), self.version())
    }

    /// Every unit of the suite, in its folder.
    pub(super) fn units(self, folder: &Path) -> Result<Vec<String>> {
        let mut units = BTreeSet::new();
        for group in ["unit", "unit/type", "integration"] {
            let path = folder.join("tests").join(group);
            let entries = fs::read_dir(&path).with_context(|| path.display().to_string())?;
            let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
            let units_of_group = names.filter_map(|name| {
                let unit = name.strip_suffix(".tcl")?;
                // Redis's is read by other units and holds no test.
                (unit != "list-common").then(|| format!("{group}/{unit}"))
            });
            units.extend(units_of_group);
        }
        Ok(units.into_iter().collect())
    }
}

/// The programs that are tested, in the suite's unpacked folder.
pub(super) struct Bench {
    suite: Suite,
    folder: PathBuf,
    logs: PathBuf,
    first_port: u16,
    /// Holds the range of ports against other runs.
    _guard: TcpListener,
}

/// What a unit said.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Outcome {
    /// Names of tests that passed; a name may stand several times.
    pub(super) passed: Vec<String>,
    /// Names of tests that failed, each with its reason.
    pub(super) failed: Vec<(String, String)>,
    /// Names that were skipped because they are listed.
    pub(super) skipped: Vec<String>,
    /// Servers that did not start, so that the tests that need them did not run.
    pub(super) unstarted: usize,
    /// Why the unit did not reach its end.
    pub(super) ended: Option<String>,
    /// The test that hung, if one did.
    hung: Option<String>,
    pub(super) seconds: f64,
}

impl Bench {
    /// Unpacks the suite and puts `server` into its place; the logs are kept under `name`.
    ///
    /// # Errors
    /// When the suite cannot be had, or a program is missing.
    pub(super) fn new(root: &Path, suite: Suite, server: &Path, name: &str) -> Result<Bench> {
        source::tcl()?;
        let archive = source::archive(root, suite)?;
        let own = root.join("target/conformance");
        let process = std::process::id();
        let folder = own.join(format!("run-{}-{process}", suite.name()));
        source::unpack(&archive, &folder)?;
        let (first_port, guard) = ports()?;
        let bench =
            Bench { suite, folder, logs: own.join("logs").join(name), first_port, _guard: guard };
        fs::create_dir_all(&bench.logs)?;
        bench.put_programs(root, server)?;
        Ok(bench)
    }

    /// The units of the suite.
    ///
    /// # Errors
    /// When its folder cannot be read.
    pub(super) fn units(&self) -> Result<Vec<String>> {
        self.suite.units(&self.folder)
    }

    /// Runs a unit without the tests named in `skip`; a test that hangs is counted as failed, and
    /// the rest is run again without it.
    ///
    /// # Errors
    /// When the suite cannot be started.
    pub(super) fn run(&self, unit: &str, skip: &[String], threads: Option<u32>) -> Result<Outcome> {
        let began = Instant::now();
        let mut skipped = skip.to_vec();
        let mut fatal: Vec<(String, String)> = Vec::new();
        loop {
            let mut outcome = self.run_once(unit, &skipped, threads)?;
            let hung = outcome.hung.take().filter(|name| !skipped.contains(name));
            if let Some(name) = hung.filter(|_| fatal.len() < RETRIES) {
                skipped.push(name.clone());
                fatal.push((name, format!("no sign of life for {} s", SILENCE.as_secs())));
                continue;
            }
            outcome.skipped.retain(|name| !fatal.iter().any(|(culprit, _)| culprit == name));
            outcome.failed.extend(fatal);
            outcome.seconds = began.elapsed().as_secs_f64();
            return Ok(outcome);
        }
    }

    fn run_once(&self, unit: &str, skip: &[String], threads: Option<u32>) -> Result<Outcome> {
        let log = self.folder.join("output");
        let skipfile = self.folder.join("skipped-tests");
        fs::write(&skipfile, skip.join("\n"))?;
        let silence = SILENCE.as_secs().to_string();
        let mut runtest = Command::new("./runtest");
        runtest
            .current_dir(&self.folder)
            .env("VALKEY_BIN_DIR", self.folder.join("bin"))
            .env("TERM", "dumb")
            .args(["--single", unit, "--clients", "1", "--durable", "--timeout", &silence])
            .args(["--baseport", &self.first_port.to_string()])
            .args(["--portcount", &SERVERS.to_string()])
            .arg("--skipfile")
            .arg(&skipfile);
        if let Some(threads) = threads {
            runtest.args(["--config", "io-threads", &threads.to_string()]);
        }
        let output = File::create(&log)?;
        runtest.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output).process_group(0);
        let mut child = runtest.spawn().context("./runtest cannot be started")?;
        let in_time = wait(&mut child, UNIT)?;
        // Servers and clients of a unit that was ended or has died must not live on.
        end_group(&child);
        let said = String::from_utf8_lossy(&fs::read(&log)?).into_owned();
        fs::write(self.log(unit), &said)?;
        let mut outcome = read(&said);
        if !in_time {
            outcome.ended = Some(format!("took more than {} s", UNIT.as_secs()));
        }
        Ok(outcome)
    }

    /// What a unit said when it was last run under the name `logs`; nothing where it never was.
    pub(super) fn remembered(&self, logs: &str, unit: &str) -> Outcome {
        let other =
            self.logs.with_file_name(logs).join(self.log(unit).file_name().unwrap_or_default());
        read(&fs::read_to_string(other).unwrap_or_default())
    }

    fn log(&self, unit: &str) -> PathBuf {
        self.logs.join(format!("{}-{}.log", self.suite.name(), unit.replace('/', "-")))
    }

    /// Links the programs: Valkey's suite takes a folder, Redis's looks into `src`.
    fn put_programs(&self, root: &Path, server: &Path) -> Result<()> {
        let (place, prefix) = match self.suite {
            Suite::Valkey => ("bin", "valkey"),
            Suite::Redis => ("src", "redis"),
        };
        let place = self.folder.join(place);
        fs::create_dir_all(&place)?;
        let checker = Tools::of(root).valkey().ok();
        for program in ["server", "cli", "benchmark", "check-aof", "check-rdb", "sentinel"] {
            let target = match program {
                "server" => server.canonicalize().with_context(|| server.display().to_string())?,
                "sentinel" => PathBuf::from("/usr/bin/redis-check-rdb"),
                // Valkey's server does the work of its checkers when it is called by their names.
                "check-aof" | "check-rdb" if self.suite == Suite::Valkey && checker.is_some() => {
                    checker.clone().unwrap_or_default()
                }
                _ => PathBuf::from(format!("/usr/bin/redis-{program}")),
            };
            ensure!(target.exists(), "{} is missing: Debian's redis-tools", target.display());
            symlink(target, place.join(format!("{prefix}-{program}")))?;
        }
        Ok(())
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        // What is left over is found by the next `cargo clean`.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A range of ports that no other run has.
fn ports() -> Result<(u16, TcpListener)> {
    let ranges = (0..RANGES).map(|range| FIRST_PORT + range * PORTS);
    let mut free = ranges.filter_map(|first| {
        let guard = TcpListener::bind(("127.0.0.1", first + SERVERS + 5)).ok()?;
        Some((first, guard))
    });
    free.next().context("every range of ports is taken by another run")
}

/// Waits until `child` ends; answers whether it did in time.
fn wait(child: &mut Child, most: Duration) -> Result<bool> {
    let began = Instant::now();
    while child.try_wait()?.is_none() {
        if began.elapsed() > most {
            end_group(child);
            child.wait()?;
            return Ok(false);
        }
        sleep(Duration::from_millis(50));
    }
    Ok(true)
}

/// Ends every process that `child` has started and left in its group.
fn end_group(child: &Child) {
    let group = format!("-{}", child.id());
    let mut kill = Command::new("kill");
    // Mostly there is nobody left, and kill says so.
    let _ = kill.args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
}

/// Reads the suite's output.
fn read(output: &str) -> Outcome {
    let mut outcome = Outcome::default();
    let mut current = String::new();
    let mut complete = false;
    let mut rest = output.lines().peekable();
    while let Some(line) = rest.next() {
        let Some((status, text)) = status(line) else {
            complete |= line.trim() == "The End";
            continue;
        };
        match status {
            "ok" => outcome.passed.push(without_time(text).to_owned()),
            "skip" if !text.contains(" in tests/") => outcome.skipped.push(text.to_owned()),
            "err" => {
                let (name, first) = name_and_reason(text);
                let mut reason = first.to_owned();
                while let Some(more) = rest.next_if(|line| self::status(line).is_none()) {
                    if more.trim() == "The End" {
                        complete = true;
                        break;
                    }
                    reason += "\n";
                    reason += more;
                }
                match name.starts_with("Can't start ") {
                    true => outcome.unstarted += 1,
                    false => outcome.failed.push((name.to_owned(), reason.trim().to_owned())),
                }
            }
            "exception" => current = text.to_owned(),
            "TIMEOUT" => {
                let state = rest.find(|line| line.contains("=> (")).unwrap_or_default();
                let test = state.split_once("(IN PROGRESS) ").map(|(_, name)| name.to_owned());
                current = test.clone().map_or_else(|| state.to_owned(), |name| name + " hangs");
                outcome.hung = test;
                break;
            }
            _ => {}
        }
    }
    if !current.is_empty() || !complete {
        let silent = if current.is_empty() { "died".to_owned() } else { current };
        outcome.ended = Some(silent);
    }
    outcome
}

/// `[status]: text`.
fn status(line: &str) -> Option<(&str, &str)> {
    let (status, text) = line.strip_prefix('[')?.split_once("]: ")?;
    status.chars().all(char::is_alphabetic).then_some((status, text))
}

/// `name (12 ms)`.
fn without_time(text: &str) -> &str {
    let timed = text.strip_suffix(" ms)").and_then(|text| text.rsplit_once(" ("));
    timed.map_or(text, |(name, _)| name)
}

/// `name in tests/unit/x.tcl`, what follows is the reason.
fn name_and_reason(text: &str) -> (&str, &str) {
    match text.rsplit_once(" in tests/") {
        Some((name, rest)) => (name, rest.split_once(' ').map_or("", |(_file, reason)| reason)),
        None => (text, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_passed_failed_and_was_skipped() {
        let said = "Testing unit/x\n[ready]: 12\n[ok]: A (b) works (3 ms)\n[skip]: C\n\
                    [skip]: D in tests/unit/x.tcl: not today\n[ignore]: large memory\n\
                    [err]: E does in tests/unit/x.tcl\nExpected 1\n(context: 2)\n\
                    [err]: Can't start bin/valkey-server\nCONFIGURATION:\nport 1\n\n\
                    [ok]: F (0 ms)\n[1/1 done]: unit/x (1 seconds)\n\n                   The End\n\
                    *** [err]: E does in tests/unit/x.tcl\n";
        let outcome = read(said);
        assert_eq!(outcome.passed, ["A (b) works", "F"]);
        assert_eq!(outcome.skipped, ["C"]);
        assert_eq!(outcome.unstarted, 1);
        assert_eq!(outcome.failed, [("E does".to_owned(), "Expected 1\n(context: 2)".to_owned())]);
        assert_eq!(outcome.ended, None);
    }

    #[test]
    fn names_the_test_that_hung() {
        let said = "[ok]: A (3 ms)\n[TIMEOUT]: clients state report follows.\n\
                    sock5 => (IN PROGRESS) B waits\nKilling still running Valkey server 7\n";
        let outcome = read(said);
        assert_eq!(outcome.hung.as_deref(), Some("B waits"));
        assert_eq!(outcome.ended.as_deref(), Some("B waits hangs"));
    }

    #[test]
    fn a_unit_that_breaks_off_has_died() {
        assert_eq!(read("[ok]: A (3 ms)\n").ended.as_deref(), Some("died"));
        let said = "[ok]: A (3 ms)\n[exception]: Executing test client: boom.\nboom\n";
        assert_eq!(read(said).ended.as_deref(), Some("Executing test client: boom."));
    }
}
