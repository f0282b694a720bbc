//! Many files on many backends at once: starting the backends, dealing out the work, counting.
//!
//! It must not know the format of a file. One test's play is in `play`.

use std::collections::BTreeSet;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::backend::linked::Linked;
use crate::backend::served::Served;
use crate::backend::server::Server;
use crate::backend::{Backend, Place};
use crate::divergence::Divergences;
use crate::pattern::Protocol;
use crate::play::{Failure, Player};
use crate::script::{Script, Test};

/// No test takes nearly as long.
const LONGEST_TEST: Duration = Duration::from_secs(60);

/// A backend that tests can be played on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Kind {
    LinkedResp2,
    LinkedResp3,
    LarderResp2,
    LarderResp3,
    ValkeyResp2,
    ValkeyResp3,
}

/// Where the servers' binaries are.
#[derive(Clone, Debug, Default)]
pub struct Binaries {
    /// Larder's server; otherwise it is started in the runner's process.
    pub larder: Option<PathBuf>,
    /// Valkey's server.
    pub valkey: Option<PathBuf>,
}

impl Kind {
    /// Reads a list such as `resp2,valkey`.
    ///
    /// # Errors
    /// When a name is not a backend's.
    pub fn parse_list(list: &str) -> Result<Vec<Kind>> {
        let mut kinds = Vec::new();
        for name in list.split(',') {
            match name {
                "linked" => kinds.push(Kind::LinkedResp3),
                "linked-resp2" => kinds.push(Kind::LinkedResp2),
                "resp2" => kinds.push(Kind::LarderResp2),
                "resp3" => kinds.push(Kind::LarderResp3),
                "valkey" => kinds.extend([Kind::ValkeyResp2, Kind::ValkeyResp3]),
                _ => bail!("{name}: a backend is linked, linked-resp2, resp2, resp3 or valkey"),
            }
        }
        Ok(kinds)
    }

    fn is(self, place: Place) -> bool {
        let linked = matches!(self, Kind::LinkedResp2 | Kind::LinkedResp3);
        let valkey = matches!(self, Kind::ValkeyResp2 | Kind::ValkeyResp3);
        let resp3 = matches!(self, Kind::LinkedResp3 | Kind::LarderResp3 | Kind::ValkeyResp3);
        match place {
            Place::Linked => linked,
            Place::Socket => !linked,
            Place::Resp2 => !resp3,
            Place::Resp3 => resp3,
            Place::Larder => !valkey,
            Place::Valkey => valkey,
        }
    }

    /// Starts it.
    ///
    /// # Errors
    /// When its binary is not given or does not start.
    pub fn start(self, binaries: &Binaries) -> Result<Box<dyn Backend>> {
        let protocol = if self.is(Place::Resp3) { Protocol::Resp3 } else { Protocol::Resp2 };
        if self.is(Place::Linked) {
            return Ok(Box::new(Linked::new(protocol)));
        }
        let binary = match &binaries.larder {
            _ if self.is(Place::Valkey) => {
                binaries.valkey.as_deref().context("no Valkey: give its path by --valkey")?
            }
            Some(larder) => larder,
            None => return Ok(Box::new(Served::start(protocol)?)),
        };
        Ok(Box::new(Server::start(binary, protocol)?))
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::LinkedResp2 => "linked, RESP2",
            Kind::LinkedResp3 => "linked, RESP3",
            Kind::LarderResp2 => "resp2",
            Kind::LarderResp3 => "resp3",
            Kind::ValkeyResp2 => "valkey, RESP2",
            Kind::ValkeyResp3 => "valkey, RESP3",
        })
    }
}

/// What became of one test on one backend.
#[derive(Debug)]
pub struct Played {
    /// The backend.
    pub kind: Kind,
    /// The file.
    pub file: String,
    /// The test's name.
    pub test: String,
    /// What was not as expected; `None` when the test is not meant for this backend.
    pub failures: Option<Vec<Failure>>,
    /// How long it took.
    pub took: Duration,
}

/// Reads all `.rtest` files below `root` whose names contain one of `filters`, sorted.
///
/// # Errors
/// With every file that cannot be read.
pub fn load(root: &Path, filters: &[String]) -> Result<Vec<Script>> {
    let mut names = Vec::new();
    collect(root, root, &mut names)?;
    names.sort();
    names.retain(|name| filters.is_empty() || filters.iter().any(|f| name.contains(f.as_str())));
    let (mut scripts, mut errors) = (Vec::new(), Vec::new());
    for name in &names {
        let text = std::fs::read_to_string(root.join(name)).with_context(|| name.clone())?;
        match Script::parse(name, &text, true) {
            Ok(script) => scripts.push(script),
            Err(error) => errors.push(format!("{error:#}")),
        }
    }
    if !errors.is_empty() {
        bail!("{}", errors.join("\n"));
    }
    Ok(scripts)
}

fn collect(root: &Path, folder: &Path, names: &mut Vec<String>) -> Result<()> {
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() {
            collect(root, &path, names)?;
        } else if path.extension().is_some_and(|e| e == "rtest") {
            names.push(path.strip_prefix(root)?.to_string_lossy().into_owned());
        }
    }
    Ok(())
}

/// Plays all scripts on all kinds, with `jobs` servers of each kind at once.
///
/// # Errors
/// When a test does not end: an engine that hangs cannot be stopped from outside.
pub fn run(
    scripts: &[Script],
    kinds: &[Kind],
    binaries: &Binaries,
    divergences: &Divergences,
    jobs: usize,
) -> Result<Vec<Played>> {
    let work = Work {
        scripts: scripts.to_vec(),
        binaries: binaries.clone(),
        divergences: divergences.clone(),
    };
    let work = Arc::new(work);
    let (sender, receiver) = channel();
    for kind in kinds {
        let next = Arc::new(AtomicUsize::new(0));
        for _ in 0..jobs.clamp(1, scripts.len().max(1)) {
            let (work, next, sender, kind) = (work.clone(), next.clone(), sender.clone(), *kind);
            std::thread::spawn(move || work.play_all(kind, &next, &sender));
        }
    }
    drop(sender);
    collect_reports(&receiver)
}

fn collect_reports(receiver: &Receiver<Report>) -> Result<Vec<Played>> {
    let (mut played, mut running) = (Vec::new(), BTreeSet::new());
    loop {
        match receiver.recv_timeout(LONGEST_TEST) {
            Ok(Report::Began(test)) => drop(running.insert(test)),
            Ok(Report::Ended(test, result)) => {
                running.remove(&test);
                played.push(result);
            }
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                let hanging: Vec<String> = running.into_iter().collect();
                bail!("no test has ended for {LONGEST_TEST:?}; running: {}", hanging.join(", "));
            }
        }
    }
    played.sort_by(|a, b| (a.kind, &a.file).cmp(&(b.kind, &b.file)));
    Ok(played)
}

/// What a worker says of a test, by a name for it.
enum Report {
    Began(String),
    Ended(String, Played),
}

/// What all workers share.
struct Work {
    scripts: Vec<Script>,
    binaries: Binaries,
    divergences: Divergences,
}

impl Work {
    /// Plays whole files, one after the other, on one backend.
    fn play_all(&self, kind: Kind, next: &AtomicUsize, sender: &Sender<Report>) {
        let mut backend: Option<Box<dyn Backend>> = None;
        while let Some(script) = self.scripts.get(next.fetch_add(1, Ordering::Relaxed)) {
            for test in &script.tests {
                let name = format!("{}:{} [{kind}]", script.name, test.line);
                // Nobody listens any more when the run was given up.
                let _ = sender.send(Report::Began(name.clone()));
                let began = Instant::now();
                let meant = test.runs_on(|place| kind.is(place));
                let failures = meant.then(|| self.play(kind, &mut backend, script, test));
                let played = Played {
                    kind,
                    file: script.name.clone(),
                    test: test.name.clone(),
                    failures,
                    took: began.elapsed(),
                };
                let _ = sender.send(Report::Ended(name, played));
            }
        }
    }

    /// Plays on the worker's backend, started at first and again when it has died.
    fn play(
        &self,
        kind: Kind,
        slot: &mut Option<Box<dyn Backend>>,
        script: &Script,
        test: &Test,
    ) -> Vec<Failure> {
        let failure =
            |step: &str, message| vec![Failure { line: test.line, step: step.into(), message }];
        if slot.is_none() {
            match kind.start(&self.binaries) {
                Ok(backend) => *slot = Some(backend),
                Err(error) => return failure("start", format!("{error:#}")),
            }
        }
        let Some(backend) = slot else { return Vec::new() };
        let divergences = kind.is(Place::Valkey).then_some(&self.divergences);
        let mut player = Player::new(backend.as_mut(), divergences);
        let play = AssertUnwindSafe(|| player.play(script, test));
        match catch_unwind(play) {
            Ok(failures) => {
                if !failures.is_empty() && backend.reset().is_err() {
                    *slot = None;
                }
                failures
            }
            Err(panic) => {
                *slot = None;
                let text = panic.downcast_ref::<String>().cloned();
                let text = text.or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned()));
                failure("panic", text.unwrap_or_default())
            }
        }
    }
}
