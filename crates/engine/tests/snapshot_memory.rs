//! What a write to a large collection costs while a snapshot runs: the part that it touches, not
//! the collection. Measured on the process, so this file has one test and a process of its own.
#![cfg(target_os = "linux")]
#![allow(clippy::disallowed_methods, reason = "reads what the kernel says of this process")]

use larder_engine::testing::{TestEngine, send};

/// Elements of each collection.
const ELEMENTS: usize = if cfg!(debug_assertions) { 100_000 } else { 1_000_000 };

/// Elements that one request adds.
const AT_ONCE: usize = 1000;

/// A collection: how to add elements, how to count them, a change of one element.
struct Specimen {
    key: &'static str,
    add: fn(usize) -> String,
    count: &'static str,
    change: &'static str,
}

const SPECIMENS: [Specimen; 5] = [
    Specimen {
        key: "set",
        add: |n| format!(" member:{n:08}"),
        count: "SCARD",
        change: "SREM set member:00000007",
    },
    Specimen {
        key: "hash",
        add: |n| format!(" field:{n:08} value:{n}"),
        count: "HLEN",
        change: "HSET hash field:00000007 another",
    },
    Specimen {
        key: "list",
        add: |n| format!(" element:{n:08}"),
        count: "LLEN",
        change: "LSET list 70007 another",
    },
    Specimen {
        key: "zset",
        add: |n| format!(" {n} member:{n:08}"),
        count: "ZCARD",
        change: "ZADD zset 5.5 member:00000007",
    },
    Specimen {
        key: "stream",
        add: |_| String::new(),
        count: "XLEN",
        change: "XDEL stream 70007-1",
    },
];

#[test]
fn a_write_copies_the_part_that_it_touches() {
    // Memory that one gives back would be taken for another's.
    let mut kept = Vec::new();
    for specimen in &SPECIMENS {
        let Specimen { key, count, change, .. } = specimen;
        let test = TestEngine::new(1);
        let (mut session, _mailbox) = test.session();
        let empty = resident_bytes();
        fill(&mut |line| drop(send(&mut session, line)), specimen);
        let size = resident_bytes() - empty;
        let all = send(&mut session, &format!("{count} {key}"));
        assert_eq!(all, format!(":{ELEMENTS}\r\n").into_bytes(), "{key}");

        let before = resident_bytes();
        let mut snapshot = test.engine.begin_snapshot().expect("nothing else runs");
        assert!(!send(&mut session, change).starts_with(b"-"), "{change}");
        let copied = resident_bytes().saturating_sub(before);
        println!("{key}: {size} bytes, {copied} more after a write");
        assert!(size > ELEMENTS as u64 * 4, "{key}: {size} bytes");
        assert!(copied * 8 < size, "{key}: {copied} of {size} bytes were copied");

        let copy = TestEngine::new(1);
        while let Some(entries) = snapshot.step(100) {
            copy.engine.load(entries);
        }
        let (mut session, _mailbox) = copy.session();
        assert_eq!(send(&mut session, &format!("{count} {key}")), all, "{key} as it was");
        kept.push((test, copy, snapshot));
    }
}

fn fill(send: &mut dyn FnMut(&str), specimen: &Specimen) {
    let Specimen { key, add, .. } = specimen;
    for first in (0..ELEMENTS).step_by(AT_ONCE) {
        if *key == "stream" {
            (first..first + AT_ONCE).for_each(|n| send(&format!("XADD stream {n}-1 field {n}")));
            continue;
        }
        let name = match *key {
            "set" => "SADD",
            "hash" => "HSET",
            "list" => "RPUSH",
            _ => "ZADD",
        };
        let elements: String = (first..first + AT_ONCE).map(add).collect();
        send(&format!("{name} {key}{elements}"));
    }
}

/// Memory of this process.
fn resident_bytes() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").expect("Linux has it");
    let pages: u64 = text.split(' ').nth(1).and_then(|n| n.parse().ok()).expect("a number");
    pages * 4096
}
