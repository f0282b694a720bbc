//! Writing a snapshot, in a little memory: entries become bytes as they come, and leave whenever a
//! piece is full, even within a value.
//!
//! Knows no file: bytes go to any `Write`. The version is chosen before the first byte, by what the
//! keyspace held at the mark.

use super::{Error, FIRST_OF_VALKEY, opcode};
use larder_codec::crc64;
use larder_codec::rdb::{self as codec, Version};
use larder_engine::config::{Config, Id};
use larder_engine::keyspace::DATABASES;
use larder_engine::keyspace::snapshot::{SavedEntry, Size, Snapshot, Uses};
use larder_engine::values::dump::{self, Choice};
use std::cell::{Cell, RefCell};
use std::io::{self, Write};

/// Bytes that are handed on at once.
const PIECE: usize = 256 * 1024;

/// Entries walked over under one hold of a lock.
pub const STEP: usize = 256;

/// How a snapshot is written.
#[derive(Debug, Clone, Copy)]
pub struct WriteOptions {
    /// The version of the format.
    pub version: Choice,
    /// Strings are compressed where that is worth it.
    pub compress: bool,
    /// It ends in its checksum.
    pub checksum: bool,
    /// It is the base of a log.
    pub aof_base: bool,
}

impl WriteOptions {
    /// As the settings say.
    pub fn of(config: &Config) -> WriteOptions {
        WriteOptions {
            version: Choice::of(config),
            compress: config.flag(Id::Rdbcompression),
            checksum: config.flag(Id::Rdbchecksum),
            aof_base: false,
        }
    }
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// The version of the format.
    pub version: u16,
    /// Keys.
    pub keys: u64,
    /// Bytes.
    pub bytes: u64,
}

/// Writes a snapshot to its end; `step` takes it a step further ([`Snapshot::step`]).
///
/// # Errors
/// What `out` says, [`Error::CannotHold`] before the first byte, and [`Error::Aborted`].
pub fn write_by(
    snapshot: &mut Snapshot,
    step: &mut dyn FnMut(&mut Snapshot) -> Option<Vec<SavedEntry>>,
    out: &mut dyn Write,
    options: &WriteOptions,
) -> Result<Written, Error> {
    let version = version_of(options.version, snapshot.fields_expire())?;
    let output = Output::new(out, options.checksum);
    let mut outlet = |bytes: &mut Vec<u8>| output.take(bytes);
    let writer = codec::Writer::flowing(options.compress, PIECE, &mut outlet);
    let mut body = Body { writer, version, sizes: *snapshot.sizes(), db: None, keys: 0 };
    body.head(options, snapshot);
    while let Some(mut entries) = step(snapshot) {
        // Fewer changes of the database: entries of one step are in no order.
        entries.sort_by_key(|entry| entry.db);
        entries.iter().for_each(|entry| body.entry(entry));
        output.check()?;
    }
    if snapshot.is_aborted() {
        return Err(Error::Aborted);
    }
    body.writer.byte(opcode::END);
    body.writer.flush();
    let keys = body.keys;
    drop(body);
    let bytes = output.finish()?;
    Ok(Written { version: version.number(), keys, bytes })
}

/// Writes a snapshot to its end.
///
/// # Errors
/// As [`write_by`].
pub fn write(
    snapshot: &mut Snapshot,
    out: &mut dyn Write,
    options: &WriteOptions,
) -> Result<Written, Error> {
    write_by(snapshot, &mut |snapshot| snapshot.step(STEP), out, options)
}

fn version_of(choice: Choice, fields_expire: bool) -> Result<Version, Error> {
    match choice {
        Choice::Oldest if fields_expire => Ok(Version::V12),
        Choice::Oldest => Ok(Version::V10),
        Choice::Fixed(version @ (Version::V10 | Version::V11)) if fields_expire => {
            Err(Error::CannotHold { version: version.number() })
        }
        Choice::Fixed(version) => Ok(version),
    }
}

/// The file as it is composed.
struct Body<'o> {
    writer: codec::Writer<'o>,
    version: Version,
    sizes: [Size; DATABASES],
    db: Option<u8>,
    keys: u64,
}

impl Body<'_> {
    fn head(&mut self, options: &WriteOptions, snapshot: &Snapshot) {
        let number = u32::from(self.version.number());
        let magic = if number < FIRST_OF_VALKEY {
            format!("REDIS{number:04}")
        } else {
            format!("VALKEY{number:03}")
        };
        self.writer.bytes(magic.as_bytes());
        self.aux("redis-ver", larder_engine::REDIS_VERSION);
        self.aux("larder-ver", env!("CARGO_PKG_VERSION"));
        self.aux("redis-bits", "64");
        self.aux("ctime", &(snapshot.marked_ms() / 1000).to_string());
        self.aux("aof-base", if options.aof_base { "1" } else { "0" });
        for source in snapshot.libraries() {
            self.writer.byte(opcode::FUNCTION);
            self.writer.string(source);
        }
    }

    fn aux(&mut self, name: &str, value: &str) {
        self.writer.byte(opcode::AUX);
        self.writer.string(name.as_bytes());
        self.writer.string(value.as_bytes());
    }

    fn entry(&mut self, entry: &SavedEntry) {
        let SavedEntry { db, key, value, deadline_ms, uses } = entry;
        if self.db != Some(*db) {
            self.select(*db);
        }
        let writer = &mut self.writer;
        if let Some(deadline_ms) = deadline_ms {
            writer.byte(opcode::EXPIRE_MS);
            writer.moment(deadline_ms.cast_signed());
        }
        match uses {
            Uses::Untold => {}
            Uses::Idle(seconds) => {
                writer.byte(opcode::IDLE);
                writer.number(*seconds);
            }
            Uses::Often(count) => {
                writer.byte(opcode::FREQ);
                writer.byte(*count);
            }
        }
        dump::write_entry(key, value.as_ref(), self.version, writer);
        self.keys += 1;
    }

    fn select(&mut self, db: u8) {
        self.db = Some(db);
        self.writer.byte(opcode::SELECT_DB);
        self.writer.number(db.into());
        // Once for each database.
        let size = self.sizes.get_mut(usize::from(db)).map(std::mem::take).unwrap_or_default();
        if size != Size::default() {
            self.writer.byte(opcode::RESIZE_DB);
            self.writer.number(size.keys);
            self.writer.number(size.expiring);
        }
    }
}

/// Where the bytes go, and what they sum up to.
struct Output<'w> {
    out: RefCell<&'w mut dyn Write>,
    sum: RefCell<Option<crc64::Running>>,
    bytes: Cell<u64>,
    error: RefCell<Option<io::Error>>,
}

impl<'w> Output<'w> {
    fn new(out: &'w mut dyn Write, checksum: bool) -> Self {
        let sum = checksum.then(crc64::Running::new);
        Output {
            out: RefCell::new(out),
            sum: RefCell::new(sum),
            bytes: Cell::new(0),
            error: RefCell::new(None),
        }
    }

    fn take(&self, bytes: &mut Vec<u8>) {
        let mut error = self.error.borrow_mut();
        if error.is_none() {
            if let Some(sum) = &mut *self.sum.borrow_mut() {
                sum.add(bytes);
            }
            *error = self.out.borrow_mut().write_all(bytes).err();
            self.bytes.set(self.bytes.get() + bytes.len() as u64);
        }
        bytes.clear();
    }

    fn check(&self) -> Result<(), Error> {
        self.error.borrow_mut().take().map_or(Ok(()), |error| Err(error.into()))
    }

    /// Adds the checksum; how many bytes there are.
    fn finish(self) -> Result<u64, Error> {
        self.check()?;
        let sum = self.sum.into_inner().map_or(0, |sum| sum.value());
        self.out.into_inner().write_all(&sum.to_le_bytes())?;
        Ok(self.bytes.get() + 8)
    }
}
