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
        b"zset" => ask(session, &[b"zrange", key, b"0", b"-1", b"withscores"]),
        _ => ask(session, &[b"smembers", key]),
    };
    let mut items = match reply {
        Value::Array(items) | Value::Set(items) => items,
        other => vec![other],
    };
    if &kind[..] == b"set" {
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
