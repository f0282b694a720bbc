//! What sessions do to themselves and to each other, where a text of commands and replies cannot
//! say it: flows, mailboxes, modes of replies, looks at the clock.

use larder_engine::clock::Clock;
use larder_engine::config::Config;
use larder_engine::engine::Housekeeping;
use larder_engine::mailbox::{Event, Mailbox, Notify, Recipients};
use larder_engine::testing::{TestEngine, send};
use larder_engine::{Engine, Flow, NoHost, Options, Origin, Session};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Executes a line of words; what it does, and the reply.
fn run(session: &mut Session, line: &str) -> (Flow, String) {
    let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
    let mut out = Vec::new();
    let flow = session.execute(&words, &mut out);
    (flow, String::from_utf8(out).unwrap())
}

/// Takes a session's events and delivers them; what it does after the last, and its output.
fn deliver(session: &mut Session, mailbox: &Mailbox) -> (Flow, String) {
    let mut events: Vec<(Recipients, Event)> = Vec::new();
    mailbox.take(&mut events);
    let mut out = Vec::new();
    let mut flow = Flow::Continue;
    for (_, event) in &events {
        flow = session.deliver(event, &mut out);
    }
    (flow, String::from_utf8(out).unwrap())
}

#[test]
fn replies_are_left_out_as_the_client_says() {
    let t = TestEngine::new(4);
    let (mut s, _mailbox) = t.session();
    let none = (Flow::Continue, String::new());
    assert_eq!(run(&mut s, "CLIENT REPLY SKIP"), none);
    assert_eq!(run(&mut s, "PING"), none);
    assert_eq!(run(&mut s, "PING").1, "+PONG\r\n");
    assert_eq!(run(&mut s, "CLIENT REPLY OFF"), none);
    assert_eq!(run(&mut s, "SET k v"), none);
    assert_eq!(run(&mut s, "NOSUCH"), none);
    assert_eq!(run(&mut s, "CLIENT REPLY SKIP"), none);
    assert_eq!(run(&mut s, "CLIENT REPLY ON").1, "+OK\r\n");
    assert_eq!(run(&mut s, "GET k").1, "$1\r\nv\r\n");
    send(&mut s, "CLIENT REPLY OFF");
    assert_eq!(run(&mut s, "RESET").1, "+RESET\r\n");
}

#[test]
fn messages_and_confirmations_come_where_replies_do_not() {
    let t = TestEngine::new(4);
    let (mut a, mailbox) = t.session();
    let (mut b, _mailbox) = t.session();
    send(&mut a, "CLIENT REPLY OFF");
    assert_eq!(run(&mut a, "SUBSCRIBE c").1, "*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n");
    assert_eq!(send(&mut b, "PUBLISH c x"), b":1\r\n");
    assert_eq!(deliver(&mut a, &mailbox).1, "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nx\r\n");
}

#[test]
fn a_skipped_reply_of_a_command_that_waits_stays_skipped() {
    let t = TestEngine::new(4);
    let (mut a, mailbox) = t.session();
    let (mut b, _mailbox) = t.session();
    assert_eq!(run(&mut a, "CLIENT REPLY SKIP").1, "");
    assert_eq!(run(&mut a, "BLPOP l 0"), (Flow::Blocked, String::new()));
    assert_eq!(send(&mut b, "RPUSH l x"), b":1\r\n");
    assert_eq!(deliver(&mut a, &mailbox).1, "");
    assert_eq!(run(&mut a, "PING").1, "+PONG\r\n");
}

#[test]
fn the_reply_comes_before_the_message_that_a_session_sends_itself() {
    let t = TestEngine::new(4);
    let (mut s, mailbox) = t.session();
    send(&mut s, "HELLO 3");
    send(&mut s, "SUBSCRIBE c");
    assert_eq!(run(&mut s, "PUBLISH c x").1, ":1\r\n");
    assert_eq!(deliver(&mut s, &mailbox).1, ">3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nx\r\n");
}

#[test]
fn one_mailbox_gets_one_event_for_all_of_its_sessions() {
    let t = TestEngine::new(4);
    let (mut a, mailbox) = t.session();
    let mut others: Vec<Session> =
        (0..3).map(|_| Session::new(t.engine.clone(), Origin::Linked, mailbox.clone())).collect();
    for session in &mut others {
        send(session, "SUBSCRIBE c");
    }
    assert_eq!(send(&mut a, "PUBLISH c x"), b":3\r\n");
    let mut events: Vec<(Recipients, Event)> = Vec::new();
    mailbox.take(&mut events);
    let ids: Vec<u64> = others.iter().map(Session::id).collect();
    assert!(matches!(&events[..], [(Recipients::Many(to), Event::Message(_))] if *to == ids));
}

#[test]
fn a_pause_consumes_nothing_and_its_end_is_announced() {
    let t = TestEngine::new(4);
    let (mut a, mailbox) = t.session();
    let (mut b, _mailbox) = t.session();
    assert_eq!(send(&mut b, "CLIENT PAUSE 5000 WRITE"), b"+OK\r\n");
    let until_ms = 1_700_000_005_000;
    assert_eq!(run(&mut a, "SET k v"), (Flow::Paused(until_ms), String::new()));
    assert_eq!(run(&mut a, "GET k").1, "$-1\r\n");
    // A shorter pause does not shorten it, a stricter one makes it stricter, not milder again.
    assert_eq!(send(&mut b, "CLIENT PAUSE 1000 ALL"), b"+OK\r\n");
    assert_eq!(run(&mut a, "GET k").0, Flow::Paused(until_ms));
    t.clock.advance_ms(4999);
    assert_eq!(run(&mut b, "CLIENT UNPAUSE").0, Flow::Paused(until_ms));
    t.clock.advance_ms(1);
    assert_eq!(run(&mut a, "SET k v").1, "+OK\r\n");

    assert_eq!(send(&mut b, "CLIENT PAUSE 5000 WRITE"), b"+OK\r\n");
    assert!(matches!(run(&mut a, "DEL k").0, Flow::Paused(_)));
    assert_eq!(send(&mut b, "CLIENT UNPAUSE"), b"+OK\r\n");
    let mut events: Vec<(Recipients, Event)> = Vec::new();
    mailbox.take(&mut events);
    assert!(matches!(&events[..], [(Recipients::One(id), Event::Nudge)] if *id == a.id()));
    assert_eq!(run(&mut a, "DEL k").1, ":1\r\n");
}

#[test]
fn nothing_is_removed_during_a_pause() {
    let t = TestEngine::new(1);
    let (mut s, _mailbox) = t.session();
    send(&mut s, "SET k v PX 100");
    send(&mut s, "CLIENT PAUSE 5000 WRITE");
    t.clock.advance_ms(200);
    let mut housekeeping = Housekeeping::default();
    assert_eq!(t.engine.expire_due(&mut housekeeping), Some(1_700_000_005_000));
    assert_eq!(send(&mut s, "GET k"), b"$-1\r\n");
    assert!(run(&mut s, "INFO keyspace").1.contains("db0:keys=1,expires=1"));
    t.clock.advance_ms(4800);
    while t.engine.expire_due(&mut housekeeping).is_some() {}
    assert!(!run(&mut s, "INFO keyspace").1.contains("db0"));
}

#[test]
fn a_killed_session_runs_nothing_more() {
    let t = TestEngine::new(4);
    let (mut a, mailbox) = t.session();
    let (mut b, _mailbox) = t.session();
    assert_eq!(send(&mut b, &format!("CLIENT KILL ID {}", a.id())), b":1\r\n");
    assert_eq!(run(&mut a, "SET k v"), (Flow::Close, String::new()));
    assert_eq!(deliver(&mut a, &mailbox).0, Flow::Close);
    drop(a);
    assert_eq!(send(&mut b, "EXISTS k"), b":0\r\n");
    assert_eq!(run(&mut b, "CLIENT LIST").1.matches("id=").count(), 1);
    let me = format!("CLIENT KILL ID {} SKIPME no", b.id());
    assert_eq!(run(&mut b, &me), (Flow::Close, ":1\r\n".into()));
}

#[test]
fn a_queue_without_end_closes_the_session() {
    let t = TestEngine::new(4);
    let (mut s, _mailbox) = t.session();
    send(&mut s, "CONFIG SET client-query-buffer-limit 1mb");
    send(&mut s, "MULTI");
    let set = format!("SET k {}", "x".repeat(100_000));
    let flows: Vec<Flow> = (0..11).map(|_| run(&mut s, &set).0).collect();
    assert!(flows[..10].iter().all(|flow| *flow == Flow::Continue), "{flows:?}");
    assert_eq!(flows[10], Flow::Close);
}

#[test]
fn transactions_may_roam_over_databases_and_shards() {
    let t = TestEngine::new(16);
    let (mut s, _mailbox) = t.session();
    for i in 0..100 {
        send(&mut s, &format!("SET key:{i} v"));
    }
    send(&mut s, "MULTI");
    for line in ["SELECT 1", "RANDOMKEY", "SELECT 0", "RANDOMKEY", "FLUSHDB", "RANDOMKEY", "INFO"] {
        assert_eq!(send(&mut s, line), b"+QUEUED\r\n", "{line}");
    }
    let reply = run(&mut s, "EXEC").1;
    assert!(reply.starts_with("*7\r\n+OK\r\n$-1\r\n+OK\r\n$"), "{reply}");
}

#[test]
fn a_trusted_session_stays_in_and_others_do_not() {
    let t = TestEngine::new(4);
    let (mut trusted, _mailbox) = t.session();
    trusted.trust();
    let (mut other, _mailbox) = t.session();
    assert_eq!(send(&mut trusted, "CONFIG SET requirepass secret"), b"+OK\r\n");
    let (mut late, _mailbox) = t.session();
    assert!(send(&mut late, "GET k").starts_with(b"-NOAUTH"));
    assert_eq!(send(&mut other, "GET k"), b"$-1\r\n");
    assert_eq!(send(&mut other, "RESET"), b"+RESET\r\n");
    assert!(send(&mut other, "GET k").starts_with(b"-NOAUTH"));
    assert_eq!(send(&mut trusted, "RESET"), b"+RESET\r\n");
    assert_eq!(send(&mut trusted, "GET k"), b"$-1\r\n");
    // With the password gone everybody may come in.
    let mut out = Vec::new();
    assert_eq!(
        trusted.execute(&[b"CONFIG", b"SET", b"requirepass", b""], &mut out),
        Flow::Continue
    );
    assert_eq!(send(&mut late, "GET k"), b"$-1\r\n");
}

#[test]
fn debug_is_there_if_the_settings_admit_it() {
    let t = TestEngine::new(1);
    let (mut s, _mailbox) = t.session();
    assert!(send(&mut s, "DEBUG SLEEP 0").starts_with(b"-ERR DEBUG command not allowed."));
    t.engine.config().set("enable-debug-command", &[b"local"]).unwrap();
    assert_eq!(send(&mut s, "DEBUG SLEEP 0"), b"+OK\r\n");
    assert_eq!(run(&mut s, "DEBUG SLEEP 0.5"), (Flow::Blocked, String::new()));
    assert_eq!(s.deadline_ms(), Some(1_700_000_000_500));
    let mut out = Vec::new();
    assert!(s.time_out(1_700_000_000_500, &mut out));
    assert_eq!(out, b"+OK\r\n");
    assert_eq!(
        send(&mut s, "DEBUG NOSUCH"),
        b"-ERR unknown subcommand or wrong number of arguments for 'NOSUCH'. Try DEBUG HELP.\r\n"
    );

    assert_eq!(send(&mut s, "DEBUG SET-ACTIVE-EXPIRE 0"), b"+OK\r\n");
    send(&mut s, "SET k v PX 100");
    t.clock.advance_ms(200);
    let mut housekeeping = Housekeeping::default();
    assert_eq!(t.engine.expire_due(&mut housekeeping), None);
    assert!(run(&mut s, "INFO keyspace").1.contains("db0:keys=1,expires=1"));
    assert_eq!(send(&mut s, "DEBUG SET-ACTIVE-EXPIRE 1"), b"+OK\r\n");
    while t.engine.expire_due(&mut housekeeping).is_some() {}
    assert!(!run(&mut s, "INFO keyspace").1.contains("db0"));
}

/// A clock that goes on by so many µs each time somebody looks at it.
struct Ticking {
    now_us: AtomicU64,
    step_us: u64,
}

impl Clock for Ticking {
    fn now_us(&self) -> u64 {
        self.now_us.fetch_add(self.step_us, Ordering::Relaxed)
    }
}

struct Nobody;

impl Notify for Nobody {
    fn notify(&self) {}
}

fn ticking(step_us: u64) -> (Arc<Ticking>, Session) {
    let now_us = AtomicU64::new(1_700_000_000_000_000);
    let clock = Arc::new(Ticking { now_us, step_us });
    let engine = Engine::new(Options {
        shards: 4,
        hash_seed: 7,
        random_seed: 7,
        clock: clock.clone(),
        config: Arc::new(Config::default()),
        host: Arc::new(NoHost),
    });
    (clock, Session::new(engine, Origin::Linked, Mailbox::new(Box::new(Nobody))))
}

#[test]
fn a_command_that_follows_another_looks_at_the_clock_once() {
    let (clock, mut s) = ticking(7);
    let looks = |s: &mut Session, requests: usize| {
        let before = clock.now_us.load(Ordering::Relaxed);
        let mut out = Vec::new();
        let request: &[&[u8]] = &[b"GET", b"k"];
        let done = s.execute_all(&vec![request; requests], usize::MAX, &mut out);
        assert_eq!(done, (requests, Flow::Continue));
        (clock.now_us.load(Ordering::Relaxed) - before) / 7
    };
    assert_eq!(looks(&mut s, 1), 2);
    assert_eq!(looks(&mut s, 2), 3);
    assert_eq!(looks(&mut s, 1), 2);
    let info = run(&mut s, "INFO commandstats").1;
    assert!(info.contains("cmdstat_get:calls=4,usec=28,usec_per_call=7.00,"), "{info}");
}

#[test]
fn what_takes_long_is_logged_with_its_time() {
    let (_clock, mut s) = ticking(7);
    send(&mut s, "CONFIG SET slowlog-log-slower-than 8");
    send(&mut s, "GET k");
    assert_eq!(send(&mut s, "SLOWLOG LEN"), b":0\r\n");
    send(&mut s, "CONFIG SET slowlog-log-slower-than 7");
    send(&mut s, "GET k");
    let log = run(&mut s, "SLOWLOG GET 1").1;
    let entry = ":1700000000\r\n:7\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\n$8\r\nlinked:1";
    assert!(log.contains(entry), "{log}");
}

#[test]
fn moments_above_the_threshold_are_kept_by_event() {
    let (_clock, mut s) = ticking(3000);
    send(&mut s, "CONFIG SET latency-monitor-threshold 4");
    send(&mut s, "GET k");
    assert_eq!(send(&mut s, "LATENCY LATEST"), b"*0\r\n");
    send(&mut s, "CONFIG SET latency-monitor-threshold 3");
    send(&mut s, "LATENCY RESET");
    send(&mut s, "GET k");
    let event = "$12\r\nfast-command\r\n:1700000000\r\n:3\r\n:3\r\n";
    assert!(run(&mut s, "LATENCY LATEST").1.contains(event));
    assert_eq!(run(&mut s, "LATENCY HISTORY fast-command").1, "*1\r\n*2\r\n:1700000000\r\n:3\r\n");
    assert_eq!(send(&mut s, "LATENCY RESET fast-command"), b":1\r\n");
}
