//! The server is killed under load, again and again: what it acknowledged is there afterwards.
//!
//! Clients write down what was acknowledged, outside of the server. `LARDER_KILLS` says how often it is
//! killed; `cargo xtask soak kills` asks for many.
#![allow(clippy::disallowed_methods, reason = "a test at the edge: processes, files and time")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

/// Clients that write at once, of which the last keeps many requests under way.
const CLIENTS: usize = 4;
const PIPELINE: u64 = 50;

struct Server {
    child: Child,
    address: SocketAddr,
}

impl Server {
    fn start(folder: &Path, fsync: &str) -> Server {
        let address = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
        let log = std::fs::File::create(folder.join("log")).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_larder"))
            .args(["serve", "--dir"])
            .arg(folder.join("data"))
            .args(["--port", &address.port().to_string(), "--http-listen", ""])
            .args(["--appendfsync", fsync, "--auto-aof-rewrite-min-size", "200kb"])
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut server = Server { child, address };
        let began = Instant::now();
        while server.ask(&["PING"]).as_deref() != Some("+PONG") {
            let ended = !matches!(server.child.try_wait(), Ok(None));
            let told = || std::fs::read_to_string(folder.join("log")).unwrap_or_default();
            assert!(!ended && began.elapsed() < Duration::from_secs(60), "{}", told());
            std::thread::yield_now();
        }
        server
    }

    /// The first line of a reply, or the bulk string that it announces.
    fn ask(&self, words: &[&str]) -> Option<String> {
        let mut stream = TcpStream::connect(self.address).ok()?;
        stream.write_all(&request(words)).ok()?;
        let mut reader = BufReader::new(stream);
        let line = read_line(&mut reader)?;
        let Some(length) = line.strip_prefix('$') else { return Some(line) };
        let mut bulk = vec![0; length.parse().ok()?];
        reader.read_exact(&mut bulk).ok()?;
        String::from_utf8(bulk).ok()
    }

    fn number(&self, words: &[&str]) -> u64 {
        self.ask(words).and_then(|text| text.trim_start_matches(':').parse().ok()).unwrap_or(0)
    }
}

fn request(words: &[&str]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len());
    words.iter().for_each(|word| bytes.push_str(&format!("${}\r\n{word}\r\n", word.len())));
    bytes.into_bytes()
}

fn read_line(reader: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = String::new();
    (reader.read_line(&mut line).ok()? > 0 && line.ends_with('\n'))
        .then(|| line.trim_end().to_owned())
}

/// Counts a key up until the server is gone; notes the last number that came back.
fn count_up(address: SocketAddr, client: usize, acknowledged: &AtomicU64) {
    let Ok(mut stream) = TcpStream::connect(address) else { return };
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let key = format!("counter{client}");
    let under_way = if client == CLIENTS - 1 { PIPELINE } else { 1 };
    let large = "x".repeat(100_000);
    for round in 0u64.. {
        let mut bytes = request(&["INCR", &key]).repeat(under_way as usize);
        if round.is_multiple_of(64) {
            bytes.extend(request(&["SET", &format!("large{client}"), &large]));
        }
        if stream.write_all(&bytes).is_err() {
            return;
        }
        for _ in 0..under_way {
            let Some(line) = read_line(&mut reader) else { return };
            acknowledged.store(line[1..].parse().unwrap(), Ordering::SeqCst);
        }
        if round.is_multiple_of(64) && read_line(&mut reader).is_none() {
            return;
        }
    }
}

#[test]
fn nothing_acknowledged_is_lost_to_a_kill() {
    let kills = std::env::var("LARDER_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(4);
    let folder = tempfile::tempdir().unwrap();
    let acknowledged: Arc<[AtomicU64; CLIENTS]> = Arc::default();
    let (mut lost, mut writes) = (0, 0);
    for kill in 0..kills {
        let fsync = ["everysec", "always", "no"][kill % 3];
        let mut server = Server::start(folder.path(), fsync);
        for (client, last) in acknowledged.iter().enumerate() {
            let (there, known) =
                (server.number(&["GET", &format!("counter{client}")]), last.load(Ordering::SeqCst));
            if there < known {
                println!("kill {kill}: counter{client} is {there} of {known} acknowledged");
                lost += known - there;
            }
            last.store(there, Ordering::SeqCst);
        }
        let begin = Arc::new(Barrier::new(CLIENTS + 1));
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| {
                let (begin, acknowledged) = (begin.clone(), acknowledged.clone());
                let address = server.address;
                std::thread::spawn(move || {
                    begin.wait();
                    count_up(address, client, &acknowledged[client]);
                })
            })
            .collect();
        begin.wait();
        let before: u64 = acknowledged.iter().map(|last| last.load(Ordering::SeqCst)).sum();
        // A different moment each time: after so many acknowledged writes.
        let goal = 200 + (kill as u64 * 7919) % 3000;
        let sum = || acknowledged.iter().map(|last| last.load(Ordering::SeqCst)).sum::<u64>();
        while sum() < before + goal {
            std::thread::yield_now();
        }
        server.child.kill().unwrap();
        server.child.wait().unwrap();
        clients.into_iter().for_each(|client| client.join().unwrap());
        writes += sum() - before;
    }
    println!("{kills} kills, {writes} acknowledged writes, {lost} of them lost");
    assert_eq!(lost, 0);
}
