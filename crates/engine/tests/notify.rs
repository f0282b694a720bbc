//! Every change of a key is told by keyspace notifications, and nothing is told that did not happen.

mod common;

use common::grammar::Grammar;
use common::{Dump, ask, dump};
use larder_engine::commands::{self, Known};
use larder_engine::mailbox::{Event, Mailbox};
use larder_engine::notify::names::{self, When};
use larder_engine::spec::{Group, flag};
use larder_engine::testing::TestEngine;
use larder_engine::{Flow, Session};
use std::collections::HashSet;
use std::sync::Arc;

const START_MS: u64 = 1_700_000_000_000;

/// What was told: database, event, key.
type Told = (u8, String, Vec<u8>);

/// An engine with somebody who hears all of its events.
struct Heard {
    test: TestEngine,
    session: Session,
    mailbox: Arc<Mailbox>,
    _subscriber: Session,
}

impl Heard {
    fn new(shards: u16, events: &str) -> Heard {
        let test = TestEngine::new(shards);
        let (mut subscriber, mailbox) = test.session();
        let mut out = Vec::new();
        let _ = subscriber.execute(&[b"PSUBSCRIBE", b"__key*__:*"], &mut out);
        let (mut session, _) = test.session();
        ask(&mut session, &[b"CONFIG", b"SET", b"notify-keyspace-events", events.as_bytes()]);
        Heard { test, session, mailbox, _subscriber: subscriber }
    }

    /// Runs a command; whether it changed something, if the log is on, and what was told.
    fn run(&mut self, words: &[Vec<u8>], db: u8) -> (bool, Vec<Told>) {
        let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
        self.session.select(db);
        if self.session.execute(&words, &mut Vec::new()) == Flow::Blocked {
            self.session.cancel_wait();
        }
        (self.changed(), self.told())
    }

    fn line(&mut self, line: &str) -> Vec<String> {
        let words: Vec<Vec<u8>> = line.split(' ').map(Into::into).collect();
        shown(&self.run(&words, 0).1)
    }

    /// Whether something was logged.
    fn changed(&mut self) -> bool {
        let mut changed = false;
        while self.test.engine.log().next_frame().is_some() {
            changed = true;
        }
        changed
    }

    /// Takes what was told, where each event comes twice: on the key's channel and on its own.
    fn told(&mut self) -> Vec<Told> {
        let mut events = Vec::new();
        self.mailbox.take(&mut events);
        let messages: Vec<_> = events
            .into_iter()
            .map(|(_, event)| match event {
                Event::Message(message) => message,
                other => panic!("{other:?}"),
            })
            .collect();
        let told = |pair: &[Arc<larder_engine::mailbox::Message>]| {
            let [by_key, by_event] = pair else { panic!("an event was told once") };
            let event = String::from_utf8(by_key.payload.to_vec()).unwrap();
            let key = by_event.payload.to_vec();
            let db = (0..16u8)
                .find(|db| *by_event.channel == *format!("__keyevent@{db}__:{event}").as_bytes())
                .expect("a channel of the event");
            let channel = [format!("__keyspace@{db}__:").as_bytes(), &key].concat();
            assert_eq!(*by_key.channel, *channel);
            (db, event, key)
        };
        messages.chunks(2).map(told).collect()
    }

    fn expire(&mut self) -> Vec<String> {
        self.test.engine.expire_due(&mut Default::default());
        shown(&self.told())
    }
}

fn shown(told: &[Told]) -> Vec<String> {
    let one = |(db, event, key): &Told| format!("{db} {event} {}", String::from_utf8_lossy(key));
    told.iter().map(one).collect()
}

/// The command of a request.
fn known(request: &[Vec<u8>]) -> &'static Known {
    let words: Vec<&[u8]> = request.iter().map(Vec::as_slice).collect();
    let entry = commands::resolve(&words).expect("a command");
    commands::all().iter().find(|known| std::ptr::eq(known.entry, entry)).expect("of the table")
}

/// Commands of whole databases and of libraries tell of no key, and some keep what they change to
/// themselves.
fn is_silent(known: &Known) -> bool {
    let spec = known.entry.spec;
    spec.has(flag::ALL_SHARDS)
        || spec.group == Group::Scripting
        || spec.events.told.is_some_and(<[_]>::is_empty)
}

/// The same, and those that tell only what they note.
fn may_be_silent(known: &Known) -> bool {
    let only_noted = |told: &[names::Told]| told.iter().all(|told| told.when == When::Noted);
    is_silent(known) || known.entry.spec.events.told.is_some_and(only_noted)
}

fn check_keys(before: &Dump, after: &Dump, told: &[Told], what: &str) {
    let all: HashSet<&(u8, Vec<u8>)> = before.keys().chain(after.keys()).collect();
    for key in all {
        let events: Vec<&str> = told
            .iter()
            .filter(|(db, _, of)| (*db, of) == (key.0, &key.1))
            .map(|(_, event, _)| event.as_str())
            .collect();
        let (old, new) = (before.get(key), after.get(key));
        if old != new {
            assert!(!events.is_empty(), "{what}: {key:?} changed and nothing was told");
        }
        if old.is_none() && new.is_some() {
            assert_eq!(events[0], "new", "{what}: {key:?}");
        }
        let ends = ["del", "rename_from", "move_from"];
        if old.is_some() {
            let is_end = events.last().is_some_and(|last| ends.contains(last));
            assert_eq!(is_end, new.is_none(), "{what}: {key:?} {events:?}");
        }
    }
    for (db, event, key) in told {
        let key = &(*db, key.clone());
        let existed = before.contains_key(key) || after.contains_key(key);
        assert!(existed, "{what}: {event} of {key:?}, which is not there");
    }
}

#[test]
fn every_change_is_told_and_nothing_else() {
    for (shards, seed) in [(1, 1), (16, 2), (16, 3)] {
        let mut heard = Heard::new(shards, "KEAn");
        heard.test.engine.log().listen();
        let mut grammar = Grammar::new(seed, START_MS);
        let mut before = dump(&heard.test);
        for _ in 0..300 {
            let request = grammar.write();
            let db = if grammar.rng().u32(..4) == 0 { grammar.rng().u8(..3) } else { 0 };
            let (changed, told) = heard.run(&request, db);
            let after = dump(&heard.test);
            let words: Vec<_> = request.iter().map(|word| String::from_utf8_lossy(word)).collect();
            let what = format!("seed {seed}, {db}: {}", words.join(" "));
            if !changed {
                assert!(told.is_empty(), "{what}: {:?}", shown(&told));
            } else if !may_be_silent(known(&request)) {
                assert!(!told.is_empty(), "{what}");
                check_keys(&before, &after, &told, &what);
            }
            before = after;
        }
    }
}

#[test]
fn every_command_that_writes_tells_something() {
    let mut heard = Heard::new(4, "KEA");
    let mut grammar = Grammar::new(4, START_MS);
    let writes = commands::all()
        .iter()
        .filter(|known| known.entry.spec.has(flag::WRITE) && !is_silent(known));
    let mut mute: HashSet<&str> = writes.map(|known| &*known.name).collect();
    // Rare is what needs a value that another command has left.
    for _ in 0..200_000 {
        let request = grammar.write();
        if !heard.run(&request, 0).1.is_empty() {
            mute.remove(&*known(&request).name);
        }
        if mute.is_empty() {
            break;
        }
    }
    assert!(mute.is_empty(), "these tell nothing: {mute:?}");
}

#[test]
fn a_transaction_tells_in_the_order_of_its_commands() {
    let mut heard = Heard::new(4, "KEA");
    for line in ["MULTI", "SET a 1 EX 10", "LPUSH l x", "RENAME a b", "LPOP l", "INCR b"] {
        assert!(heard.line(line).is_empty());
    }
    let told = heard.line("EXEC");
    let wanted = [
        "0 set a",
        "0 expire a",
        "0 lpush l",
        "0 rename_from a",
        "0 rename_to b",
        "0 lpop l",
        "0 del l",
        "0 incrby b",
    ];
    assert_eq!(told, wanted);
}

#[test]
fn keys_expire_aloud_whoever_removes_them() {
    let mut heard = Heard::new(4, "KEA");
    heard.line("SET one 1 PX 10");
    heard.line("SET two 2 PX 10");
    heard.test.clock.advance_ms(10);
    assert_eq!(heard.line("LPUSH one x"), ["0 expired one", "0 lpush one"]);
    assert_eq!(heard.expire(), ["0 expired two"]);
    assert!(heard.expire().is_empty());
}

#[test]
fn who_is_served_tells_after_the_writer() {
    let mut heard = Heard::new(4, "KEA");
    let mut waiting: Vec<(Session, Arc<Mailbox>)> = Vec::new();
    for line in ["BLMPOP 0 2 x l RIGHT COUNT 5", "BLMOVE from to LEFT RIGHT 0", "BRPOP m to 0"] {
        let (mut session, mailbox) = heard.test.session();
        let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        assert_eq!(session.execute(&words, &mut Vec::new()), Flow::Blocked);
        waiting.push((session, mailbox));
    }
    assert_eq!(heard.line("RPUSH l a b"), ["0 rpush l", "0 rpop l", "0 del l"]);
    let told = heard.line("LPUSH from a b");
    let wanted = ["0 lpush from", "0 rpush to", "0 lpop from", "0 rpop to", "0 del to"];
    assert_eq!(told, wanted);
    // Nobody has read the reply: what was taken goes back.
    drop(waiting.pop());
    assert_eq!(shown(&heard.told()), ["0 rpush to"]);
}

#[test]
fn misses_are_told_when_asked_for() {
    let mut heard = Heard::new(4, "KEAm");
    assert_eq!(heard.line("GET k"), ["0 keymiss k"]);
    assert_eq!(heard.line("SET k v GET"), ["0 keymiss k", "0 set k"]);
    assert!(heard.line("GET k").is_empty());
}

#[test]
fn only_wanted_classes_are_told() {
    let mut heard = Heard::new(4, "KE$x");
    assert_eq!(heard.line("SET k v EX 10"), ["0 set k"]);
    assert!(heard.line("RPUSH l v").is_empty());
    assert!(heard.line("DEL k").is_empty());
    // Without a kind of channel there is nothing to tell.
    heard.line("CONFIG SET notify-keyspace-events A");
    assert!(heard.line("SET k v").is_empty());
}
