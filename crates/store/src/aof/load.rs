//! A log at a start: its files, and what the ring adds to them, played on an empty engine.
//!
//! Nothing is changed before everything was read and is right; what is to be changed then stands in
//! [`Loaded`]. Only the last file that holds anything may end in the middle: an increment is synced
//! before the next is written to.

use super::folder::Folder;
use super::manifest::{Manifest, Part};
use super::recover::{Addition, plan};
use super::replay::{End, replay};
use crate::rdb::{self, ReadOptions};
use crate::report::Report;
use crate::ring::Left;
use larder_engine::config::Id;
use larder_engine::mailbox::{Mailbox, Notify};
use larder_engine::{Engine, Origin, Session};
use std::fmt;
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Bytes by which a snapshot is known.
const SNAPSHOT: [&[u8]; 2] = [b"REDIS", b"VALKEY"];

/// What a start has loaded, and what is to be done before the log goes on.
#[derive(Debug, Default)]
pub struct Loaded {
    /// Which files there are.
    pub manifest: Manifest,
    /// What the ring adds.
    pub additions: Vec<Addition>,
    /// The base is a single file of Redis 6 in the data folder.
    pub single: bool,
    /// Commands that were played, and keys of a snapshot.
    pub commands: u64,
    /// See [`commands`](Self::commands).
    pub keys: u64,
    /// Bytes of all files, and of the base.
    pub bytes: u64,
    /// See [`bytes`](Self::bytes).
    pub base_bytes: u64,
    /// How long it took.
    pub took_ms: u64,
}

/// Why a log cannot be loaded. No file was changed.
#[derive(Debug)]
#[non_exhaustive]
pub enum LoadError {
    /// A file cannot be read.
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The manifest is none.
    Manifest {
        /// The file.
        path: PathBuf,
        /// Its line, counted from 1; 0 for the whole.
        line: usize,
        /// What is wrong.
        reason: &'static str,
    },
    /// The manifest names a file that is not there.
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// A file ends in the middle, and must not.
    Short {
        /// The file.
        path: PathBuf,
        /// Where what is good of it ends.
        offset: u64,
        /// It is the last one: `aof-load-truncated` forbids to cut it.
        last: bool,
    },
    /// A file holds something that belongs to no log.
    Damaged {
        /// The file.
        path: PathBuf,
        /// The byte.
        at: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// A snapshot cannot be read.
    Snapshot {
        /// The file.
        path: PathBuf,
        /// Why.
        error: rdb::Error,
    },
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LoadError::Io { path, error } => write!(f, "{}: {error}", path.display()),
            LoadError::Manifest { path, line, reason } => {
                write!(f, "{}, line {line}: {reason}", path.display())
            }
            LoadError::Missing { path } => {
                write!(f, "The AOF file {} doesn't exist", path.display())
            }
            LoadError::Short { path, offset, last: true } => write!(
                f,
                "Unexpected end of file reading the append only file {}: all is well up to byte \
                 {offset}. With aof-load-truncated yes the rest is cut off; or make a copy and use \
                 redis-check-aof --fix",
                path.display()
            ),
            LoadError::Short { path, offset, last: false } => write!(
                f,
                "Fatal error: the truncated file is not the last file: {} ends in the middle, after \
                 byte {offset}, and others follow",
                path.display()
            ),
            LoadError::Damaged { path, at, reason } => write!(
                f,
                "Bad file format reading the append only file {}: at byte {at}: {reason}. Make a \
                 copy, then use redis-check-aof --fix",
                path.display()
            ),
            LoadError::Snapshot { path, error } => write!(f, "{}: {error}", path.display()),
        }
    }
}

impl std::error::Error for LoadError {}

/// Nobody waits for replayed commands.
struct Nobody;

impl Notify for Nobody {
    fn notify(&self) {}
}

/// Loads a folder's log into an engine, which is empty and answers `-LOADING` meanwhile; `None` where
/// there is none. `told` hears bytes read and bytes in all.
///
/// # Errors
/// [`LoadError`]; the engine holds a part of the data then and must not be used.
pub fn load(
    folder: &Folder,
    engine: &Arc<Engine>,
    report: &dyn Report,
    told: &mut dyn FnMut(u64, u64),
) -> Result<Option<Loaded>, LoadError> {
    let at = |path: PathBuf| move |error| LoadError::Io { path, error };
    let began_ms = engine.now_us() / 1000;
    let Some((manifest, single)) = find(folder)? else { return Ok(None) };
    let ring = folder.ring_path();
    let left = Left::read(&*folder.disk, &ring).map_err(at(ring))?;
    let timestamps = engine.config().flag(Id::AofTimestampEnabled);
    let additions = match &left {
        // After a restart of the machine the file's own last bytes are in doubt: nothing goes behind
        // them. What was promised to survive that was synced.
        Some(left) if left.same_boot => {
            plan(folder, &manifest, left, timestamps).map_err(at(folder.path.clone()))?
        }
        _ => Vec::new(),
    };
    let mailbox = Mailbox::new(Box::new(Nobody));
    let mut session = Session::new(engine.clone(), Origin::Linked, mailbox);
    session.replay();
    let loaded = Loaded { manifest, additions, single, ..Loaded::default() };
    let mut loader = Loader { folder, engine, report, session, told, loaded, total: 0 };
    let before = engine.is_loading();
    engine.set_loading(true);
    let done = loader.all();
    engine.set_loading(before);
    done?;
    let mut loaded = loader.loaded;
    loaded.took_ms = (engine.now_us() / 1000).saturating_sub(began_ms);
    Ok(Some(loaded))
}

/// Whether a folder holds a log that [`load`] would read.
///
/// # Errors
/// As [`load`].
pub fn is_there(folder: &Folder) -> Result<bool, LoadError> {
    find(folder).map(|found| found.is_some())
}

/// The manifest; for a single file of Redis 6 the one that it will have.
fn find(folder: &Folder) -> Result<Option<(Manifest, bool)>, LoadError> {
    let path = folder.manifest_path();
    let text =
        folder.read_manifest().map_err(|error| LoadError::Io { path: path.clone(), error })?;
    let single = || folder.disk.read(&folder.single_path()).is_ok();
    let Some(text) = text else {
        let base = Some(Part { name: folder.base_name.clone(), seq: 1 });
        return Ok(single().then(|| (Manifest { base, ..Manifest::default() }, true)));
    };
    let manifest = Manifest::parse(&text).map_err(|bad| LoadError::Manifest {
        path,
        line: bad.line,
        reason: bad.reason,
    })?;
    let moved = match &manifest.base {
        Some(base) if base.name == folder.base_name => {
            folder.disk.read(&folder.part_path(base)).is_ok() || !single()
        }
        _ => true,
    };
    Ok(Some((manifest, !moved)))
}

struct Loader<'l> {
    folder: &'l Folder,
    engine: &'l Arc<Engine>,
    report: &'l dyn Report,
    session: Session,
    told: &'l mut dyn FnMut(u64, u64),
    loaded: Loaded,
    total: u64,
}

/// A file that is to be played.
struct Source {
    part: Part,
    path: PathBuf,
    size: u64,
    is_base: bool,
}

impl Loader<'_> {
    fn all(&mut self) -> Result<(), LoadError> {
        let sources = self.sources()?;
        self.total = sources.iter().map(|source| source.size).sum();
        let last = sources.iter().rposition(|source| source.size > 0).unwrap_or(0);
        let mut before = 0;
        for (number, source) in sources.iter().enumerate() {
            self.one(source, number >= last, before)?;
            before += source.size;
        }
        self.loaded.bytes = before;
        self.loaded.base_bytes =
            sources.iter().filter(|source| source.is_base).map(|source| source.size).sum();
        Ok(())
    }

    /// All files, with the sizes that they will have.
    fn sources(&self) -> Result<Vec<Source>, LoadError> {
        let Manifest { base, increments, .. } = &self.loaded.manifest;
        let mut sources = Vec::new();
        let bases = base.iter().map(|part| (part, true));
        for (part, is_base) in bases.chain(increments.iter().map(|part| (part, false))) {
            let path = match is_base && self.loaded.single {
                true => self.folder.single_path(),
                false => self.folder.part_path(part),
            };
            let size = match self.folder.disk.read(&path) {
                Ok((_, size)) => size,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    return Err(LoadError::Missing { path });
                }
                Err(error) => return Err(LoadError::Io { path, error }),
            };
            let addition = (!is_base).then(|| self.addition(part.seq)).flatten();
            let size = addition.map_or(size, |one| one.keep + one.bytes.len() as u64);
            sources.push(Source { part: part.clone(), path, size, is_base });
        }
        Ok(sources)
    }

    fn addition(&self, seq: u64) -> Option<&Addition> {
        self.loaded.additions.iter().find(|addition| addition.increment == seq)
    }

    fn one(&mut self, source: &Source, last: bool, before: u64) -> Result<(), LoadError> {
        let Source { part, path, size, is_base } = source;
        let io_error = |error| LoadError::Io { path: path.clone(), error };
        let (file, _) = self.folder.disk.read(path).map_err(io_error)?;
        let addition = if *is_base { None } else { self.addition(part.seq) };
        let mut input: Box<dyn Read> = match addition {
            Some(one) => Box::new(file.take(one.keep).chain(Cursor::new(one.bytes.clone()))),
            None => file,
        };
        let mut head = Vec::new();
        input.by_ref().take(6).read_to_end(&mut head).map_err(io_error)?;
        let is_snapshot = SNAPSHOT.iter().any(|magic| head.starts_with(magic));
        let mut input = Cursor::new(head).chain(input);
        let mut offset = 0;
        let mut rest = Vec::new();
        if is_snapshot {
            let summary = self.snapshot(&mut input, path, before)?;
            (offset, rest) = (summary.bytes, summary.rest);
        }
        let mut input = Cursor::new(rest).chain(input);
        let (told, total) = (&mut *self.told, self.total);
        let mut progress = |read: u64| told(before + read, total);
        let played = replay(&mut input, (offset, *size), &mut self.session, &mut progress);
        let played = played.map_err(io_error)?;
        self.loaded.commands += played.commands;
        if played.refused > 0 {
            self.report.warning(&format!(
                "{}: {} commands answered with an error",
                path.display(),
                played.refused
            ));
        }
        match played.end {
            End::Whole => Ok(()),
            End::Damaged { at, reason } => {
                Err(LoadError::Damaged { path: path.clone(), at, reason })
            }
            End::Short | End::Torn => self.cut(source, played.good, last),
        }
    }

    fn snapshot(
        &mut self,
        input: &mut dyn Read,
        path: &Path,
        before: u64,
    ) -> Result<rdb::Summary, LoadError> {
        let (told, total) = (&mut *self.told, self.total);
        let mut progress = |read: u64| told(before + read, total);
        let options = ReadOptions { progress: Some(&mut progress), ..ReadOptions::of(self.engine) };
        let summary = rdb::load(input, self.engine, options)
            .map_err(|error| LoadError::Snapshot { path: path.to_path_buf(), error })?;
        self.loaded.keys += summary.keys;
        Ok(summary)
    }

    /// Leaves out what a crash has left unfinished, where that may be.
    fn cut(&mut self, source: &Source, good: u64, last: bool) -> Result<(), LoadError> {
        let Source { part, path, size, is_base } = source;
        if !last || !self.engine.config().flag(Id::AofLoadTruncated) {
            return Err(LoadError::Short { path: path.clone(), offset: good, last });
        }
        let (path, lost) = (path.display(), size - good);
        self.report.warning(&format!(
            "AOF loaded anyway because aof-load-truncated is enabled: {path} ends in the middle of a \
             command or transaction. Truncating the AOF at offset {good}: {lost} bytes are lost"
        ));
        // The base has no number of its own among the increments: 0 stands for it.
        let increment = if *is_base { 0 } else { part.seq };
        let additions = &mut self.loaded.additions;
        match additions.iter_mut().find(|addition| addition.increment == increment) {
            Some(addition) => {
                addition.bytes.truncate(good.saturating_sub(addition.keep) as usize);
                addition.keep = addition.keep.min(good);
            }
            None => additions.push(Addition { increment, keep: good, bytes: Vec::new() }),
        }
        Ok(())
    }
}
