//! Resident bytes per key above the empty server, a million keys.
//!
//! Keys come in a scrambled order, because that is how they come.

use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::Scope;
use super::load::{command, fill};
use super::peer::{Peer, Peers, Running};
use super::results::{Row, Table};

/// How a row's n-th command is written.
type Writer = fn(u64, &mut Vec<u8>);

/// Coprime to every count used here: n × this, modulo the count, visits each number once.
const SCRAMBLE: u64 = 387_420_489;
const COUNT: u64 = 1_000_000;
const QUICK_COUNT: u64 = 200_000;
/// A server gets this long to finish growing its tables in the background.
const SETTLING: Duration = Duration::from_secs(4);

/// Name, target in bytes if there is one, command.
const ROWS: &[(&str, Option<f64>, Writer)] = &[
    ("string, 16 B key → 32 B value", Some(70.0), |n, out| {
        command(out, &[b"SET", key(n).as_bytes(), &[b'v'; 32]]);
    }),
    ("the same with a TTL", Some(85.0), |n, out| {
        let seconds = (3600 + n % 100_000).to_string();
        command(out, &[b"SET", key(n).as_bytes(), &[b'v'; 32], b"EX", seconds.as_bytes()]);
    }),
    ("`dyn_data/…` → small integer, TTL", Some(60.0), |n, out| {
        let (key, value) = (format!("dyn_data/b'{n}'"), (n % 1000).to_string());
        command(out, &[b"SET", key.as_bytes(), value.as_bytes(), b"EX", b"3600"]);
    }),
    ("hash of 5 small fields", Some(140.0), |n, out| {
        let (key, value) = (key(n), format!("value:{:04}", n % 10_000));
        let mut words: Vec<&[u8]> = vec![b"HSET", key.as_bytes()];
        for field in [&b"field:1"[..], b"field:2", b"field:3", b"field:4", b"field:5"] {
            words.extend([field, value.as_bytes()]);
        }
        command(out, &words);
    }),
    ("sorted-set member in one big set", Some(60.0), |n, out| {
        let score = (n.wrapping_mul(SCRAMBLE) % 1_000_003).to_string();
        command(out, &[b"ZADD", b"board", score.as_bytes(), key(n).as_bytes()]);
    }),
    ("set member in one big set", None, |n, out| {
        command(out, &[b"SADD", b"seen", key(n).as_bytes()]);
    }),
    ("field with a 16 B value in one big hash", None, |n, out| {
        command(out, &[b"HSET", b"users", key(n).as_bytes(), &[b'v'; 16]]);
    }),
    ("16 B element in one big list", None, |n, out| {
        command(out, &[b"RPUSH", b"jobs", key(n).as_bytes()]);
    }),
    ("stream entry of 2 small fields", None, |n, out| {
        let user = (n % 1000).to_string();
        command(out, &[b"XADD", b"log", b"*", b"user", user.as_bytes(), b"did", b"login"]);
    }),
];

fn key(n: u64) -> String {
    format!("key:{n:012}")
}

/// Measures every row on every peer, each on a server of its own.
///
/// # Errors
/// When a peer does not start or answer.
pub(super) fn measure(root: &Path, scope: Scope) -> Result<Table> {
    let peers = Peers::find(root, scope)?;
    let count = if scope.quick { QUICK_COUNT } else { COUNT };
    let mut rows = Vec::new();
    for (name, target, write) in ROWS {
        let target = target.map(|target| format!(" (target ≤ {target})")).unwrap_or_default();
        let name = format!("{name}{target}");
        let mut row = Row::new(&name, peers.all.len(), None);
        for (peer, figures) in peers.all.iter().zip(&mut row.figures) {
            figures.extend(bytes_per_key(peer, count, *write)?);
        }
        println!("{name}");
        rows.push(row);
    }
    Ok(Table {
        title: "Memory: resident bytes per key",
        about: format!(
            "Above the empty server, {count} keys in scrambled order, after {SETTLING:?} of rest. \
             Ratio: Larder to the best."
        ),
        contenders: peers.names(),
        rivals: (0..peers.all.len()).filter(|i| Some(*i) != peers.larder).collect(),
        larder: peers.larder,
        rows,
    })
}

/// `None` when the server does not know the command.
fn bytes_per_key(peer: &Peer, count: u64, write: Writer) -> Result<Option<f64>> {
    let server = peer.start()?;
    fill(server.address, 1, |_, out| command(out, &[b"PING"]))?;
    let empty = settled(&server)?;
    let scrambled = |n: u64, out: &mut Vec<u8>| write(n * SCRAMBLE % count, out);
    if !fill(server.address, count, scrambled)? {
        return Ok(None);
    }
    Ok(Some((settled(&server)? - empty) as f64 / count as f64))
}

/// Resident bytes once they have stopped changing.
fn settled(server: &Running) -> Result<i64> {
    let began = Instant::now();
    let mut last = server.resident_bytes()?;
    loop {
        sleep(SETTLING / 8);
        let bytes = server.resident_bytes()?;
        if bytes == last && began.elapsed() >= SETTLING {
            return Ok(bytes);
        }
        last = bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_comes_once() {
        for count in [COUNT, QUICK_COUNT] {
            let mut seen = vec![false; count as usize];
            (0..count).for_each(|n| seen[(n * SCRAMBLE % count) as usize] = true);
            assert!(seen.iter().all(|seen| *seen));
        }
    }
}
