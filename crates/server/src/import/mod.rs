//! `larder import dump.rdb|redis://… [--into URL|FOLDER]`: keys of a snapshot file or of a running
//! server, put into a running server or into a data folder.
//!
//! | module | subject |
//! |---|---|
//! | this | the command, and keys out of a file |
//! | `live` | keys out of a running server: SCAN, then DUMP and PTTL |
//! | `target` | where they are put: RESTORE, with the moment at which they expire |
//!
//! Every key is put as a whole in the place of what was there, so an import that broke off, or that
//! is to be brought up to date, is simply run again. Keys that only the target has are left alone.
#![allow(clippy::disallowed_methods, reason = "a command about files, at the program's edge")]

mod live;
mod target;

use crate::cli::Failure;
use crate::progress::Progress;
use larder::engine::keyspace::snapshot::SavedEntry;
use larder::engine::values::dump::{Choice, payload};
use larder_store::disk::{Disk, RealDisk};
use larder_store::rdb::{self, ReadOptions, Sink};
use std::path::Path;
use target::{Entry, Target};

/// Keys that are on their way at once, and bytes of them.
const BATCH: usize = 128;
const BATCH_BYTES: usize = 1 << 20;

/// The arguments of `larder import`.
#[derive(clap::Args, Clone, Debug, PartialEq, Eq)]
pub struct ImportOptions {
    /// A snapshot file, or the URL of a running server
    #[arg(value_name = "FILE|URL")]
    pub source: String,
    /// The URL of a running server, or a data folder that nobody serves
    #[arg(long, value_name = "URL|FOLDER", default_value = "redis://localhost:6379/")]
    pub into: String,
    /// Leave keys alone that are there already
    #[arg(long)]
    pub keep: bool,
    /// Pass over data of modules instead of refusing it
    #[arg(long)]
    pub skip_modules: bool,
}

/// What became of the keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Outcome {
    /// Put.
    put: u64,
    /// There already, and left alone.
    kept: u64,
    /// Gone while they were looked at.
    gone: u64,
    /// Refused by the target.
    refused: u64,
    /// Why the first of those was.
    why: Option<String>,
}

/// Imports, and says what became of it.
///
/// # Errors
/// A [`Failure`] with what went wrong; what was put before stays.
pub fn import(options: &ImportOptions) -> Result<String, Failure> {
    let mut target = Target::open(&options.into, options.keep).map_err(|text| failure(&text))?;
    let mut progress = Progress::new();
    let done = if is_url(&options.source) {
        live::import(&options.source, &mut target, &mut progress)
    } else {
        from_file(options, &mut target, &mut progress)
    };
    let seconds = progress.end();
    let finished = target.finish();
    let outcome = done.and(finished).map_err(|text| failure(&text))?;
    let text = told(&outcome, seconds);
    if outcome.refused > 0 { Err(Failure { text, code: 1 }) } else { Ok(text) }
}

fn told(outcome: &Outcome, seconds: f64) -> String {
    let Outcome { put, kept, gone, refused, why } = outcome;
    let mut text = format!("{put} keys imported in {seconds:.1} s\n");
    let mut also = |count: u64, what: &str| {
        if count > 0 {
            text.push_str(&format!("{count} keys {what}\n"));
        }
    };
    also(*kept, "were there already and are left alone");
    also(*gone, "went away meanwhile");
    also(*refused, &format!("were refused: {}", why.as_deref().unwrap_or_default()));
    text
}

/// Whether a source or a target is a running server.
fn is_url(text: &str) -> bool {
    text.contains("://")
}

fn from_file(
    options: &ImportOptions,
    target: &mut Target,
    progress: &mut Progress,
) -> Result<(), String> {
    let path = Path::new(&options.source);
    let at_path = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let (mut input, total) =
        RealDisk.read(path).map_err(|error| at_path(&crate::redis_conf::plain(&error)))?;
    let engine = target.rules_of().map_err(|error| at_path(&error))?;
    let mut show = |read| progress.show(read, total, &options.source);
    let read_options = ReadOptions {
        skip_modules: options.skip_modules,
        progress: Some(&mut show),
        ..ReadOptions::of(&engine)
    };
    let mut into = Payloads { target, db: 0, batch: Vec::new(), bytes: 0, broken: None };
    let read = rdb::read(&mut *input, &mut into, read_options);
    let Payloads { broken, .. } = &mut into;
    match (broken.take(), read) {
        (Some(text), _) => Err(text),
        (None, Err(error)) => Err(at_path(&error)),
        (None, Ok(_)) => into.put(),
    }
}

/// Sends entries of a file in batches of one database.
struct Payloads<'t> {
    target: &'t mut Target,
    db: u8,
    batch: Vec<Entry>,
    bytes: usize,
    /// Why the target takes no more.
    broken: Option<String>,
}

impl Payloads<'_> {
    fn put(&mut self) -> Result<(), String> {
        self.bytes = 0;
        let batch = std::mem::take(&mut self.batch);
        self.target.put(u32::from(self.db), &batch)
    }
}

impl Sink for Payloads<'_> {
    fn entry(&mut self, entry: SavedEntry) -> Result<(), rdb::Error> {
        let SavedEntry { db, key, value, deadline_ms, .. } = entry;
        let full = self.batch.len() >= BATCH || self.bytes >= BATCH_BYTES;
        if (full || db != self.db)
            && let Err(text) = self.put()
        {
            self.broken = Some(text);
            return Err(rdb::Error::Aborted);
        }
        self.db = db;
        // The oldest version holds whatever it is asked to.
        let payload = payload(value.as_ref(), Choice::Oldest, true).unwrap_or_default();
        self.bytes += key.len() + payload.len();
        self.batch.push(Entry { key: key.into_vec(), payload, expires: target::at(deadline_ms) });
        Ok(())
    }
}

fn failure(sentence: &str) -> Failure {
    Failure { text: format!("larder: {sentence}\n"), code: 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_became_of_the_keys_is_said() {
        let outcome = Outcome { put: 3, ..Outcome::default() };
        assert_eq!(told(&outcome, 0.04), "3 keys imported in 0.0 s\n");
        let outcome = Outcome { put: 1, kept: 2, gone: 0, refused: 1, why: Some("OOM".to_owned()) };
        assert_eq!(
            told(&outcome, 1.0),
            "1 keys imported in 1.0 s\n2 keys were there already and are left alone\n1 keys were \
             refused: OOM\n"
        );
    }
}
