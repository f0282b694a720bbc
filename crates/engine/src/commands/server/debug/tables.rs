//! `DEBUG HTSTATS`, `DEBUG HTSTATS-KEY`: figures of hash tables.
//!
//! A database is a table in every shard, so what Redis tells of one table are sums here.

use crate::error::Error;
use crate::keys::Keys;
use crate::keyspace::ValueRef;
use crate::reply::Reply;
use crate::values::Object;
use std::fmt::Write;

const NO_TABLE: Error =
    Error::text("ERR The value stored at the specified key is not represented using an hash table");

/// Figures of a database's tables. Needs all locks.
pub(super) fn of(keys: &mut Keys<'_>, db: u8) -> String {
    let (mut buckets, mut chained, mut entries, mut expiring) = (0, 0, 0, 0);
    for shard in keys.shards() {
        let (home, overflow) = shard.buckets(db);
        let (len, with_ttl) = shard.len(db);
        buckets += home;
        chained += overflow;
        entries += len;
        expiring += with_ttl;
    }
    let mut text = String::from("[Dictionary HT]\n");
    if entries == 0 {
        text.push_str(EMPTY);
    } else {
        table(&mut text, entries, Some(buckets), chained);
    }
    text.push_str("[Expires HT]\n");
    if expiring == 0 {
        text.push_str(EMPTY);
    } else {
        // Deadlines are in a timing wheel that runs through the entries.
        table(&mut text, expiring, None, 0);
    }
    text
}

/// Answers figures of the table that holds a value.
///
/// # Errors
/// Without the key, or the table.
pub(super) fn of_value(keys: &Keys<'_>, key: &[u8], reply: &mut dyn Reply) -> Result<(), Error> {
    let entries = match keys.peek(keys.db(), key).ok_or(Error::NoSuchKey)? {
        ValueRef::Object(_, Object::Set(members)) => members.len(),
        ValueRef::Object(_, Object::Hash(fields)) => fields.dict().len(),
        ValueRef::Object(_, Object::Sorted(sorted)) => sorted.len(),
        _ => return Err(NO_TABLE),
    };
    let mut text = String::new();
    table(&mut text, entries as u64, None, 0);
    reply.verbatim(*b"txt", text.as_bytes());
    Ok(())
}

const EMPTY: &str =
    "Hash table 0 stats (main hash table):\nNo stats available for empty dictionaries\n";

/// Items that a bucket has room for.
const SLOTS: u64 = 12;

fn table(text: &mut String, entries: u64, buckets: Option<u64>, chained: u64) {
    text.push_str("Hash table 0 stats (main hash table):\n");
    // Writing to a string does not fail.
    if let Some(buckets) = buckets {
        let _ = writeln!(text, " table size: {}", buckets * SLOTS);
    }
    let _ = writeln!(text, " number of entries: {entries}");
    if let Some(buckets) = buckets {
        let _ = writeln!(text, " top-level buckets: {buckets}\n child buckets: {chained}");
    }
}
