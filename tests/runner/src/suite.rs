//! Many files on many backends at once: starting the backends, dealing out the work, counting.
//!
//! It must not know the format of a file. One test's play is in `play`.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::backend::server::Server;
use crate::backend::{Backend, Place};
use crate::divergence::Divergences;
use crate::pattern::Protocol;
use crate::play::{Failure, Player};
use crate::script::Script;

/// A backend that tests can be played on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Kind {
    LarderResp2,
    LarderResp3,
    ValkeyResp2,
    ValkeyResp3,
}

/// Where the servers' binaries are.
#[derive(Clone, Debug, Default)]
pub struct Binaries {
    /// Larder's server.
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
                "resp2" => kinds.push(Kind::LarderResp2),
                "resp3" => kinds.push(Kind::LarderResp3),
                "valkey" => kinds.extend([Kind::ValkeyResp2, Kind::ValkeyResp3]),
                _ => bail!("{name}: a backend is resp2, resp3 or valkey"),
            }
        }
        Ok(kinds)
    }

    fn is(self, place: Place) -> bool {
        let larder = matches!(self, Kind::LarderResp2 | Kind::LarderResp3);
        let resp3 = matches!(self, Kind::LarderResp3 | Kind::ValkeyResp3);
        match place {
            Place::Linked => false,
            Place::Socket => true,
            Place::Resp2 => !resp3,
            Place::Resp3 => resp3,
            Place::Larder => larder,
            Place::Valkey => !larder,
        }
    }

    /// Starts it.
    ///
    /// # Errors
    /// When its binary is not given or does not start.
    pub fn start(self, binaries: &Binaries) -> Result<Box<dyn Backend>> {
        let valkey = || binaries.valkey.as_deref().context("no Valkey: give its path by --valkey");
        let larder = || binaries.larder.as_deref().context("no Larder: give its path by --larder");
        let protocol = if self.is(Place::Resp3) { Protocol::Resp3 } else { Protocol::Resp2 };
        let binary = if self.is(Place::Valkey) { valkey()? } else { larder()? };
        Ok(Box::new(Server::start(binary, protocol)?))
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
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
pub fn run(
    scripts: &[Script],
    kinds: &[Kind],
    binaries: &Binaries,
    divergences: &Divergences,
    jobs: usize,
) -> Vec<Played> {
    let (sender, receiver) = channel();
    let next: Vec<AtomicUsize> = kinds.iter().map(|_| AtomicUsize::new(0)).collect();
    std::thread::scope(|scope| {
        for (kind, next) in kinds.iter().zip(&next) {
            for _ in 0..jobs.clamp(1, scripts.len().max(1)) {
                let (kind, sender) = (*kind, sender.clone());
                scope.spawn(move || work(kind, scripts, next, binaries, divergences, &sender));
            }
        }
        drop(sender);
        let mut played: Vec<Played> = receiver.iter().collect();
        played.sort_by(|a, b| (a.kind, &a.file).cmp(&(b.kind, &b.file)));
        played
    })
}

/// Plays whole files, one after the other, on one backend.
fn work(
    kind: Kind,
    scripts: &[Script],
    next: &AtomicUsize,
    binaries: &Binaries,
    divergences: &Divergences,
    sender: &Sender<Played>,
) {
    let mut backend: Option<Box<dyn Backend>> = None;
    let divergences = kind.is(Place::Valkey).then_some(divergences);
    while let Some(script) = scripts.get(next.fetch_add(1, Ordering::Relaxed)) {
        for test in &script.tests {
            let began = Instant::now();
            let failures = if !test.runs_on(|place| kind.is(place)) {
                None
            } else {
                Some(play_on(&mut backend, kind, binaries, |backend| {
                    Player::new(backend, divergences).play(script, test)
                }))
            };
            let (file, name) = (script.name.clone(), test.name.clone());
            let played = Played { kind, file, test: name, failures, took: began.elapsed() };
            if sender.send(played).is_err() {
                return;
            }
        }
    }
}

/// Plays on the worker's backend, started when it is first needed and again when it has died.
fn play_on(
    slot: &mut Option<Box<dyn Backend>>,
    kind: Kind,
    binaries: &Binaries,
    play: impl FnOnce(&mut dyn Backend) -> Vec<Failure>,
) -> Vec<Failure> {
    if slot.as_mut().is_none_or(|backend| backend.reset().is_err()) {
        *slot = match kind.start(binaries) {
            Ok(backend) => Some(backend),
            Err(error) => {
                let message = format!("{error:#}");
                return vec![Failure { line: 0, step: "start".into(), message }];
            }
        };
    }
    slot.as_mut().map_or_else(Vec::new, |backend| play(backend.as_mut()))
}
