//! The housekeeper is rung for a deadline that it does not know, and by nobody else.

use larder_engine::Session;
use larder_engine::engine::Housekeeping;
use larder_engine::testing::{TestEngine, send};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A housekeeper who was rung by what he found himself never slept again, on a whole core, from
/// the first key with a TTL on.
#[test]
fn what_the_housekeeper_finds_does_not_ring_for_him() {
    let test = TestEngine::new(4);
    let (mut session, _mailbox) = test.session();
    let rings = Arc::new(AtomicU64::new(0));
    let count = rings.clone();
    test.engine.on_deadline(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
    });
    let mut work = Housekeeping::default();
    let now_ms = test.engine.now_us() / 1000;
    assert_eq!(test.engine.expire_due(&mut work), None);
    for at in 0..20 {
        send(&mut session, &format!("SET k{at} v PX {}", 5000 + at));
    }
    assert_eq!(rings.load(Ordering::SeqCst), 1, "for the first, which is the earliest");
    for _ in 0..3 {
        assert_eq!(test.engine.expire_due(&mut work), Some(now_ms + 5000));
    }
    assert_eq!(rings.load(Ordering::SeqCst), 1);
    send(&mut session, "SET later v PX 9000");
    assert_eq!(rings.load(Ordering::SeqCst), 1);
    send(&mut session, "SET sooner v PX 1000");
    assert_eq!(rings.load(Ordering::SeqCst), 2);
}

/// A line of `INFO memory`.
fn memory(session: &mut Session, name: &str) -> u64 {
    let text = String::from_utf8(send(session, "INFO memory")).expect("INFO is text");
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("{name}:")));
    line.and_then(|figure| figure.parse().ok()).expect("a figure of INFO memory")
}

fn add_members(session: &mut Session, key: &str, count: u32) {
    for at in (0..count).step_by(500) {
        let members: String = (at..count.min(at + 500)).map(|n| format!(" member{n}")).collect();
        send(session, &format!("SADD {key}{members}"));
    }
}

/// Frees everything that waits; in how many rounds.
fn tidy_up(test: &TestEngine, session: &mut Session) -> u32 {
    let mut work = Housekeeping::default();
    let mut rounds = 0;
    while memory(session, "lazyfree_pending_objects") > 0 {
        test.engine.expire_due(&mut work);
        rounds += 1;
    }
    rounds
}

/// `DEL` of a set of ten million members kept every client of its loop waiting.
#[test]
fn a_large_value_is_freed_in_steps_after_the_reply() {
    let test = TestEngine::new(4);
    let (mut session, _mailbox) = test.session();
    let rings = Arc::new(AtomicU64::new(0));
    let count = rings.clone();
    test.engine.on_deadline(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
    });
    let empty = memory(&mut session, "used_memory");
    for removal in ["DEL s", "UNLINK s", "SET s v", "SPOP s 200000", "PEXPIRE s -1"] {
        add_members(&mut session, "s", 200_000);
        let full = memory(&mut session, "used_memory");
        let before = rings.swap(0, Ordering::SeqCst);
        assert!(before <= 1, "{removal}: only what is large rings");
        send(&mut session, removal);
        assert_eq!(memory(&mut session, "lazyfree_pending_objects"), 1, "{removal}");
        assert!(memory(&mut session, "used_memory") > full / 2, "{removal}: it is still there");
        assert_eq!(rings.load(Ordering::SeqCst), 1, "{removal}");
        assert!(tidy_up(&test, &mut session) > 2, "{removal}");
        send(&mut session, "DEL s");
        assert!(memory(&mut session, "used_memory") < empty + 100_000, "{removal}");
    }
    assert_eq!(memory(&mut session, "lazyfreed_objects"), 5);
}

#[test]
fn values_in_between_are_freed_as_the_settings_say() {
    let test = TestEngine::new(4);
    let (mut session, _mailbox) = test.session();
    for (settings, removal, later) in [
        ("no", "DEL s", 0),
        ("no", "UNLINK s", 1),
        ("no", "SET s v", 0),
        ("yes", "DEL s", 1),
        ("yes", "SET s v", 1),
    ] {
        send(&mut session, "CONFIG RESETSTAT");
        send(&mut session, &format!("CONFIG SET lazyfree-lazy-user-del {settings}"));
        send(&mut session, &format!("CONFIG SET lazyfree-lazy-server-del {settings}"));
        add_members(&mut session, "s", 600);
        send(&mut session, removal);
        assert_eq!(memory(&mut session, "lazyfree_pending_objects"), later, "{removal}");
        tidy_up(&test, &mut session);
        assert_eq!(memory(&mut session, "lazyfreed_objects"), later, "{removal}");
        send(&mut session, "SADD small a b c");
        send(&mut session, "UNLINK small");
        assert_eq!(memory(&mut session, "lazyfree_pending_objects"), 0, "few parts");
        send(&mut session, "DEL s");
    }
}

#[test]
fn flushed_keys_are_counted_as_they_are_freed() {
    let test = TestEngine::new(4);
    let (mut session, _mailbox) = test.session();
    for flush in ["FLUSHALL", "FLUSHDB"] {
        send(&mut session, "CONFIG RESETSTAT");
        (0..1000).for_each(|n| drop(send(&mut session, &format!("SET k{n} v"))));
        add_members(&mut session, "large", 50_000);
        send(&mut session, "SELECT 1");
        (0..100).for_each(|n| drop(send(&mut session, &format!("SET k{n} v"))));
        send(&mut session, "SELECT 0");
        send(&mut session, &format!("{flush} ASYNC"));
        let flushed = if flush == "FLUSHALL" { 1101 } else { 1001 };
        assert_eq!(memory(&mut session, "lazyfree_pending_objects"), flushed, "{flush}");
        tidy_up(&test, &mut session);
        assert_eq!(memory(&mut session, "lazyfreed_objects"), flushed, "{flush}");
        send(&mut session, "FLUSHALL SYNC");
        assert_eq!(memory(&mut session, "lazyfreed_objects"), flushed, "{flush}");
    }
}
