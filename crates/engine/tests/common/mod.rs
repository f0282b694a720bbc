//! What the model tests share: a dump of an engine through its public commands, and a grammar of
//! random commands.

#![allow(dead_code, reason = "each test uses its part")]

use larder_engine::testing::TestEngine;
use larder_engine::{Flow, Session, commands};
use larder_resp::{Value, decode};
use std::collections::BTreeMap;

pub(crate) mod grammar;

/// Databases of a store.
pub(crate) const DATABASES: u8 = 16;

/// A key's value and deadline, as commands show them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Shown {
    pub(crate) type_of: String,
    pub(crate) value: Value,
    pub(crate) deadline_ms: i64,
}

/// Everything in an engine.
pub(crate) type Dump = BTreeMap<(u8, Vec<u8>), Shown>;

/// Runs a command whose reply comes at once.
pub(crate) fn ask(session: &mut Session, words: &[&[u8]]) -> Value {
    let mut out = Vec::new();
    let flow = session.execute(words, &mut out);
    assert_eq!(flow, Flow::Continue, "{words:?}");
    one_value(&out)
}

/// The only value in some bytes.
pub(crate) fn one_value(bytes: &[u8]) -> Value {
    match decode(bytes) {
        Ok(Some((value, len))) if len == bytes.len() => value,
        other => panic!("{other:?} in {:?}", String::from_utf8_lossy(bytes)),
    }
}

/// Reads everything through commands.
pub(crate) fn dump(engine: &TestEngine) -> Dump {
    let (mut session, _mailbox) = engine.session();
    let mut dump = Dump::new();
    for db in 0..DATABASES {
        session.select(db);
        for key in items(ask(&mut session, &[b"KEYS", b"*"])) {
            let Value::Bulk(key) = key else { panic!("{key:?}") };
            let Value::Simple(type_of) = ask(&mut session, &[b"TYPE", &key]) else { panic!() };
            let type_of = String::from_utf8(type_of).unwrap();
            let value = match type_of.as_str() {
                "string" => ask(&mut session, &[b"GET", &key]),
                "list" => ask(&mut session, &[b"LRANGE", &key, b"0", b"-1"]),
                "set" => Value::Array(sorted(ask(&mut session, &[b"SMEMBERS", &key]))),
                "zset" => ask(&mut session, &[b"ZRANGE", &key, b"0", b"-1", b"WITHSCORES"]),
                "hash" => Value::Array(fields(&mut session, &key)),
                "stream" => stream_without_times(&mut session, &key),
                other => panic!("the dump knows no {other}"),
            };
            let Value::Int(deadline_ms) = ask(&mut session, &[b"PEXPIRETIME", &key]) else {
                panic!()
            };
            dump.insert((db, key), Shown { type_of, value, deadline_ms });
        }
    }
    dump
}

/// The fields of a hash in a fixed order, each with its value and deadline.
fn fields(session: &mut Session, key: &[u8]) -> Vec<Value> {
    let names = sorted(ask(session, &[b"HKEYS", key]));
    assert_eq!(ask(session, &[b"HLEN", key]), Value::Int(names.len() as i64));
    let shown = names.into_iter().map(|name| {
        let Value::Bulk(field) = &name else { panic!("{name:?}") };
        let value = ask(session, &[b"HGET", key, field]);
        let deadline = ask(session, &[b"HPEXPIRETIME", key, b"FIELDS", b"1", field]);
        Value::Array(vec![name, value, deadline])
    });
    shown.collect()
}

/// Everything about a stream but the moments at which its consumers did something.
fn stream_without_times(session: &mut Session, key: &[u8]) -> Value {
    let entries = ask(session, &[b"XRANGE", key, b"-", b"+"]);
    let mut about = ask(session, &[b"XINFO", b"STREAM", key, b"FULL", b"COUNT", b"0"]);
    without_times(&mut about);
    Value::Array(vec![entries, about])
}

fn without_times(value: &mut Value) {
    let Value::Array(items) = value else { return };
    for at in 1..items.len() {
        let Value::Bulk(name) = items[at - 1].clone() else { continue };
        match (&*name, &mut items[at]) {
            (b"seen-time" | b"active-time", time) => *time = Value::Null,
            (b"pending", Value::Array(pending)) => {
                // ID, consumer unless it is known, time, count.
                for record in pending {
                    let Value::Array(record) = record else { panic!("{record:?}") };
                    let time = record.len() - 2;
                    record.remove(time);
                }
            }
            _ => {}
        }
    }
    items.iter_mut().for_each(without_times);
}

/// Says where two dumps differ, and fails if they do.
pub(crate) fn assert_same(left: &Dump, right: &Dump, when: &str) {
    if left == right {
        return;
    }
    for (key, value) in left {
        let other = right.get(key);
        if other != Some(value) {
            let key = (key.0, String::from_utf8_lossy(&key.1));
            panic!("{when}: {key:?}\n left {value:?}\nright {other:?}");
        }
    }
    let extra: Vec<_> = right.iter().filter(|(key, _)| !left.contains_key(*key)).take(3).collect();
    panic!("{when}: only on the right: {extra:?}");
}

/// The elements of an aggregate.
pub(crate) fn items(value: Value) -> Vec<Value> {
    match value {
        Value::Array(items) | Value::Set(items) => items,
        other => panic!("{other:?}"),
    }
}

/// The elements of an aggregate, in a fixed order.
pub(crate) fn sorted(value: Value) -> Vec<Value> {
    let mut items = items(value);
    items.sort_by_key(|item| format!("{item:?}"));
    items
}

/// Whether there is a command of this name.
pub(crate) fn is_known(name: &str) -> bool {
    commands::find(name.as_bytes()).is_some()
}
