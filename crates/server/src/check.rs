//! `larder check FILE|FOLDER [--fix]`: whether files can be read, what is in them, and what is wrong
//! where. With `--fix` what can be read is written anew; the damaged file keeps its bytes under
//! another name.
//!
//! Reads only, unless it is told to. Formats are `larder_store`'s.
#![allow(clippy::disallowed_methods, reason = "a command about files, at the program's edge")]

use crate::cli::Failure;
use crate::progress::Progress;
use crate::redis_conf::plain;
use larder::Larder;
use larder::engine::keyspace::snapshot::{SavedEntry, Snapshot};
use larder::engine::values::dump::Rules;
use larder_engine::Engine;
use larder_store::disk::{Disk, RealDisk};
use larder_store::folder_lock::{FolderLock, NotOurs};
use larder_store::rdb::{self, ReadOptions, Sink, Summary, WriteOptions};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a damaged file is called once its place was taken.
const DAMAGED: &str = "damaged";

/// The arguments of `larder check`.
#[derive(clap::Args, Clone, Debug, PartialEq, Eq)]
pub struct CheckOptions {
    /// A snapshot file, or a data folder.
    pub path: PathBuf,
    /// Write what can be read anew, and keep the damaged file beside it.
    #[arg(long)]
    pub fix: bool,
    /// Pass over data of modules instead of refusing it.
    #[arg(long)]
    pub skip_modules: bool,
}

/// Checks, and says what was found.
///
/// # Errors
/// A [`Failure`] with what is wrong; the status is 1.
pub fn check(options: &CheckOptions) -> Result<String, Failure> {
    let files = files_of(&options.path)?;
    let _lock = if options.fix { Some(lock_of(&options.path)?) } else { None };
    let mut said = String::new();
    let mut sound = true;
    for path in &files {
        let (text, is_sound) = check_one(path, options)?;
        said.push_str(&text);
        sound &= is_sound;
    }
    if sound { Ok(said) } else { Err(Failure { text: said, code: 1 }) }
}

/// The snapshot files that a path names.
fn files_of(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    let shown = path.display();
    let facts =
        std::fs::metadata(path).map_err(|error| failure(&format!("{shown}: {}", plain(&error))))?;
    if !facts.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for folder in [path.to_owned(), path.join("appendonlydir")] {
        let Ok(names) = RealDisk.list(&folder) else { continue };
        let paths = names.into_iter().map(|name| folder.join(name));
        files.extend(paths.filter(|path| path.extension().is_some_and(|kind| kind == "rdb")));
    }
    files.sort();
    if files.is_empty() {
        return Err(failure(&format!("{shown} holds no snapshot file (*.rdb)")));
    }
    Ok(files)
}

/// Nobody serves the folder while it is mended.
fn lock_of(path: &Path) -> Result<FolderLock, Failure> {
    let folder = if path.is_dir() { path } else { path.parent().unwrap_or(Path::new(".")) };
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    FolderLock::take(folder).map_err(|refused| match refused {
        NotOurs::Taken(owner) => {
            failure(&format!("{} is served by a Larder ({owner}): stop it first", folder.display()))
        }
        NotOurs::Failed(error) => failure(&format!("{}: {}", folder.display(), plain(&error))),
    })
}

fn check_one(path: &Path, options: &CheckOptions) -> Result<(String, bool), Failure> {
    let shown = path.display().to_string();
    let refuse = |error: &dyn std::fmt::Display| failure(&format!("{shown}: {error}"));
    let file = File::open(path).map_err(|error| refuse(&plain(&error)))?;
    let total = file.metadata().map_err(|error| refuse(&plain(&error)))?.len();
    let engine = engine().map_err(|error| refuse(&error))?;
    let mut found = Found { engine: options.fix.then_some(&engine), ..Found::default() };
    let mut progress = Progress::new();
    let mut show = |read| progress.show(read, total, &shown);
    let read_options = ReadOptions {
        now_ms: 0,
        rules: Rules::new(engine.config(), *engine.hash()),
        skip_modules: options.skip_modules,
        any_checksum: false,
        progress: Some(&mut show),
    };
    let mut input = file;
    let read = rdb::read(&mut input, &mut found, read_options);
    progress.end();
    let wrong = match &read {
        Ok(Summary { rest, bytes, .. }) if !rest.is_empty() => {
            Some(format!("{} bytes stand behind its end at byte {bytes}", total - bytes))
        }
        Ok(_) => None,
        Err(error) => Some(error.to_string()),
    };
    let mut said = match &wrong {
        None => format!("{shown}: sound\n"),
        Some(wrong) => format!("{shown}: damaged: {wrong}\n"),
    };
    found.tell(&mut said, wrong.is_some(), read.ok().as_ref());
    if wrong.is_none() {
        return Ok((said, true));
    }
    if options.fix {
        let kept = mend(path, &engine).map_err(|error| refuse(&error))?;
        // Writing to a string does not fail.
        let _ = writeln!(
            said,
            "  written anew with what could be read; the damaged file is {}",
            kept.display()
        );
        return Ok((said, true));
    }
    said.push_str("  --fix writes it anew with what could be read, and keeps this file\n");
    Ok((said, false))
}

/// Writes what an engine holds in the place of a file, which gets another name.
fn mend(path: &Path, engine: &Arc<Engine>) -> Result<PathBuf, rdb::Error> {
    let named = |suffix: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".{suffix}"));
        PathBuf::from(name)
    };
    let taken = |path: &PathBuf| path.exists();
    let kept = std::iter::once(named(DAMAGED))
        .chain((2..).map(|n| named(&format!("{DAMAGED}-{n}"))))
        .find(|path| !taken(path))
        .unwrap_or_else(|| named(DAMAGED));
    let fresh = named("mended");
    let mut refused = None;
    let replaced = RealDisk.replace(&fresh, &mut |file| {
        let mut snapshot: Snapshot =
            engine.begin_snapshot().map_err(|_| io::Error::other("the engine is busy"))?;
        let options = WriteOptions::of(engine.config());
        rdb::write(&mut snapshot, file, &options).map(drop).map_err(|error| match error {
            rdb::Error::Io(error) => error,
            error => {
                refused = Some(error);
                io::Error::other("not written")
            }
        })
    });
    if let Some(error) = refused {
        return Err(error);
    }
    replaced?;
    RealDisk.rename(path, &kept)?;
    RealDisk.rename(&fresh, path)?;
    RealDisk.sync_folder(path.parent().unwrap_or(Path::new("")))?;
    Ok(kept)
}

/// What a file holds.
#[derive(Default)]
struct Found<'e> {
    /// Takes what is read, to be written anew.
    engine: Option<&'e Arc<Engine>>,
    facts: Vec<(String, String)>,
    keys: BTreeMap<(u8, &'static str), u64>,
    expiring: u64,
    functions: u64,
}

impl Found<'_> {
    fn tell(&self, said: &mut String, damaged: bool, summary: Option<&Summary>) {
        let mut row = |text: String| {
            let _ = writeln!(said, "  {text}");
        };
        if let Some(summary) = summary {
            row(format!("version {}, {} bytes", summary.version, summary.bytes));
            if summary.empty > 0 {
                row(format!("{} empty collections, which are no keys", summary.empty));
            }
            if summary.modules > 0 {
                row(format!("{} pieces of modules, passed over", summary.modules));
            }
        }
        for (name, value) in &self.facts {
            row(format!("{name}: {value}"));
        }
        let before = if damaged { " before that" } else { "" };
        let keys: u64 = self.keys.values().sum();
        row(format!("{keys} keys{before}, {} of them expire", self.expiring));
        for ((db, kind), count) in &self.keys {
            row(format!("  database {db}: {count} of type {kind}"));
        }
        if self.functions > 0 {
            row(format!("{} libraries of functions", self.functions));
        }
    }
}

impl Sink for Found<'_> {
    fn entry(&mut self, entry: SavedEntry) -> Result<(), rdb::Error> {
        let kind = entry.value.as_ref().type_of().name();
        *self.keys.entry((entry.db, kind)).or_default() += 1;
        self.expiring += u64::from(entry.deadline_ms.is_some());
        if let Some(engine) = self.engine {
            engine.load([entry]);
        }
        Ok(())
    }

    fn function(&mut self, source: &[u8]) -> Result<(), rdb::Error> {
        self.functions += 1;
        if let Some(engine) = self.engine {
            engine.load_library(source);
        }
        Ok(())
    }

    fn aux(&mut self, name: &[u8], value: &[u8]) {
        let text = |bytes: &[u8]| bytes.escape_ascii().to_string();
        self.facts.push((text(name), text(value)));
    }
}

/// An engine to hold what is read.
fn engine() -> Result<Arc<Engine>, larder::Error> {
    let larder = Larder::open("memory:")?;
    let engine = larder.linked_engine().cloned();
    engine.ok_or_else(|| larder::Error::UnexpectedReply("no engine in this process".to_owned()))
}

fn failure(sentence: &str) -> Failure {
    Failure { text: format!("larder: {sentence}\n"), code: 1 }
}
