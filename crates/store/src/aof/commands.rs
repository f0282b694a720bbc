//! A base as commands, `aof-use-rdb-preamble no`: one for each library of functions and each key.
//!
//! Each is a `RESTORE` with the value's dump, which holds whatever a value can,
//! groups of streams among it, in one command of the size of the value. Redis loads it as it loads
//! any command.

use crate::rdb;
use larder_engine::commands::connection::select;
use larder_engine::commands::generic::restore;
use larder_engine::commands::scripting::function;
use larder_engine::config::{Config, Id};
use larder_engine::keyspace::snapshot::{SavedEntry, Snapshot};
use larder_engine::values::dump::{self, Choice};
use larder_resp::encode_request;
use std::io::Write;

/// Entries of a step of the snapshot.
const STEP: usize = 256;

/// Writes what a snapshot holds.
///
/// # Errors
/// What the disk says, or that the snapshot was given up.
pub fn write(
    snapshot: &mut Snapshot,
    out: &mut dyn Write,
    config: &Config,
) -> Result<(), rdb::Error> {
    let (choice, compress) = (Choice::of(config), config.flag(Id::Rdbcompression));
    let mut selected = None;
    let mut buffer = Vec::new();
    for source in snapshot.libraries() {
        encode_request(&mut buffer, &[function::SPEC.name.as_bytes(), b"LOAD", source]);
    }
    while let Some(entries) = snapshot.step(STEP) {
        for entry in &entries {
            if selected != Some(entry.db) {
                selected = Some(entry.db);
                encode_request(&mut buffer, &[select::SPEC.name, &entry.db.to_string()]);
            }
            let value = entry.value.as_ref();
            let Some(payload) = dump::payload(value, choice, compress) else {
                return Err(rdb::Error::CannotHold { version: 0 });
            };
            add(entry, &payload, &mut buffer);
        }
        out.write_all(&buffer)?;
        buffer.clear();
    }
    out.write_all(&buffer)?;
    if snapshot.is_aborted() { Err(rdb::Error::Aborted) } else { Ok(()) }
}

fn add(entry: &SavedEntry, payload: &[u8], out: &mut Vec<u8>) {
    let SavedEntry { key, deadline_ms, .. } = entry;
    let deadline = deadline_ms.unwrap_or(0).to_string();
    let words: [&[u8]; 5] =
        [restore::SPEC.name.as_bytes(), key, deadline.as_bytes(), payload, b"ABSTTL"];
    encode_request(out, &words);
}
