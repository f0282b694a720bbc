//! Commands of the group `stream`, and what several of them share: IDs and entries as arguments
//! and in replies, and arguments that are checked late.

mod claiming;
mod reading;
mod trim;
pub mod xack;
pub mod xadd;
pub mod xautoclaim;
pub mod xclaim;
pub mod xdel;
pub mod xgroup;
pub mod xinfo;
pub mod xlen;
pub mod xpending;
pub mod xrange;
pub mod xread;
pub mod xreadgroup;
pub mod xsetid;
pub mod xtrim;

pub use reading::From;
pub use trim::Trim;

use crate::args::Args;
use crate::command::Words;
use crate::error::Error;
use crate::reply::Reply;
use crate::values::stream::{Entries, EntryRef, Id, MAX_TEXT};
use larder_codec::integer;

const INVALID_ID: Error = Error::text("ERR Invalid stream ID specified as stream command argument");

/// Arguments that Redis checks only after it has looked at the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Late<'a, T> {
    /// They make sense.
    Good(T),
    /// What is wrong with these words.
    Bad(Error, &'a [&'a [u8]]),
}

impl<'a, T> Late<'a, T> {
    /// Reads all words that are left.
    fn parse(args: &mut Args<'a>, read: impl FnOnce(&mut Args<'a>) -> Result<T, Error>) -> Self {
        let words = args.rest();
        let mut args = Args::new(words);
        match read(&mut args).and_then(|good| args.end().map(|()| good)) {
            Ok(good) => Late::Good(good),
            Err(error) => Late::Bad(error, words),
        }
    }

    fn get(&self) -> Result<&T, Error> {
        match self {
            Late::Good(good) => Ok(good),
            Late::Bad(error, _) => Err(error.clone()),
        }
    }

    fn words(&self, words: &mut Words<'_>, write: impl FnOnce(&T, &mut Words<'_>)) {
        match self {
            Late::Good(good) => write(good, words),
            Late::Bad(_, bad) => drop(words.all(bad)),
        }
    }
}

/// An ID, or only its milliseconds and then this sequence number.
fn parse_id(word: &[u8], missing_seq: u64) -> Result<Id, Error> {
    Id::parse(word, missing_seq).ok_or(INVALID_ID)
}

/// The same, or `-` for the smallest and `+` for the largest.
fn parse_any_id(word: &[u8], missing_seq: u64) -> Result<Id, Error> {
    match word {
        b"-" => Ok(Id::MIN),
        b"+" => Ok(Id::MAX),
        word => parse_id(word, missing_seq),
    }
}

/// The first ID of an interval, which `(` excludes.
fn parse_start(args: &mut Args<'_>) -> Result<Id, Error> {
    match args.word()? {
        [b'(', id @ ..] if !id.is_empty() => {
            let id = parse_id(id, 0)?;
            id.next().ok_or(Error::text("ERR invalid start ID for the interval"))
        }
        id => parse_any_id(id, 0),
    }
}

/// The last ID of an interval, which `(` excludes.
fn parse_end(args: &mut Args<'_>) -> Result<Id, Error> {
    match args.word()? {
        [b'(', id @ ..] if !id.is_empty() => {
            let id = parse_id(id, u64::MAX)?;
            id.previous().ok_or(Error::text("ERR invalid end ID for the interval"))
        }
        id => parse_any_id(id, u64::MAX),
    }
}

/// All words that are left, as IDs.
fn parse_ids(args: &mut Args<'_>) -> Result<Vec<Id>, Error> {
    args.rest().iter().map(|word| parse_id(word, 0)).collect()
}

/// An integer; where it is below 0, 0.
fn parse_from_zero(args: &mut Args<'_>, error: Error) -> Result<u64, Error> {
    args.int_or(error).map(|count| u64::try_from(count).unwrap_or(0))
}

fn push_id(words: &mut Words<'_>, id: Id) {
    words.push(id.text(&mut [0; MAX_TEXT]));
}

fn push_ids(ids: &[Id], words: &mut Words<'_>) {
    ids.iter().for_each(|id| push_id(words, *id));
}

fn reply_id(reply: &mut dyn Reply, id: Id) {
    reply.bulk(id.text(&mut [0; MAX_TEXT]));
}

/// ID, and fields and values in turn.
fn reply_entry(reply: &mut dyn Reply, entry: &EntryRef<'_>) {
    reply.array(2);
    reply_id(reply, entry.id);
    reply.array(2 * entry.len());
    let mut digits = [0; integer::MAX_TEXT];
    for (field, value) in entry.pairs() {
        reply.bulk(field.as_bytes(&mut digits));
        reply.bulk(value.as_bytes(&mut digits));
    }
}

/// The entries from one ID to another, up to `most` (0: all).
fn reply_range(reply: &mut dyn Reply, entries: &Entries, (from, to): (Id, Id), most: u64) {
    let count = entries.count(from, to, most) as usize;
    reply.array(count);
    entries.range(from, to).take(count).for_each(|entry| reply_entry(reply, &entry));
}

/// What is answered where there is no such group (or no such key).
fn no_group(key: &[u8], group: &[u8]) -> Error {
    let (key, group) = (String::from_utf8_lossy(key), String::from_utf8_lossy(group));
    Error::owned(format!("NOGROUP No such key '{key}' or consumer group '{group}'"))
}

/// The same where the key is there.
fn no_group_of_key(key: &[u8], group: &[u8]) -> Error {
    let (key, group) = (String::from_utf8_lossy(key), String::from_utf8_lossy(group));
    Error::owned(format!("NOGROUP No such consumer group '{group}' for key name '{key}'"))
}

/// Seconds and milliseconds that have passed, never below 0.
fn since(at_ms: u64, now_ms: u64) -> i64 {
    now_ms.saturating_sub(at_ms).cast_signed()
}
