//! Any bytes as the value that RESTORE is given, sealed rightly: no panic, no memory that only a
//! number asks for; and what is taken can be read, changed and dumped, and comes back the same.
//! Run: `cargo +nightly fuzz run restore_payload`.
//!
//! The first byte chooses the version and the settings of encodings, the rest is the value.
#![no_main]

use larder_engine::Session;
use larder_engine::testing::TestEngine;
use larder_resp::{Value, decode};
use libfuzzer_sys::fuzz_target;

/// Versions that can be read.
const VERSIONS: [u16; 5] = [6, 10, 11, 12, 80];

/// Settings under which small values are in their large encodings.
const TIGHT: [[&str; 2]; 6] = [
    ["list-max-listpack-size", "2"],
    ["hash-max-listpack-entries", "2"],
    ["set-max-intset-entries", "2"],
    ["set-max-listpack-entries", "2"],
    ["zset-max-listpack-entries", "2"],
    ["stream-node-max-entries", "2"],
];

/// What is done to a value of each type, whatever it answers.
const CHANGES: &[(&[u8], &[&str])] = &[
    (b"string", &["append K x", "incr K", "setrange K 5 y", "getrange K 0 -1"]),
    (b"list", &["lpush K a 1", "linsert K before a b", "lrem K 0 a", "lset K 0 z", "rpop K 2"]),
    (b"set", &["sadd K 1 a", "srem K 1", "spop K", "sadd K b c d", "sinter K K"]),
    (b"zset", &["zadd K 1 a 2 b", "zrank K a", "zrem K a", "zpopmin K", "zincrby K 1 b"]),
    (b"hash", &["hset K a 1 b 2", "hpexpire K 5 fields 1 a", "hdel K b", "hincrby K c 1"]),
    (
        b"stream",
        &[
            "xadd K * a 1",
            "xgroup create K fuzz 0",
            "xreadgroup group fuzz me count 2 streams K >",
            "xautoclaim K fuzz me 0 0",
            "xtrim K maxlen 2",
            "xinfo stream K full",
            "xdel K 1-1",
            "xsetid K 18446744073709551615-1",
        ],
    ),
];

fuzz_target!(|data: &[u8]| {
    let [choice, value @ ..] = data else { return };
    let version = VERSIONS[usize::from(choice & 7) % VERSIONS.len()];
    let test = TestEngine::new(2);
    test.engine.config().set("enable-debug-command", &[b"yes"]).expect("a setting of the table");
    let (mut session, _mailbox) = test.session();
    ask(&mut session, &[b"debug", b"set-skip-checksum-validation", b"1"]);
    if choice & 8 != 0 {
        for [name, value] in TIGHT {
            ask(&mut session, &[b"config", b"set", name.as_bytes(), value.as_bytes()]);
        }
    }
    let payload = [value, &version.to_le_bytes(), &[0; 8]].concat();
    if let Value::Error(_) = ask(&mut session, &[b"restore", b"k", b"0", &payload]) {
        return;
    }
    let digest = ask(&mut session, &[b"debug", b"digest-value", b"k"]);
    let dump = match ask(&mut session, &[b"dump", b"k"]) {
        Value::Bulk(dump) => dump,
        // A hash all of whose fields are due is not there.
        Value::Null => return,
        other => panic!("DUMP answers {other:?}"),
    };
    let again = ask(&mut session, &[b"restore", b"again", b"0", &dump]);
    assert!(!matches!(again, Value::Error(_)), "what was dumped is refused: {again:?}");
    let same = ask(&mut session, &[b"debug", b"digest-value", b"again"]);
    assert_eq!(digest, same, "what was dumped comes back as something else");
    let Value::Simple(kind) = ask(&mut session, &[b"type", b"k"]) else { panic!("no type") };
    let changes = CHANGES.iter().filter(|(name, _)| *name == &kind[..]);
    for line in changes.flat_map(|(_, lines)| *lines) {
        let words: Vec<&[u8]> =
            line.split(' ').map(|w| if w == "K" { "k" } else { w }.as_bytes()).collect();
        ask(&mut session, &words);
        ask(&mut session, &[b"debug", b"digest-value", b"k"]);
        ask(&mut session, &[b"object", b"encoding", b"k"]);
    }
    ask(&mut session, &[b"dump", b"k"]);
    ask(&mut session, &[b"debug", b"reload"]);
    ask(&mut session, &[b"unlink", b"k", b"again"]);
});

fn ask(session: &mut Session, words: &[&[u8]]) -> Value {
    let mut out = Vec::new();
    let _ = session.execute(words, &mut out);
    decode(&out).expect("a reply is RESP").expect("a reply is whole").0
}
