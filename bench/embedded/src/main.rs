//! One contender, once: fills a linked store with a million keys and says what a call costs.
//!
//! `embedded-bench list` names the contenders; `embedded-bench NAME THREADS KEYS` prints the
//! microseconds per call of fill, SET and GET and the resident bytes per key. Each run is a process
//! of its own, so that no contender inherits another's heap. `cargo xtask bench embedded` runs them
//! in turn and makes the table. It must not know how a store works inside; see `contenders`.

mod contenders;

use std::process::ExitCode;
use std::time::Instant;

use contenders::open;

type Key = [u8; 16];

const VALUE_BYTES: usize = 64;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let number = |text: &str| text.parse::<usize>().unwrap_or(0);
    match args[..] {
        ["list"] => {
            println!("{}", contenders::NAMES.join(" "));
            ExitCode::SUCCESS
        }
        [name, threads, keys] if number(threads) > 0 && number(keys) > 0 => {
            match run(name, number(threads), number(keys)) {
                Some(line) => {
                    println!("{line}");
                    ExitCode::SUCCESS
                }
                None => {
                    eprintln!("{name}: one of {}", contenders::NAMES.join(", "));
                    ExitCode::FAILURE
                }
            }
        }
        _ => {
            eprintln!("usage: embedded-bench list | NAME THREADS KEYS");
            ExitCode::FAILURE
        }
    }
}

fn run(name: &str, threads: usize, count: usize) -> Option<String> {
    let mut keys = keys(count);
    let mut seed = 0x9e37_79b9_7f4a_7c15;
    shuffle(&mut keys, &mut seed);
    let before = resident_bytes();
    let store = open(name)?;
    let store = store.as_ref();
    let fill_us = timed(&keys, threads, |key, value, _| store.set(key, value));
    shuffle(&mut keys, &mut seed);
    let set_us = timed(&keys, threads, |key, value, _| store.set(key, value));
    let per_key = (resident_bytes() - before) as f64 / count as f64;
    shuffle(&mut keys, &mut seed);
    let get_us = timed(&keys, threads, |key, value, out| {
        out.clear();
        store.get(key, out);
        assert_eq!(out.as_slice(), value, "{name} does not answer what was written");
    });
    Some(format!("{fill_us:.4} {set_us:.4} {get_us:.4} {per_key:.1}"))
}

/// Wall time per call in microseconds: every thread works on its own part of the keys.
fn timed(keys: &[Key], threads: usize, call: impl Fn(&Key, &[u8], &mut Vec<u8>) + Sync) -> f64 {
    let value = [b'v'; VALUE_BYTES];
    let began = Instant::now();
    std::thread::scope(|scope| {
        let call = &call;
        for part in keys.chunks(keys.len().div_ceil(threads)) {
            scope.spawn(move || {
                let mut out = Vec::with_capacity(VALUE_BYTES);
                for key in part {
                    call(key, &value, &mut out);
                }
            });
        }
    });
    began.elapsed().as_secs_f64() * 1e6 / keys.len() as f64
}

fn keys(count: usize) -> Vec<Key> {
    let key = |n: usize| {
        let mut key = [0; 16];
        key.copy_from_slice(format!("key:{n:012}").as_bytes());
        key
    };
    (0..count).map(key).collect()
}

/// Fisher and Yates, with xorshift: the same order in every process.
fn shuffle(keys: &mut [Key], seed: &mut u64) {
    for i in (1..keys.len()).rev() {
        *seed ^= *seed << 13;
        *seed ^= *seed >> 7;
        *seed ^= *seed << 17;
        keys.swap(i, (*seed % (i as u64 + 1)) as usize);
    }
}

fn resident_bytes() -> i64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|text| text.trim().split(' ').next()?.parse::<i64>().ok());
    kib.unwrap_or(0) * 1024
}
