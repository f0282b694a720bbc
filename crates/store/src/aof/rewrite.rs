//! A rewrite: a new base out of a snapshot, so that the log begins anew from there.
//!
//! ```text
//! base 1, increments 1 2            written: 2
//! base 1, increments 1 2 3          3 is there and listed, then the keyspace is marked: frames
//!                                   before the mark go to 2, which is synced, those after it to 3
//! base 2, increments 3, history …   base 2 is the keyspace at the mark, whole and synced
//! base 2, increments 3              what was replaced is removed
//! ```
//! At each step the manifest names files that together are everything. A log that was off
//! begins the same way; its increment is listed with the base, so that what a manifest named before
//! stays right until then. Runs in a thread of its own, or in that of the start.

use super::Aof;
use super::manifest::{Manifest, Part};
use crate::rdb::{self, WriteOptions};
use larder_engine::Engine;
use larder_engine::config::Id;
use larder_engine::keyspace::snapshot::{Snapshot, SnapshotRefused};
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

/// How long a rewrite waits before it asks again whether another snapshot is done.
const ASK_AGAIN: Duration = Duration::from_millis(20);

/// How often a rewrite begins anew because everything was flushed under it.
const MAX_RESTARTS: u32 = 16;

/// Why a rewrite did not succeed.
#[derive(Debug)]
pub(super) enum Failure {
    /// It was given up.
    Aborted,
    /// A file could not be written.
    Io(io::Error),
    /// The base could not be written.
    Base(rdb::Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Failure::Io(error)
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Failure::Aborted => f.write_str("it was given up"),
            Failure::Io(error) => error.fmt(f),
            Failure::Base(error) => error.fmt(f),
        }
    }
}

impl Aof {
    /// Rewrites the log; `begins` where it is off so far.
    pub(super) fn rewrite_now(&self, engine: &Arc<Engine>, begins: bool) -> Result<(), Failure> {
        let mut restarts = 0;
        loop {
            let next = self.prepare(engine, begins)?;
            let mut snapshot = self.mark(engine)?;
            match self.write_base(engine, &mut snapshot) {
                Ok(base) => return self.exchange(base, &next),
                Err(Failure::Base(rdb::Error::Aborted))
                    if restarts < MAX_RESTARTS && !self.is_closing() =>
                {
                    restarts += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// The increment that the mark will lead to.
    fn prepare(&self, engine: &Arc<Engine>, begins: bool) -> Result<Part, Failure> {
        let folder = self.folder();
        let mut manifest = self.manifest();
        let current = self.with_writer(|writer| writer.increment());
        // One that was made ready and never reached is taken again.
        let unused =
            manifest.increments.last().filter(|last| current.is_some_and(|n| n < last.seq));
        let next = unused.cloned().unwrap_or_else(|| {
            let seq = manifest.next_increment().max(current.unwrap_or(0) + 1);
            folder.increment(seq)
        });
        let mut file = folder.disk.create(&folder.part_path(&next))?;
        file.sync()?;
        // Its name lasts before the manifest names it.
        folder.disk.sync_folder(&folder.path)?;
        let listed = manifest.increments.contains(&next);
        if !begins && !listed {
            let mut wanted = manifest.clone();
            wanted.increments.push(next.clone());
            folder.write_manifest(&wanted)?;
            *manifest = wanted;
        }
        drop(manifest);
        if current.is_none() {
            self.begin_writer(engine, next.clone(), 0, true)?;
        }
        self.with_writer(|writer| writer.expect_mark(next.clone()));
        Ok(next)
    }

    /// Marks the keyspace, as soon as no other snapshot runs.
    fn mark(&self, engine: &Arc<Engine>) -> Result<Snapshot, Failure> {
        loop {
            match engine.begin_snapshot_recorded() {
                Ok(snapshot) => return Ok(snapshot),
                Err(SnapshotRefused::Running | SnapshotRefused::Busy) if !self.is_closing() => {
                    std::thread::sleep(ASK_AGAIN);
                }
                Err(_) => return Err(Failure::Aborted),
            }
        }
    }

    fn write_base(&self, engine: &Arc<Engine>, snapshot: &mut Snapshot) -> Result<Part, Failure> {
        let folder = self.folder();
        let as_snapshot = engine.config().flag(Id::AofUseRdbPreamble);
        let base = folder.base(self.manifest().next_base(), as_snapshot);
        let mut outcome = None;
        let replaced = folder.disk.replace(&folder.part_path(&base), &mut |file| {
            let mut out = io::BufWriter::with_capacity(256 * 1024, file);
            let written = if as_snapshot {
                let options = WriteOptions::of(engine.config());
                let options = WriteOptions { aof_base: true, ..options };
                rdb::write(snapshot, &mut out, &options).map(drop)
            } else {
                super::commands::write(snapshot, &mut out, engine.config())
            };
            let written = written.and_then(|()| out.flush().map_err(rdb::Error::Io));
            match written {
                Ok(()) => Ok(()),
                Err(rdb::Error::Io(error)) => Err(error),
                Err(error) => {
                    outcome = Some(error);
                    Err(io::Error::other("not written"))
                }
            }
        });
        match (replaced, outcome) {
            (_, Some(error)) => Err(Failure::Base(error)),
            (Err(error), None) => Err(Failure::Io(error)),
            (Ok(()), None) => Ok(base),
        }
    }

    /// Puts the base in the place of what it replaces.
    fn exchange(&self, base: Part, next: &Part) -> Result<(), Failure> {
        // The ring's place must be in an increment that the manifest names.
        while self.with_writer(|writer| {
            writer.pass(false);
            writer.increment() < next.seq
        }) == Some(true)
        {
            if self.is_closing() {
                return Err(Failure::Aborted);
            }
            std::thread::sleep(ASK_AGAIN);
        }
        let folder = self.folder();
        let mut manifest = self.manifest();
        let (kept, replaced): (Vec<Part>, Vec<Part>) =
            manifest.increments.iter().cloned().partition(|part| part.seq >= next.seq);
        let increments = if kept.is_empty() { vec![next.clone()] } else { kept };
        let mut history = std::mem::take(&mut manifest.history.clone());
        history.extend(manifest.base.clone());
        history.extend(replaced);
        let wanted = Manifest { base: Some(base), increments, history };
        folder.write_manifest(&wanted)?;
        *manifest = wanted;
        drop(manifest);
        self.with_writer(|writer| writer.rewritten(next.seq));
        self.remove_history();
        self.measure();
        Ok(())
    }
}
