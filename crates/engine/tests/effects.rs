//! What is logged is what happened: replayed on an empty engine, it gives the same state; and the
//! number of shards shows in no reply.

mod common;

use common::grammar::Grammar;
use common::{Dump, assert_same, dump, items, one_value};
use larder_engine::clock::FakeClock;
use larder_engine::spec::flag;
use larder_engine::testing::TestEngine;
use larder_engine::{Flow, Session, commands};
use larder_resp::{ArgVec, Limits, Parsed, RequestParser, Value};
use std::collections::HashSet;
use std::sync::Arc;

const START_MS: u64 = 1_700_000_000_000;

/// An engine that does what the log of another says.
struct Follower {
    test: TestEngine,
    session: Session,
}

impl Follower {
    /// Its clock stands still at the beginning: nothing expires but by an effect.
    fn new(shards: u16) -> Follower {
        let test = TestEngine::with_clock(shards, Arc::new(FakeClock::new(START_MS)));
        let (session, _) = test.session();
        Follower { test, session }
    }

    fn follow(&mut self, leader: &TestEngine) {
        while let Some(frame) = leader.engine.log().next_frame() {
            self.session.select(frame.head.db);
            let mut rest = &frame.payload[..];
            while !rest.is_empty() {
                let (mut parser, mut words) = (RequestParser::new(), ArgVec::new());
                let parsed = parser.parse(rest, &Limits::default(), &mut words);
                let Ok(Parsed::Request { consumed }) = parsed else { panic!("{parsed:?}") };
                self.apply(&words);
                rest = &rest[consumed..];
            }
        }
    }

    fn apply(&mut self, words: &[&[u8]]) {
        if words[0].eq_ignore_ascii_case(b"SELECT") {
            let number = std::str::from_utf8(words[1]).unwrap();
            self.session.select(number.parse().unwrap());
            return;
        }
        let mut out = Vec::new();
        let flow = self.session.execute(words, &mut out);
        let words: Vec<_> = words.iter().map(|word| String::from_utf8_lossy(word)).collect();
        assert_eq!(flow, Flow::Continue, "an effect waits: {words:?}");
        let reply = one_value(&out);
        assert!(!matches!(reply, Value::Error(_)), "an effect fails: {words:?} {reply:?}");
    }
}

/// Clients of an engine, of which some wait for keys.
struct Clients {
    test: TestEngine,
    free: Session,
    blocked: Vec<Session>,
}

impl Clients {
    fn new(test: TestEngine) -> Clients {
        let (free, _) = test.session();
        Clients { test, free, blocked: Vec::new() }
    }

    fn run(&mut self, words: &[&[u8]], db: u8) -> Option<Value> {
        let mut out = Vec::new();
        self.free.select(db);
        if self.free.execute(words, &mut out) == Flow::Blocked {
            self.blocked.push(std::mem::replace(&mut self.free, self.test.session().0));
            if self.blocked.len() > 4 {
                self.blocked.remove(0);
            }
            return None;
        }
        Some(one_value(&out))
    }

    fn run_all(&mut self, commands: &[Vec<Vec<u8>>], db: u8) -> Vec<Option<Value>> {
        let run = |command: &Vec<Vec<u8>>| {
            let words: Vec<&[u8]> = command.iter().map(Vec::as_slice).collect();
            self.run(&words, db)
        };
        commands.iter().map(run).collect()
    }

    /// Removes everything that is due.
    fn expire(&mut self, now_ms: u64) {
        let mut work = Default::default();
        while self.test.engine.expire_due(&mut work).is_some_and(|next_ms| next_ms <= now_ms) {}
    }
}

/// A command, or a transaction of some where there are transactions.
fn step(grammar: &mut Grammar) -> Vec<Vec<Vec<u8>>> {
    if grammar.rng().u32(..10) == 0 && common::is_known("multi") {
        let word = |word: &str| vec![word.as_bytes().to_vec()];
        let mut commands = vec![word("multi")];
        for _ in 0..grammar.rng().u32(..5) {
            commands.push(grammar.write());
        }
        commands.push(word("exec"));
        return commands;
    }
    vec![if grammar.rng().u32(..6) == 0 { grammar.read() } else { grammar.write() }]
}

fn effects_replay_to_the_same_state(shards: u16, followers: u16, seed: u64) {
    let mut leader = Clients::new(TestEngine::new(shards));
    leader.test.engine.log().listen();
    let mut follower = Follower::new(followers);
    let mut grammar = Grammar::new(seed, START_MS);
    let mut now_ms = START_MS;
    let mut most = 0;
    for round in 0..60 {
        for _ in 0..40 {
            grammar.set_now_ms(now_ms);
            let db = if grammar.rng().u32(..4) == 0 { grammar.rng().u8(..3) } else { 0 };
            let commands = step(&mut grammar);
            leader.run_all(&commands, db);
            follower.follow(&leader.test);
            if grammar.rng().u32(..12) == 0 {
                let ms = grammar.rng().u64(..800);
                leader.test.clock.advance_ms(ms);
                now_ms += ms;
            }
        }
        leader.expire(now_ms);
        follower.follow(&leader.test);
        let state: Dump = dump(&leader.test);
        assert_same(&state, &dump(&follower.test), &format!("seed {seed}, round {round}"));
        most = most.max(state.len());
    }
    assert!(most >= 10, "seed {seed} compares next to nothing: {most} keys");
}

#[test]
fn effects_of_one_shard_replay_to_the_same_state() {
    (0..8).for_each(|seed| effects_replay_to_the_same_state(1, 8, seed));
}

#[test]
fn effects_of_many_shards_replay_to_the_same_state() {
    (100..108).for_each(|seed| effects_replay_to_the_same_state(16, 1, seed));
}

/// Or its effects would go untested.
#[test]
fn every_command_that_writes_is_exercised_and_changes_something() {
    let mut clients = Clients::new(TestEngine::new(4));
    clients.test.engine.log().listen();
    let mut grammar = Grammar::new(6, START_MS);
    // A library is no value that a grammar makes; tests/rtest/scripting/ has the effects of those.
    let of_libraries = |known: &commands::Known| known.name.starts_with("function|");
    let writes = commands::all().iter().filter(|known| known.entry.spec.has(flag::WRITE));
    let writes = writes.filter(|known| !of_libraries(known));
    let mut idle: HashSet<&str> = writes.map(|known| &*known.name).collect();
    // Rare is what needs a value that another command has left.
    for _ in 0..200_000 {
        let command = grammar.write();
        let name = name_of(&command);
        clients.run_all(&[command], 0);
        if clients.test.engine.log().next_frame().is_some() {
            idle.remove(name);
        }
        while clients.test.engine.log().next_frame().is_some() {}
        if idle.is_empty() {
            break;
        }
    }
    assert!(idle.is_empty(), "these have changed nothing, by their syntax lines: {idle:?}");
}

/// The command of a request, as the table calls it.
fn name_of(request: &[Vec<u8>]) -> &'static str {
    let words: Vec<&[u8]> = request.iter().map(Vec::as_slice).collect();
    let entry = commands::resolve(&words).expect("a command");
    let known = commands::all().iter().find(|known| std::ptr::eq(known.entry, entry));
    &known.expect("one of the table").name
}

/// Nothing that only reads, fails or changes nothing is logged.
#[test]
fn reads_have_no_effect() {
    let mut clients = Clients::new(TestEngine::new(4));
    clients.test.engine.log().listen();
    let mut grammar = Grammar::new(5, START_MS);
    for _ in 0..300 {
        let command = grammar.write();
        clients.run_all(&[command], 0);
    }
    while clients.test.engine.log().next_frame().is_some() {}
    for _ in 0..500 {
        let command = grammar.read();
        clients.run_all(&[command], 0);
        assert!(clients.test.engine.log().next_frame().is_none());
    }
}

/// More keys are due than a command removes in passing: it must not read past its own ones, for a
/// replay would find them there.
#[test]
fn a_command_logs_the_end_of_its_own_keys_first() {
    let mut leader = Clients::new(TestEngine::new(1));
    leader.test.engine.log().listen();
    let mut follower = Follower::new(1);
    for number in 0..200 {
        let key = format!("set:{number}");
        leader.run(&[b"SADD", key.as_bytes(), key.as_bytes()], 0);
        leader.run(&[b"PEXPIRE", key.as_bytes(), b"10"], 0);
    }
    leader.test.clock.advance_ms(10);
    leader.run(&[b"SADD", b"live", b"member"], 0);
    leader.run(&[b"SUNIONSTORE", b"union", b"live", b"set:7", b"set:150", b"set:199"], 0);
    leader.expire(START_MS + 10);
    follower.follow(&leader.test);
    assert_same(&dump(&leader.test), &dump(&follower.test), "after the union");
}

/// Writes that depend on what is drawn, as SPEC tells clients.
fn is_arbitrary(command: &[Vec<u8>]) -> bool {
    commands::find(&command[0]).is_some_and(|entry| {
        let spec = entry.spec;
        spec.has(flag::WRITE) && spec.tips.contains(&"nondeterministic_output")
    })
}

#[test]
fn one_shard_and_sixteen_answer_the_same() {
    for seed in 0..10 {
        let clock = Arc::new(FakeClock::new(START_MS));
        let mut one = Clients::new(TestEngine::with_clock(1, clock.clone()));
        let mut many = Clients::new(TestEngine::with_clock(16, clock.clone()));
        let mut grammar = Grammar::new(1000 + seed, START_MS);
        let mut now_ms = START_MS;
        for round in 0..3000 {
            grammar.set_now_ms(now_ms);
            let db = if grammar.rng().u32(..4) == 0 { grammar.rng().u8(..3) } else { 0 };
            let commands = step(&mut grammar);
            if commands.iter().any(|command| is_arbitrary(command)) {
                continue;
            }
            let (left, right) = (one.run_all(&commands, db), many.run_all(&commands, db));
            assert_eq!(left, right, "seed {seed}, round {round}: {commands:?}");
            if grammar.rng().u32(..12) == 0 {
                let ms = grammar.rng().u64(..800);
                clock.advance_ms(ms);
                now_ms += ms;
                one.expire(now_ms);
                many.expire(now_ms);
            }
        }
        assert_same(&dump(&one.test), &dump(&many.test), "one shard / sixteen");
    }
}

/// Whom SWAPDB serves first once followed from where keys lay and from a map's chance, so that two
/// engines that did the same had lists in different orders.
#[test]
fn swapped_databases_serve_in_an_order_of_their_own() {
    let served = |shards| {
        let mut clients = Clients::new(TestEngine::new(shards));
        let mut waiting: Vec<Session> = (0..20).map(|_| clients.test.session().0).collect();
        for (number, session) in waiting.iter_mut().enumerate() {
            let key = format!("from:{number}");
            let words: [&[u8]; 6] = [b"BLMOVE", key.as_bytes(), b"to", b"LEFT", b"RIGHT", b"0"];
            assert_eq!(session.execute(&words, &mut Vec::new()), Flow::Blocked);
            clients.run(&[b"RPUSH", key.as_bytes(), key.as_bytes()], 1);
        }
        clients.run(&[b"SWAPDB", b"0", b"1"], 0);
        items(clients.run(&[b"LRANGE", b"to", b"0", b"-1"], 0).unwrap())
    };
    let order = served(1);
    assert_eq!(order.len(), 20);
    assert_eq!(order, served(1));
    assert_eq!(order, served(16));
}

/// KEYS and SCAN find the same keys, each at least once, for every number of shards and COUNT.
#[test]
fn scans_meet_every_key() {
    for shards in [1, 4, 64] {
        let mut clients = Clients::new(TestEngine::new(shards));
        for number in 0..777 {
            let key = format!("key:{number}");
            clients.run(&[b"SET", key.as_bytes(), b"v"], 0);
        }
        for count in ["1", "10", "100", "5000"] {
            let mut cursor = b"0".to_vec();
            let mut met = HashSet::new();
            let mut calls = 0;
            loop {
                let reply = clients.run(&[b"SCAN", &cursor, b"COUNT", count.as_bytes()], 0);
                let mut reply = items(reply.unwrap());
                met.extend(items(reply.pop().unwrap()).into_iter().map(|key| format!("{key:?}")));
                let Some(Value::Bulk(next)) = reply.pop() else { panic!() };
                calls += 1;
                cursor = next;
                if cursor == b"0" {
                    break;
                }
            }
            assert_eq!(met.len(), 777);
            let enough = 777 / count.parse::<usize>().unwrap() + 1;
            assert!(calls <= enough, "{calls} calls for COUNT {count} on {shards} shards");
        }
    }
}
