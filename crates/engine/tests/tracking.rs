//! Client-side caching as a client uses it: whatever a session has cached is what the store holds,
//! once it has taken its events.

use larder_engine::engine::Housekeeping;
use larder_engine::mailbox::{Event, Mailbox, Recipients};
use larder_engine::testing::{TestEngine, send};
use larder_engine::{Flow, Session};
use larder_resp::{Value, decode};
use std::collections::HashMap;
use std::sync::Arc;

/// A client that keeps what it reads until it is told to drop it.
struct Caching {
    session: Session,
    mailbox: Arc<Mailbox>,
    mode: &'static str,
    cached: HashMap<String, Value>,
}

impl Caching {
    fn new(t: &TestEngine, mode: &'static str) -> Self {
        let (mut session, mailbox) = t.session();
        send(&mut session, "HELLO 3");
        let reply = send(&mut session, format!("CLIENT TRACKING ON {mode}").trim());
        assert_eq!(reply, b"+OK\r\n", "{mode}");
        Caching { session, mailbox, mode, cached: HashMap::new() }
    }

    fn read(&mut self, key: &str) {
        if self.mode == "OPTIN" {
            send(&mut self.session, "CLIENT CACHING YES");
        }
        let value = ask(&mut self.session, &format!("GET {key}"));
        self.cached.insert(key.to_owned(), value);
    }

    /// Changes something; who does not hear of its own changes drops what it has.
    fn write(&mut self, line: &str) {
        send(&mut self.session, line);
        if self.mode.contains("NOLOOP") {
            line.split(' ').for_each(|word| drop(self.cached.remove(word)));
        }
    }

    /// Takes the events and drops what they name.
    fn hear(&mut self) {
        let mut events: Vec<(Recipients, Event)> = Vec::new();
        self.mailbox.take(&mut events);
        let mut out = Vec::new();
        for (_, event) in &events {
            assert_eq!(self.session.deliver(event, &mut out), Flow::Continue);
        }
        let mut rest = &out[..];
        while let Ok(Some((push, len))) = decode(rest) {
            rest = &rest[len..];
            let Value::Push(parts) = push else { panic!("{push:?}") };
            match &parts[..] {
                [_, Value::Array(keys)] => keys.iter().for_each(|key| {
                    let Value::Bulk(key) = key else { panic!("{key:?}") };
                    self.cached.remove(std::str::from_utf8(key).unwrap());
                }),
                [_, Value::Null] => self.cached.clear(),
                other => panic!("{other:?}"),
            }
        }
        assert!(rest.is_empty());
    }
}

fn ask(session: &mut Session, line: &str) -> Value {
    let reply = send(session, line);
    decode(&reply).unwrap().unwrap().0
}

/// Random reads and changes by clients of all modes, in a table with room and in one without.
#[test]
fn what_is_cached_is_what_is_there() {
    for seed in 0..60 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let t = TestEngine::new([1, 4, 16][seed as usize % 3]);
        if seed % 2 == 0 {
            t.engine.config().set("tracking-table-max-keys", &[b"2"]).unwrap();
        }
        let modes = ["", "NOLOOP", "OPTIN", "OPTOUT", "BCAST", "BCAST NOLOOP", "BCAST PREFIX k"];
        let mut clients: Vec<Caching> = modes.iter().map(|mode| Caching::new(&t, mode)).collect();
        let (mut other, _mailbox) = t.session();
        let mut housekeeping = Housekeeping::default();
        for step in 0..400 {
            let key = format!("k{}", rng.u32(..5));
            let line = match rng.u32(..14) {
                0 => format!("DEL {key}"),
                1 => format!("APPEND {key} x"),
                2 => format!("SET {key} {step} PX {}", rng.u32(1..20)),
                3 => format!("RENAME {key} k{}", rng.u32(..5)),
                4 => format!("COPY {key} k{} REPLACE", rng.u32(..5)),
                5 => format!("GETEX {key} PX 5"),
                6 if rng.u32(..10) == 0 => "FLUSHALL".to_owned(),
                7 if rng.u32(..5) == 0 => "SWAPDB 0 1".to_owned(),
                8 => format!("MSET {key} {step} k0 {step}"),
                _ => format!("SET {key} {step}"),
            };
            let client = rng.usize(..clients.len());
            match rng.u32(..10) {
                0..5 => clients[client].read(&key),
                5 | 6 => clients[client].write(&line),
                7 => {
                    send(&mut other, "MULTI");
                    send(&mut other, &line);
                    send(&mut other, &format!("SET {key} in-{step}"));
                    send(&mut other, "EXEC");
                }
                8 => {
                    t.clock.advance_ms(rng.u64(..10));
                    if rng.bool() {
                        t.engine.expire_due(&mut housekeeping);
                    }
                }
                _ => drop(send(&mut other, &line)),
            }
            // To look removes what is due, which is told then.
            let there: HashMap<String, Value> =
                (0..5).map(|n| (format!("k{n}"), ask(&mut other, &format!("GET k{n}")))).collect();
            for client in &mut clients {
                client.hear();
                for (key, value) in &client.cached {
                    let mode = client.mode;
                    assert_eq!(value, &there[key], "{key} of {mode:?}, seed {seed}, step {step}");
                }
            }
        }
        let keys = figure(&mut other, "keys");
        assert!(seed % 2 == 1 || keys <= 2, "{keys} keys are remembered");
        drop(clients);
        assert_eq!(["keys", "items", "prefixes"].map(|name| figure(&mut other, name)), [0, 0, 0]);
    }
}

/// One of INFO's figures of tracking.
fn figure(session: &mut Session, name: &str) -> u64 {
    let info = String::from_utf8(send(session, "INFO stats")).unwrap();
    let name = format!("tracking_total_{name}:");
    info.lines().find_map(|line| line.strip_prefix(&name)).unwrap().parse().unwrap()
}

/// Sessions that came, read one key and left used to be remembered for as long as nobody changed
/// the key.
#[test]
fn who_has_left_is_forgotten_in_time() {
    let t = TestEngine::new(1);
    let mut first = Caching::new(&t, "");
    first.read("k");
    for _ in 0..1000 {
        Caching::new(&t, "").read("k");
    }
    let items = figure(&mut first.session, "items");
    assert!(items <= 4, "{items}");
}
