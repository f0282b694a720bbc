//! Values of every encoding out of their own bytes, with the settings they were made under and
//! with others.

use crate::testing::TestEngine;
use larder_resp::{Value, decode};

fn ask(session: &mut crate::Session, words: &[&[u8]]) -> Value {
    let mut out = Vec::new();
    let _ = session.execute(words, &mut out);
    decode(&out).expect("a reply is RESP").expect("a reply is whole").0
}

fn words(line: &str) -> Vec<Vec<u8>> {
    line.split(' ').map(|word| word.as_bytes().to_vec()).collect()
}

/// What a key holds, in a form that can be compared.
fn contents(session: &mut crate::Session, key: &[u8]) -> String {
    let Value::Simple(kind) = ask(session, &[b"type", key]) else { panic!("TYPE is a word") };
    let reply = match &kind[..] {
        b"string" => ask(session, &[b"get", key]),
        b"list" => ask(session, &[b"lrange", key, b"0", b"-1"]),
        b"hash" => ask(session, &[b"hgetall", key]),
        b"stream" => ask(session, &[b"xinfo", b"stream", key, b"full", b"count", b"0"]),
        b"zset" => ask(session, &[b"zrange", key, b"0", b"-1", b"withscores"]),
        _ => ask(session, &[b"smembers", key]),
    };
    let mut items = match reply {
        Value::Array(items) | Value::Set(items) => items,
        Value::Map(pairs) if &kind[..] == b"hash" => {
            pairs.into_iter().map(|(field, value)| Value::Array(vec![field, value])).collect()
        }
        other => vec![other],
    };
    if matches!(&kind[..], b"set" | b"hash") {
        items.sort_by_key(|item| format!("{item:?}"));
    }
    format!("{kind:?} {items:?}")
}

#[test]
fn every_encoding_comes_back() {
    let engine = TestEngine::new(4);
    let (mut session, _mailbox) = engine.session();
    let long = "x".repeat(10_000);
    let many = |prefix: &str, count: u32| {
        (0..count).map(|n| format!("{prefix}{n}")).collect::<Vec<_>>().join(" ")
    };
    let scored =
        |count: u32| (0..count).map(|n| format!("{} m{n}", n % 7)).collect::<Vec<_>>().join(" ");
    for (line, encoding) in [
        ("set k 12".to_owned(), "int"),
        ("set k short".to_owned(), "embstr"),
        (format!("set k {long}"), "raw"),
        ("rpush k a 1 b 2".to_owned(), "listpack"),
        (format!("rpush k a {long} {}", many("e", 2000)), "quicklist"),
        ("sadd k 3 1 2".to_owned(), "intset"),
        ("sadd k 3 one 2".to_owned(), "listpack"),
        (format!("sadd k {}", many("m", 1000)), "hashtable"),
        (format!("sadd k {long} b"), "hashtable"),
        ("zadd k 1 one 1.5 x -inf low inf high 1 10".to_owned(), "listpack"),
        (format!("zadd k 2 two {}", scored(500)), "skiplist"),
        (format!("zadd k 2 {long}"), "skiplist"),
        ("hset k f v 1 2 g 3".to_owned(), "listpack"),
        (format!("hset k f {long}"), "hashtable"),
        (format!("hset k {}", many("f", 1200)), "hashtable"),
    ] {
        ask(&mut session, &[b"flushall"]);
        let made = words(&line);
        ask(&mut session, &made.iter().map(Vec::as_slice).collect::<Vec<_>>());
        let Value::Bulk(payload) = ask(&mut session, &[b"dump", b"k"]) else { panic!("no dump") };
        let restored = ask(&mut session, &[b"restore", b"other", b"0", &payload]);
        assert_eq!(restored, Value::Simple(b"OK"[..].into()), "{line:.60}");
        let (before, after) = (contents(&mut session, b"k"), contents(&mut session, b"other"));
        assert_eq!(before, after, "{line:.60}");
        for key in [&b"k"[..], b"other"] {
            let named = ask(&mut session, &[b"object", b"encoding", key]);
            assert_eq!(named, Value::Bulk(encoding.into()), "{line:.60}");
        }
        // Bytes are changed one by one: what is taken nevertheless can be read.
        for at in 0..payload.len().min(100) {
            let mut damaged = payload[..payload.len() - 10].to_vec();
            damaged[at % (payload.len() - 10)] ^= 1 << (at % 8);
            larder_codec::rdb::seal(&mut damaged, larder_codec::rdb::Version::V10);
            ask(&mut session, &[b"restore", b"damaged", b"0", &damaged, b"replace"]);
            contents(&mut session, b"damaged");
        }
    }
}

/// Makes a key of these requests, and its payload.
fn made(session: &mut crate::Session, lines: &[&str]) -> Vec<u8> {
    ask(session, &[b"flushall"]);
    for line in lines {
        let line = words(line);
        let reply = ask(session, &line.iter().map(Vec::as_slice).collect::<Vec<_>>());
        assert!(!matches!(reply, Value::Error(_)), "{line:?}: {reply:?}");
    }
    match ask(session, &[b"dump", b"k"]) {
        Value::Bulk(payload) => payload,
        other => panic!("no dump: {other:?}"),
    }
}

#[test]
fn streams_come_back_with_their_groups() {
    let engine = TestEngine::new(4);
    let (mut session, _mailbox) = engine.session();
    ask(&mut session, &[b"hello", b"3"]);
    ask(&mut session, &[b"config", b"set", b"stream-node-max-entries", b"3"]);
    let mut lines = vec!["xgroup create k before $ mkstream".to_owned()];
    lines.extend((1..20).map(|n| format!("xadd k {n}-{n} field {n} other x{n}")));
    let rest = [
        "xdel k 5-5 6-6 7-7",
        "xgroup create k g 0",
        "xgroup create k empty 3-3",
        "xreadgroup group g ann count 3 streams k >",
        "xreadgroup group g bob count 4 streams k >",
        "xack k g 2-2",
        "xgroup createconsumer k g idle",
    ];
    lines.extend(rest.map(str::to_owned));
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let payload = made(&mut session, &lines);
    let restored = ask(&mut session, &[b"restore", b"k", b"0", &payload, b"replace"]);
    assert_eq!(restored, Value::Simple(b"OK"[..].into()));
    // A consumer's active time is not in the version that DUMP writes.
    assert_eq!(ask(&mut session, &[b"dump", b"k"]), Value::Bulk(payload.clone()));
    for at in 0..payload.len() - 10 {
        let mut damaged = payload[..payload.len() - 10].to_vec();
        damaged[at] ^= 1 << (at % 8);
        larder_codec::rdb::seal(&mut damaged, larder_codec::rdb::Version::V10);
        ask(&mut session, &[b"restore", b"damaged", b"0", &damaged, b"replace"]);
        contents(&mut session, b"damaged");
    }
}

#[test]
fn fields_that_expire_keep_their_deadlines() {
    let engine = TestEngine::new(4);
    let (mut session, _mailbox) = engine.session();
    ask(&mut session, &[b"hello", b"3"]);
    let lines = ["hset k a 1 b 2 c 3", "hpexpire k 5000 fields 1 a", "hpexpire k 7000 fields 1 b"];
    let ttls = [&b"hpexpiretime"[..], b"k", b"fields", b"3", b"a", b"b", b"c"];
    for (choice, version) in [("auto", 12), ("12", 12), ("valkey80", 80)] {
        ask(&mut session, &[b"config", b"set", b"rdb-save-version", choice.as_bytes()]);
        let payload = made(&mut session, &lines);
        assert_eq!(payload[payload.len() - 10], version);
        let before = ask(&mut session, &ttls);
        assert_eq!(before, ask(&mut session, &ttls));
        let restored = ask(&mut session, &[b"restore", b"k", b"0", &payload, b"replace"]);
        assert_eq!(restored, Value::Simple(b"OK"[..].into()), "{choice}");
        assert_eq!(ask(&mut session, &ttls), before, "{choice}");
        engine.clock.advance_ms(6000);
        assert_eq!(ask(&mut session, &[b"hlen", b"k"]), Value::Int(2), "{choice}");
    }
    ask(&mut session, &[b"flushall"]);
    ask(&mut session, &[b"config", b"set", b"rdb-save-version", b"11"]);
    ask(&mut session, &[b"hset", b"k", b"a", b"1"]);
    assert!(matches!(ask(&mut session, &[b"dump", b"k"]), Value::Bulk(_)));
    ask(&mut session, &[b"hpexpire", b"k", b"5000", b"fields", b"1", b"a"]);
    assert!(matches!(ask(&mut session, &[b"dump", b"k"]), Value::Error(_)));
}
