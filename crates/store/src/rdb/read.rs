//! Reading a snapshot, a value at a time, out of bytes from anywhere. Hostile bytes are refused
//! with what is wrong and where; memory grows with what has come, never with what is claimed.
//!
//! Every version of Redis up to 12 and Valkey's 80, every encoding of values (the codec's).

use super::window::Window;
use super::{Error, FIRST_OF_VALKEY, FIRST_WITH_CHECKSUM, extent, opcode};
use larder_codec::rdb::{EMPTY_COLLECTION, Reader, Version};
use larder_engine::Engine;
use larder_engine::keyspace::snapshot::{SavedEntry, Size, Uses};
use larder_engine::keyspace::{DATABASES, OwnedValue};
use larder_engine::values::dump::{self, Rules};
use std::io::Read;
use std::sync::Arc;

/// Forms of values that modules wrote: before Redis 4.0 was released, and since.
const MODULE_PRE_GA: u8 = 6;
const MODULE: u8 = 7;

/// Entries, and bytes of them, that are put into the keyspace under one hold of the locks.
const BATCH: usize = 512;
const BATCH_BYTES: u64 = 1 << 20;

/// How a snapshot is read.
pub struct ReadOptions<'o> {
    /// What values take from the engine they will live in.
    pub rules: Rules,
    /// Keys that were due before this Unix time in milliseconds are passed over; 0: none is.
    pub now_ms: u64,
    /// Data of modules is passed over instead of refused.
    pub skip_modules: bool,
    /// The checksum is not looked at.
    pub any_checksum: bool,
    /// Told how many bytes were read.
    pub progress: Option<&'o mut dyn FnMut(u64)>,
}

impl ReadOptions<'_> {
    /// Everything that is there and right, for values of an engine.
    pub fn of(engine: &Engine) -> Self {
        ReadOptions {
            rules: Rules::new(engine.config(), *engine.hash()),
            now_ms: engine.now_us() / 1000,
            skip_modules: false,
            any_checksum: !engine.config().flag(larder_engine::config::Id::Rdbchecksum),
            progress: None,
        }
    }
}

impl std::fmt::Debug for ReadOptions<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReadOptions").field("now_ms", &self.now_ms).finish_non_exhaustive()
    }
}

/// Takes what a snapshot holds.
pub trait Sink {
    /// A key.
    ///
    /// # Errors
    /// Ends the reading.
    fn entry(&mut self, entry: SavedEntry) -> Result<(), Error>;

    /// A library of functions.
    ///
    /// # Errors
    /// Ends the reading.
    fn function(&mut self, _source: &[u8]) -> Result<(), Error> {
        Ok(())
    }

    /// A fact about who wrote the file.
    fn aux(&mut self, _name: &[u8], _value: &[u8]) {}

    /// How large a database is, as the file says.
    fn size(&mut self, _db: u8, _size: Size) {}
}

/// What a snapshot held.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Summary {
    /// The version of the format.
    pub version: u32,
    /// Keys that were handed over.
    pub keys: u64,
    /// Keys that were due.
    pub expired: u64,
    /// Empty collections, which old servers wrote by mistake and which are no keys.
    pub empty: u64,
    /// Pieces of modules that were passed over.
    pub modules: u64,
    /// Libraries of functions.
    pub functions: u64,
    /// Bytes of it.
    pub bytes: u64,
    /// What was taken in of the input beyond its end.
    pub rest: Vec<u8>,
}

/// Reads a snapshot into an engine, whose log hears nothing of it.
///
/// # Errors
/// [`Error`]; what came before is in the engine then.
pub fn load<'o>(
    input: &'o mut dyn Read,
    engine: &Arc<Engine>,
    options: ReadOptions<'o>,
) -> Result<Summary, Error> {
    let mut into = Into { engine, batch: Vec::with_capacity(BATCH), bytes: 0 };
    let summary = read(input, &mut into, options);
    into.put()?;
    summary
}

/// Reads a snapshot into anything.
///
/// # Errors
/// [`Error`]; what came before was handed over then.
pub fn read<'o>(
    input: &'o mut dyn Read,
    sink: &mut dyn Sink,
    options: ReadOptions<'o>,
) -> Result<Summary, Error> {
    let ReadOptions { rules, now_ms, skip_modules, any_checksum, progress } = options;
    let window = Window::new(input, progress);
    let summary = Summary::default();
    let mut file = File {
        window,
        sink,
        rules,
        now_ms,
        skip_modules,
        any_checksum,
        version: Version::V10,
        db: 0,
        deadline_ms: None,
        uses: Uses::Untold,
        summary,
    };
    file.head()?;
    while file.piece()? {}
    file.end()
}

/// A file as it is read.
struct File<'o, 's> {
    window: Window<'o>,
    sink: &'s mut dyn Sink,
    rules: Rules,
    now_ms: u64,
    skip_modules: bool,
    any_checksum: bool,
    version: Version,
    db: u8,
    /// Of the next key.
    deadline_ms: Option<i64>,
    uses: Uses,
    summary: Summary,
}

impl File<'_, '_> {
    fn head(&mut self) -> Result<(), Error> {
        let magic: [u8; 9] = self.window.array().map_err(|error| match error {
            Error::Truncated { .. } => Error::NotRdb,
            other => other,
        })?;
        let (digits, is_valkey) =
            match (magic.strip_prefix(b"REDIS"), magic.strip_prefix(b"VALKEY")) {
                (Some(digits), _) => (digits, false),
                (_, Some(digits)) => (digits, true),
                _ => return Err(Error::NotRdb),
            };
        let digits = std::str::from_utf8(digits).map_err(|_| Error::NotRdb)?;
        let number: u32 = digits.parse().map_err(|_| Error::NotRdb)?;
        let known = u16::try_from(number).ok().and_then(Version::readable);
        let known = known.filter(|_| number > 0 && is_valkey == (number >= FIRST_OF_VALKEY));
        self.version = known.ok_or(Error::Version(number))?;
        self.summary.version = number;
        if self.any_checksum || number < FIRST_WITH_CHECKSUM {
            self.window.stop_summing();
        }
        Ok(())
    }

    /// Reads the next piece; `false` after the last.
    fn piece(&mut self) -> Result<bool, Error> {
        match self.window.byte()? {
            opcode::END => return Ok(false),
            opcode::EXPIRE_MS => self.deadline_ms = Some(i64::from_le_bytes(self.window.array()?)),
            opcode::EXPIRE => {
                let seconds = i32::from_le_bytes(self.window.array()?);
                self.deadline_ms = Some(i64::from(seconds) * 1000);
            }
            opcode::IDLE => self.uses = Uses::Idle(extent::number(&mut self.window)?),
            opcode::FREQ => self.uses = Uses::Often(self.window.byte()?),
            opcode::SELECT_DB => self.select()?,
            opcode::RESIZE_DB => {
                let keys = extent::number(&mut self.window)?;
                let expiring = extent::number(&mut self.window)?;
                self.sink.size(self.db, Size { keys, expiring });
            }
            opcode::AUX => {
                let (name, value) = (self.string()?, self.string()?);
                self.sink.aux(&name, &value);
            }
            opcode::FUNCTION => {
                let source = self.string()?;
                self.sink.function(&source)?;
                self.summary.functions += 1;
            }
            opcode::SLOT_INFO => {
                for _ in 0..3 {
                    extent::number(&mut self.window)?;
                }
            }
            opcode::SLOT_IMPORT => {
                return Err(self.corrupt("slots of a cluster that were on their way"));
            }
            opcode::FUNCTION_PRE_GA => {
                return Err(self.corrupt("functions of a version before Redis 7.0's release"));
            }
            opcode::MODULE_AUX => self.module_aux()?,
            form => self.entry(form)?,
        }
        Ok(true)
    }

    fn end(mut self) -> Result<Summary, Error> {
        let found = self.window.sum();
        if self.summary.version >= FIRST_WITH_CHECKSUM {
            let expected = u64::from_le_bytes(self.window.array()?);
            if expected != 0 && !self.any_checksum && expected != found {
                return Err(Error::Checksum { expected, found });
            }
        }
        self.summary.bytes = self.window.offset();
        self.summary.rest = self.window.into_rest();
        Ok(self.summary)
    }

    fn select(&mut self) -> Result<(), Error> {
        let number = extent::number(&mut self.window)?;
        let db = u8::try_from(number).ok().filter(|db| usize::from(*db) < DATABASES);
        self.db = db.ok_or_else(|| {
            self.corrupt(&format!("database {number}, of which there are {DATABASES}"))
        })?;
        Ok(())
    }

    fn entry(&mut self, form: u8) -> Result<(), Error> {
        let (deadline_ms, uses) = (self.deadline_ms.take(), std::mem::take(&mut self.uses));
        let key = self.string()?;
        if matches!(form, MODULE | MODULE_PRE_GA) {
            return self.module_value(form, key);
        }
        let Some(value) = self.value(form, &key)? else {
            self.summary.empty += 1;
            return Ok(());
        };
        // What is before 1970 is as due as what was then.
        let deadline_ms = deadline_ms.map(|ms| u64::try_from(ms).unwrap_or(0));
        if deadline_ms.is_some_and(|deadline_ms| deadline_ms < self.now_ms) {
            self.summary.expired += 1;
            return Ok(());
        }
        self.summary.keys += 1;
        let key = key.into_boxed_slice();
        self.sink.entry(SavedEntry { db: self.db, key, value, deadline_ms, uses })
    }

    /// A value, or nothing where it is an empty collection.
    fn value(&mut self, form: u8, key: &[u8]) -> Result<Option<OwnedValue>, Error> {
        let start = self.window.offset();
        let at = |offset: usize, reason: &str| Error::Corrupt {
            reason: reason.to_owned(),
            offset: start + offset as u64,
            key: Some(key.to_vec()),
        };
        let Some(len) = extent::of_value(&mut self.window, form, self.version)? else {
            return Err(at(0, &format!("a value of the unknown form {form}")));
        };
        let bytes = &self.window.rest()[..len];
        let mut reader = Reader::new(bytes);
        let value = match dump::read_form(&mut reader, form, self.version, &self.rules) {
            Ok(_) if reader.left() > 0 => return Err(at(len, "a value with something behind it")),
            Ok(value) => Some(value),
            Err(corrupt) if corrupt.reason == EMPTY_COLLECTION => None,
            Err(corrupt) => return Err(at(corrupt.offset, corrupt.reason)),
        };
        self.window.pass(len);
        Ok(value)
    }

    fn string(&mut self) -> Result<Vec<u8>, Error> {
        let start = self.window.offset();
        let len = extent::of_string(&mut self.window)?;
        let mut reader = Reader::new(&self.window.rest()[..len]);
        let string = reader.string().map(std::borrow::Cow::into_owned);
        let string = string.map_err(|corrupt| Error::Corrupt {
            reason: corrupt.reason.to_owned(),
            offset: start + corrupt.offset as u64,
            key: None,
        })?;
        self.window.pass(len);
        Ok(string)
    }

    fn module_value(&mut self, form: u8, key: Vec<u8>) -> Result<(), Error> {
        if form == MODULE_PRE_GA {
            return Err(self.corrupt("a module's value in the form of before Redis 4.0"));
        }
        let id = extent::number(&mut self.window)?;
        self.pass_module(id, Some(key))
    }

    fn module_aux(&mut self) -> Result<(), Error> {
        let id = extent::number(&mut self.window)?;
        let (_opcode, _when) =
            (extent::number(&mut self.window)?, extent::number(&mut self.window)?);
        self.pass_module(id, None)
    }

    /// Passes over what a module wrote, if that is wanted: numbers and strings, each with its kind
    /// before it.
    fn pass_module(&mut self, id: u64, key: Option<Vec<u8>>) -> Result<(), Error> {
        if !self.skip_modules {
            return Err(Error::Module { name: module_name(id), key });
        }
        loop {
            match extent::number(&mut self.window)? {
                0 => break,
                1 | 2 => drop(extent::number(&mut self.window)?),
                3 => self.window.skip(4)?,
                4 => self.window.skip(8)?,
                5 => {
                    let len = extent::of_string(&mut self.window)?;
                    self.window.pass(len);
                }
                _ => return Err(self.corrupt("a module's data in an unknown form")),
            }
        }
        self.summary.modules += 1;
        Ok(())
    }

    fn corrupt(&self, reason: &str) -> Error {
        Error::Corrupt { reason: reason.to_owned(), offset: self.window.offset(), key: None }
    }
}

/// A module type's nine letters, six bits each from the highest on; the last ten are its version.
fn module_name(id: u64) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    (0..9).map(|n| char::from(LETTERS[(id >> (58 - 6 * n)) as usize & 63])).collect()
}

/// The keyspace as a sink.
struct Into<'e> {
    engine: &'e Arc<Engine>,
    batch: Vec<SavedEntry>,
    bytes: u64,
}

impl Into<'_> {
    fn put(&mut self) -> Result<(), Error> {
        self.bytes = 0;
        match self.engine.load_all(&mut self.batch) {
            0 => Ok(()),
            _ => Err(Error::Corrupt {
                reason: "a key that is there already".to_owned(),
                offset: 0,
                key: None,
            }),
        }
    }
}

impl Sink for Into<'_> {
    fn entry(&mut self, entry: SavedEntry) -> Result<(), Error> {
        self.bytes += entry.value.bytes();
        self.batch.push(entry);
        if self.batch.len() >= BATCH || self.bytes >= BATCH_BYTES { self.put() } else { Ok(()) }
    }

    fn function(&mut self, source: &[u8]) -> Result<(), Error> {
        self.engine.load_library(source);
        Ok(())
    }
}
