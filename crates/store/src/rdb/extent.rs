//! Where things end: walks over lengths without looking at what they measure, so that a value's
//! bytes are all there before it is made.
//!
//! Checks nothing but that there is an end; whoever makes the value checks the rest. Knows no
//! value but by its form; next: `larder_codec::rdb::value`.

use super::error::Error;
use super::window::Window;
use larder_codec::rdb::{Version, form};

/// A cursor that runs ahead of the window's place.
pub(super) struct Ahead<'w, 'i> {
    window: &'w mut Window<'i>,
    /// Bytes beyond the window's place.
    at: usize,
}

/// A length, or how a string is held instead.
enum Head {
    Len(u64),
    Special(u8),
}

/// How many bytes the value of a form takes from the window's place on; they are there afterwards.
/// Nothing for a form that is not known.
pub(super) fn of_value(
    window: &mut Window<'_>,
    form: u8,
    version: Version,
) -> Result<Option<usize>, Error> {
    let redis = version != Version::Valkey80;
    let mut ahead = Ahead { window, at: 0 };
    match form {
        form::STRING
        | form::HASH_ZIPMAP
        | form::LIST_ZIPLIST
        | form::SET_INTSET
        | form::ZSET_ZIPLIST
        | form::HASH_ZIPLIST
        | form::HASH_LISTPACK
        | form::ZSET_LISTPACK
        | form::SET_LISTPACK => ahead.string()?,
        form::LIST | form::SET | form::LIST_QUICKLIST => ahead.each(Ahead::string)?,
        form::HASH => ahead.each(|ahead| ahead.strings(2))?,
        form::ZSET => ahead.each(|ahead| {
            ahead.string()?;
            ahead.double_text()
        })?,
        form::ZSET_2 => ahead.each(|ahead| {
            ahead.string()?;
            ahead.pass(8)
        })?,
        form::LIST_QUICKLIST_2 => ahead.each(|ahead| {
            ahead.number()?;
            ahead.string()
        })?,
        form::HASH_EXPIRY if !redis => ahead.each(|ahead| {
            ahead.strings(2)?;
            ahead.pass(8)
        })?,
        form::HASH_METADATA if redis => {
            ahead.pass(8)?;
            ahead.each(|ahead| {
                ahead.number()?;
                ahead.strings(2)
            })?;
        }
        form::HASH_LISTPACK_EX if redis => {
            ahead.pass(8)?;
            ahead.string()?;
        }
        form::STREAM | form::STREAM_2 | form::STREAM_3 => ahead.stream(form)?,
        _ => return Ok(None),
    }
    Ok(Some(ahead.at))
}

/// How many bytes the string at the window's place takes; they are there afterwards.
pub(super) fn of_string(window: &mut Window<'_>) -> Result<usize, Error> {
    let mut ahead = Ahead { window, at: 0 };
    ahead.string()?;
    Ok(ahead.at)
}

/// Reads the number at the window's place and passes it.
pub(super) fn number(window: &mut Window<'_>) -> Result<u64, Error> {
    let mut ahead = Ahead { window, at: 0 };
    let number = ahead.number()?;
    let at = ahead.at;
    window.pass(at);
    Ok(number)
}

impl Ahead<'_, '_> {
    fn pass(&mut self, count: u64) -> Result<(), Error> {
        let end = usize::try_from(count).ok().and_then(|count| self.at.checked_add(count));
        let end = end.ok_or_else(|| self.corrupt("a string that is too long"))?;
        self.window.need(end)?;
        self.at = end;
        Ok(())
    }

    fn bytes(&mut self, count: usize) -> Result<&[u8], Error> {
        self.window.need(self.at + count)?;
        self.at += count;
        Ok(&self.window.rest()[self.at - count..self.at])
    }

    fn head(&mut self) -> Result<Head, Error> {
        let first = self.bytes(1)?[0];
        let low = first & 0x3F;
        Ok(match (first >> 6, low) {
            (0, _) => Head::Len(u64::from(low)),
            (1, _) => Head::Len(u64::from(low) << 8 | u64::from(self.bytes(1)?[0])),
            (3, special) => Head::Special(special),
            (_, 0) => Head::Len(big_endian(self.bytes(4)?)),
            (_, 1) => Head::Len(big_endian(self.bytes(8)?)),
            _ => return Err(self.corrupt("a length in an unknown form")),
        })
    }

    fn number(&mut self) -> Result<u64, Error> {
        match self.head()? {
            Head::Len(len) => Ok(len),
            Head::Special(_) => Err(self.corrupt("a string's form in the place of a number")),
        }
    }

    fn string(&mut self) -> Result<(), Error> {
        match self.head()? {
            Head::Len(len) => self.pass(len),
            Head::Special(0) => self.pass(1),
            Head::Special(1) => self.pass(2),
            Head::Special(2) => self.pass(4),
            Head::Special(3) => {
                let packed = self.number()?;
                self.number()?;
                self.pass(packed)
            }
            Head::Special(_) => Err(self.corrupt("a string in an unknown form")),
        }
    }

    fn strings(&mut self, count: u64) -> Result<(), Error> {
        (0..count).try_for_each(|_| self.string())
    }

    fn double_text(&mut self) -> Result<(), Error> {
        match self.bytes(1)?[0] {
            253..=255 => Ok(()),
            len => self.pass(len.into()),
        }
    }

    /// A number, and so many things. Each takes a byte at least, so the walk ends with the input.
    fn each(&mut self, mut one: impl FnMut(&mut Self) -> Result<(), Error>) -> Result<(), Error> {
        let count = self.number()?;
        (0..count).try_for_each(|_| one(self))
    }

    fn numbers(&mut self, count: u64) -> Result<(), Error> {
        (0..count).try_for_each(|_| self.number().map(drop))
    }

    fn stream(&mut self, form: u8) -> Result<(), Error> {
        self.each(|ahead| ahead.strings(2))?;
        // Length and last id; first id, tombstone and entries added came later.
        self.numbers(if form == form::STREAM { 3 } else { 8 })?;
        self.each(|ahead| {
            ahead.string()?;
            ahead.numbers(if form == form::STREAM { 2 } else { 3 })?;
            // Pending entries: id, time of delivery, deliveries.
            ahead.each(|ahead| {
                ahead.pass(16 + 8)?;
                ahead.number().map(drop)
            })?;
            ahead.each(|ahead| {
                ahead.string()?;
                ahead.pass(if form == form::STREAM_3 { 16 } else { 8 })?;
                ahead.each(|ahead| ahead.pass(16))
            })
        })
    }

    fn corrupt(&self, reason: &'static str) -> Error {
        let offset = self.window.offset() + self.at as u64;
        Error::Corrupt { reason: reason.to_owned(), offset, key: None }
    }
}

fn big_endian(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}
