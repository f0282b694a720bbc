//! Any lines as requests of three sessions on one engine: no panic, replies that decode, and the
//! logged effects replayed on an empty engine give the same state.
//! Run: `cargo +nightly fuzz run dispatch`.
//!
//! A line's first byte says whose it is, or moves the clock; a first word of one byte is a
//! command's number in the table, so that the fuzzer need not guess names.
#![no_main]

use larder_engine::commands::table::COMMANDS;
use larder_engine::mailbox::{Event, Mailbox, Recipients};
use larder_engine::testing::TestEngine;
use larder_engine::{Flow, Session};
use larder_resp::{ArgVec, Limits, Parsed, RequestParser, Value, decode};
use libfuzzer_sys::fuzz_target;
use std::sync::Arc;

const SESSIONS: usize = 3;

struct Client {
    session: Session,
    mailbox: Arc<Mailbox>,
    blocked: bool,
    out: Vec<u8>,
}

fuzz_target!(|data: &[u8]| {
    let [shards, data @ ..] = data else { return };
    let live = TestEngine::new(1 << (shards % 5));
    live.engine.log().listen_with(256 * 1024);
    let mut clients: Vec<Client> = (0..SESSIONS)
        .map(|_| {
            let (session, mailbox) = live.session();
            Client { session, mailbox, blocked: false, out: Vec::new() }
        })
        .collect();
    let replay = TestEngine::new(4);
    let (mut replayer, _mailbox) = replay.session();
    for line in data.split(|&byte| byte == b'\n') {
        let [who, line @ ..] = line else { continue };
        if *who >= 0xf0 {
            live.clock.advance_ms(u64::from(*who & 15) * 37);
            replay.clock.advance_ms(u64::from(*who & 15) * 37);
        } else {
            run(&mut clients[usize::from(*who) % SESSIONS], line);
        }
        settle(&mut clients, &live);
        follow(&live, &mut replayer);
    }
    drop(clients);
    follow(&live, &mut replayer);
    assert_eq!(state(&live), state(&replay), "the effects do not make the same state");
});

fn run(client: &mut Client, line: &[u8]) {
    if client.blocked {
        return;
    }
    let mut words: Vec<&[u8]> = line.split(|&byte| byte == b' ').collect();
    if let [number] = words[0] {
        words[0] = COMMANDS[usize::from(*number) % COMMANDS.len()].spec.name.as_bytes();
    }
    // These answer nothing by design, or stop what is being tested.
    let silent = [&b"client"[..], b"debug", b"shutdown", b"monitor"];
    if silent.iter().any(|name| words[0].eq_ignore_ascii_case(name)) {
        return;
    }
    match client.session.execute(&words, &mut client.out) {
        Flow::Blocked => client.blocked = true,
        Flow::Continue | Flow::Close | Flow::Retry | Flow::Paused(_) => {}
    }
    drain(&mut client.out);
}

/// Delivers events and ends waits whose time has come, until nothing moves.
fn settle(clients: &mut [Client], live: &TestEngine) {
    let mut moved = true;
    while moved {
        moved = false;
        for client in clients.iter_mut() {
            let mut events: Vec<(Recipients, Event)> = Vec::new();
            client.mailbox.take(&mut events);
            moved |= !events.is_empty();
            for (_, event) in events {
                let _ = client.session.deliver(&event, &mut client.out);
            }
            moved |= client.session.time_out(live.engine.now_us() / 1000, &mut client.out);
            client.blocked = client.session.is_blocked();
            drain(&mut client.out);
        }
    }
}

/// Replies must decode, one after the other, with nothing left over.
fn drain(out: &mut Vec<u8>) {
    let mut at = 0;
    while at < out.len() {
        let (_, used) = decode(&out[at..]).expect("a reply is RESP").expect("a reply is whole");
        at += used;
    }
    out.clear();
}

/// Replays what was logged since.
fn follow(live: &TestEngine, replayer: &mut Session) {
    while let Some(frame) = live.engine.log().next_frame() {
        let mut out = Vec::new();
        let db = frame.db.to_string();
        let _ = replayer.execute(&[b"select", db.as_bytes()], &mut out);
        let mut at = 0;
        while at < frame.payload.len() {
            let mut parser = RequestParser::new();
            let mut words = ArgVec::new();
            let parsed = parser.parse(&frame.payload[at..], &Limits::default(), &mut words);
            let Ok(Parsed::Request { consumed }) = parsed else { panic!("a frame is commands") };
            let start = out.len();
            let _ = replayer.execute(&words, &mut out);
            assert_ne!(out[start], b'-', "a logged effect is refused: {words:?}");
            at += consumed;
        }
    }
}

/// Everything that clients can see, in one order.
fn state(engine: &TestEngine) -> Vec<(u8, Vec<u8>, Value, Value)> {
    let (mut session, _mailbox) = engine.session();
    let mut ask = |words: &[&[u8]]| {
        let mut out = Vec::new();
        let _ = session.execute(words, &mut out);
        decode(&out).expect("a reply is RESP").expect("a reply is whole").0
    };
    let mut all = Vec::new();
    for db in 0..16u8 {
        ask(&[b"select", db.to_string().as_bytes()]);
        let Value::Array(keys) = ask(&[b"keys", b"*"]) else { panic!("KEYS answers an array") };
        for key in keys {
            let Value::Bulk(key) = key else { panic!("a key is a string") };
            let Value::Simple(kind) = ask(&[b"type", &key]) else { panic!("TYPE is a word") };
            let mut value = match &kind[..] {
                b"string" => ask(&[b"get", &key]),
                b"list" => ask(&[b"lrange", &key, b"0", b"-1"]),
                _ => ask(&[b"smembers", &key]),
            };
            if let (b"set", Value::Array(members)) = (&kind[..], &mut value) {
                members.sort_by_key(|member| format!("{member:?}"));
            }
            let deadline = ask(&[b"pexpiretime", &key]);
            all.push((db, key, value, deadline));
        }
    }
    all.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
    all
}
