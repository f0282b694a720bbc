//! Concurrent histories of the linked engine are linearizable: strings, lists with blocking,
//! transactions over shards, scripts that reach into each other's shards.
//!
//! Each history is short: a few threads with a session each make random calls on few keys, and
//! every call is stamped before and after. `checker` then looks for an order in which `model`, one
//! plain thread, answers the same. The calls come from a seed (`LARDER_SEED`; how the threads meet
//! does not), and `LARDER_HISTORIES` asks for more of them: `cargo xtask soak` does.

#![allow(clippy::disallowed_methods, reason = "seeds come from the environment")]

mod checker;
mod model;
mod worker;

use checker::{Call, linearize};
use larder_engine::testing::TestEngine;
use model::{Op, Store, words};
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use worker::{Shared, Worker};

/// Histories of each kind, and calls that each thread of one makes.
const HISTORIES: u64 = 300;
const CALLS: usize = 7;
const THREADS: usize = 4;

#[test]
fn strings() {
    check(&["s0", "s1"], &[], |worker| {
        for _ in 0..CALLS {
            let key = ["s0", "s1"][worker.rng.usize(..2)];
            let digit = worker.rng.u8(1..5);
            let other = worker.rng.u8(1..5);
            let line = match worker.rng.u8(..8) {
                0 => format!("SET {key} {digit}"),
                1 => format!("GET {key}"),
                2 => format!("INCR {key}"),
                3 => format!("APPEND {key} {digit}"),
                4 => format!("GETSET {key} {digit}"),
                5 => format!("SET {key} {digit} IFEQ {other}"),
                6 => format!("MSET s0 {digit} s1 {other}"),
                _ => "MGET s0 s1".to_owned(),
            };
            worker.command(&line);
        }
    });
}

/// Money goes from one account to another, in other shards, by WATCH and EXEC.
#[test]
fn transfers() {
    check(&["s0", "s1", "s2", "s3"], &[], |worker| {
        for _ in 0..CALLS / 3 {
            let from = worker.rng.usize(..4);
            let to = (from + 1 + worker.rng.usize(..3)) % 4;
            worker.command(&format!("WATCH s{from} s{to}"));
            let balances = worker.command(&format!("MGET s{from} s{to}"));
            let [one, other] = integers(&balances);
            let move_one = [format!("SET s{from} {}", one - 1), format!("SET s{to} {}", other + 1)];
            worker.transaction(&move_one);
            worker.command("MGET s0 s1 s2 s3");
        }
    });
}

#[test]
fn lists() {
    check(&[], &["l0", "l1"], |worker| {
        for n in 0..CALLS {
            let key = ["l0", "l1"][worker.rng.usize(..2)];
            let other = ["l0", "l1"][worker.rng.usize(..2)];
            let line = match worker.rng.u8(..9) {
                0 => format!("LPUSH {key} {n}a {n}b"),
                1 | 2 => format!("RPUSH {key} {n}c"),
                3 => format!("RPOP {key}"),
                4 => format!("LMOVE {key} {other} RIGHT LEFT"),
                5 => format!("BLPOP {key} 0"),
                6 => "BLPOP l0 l1 0".to_owned(),
                7 => format!("BLMOVE {key} {other} LEFT RIGHT 0"),
                _ => format!("LRANGE {key} 0 -1"),
            };
            worker.command(&line);
        }
    });
}

/// Transactions that push to waiters, and watches on what waiters take.
#[test]
fn waiters_and_transactions() {
    check(&[], &["l0", "l1"], |worker| {
        for n in 0..CALLS / 2 {
            match worker.rng.u8(..4) {
                0 => drop(worker.command("BLPOP l1 l0 0")),
                1 => drop(worker.command("BLMOVE l0 l1 LEFT LEFT 0")),
                2 => {
                    let lines = [format!("RPUSH l0 {n}a {n}b"), "LPOP l0".into()];
                    worker.transaction(&lines);
                }
                _ => {
                    worker.command("WATCH l1");
                    let lines = ["LMOVE l0 l1 LEFT RIGHT".into(), format!("RPUSH l1 {n}c")];
                    worker.transaction(&lines);
                }
            }
        }
    });
}

/// Scripts that name one key and turn to others, which other scripts have named.
#[test]
fn scripts_that_reach() {
    check(&["s0", "s1", "s2", "s3"], &[], |worker| {
        for n in 0..CALLS / 2 {
            let named = worker.rng.usize(..4);
            let [one, other] = [worker.rng.usize(..4), worker.rng.usize(..4)];
            match worker.rng.u8(..6) {
                0 => drop(worker.command("MGET s0 s1 s2 s3")),
                1 => drop(worker.command(&format!("MSET s{one} {n} s{other} 7"))),
                2 => {
                    let lines = [format!("INCR s{one}"), format!("GET s{other}")];
                    worker.transaction(&lines);
                }
                _ => {
                    let lines = [
                        format!("INCR s{named}"),
                        format!("GET s{one}"),
                        format!("SET s{other} {n}"),
                        format!("MGET s{one} s{named}"),
                    ];
                    let from = worker.rng.usize(..2);
                    worker.script(&[&*format!("s{named}")][from..], &lines);
                }
            }
        }
    });
}

/// Scripts that push to lists they have not named, for which others wait.
#[test]
fn scripts_and_waiters() {
    check(&[], &["l0", "l1", "l2"], |worker| {
        for n in 0..CALLS / 2 {
            match worker.rng.u8(..5) {
                0 => drop(worker.command("BLPOP l1 l2 0")),
                1 => drop(worker.command("BLMOVE l1 l2 LEFT RIGHT 0")),
                _ => {
                    let lines = [
                        format!("RPUSH l1 {n}a"),
                        "LMOVE l1 l0 LEFT LEFT".to_owned(),
                        format!("RPUSH l2 {n}b"),
                        "LRANGE l0 0 -1".to_owned(),
                    ];
                    worker.script(&["l0"], &lines);
                }
            }
        }
    });
}

/// Plays many histories of `work` and checks each. Strings hold 5 at the start; threads that wait
/// for a list are fed once all of them wait.
fn check(strings: &[&str], lists: &[&str], work: impl Fn(&mut Worker<'_>) + Sync) {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let first = number("LARDER_SEED").unwrap_or(1);
    for seed in (first..).take(number("LARDER_HISTORIES").unwrap_or(HISTORIES) as usize) {
        let calls = history(seed, strings, lists, &work);
        if let Err(longest) = linearize(&Store::default(), &calls) {
            panic!("seed {seed}: not linearizable\n{}", shown(&calls, &longest));
        }
    }
}

fn history(
    seed: u64,
    strings: &[&str],
    lists: &[&str],
    work: &(impl Fn(&mut Worker<'_>) + Sync),
) -> Vec<Call<Op>> {
    let test = TestEngine::new(4);
    let shared = Shared::default();
    let (start, running) = (Barrier::new(THREADS), AtomicUsize::new(THREADS));
    let mut keeper = Worker::new(&test.engine, &shared, THREADS, seed);
    strings.iter().for_each(|key| drop(keeper.command(&format!("SET {key} 5"))));
    let mut calls = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|number| {
                let (test, shared, start, running) = (&test, &shared, &start, &running);
                scope.spawn(move || {
                    let _runs = Runs(running);
                    let mut worker = Worker::new(&test.engine, shared, number, seed);
                    start.wait();
                    work(&mut worker);
                    worker.into_calls()
                })
            })
            .collect();
        feed(&mut keeper, &shared, &running, lists);
        let calls = threads.into_iter().flat_map(|thread| thread.join().expect("a worker"));
        calls.collect::<Vec<_>>()
    });
    strings.iter().for_each(|key| drop(keeper.command(&format!("GET {key}"))));
    lists.iter().for_each(|key| drop(keeper.command(&format!("LRANGE {key} 0 -1"))));
    calls.extend(keeper.into_calls());
    calls
}

/// A thread that runs, until this is dropped.
struct Runs<'r>(&'r AtomicUsize);

impl Drop for Runs<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

/// Pushes to every list whenever all threads that still run wait, until none does.
fn feed(keeper: &mut Worker<'_>, shared: &Shared, running: &AtomicUsize, lists: &[&str]) {
    while running.load(SeqCst) > 0 {
        let served = shared.served.load(SeqCst);
        let waiting = shared.waits.load(SeqCst) - served;
        if waiting > 0 && waiting >= running.load(SeqCst) {
            lists.iter().for_each(|key| drop(keeper.command(&format!("RPUSH {key} fed"))));
            while shared.served.load(SeqCst) == served {
                std::thread::yield_now();
            }
        }
        std::thread::yield_now();
    }
}

/// The numbers in an array of two bulk strings.
fn integers(reply: &[u8]) -> [i64; 2] {
    let text = String::from_utf8_lossy(reply).into_owned();
    let lines: Vec<&str> = text.split("\r\n").collect();
    [2, 4].map(|line| lines[line].parse().expect("a number"))
}

/// A history for a reader: in the order of invocation, with the longest order that was found.
fn shown(calls: &[Call<Op>], longest: &[usize]) -> String {
    let mut order: Vec<usize> = (0..calls.len()).collect();
    order.sort_by_key(|&call| calls[call].invoked);
    let line = |&call: &usize| {
        let Call { session, op, reply, invoked, answered } = &calls[call];
        let text = |words: &Vec<Vec<u8>>| String::from_utf8_lossy(&words.join(&b' ')).into_owned();
        let op = match op {
            Op::Command(words) => text(words),
            Op::Transaction(queue) => {
                format!("EXEC [{}]", queue.iter().map(text).collect::<Vec<_>>().join("; "))
            }
            Op::Script(queue) => {
                format!("EVAL [{}]", queue.iter().map(text).collect::<Vec<_>>().join("; "))
            }
        };
        let place = longest.iter().position(|&other| other == call);
        let place = place.map_or("  –".to_owned(), |place| format!("{place:3}"));
        let reply = String::from_utf8_lossy(reply).replace("\r\n", " ");
        format!("{place}  {invoked:4}–{answered:<4} session {session}: {op} → {reply}")
    };
    order.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn call(session: usize, line: &str, reply: &str, invoked: u64, answered: u64) -> Call<Op> {
    Call { session, op: Op::Command(words(line)), reply: reply.into(), invoked, answered }
}

fn is_linearizable(calls: &[Call<Op>]) -> bool {
    linearize(&Store::default(), calls).is_ok()
}

#[test]
fn the_checker_refuses_what_no_thread_could_have_done() {
    let set = || call(0, "SET a 1", "+OK\r\n", 0, 5);
    let new = |at| call(1, "GET a", "$1\r\n1\r\n", at, at + 1);
    let old = |at| call(2, "GET a", "$-1\r\n", at, at + 1);
    // Beside the write both are right, after it only the new value, and never back again.
    assert!(is_linearizable(&[set(), old(1), new(3)]));
    assert!(is_linearizable(&[set(), old(1), new(6)]));
    assert!(!is_linearizable(&[set(), old(6)]));
    assert!(!is_linearizable(&[set(), new(1), old(3)]));
    // Both counted from the same value.
    let incr = |session| call(session, "INCR n", ":1\r\n", 0, 5);
    assert!(!is_linearizable(&[incr(0), incr(1)]));
}

#[test]
fn the_checker_refuses_torn_transactions_and_elements_taken_twice() {
    let moved = |reply: &str| {
        let queue = vec![words("SET a 1"), words("SET b 1")];
        Call { op: Op::Transaction(queue), ..call(0, "", reply, 2, 9) }
    };
    let both = |reply| call(1, "MGET a b", reply, 3, 4);
    let done = "*2\r\n+OK\r\n+OK\r\n";
    assert!(is_linearizable(&[moved(done), both("*2\r\n$-1\r\n$-1\r\n")]));
    assert!(!is_linearizable(&[moved(done), both("*2\r\n$1\r\n1\r\n$-1\r\n")]));
    // An EXEC that succeeds although what it watched was changed, and one that fails though not.
    let watch = || call(0, "WATCH a", "+OK\r\n", 0, 1);
    let write = || call(1, "SET a 2", "+OK\r\n", 1, 2);
    assert!(is_linearizable(&[watch(), write(), moved("*-1\r\n")]));
    assert!(!is_linearizable(&[watch(), write(), moved(done)]));
    assert!(!is_linearizable(&[watch(), moved("*-1\r\n")]));
    // One element for two waiters; and a waiter that was served nothing.
    let push = || call(0, "RPUSH l x", ":1\r\n", 2, 3);
    let take = |session| call(session, "BLPOP l 0", "*2\r\n$1\r\nl\r\n$1\r\nx\r\n", 0, 9);
    assert!(is_linearizable(&[push(), take(1)]));
    assert!(!is_linearizable(&[push(), take(1), take(2)]));
    assert!(!is_linearizable(&[take(1)]));
}
