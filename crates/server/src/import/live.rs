//! Keys out of a running server: SCAN over each database, DUMP and PTTL of what it finds.
//!
//! The server goes on meanwhile: a key that stays is met, one that changes is taken as it is when
//! it is met.

use super::BATCH;
use super::target::{Entry, Expires, Target, with_db};
use crate::progress::Progress;
use larder::engine::commands::generic::{dump, pttl, scan};
use larder::engine::commands::server::info;
use larder::{Larder, Value};

/// Takes all keys of a server.
pub(super) fn import(
    url: &str,
    target: &mut Target,
    progress: &mut Progress,
) -> Result<(), String> {
    let source = open(url)?;
    let databases = databases(&source)?;
    let total: u64 = databases.iter().map(|(_, keys)| keys).sum();
    let mut seen = 0;
    for (db, _) in databases {
        let source = open(&with_db(url, db))?;
        let mut cursor = b"0".to_vec();
        loop {
            let reply = ask(&source, &[scan::SPEC.name.as_bytes(), &cursor, b"COUNT", b"512"])?;
            let (next, keys) = scanned(reply)?;
            for some in keys.chunks(BATCH) {
                let (entries, gone) = fetch(&source, some)?;
                target.put(db, &entries)?;
                target.count_gone(gone);
                seen += some.len() as u64;
                progress.show(seen, total, &format!("{seen} keys"));
            }
            if next == b"0" {
                break;
            }
            cursor = next;
        }
    }
    Ok(())
}

fn open(url: &str) -> Result<Larder, String> {
    Larder::open(url).map_err(|error| error.to_string())
}

fn ask(source: &Larder, words: &[&[u8]]) -> Result<Value, String> {
    source.command(words).map_err(|error| error.to_string())
}

/// The databases that hold keys, and how many.
fn databases(source: &Larder) -> Result<Vec<(u32, u64)>, String> {
    let text = match ask(source, &[info::SPEC.name.as_bytes(), b"keyspace"])? {
        Value::Bulk(text) | Value::Verbatim { text, .. } => text,
        other => return Err(format!("the server tells of its databases {other:?}")),
    };
    let text = String::from_utf8_lossy(&text).into_owned();
    let lines = text.lines().filter_map(|line| {
        let (db, facts) = line.strip_prefix("db")?.split_once(":keys=")?;
        Some((db.parse().ok()?, facts.split(',').next()?.parse().ok()?))
    });
    Ok(lines.collect())
}

fn scanned(reply: Value) -> Result<(Vec<u8>, Vec<Vec<u8>>), String> {
    let unexpected = || "the server lists something else than keys".to_owned();
    let Value::Array(parts) = reply else { return Err(unexpected()) };
    let Ok([Value::Bulk(cursor), Value::Array(keys)]) = <[Value; 2]>::try_from(parts) else {
        return Err(unexpected());
    };
    let keys = keys.into_iter().map(|key| match key {
        Value::Bulk(key) => Ok(key),
        _ => Err(unexpected()),
    });
    Ok((cursor, keys.collect::<Result<_, _>>()?))
}

/// The keys that are still there, and how many are not.
fn fetch(source: &Larder, keys: &[Vec<u8>]) -> Result<(Vec<Entry>, u64), String> {
    let requests: Vec<[&[u8]; 2]> = keys
        .iter()
        .flat_map(|key| {
            [pttl::SPEC.name, dump::SPEC.name].map(|name| [name.as_bytes(), key.as_slice()])
        })
        .collect();
    let requests: Vec<&[&[u8]]> = requests.iter().map(|words| &words[..]).collect();
    let replies = source.pipeline(&requests).map_err(|error| error.to_string())?;
    let mut entries = Vec::with_capacity(keys.len());
    let mut gone = 0;
    for (key, reply) in keys.iter().zip(replies.chunks(2)) {
        match reply {
            [Value::Int(ttl_ms), Value::Bulk(payload)] => {
                let expires = match ttl_ms {
                    ..0 => Expires::Never,
                    // Due within the millisecond: it has a moment left there as well.
                    ms => Expires::AfterMs(ms.unsigned_abs().max(1)),
                };
                entries.push(Entry { key: key.clone(), payload: payload.clone(), expires });
            }
            [_, Value::Null] => gone += 1,
            [Value::Error(text), _] | [_, Value::Error(text)] => {
                return Err(String::from_utf8_lossy(text).into_owned());
            }
            _ => return Err("the server hands out something else than bytes".to_owned()),
        }
    }
    Ok((entries, gone))
}
