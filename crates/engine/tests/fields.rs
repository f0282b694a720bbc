//! Fields of hashes vanish on time without being read, wherever their hash has gone.

mod common;

use common::{ask, items};
use larder_engine::Session;
use larder_engine::engine::Housekeeping;
use larder_engine::testing::TestEngine;
use larder_resp::Value;
use std::sync::{Arc, Mutex};

struct House {
    test: TestEngine,
    session: Session,
    work: Housekeeping,
    began_ms: u64,
}

impl House {
    fn new(shards: u16) -> House {
        let test = TestEngine::new(shards);
        let (session, _) = test.session();
        let began_ms = test.engine.now_us() / 1000;
        House { test, session, work: Housekeeping::default(), began_ms }
    }

    fn ask(&mut self, line: &str) -> Value {
        let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        ask(&mut self.session, &words)
    }

    /// Advances the clock, and removes what is due; when to come again, counted from the beginning:
    /// not after the next deadline, but deadlines that were given up may make it earlier.
    fn advance(&mut self, ms: u64) -> Option<u64> {
        self.test.clock.advance_ms(ms);
        let now_ms = self.test.engine.now_us() / 1000;
        loop {
            let next_ms = self.test.engine.expire_due(&mut self.work);
            if next_ms.is_none_or(|next_ms| next_ms > now_ms) {
                return next_ms.map(|next_ms| next_ms - self.began_ms);
            }
        }
    }

    /// A figure of INFO.
    fn figure(&mut self, name: &str) -> String {
        let info = match self.ask("INFO everything") {
            Value::Bulk(text) | Value::Verbatim { text, .. } => text,
            other => panic!("{other:?}"),
        };
        let info = String::from_utf8(info).unwrap();
        let line = info.lines().find_map(|line| line.strip_prefix(&format!("{name}:")));
        line.unwrap_or_default().to_owned()
    }
}

#[test]
fn fields_go_when_they_are_due_and_the_key_with_the_last() {
    let mut house = House::new(4);
    for field in 0..5000 {
        house.ask(&format!("HSET h f{field} value"));
        house.ask(&format!("HPEXPIRE h {} FIELDS 1 f{field}", 10 + field % 100));
    }
    let full = house.ask("MEMORY USAGE h");
    assert_eq!(house.advance(9), Some(10));
    assert_eq!(house.advance(1), Some(11));
    assert_eq!(house.figure("expired_fields"), "50");
    assert_eq!(house.ask("HLEN h"), Value::Int(4950));
    assert_eq!(house.advance(89), Some(100));
    assert_eq!(house.ask("HLEN h"), Value::Int(500));
    let (Value::Int(full), Value::Int(left)) = (full, house.ask("MEMORY USAGE h")) else {
        panic!()
    };
    assert!(left * 5 < full, "{left} bytes of {full} are left");
    assert_eq!(house.advance(20), None);
    assert_eq!(house.ask("DBSIZE"), Value::Int(0));
    assert_eq!(house.figure("expired_fields"), "5000");
    assert_eq!(house.figure("expired_keys"), "0");
}

/// More is due than a command removes in passing: nothing shows it until the housekeeper comes.
#[test]
fn what_is_due_is_not_there_before_it_is_removed() {
    let mut house = House::new(1);
    for key in 0..100 {
        house.ask(&format!("SET s{key} v PX 10"));
    }
    house.ask("HSET h a 1 b 2 c 3");
    house.ask("HPEXPIRE h 10 FIELDS 2 a b");
    house.ask("HSET gone a 1 b 2");
    house.ask("HPEXPIRE gone 10 FIELDS 2 a b");
    house.test.clock.advance_ms(10);
    assert_eq!(house.ask("HLEN h"), Value::Int(1));
    assert_eq!(items(house.ask("HKEYS h")).len(), 1);
    assert_eq!(house.ask("EXISTS gone h"), Value::Int(1));
    assert_eq!(house.ask("TYPE gone"), Value::Simple(b"none".to_vec()));
    assert_eq!(house.ask("LPUSH gone x"), Value::Int(1), "another type may take its place");
    assert_eq!(house.ask("HDEL h a"), Value::Int(0));
    assert_eq!(house.ask("HDEL h c"), Value::Int(1));
    assert_eq!(house.ask("EXISTS h"), Value::Int(0), "only due fields were left");
    assert_eq!(house.ask("HINCRBY h a 5"), Value::Int(5), "not from what it held");
    assert_eq!(house.ask("HLEN h"), Value::Int(1));
}

/// While nothing is removed, what is due is held and counted, but cannot be read.
#[test]
fn what_is_due_is_held_while_nothing_is_removed() {
    for halt in ["DEBUG SET-ACTIVE-EXPIRE 0", "CLIENT PAUSE 1000 WRITE"] {
        let mut house = House::new(1);
        house.ask("HSET h a 1 b 2 c 3");
        house.ask("HPEXPIRE h 10 FIELDS 2 a b");
        house.ask("HSET all a 1");
        house.ask("HPEXPIRE all 10 FIELDS 1 a");
        house.test.engine.config().set("enable-debug-command", &[b"local"]).unwrap();
        assert_eq!(house.ask(halt), Value::Simple(b"OK".to_vec()));
        house.advance(10);
        assert_eq!(house.ask("HLEN h"), Value::Int(3), "{halt}");
        assert_eq!(items(house.ask("HKEYS h")).len(), 1, "{halt}");
        assert_eq!(house.ask("HGET h a"), Value::Null, "{halt}");
        assert_eq!(house.ask("EXISTS all h"), Value::Int(2), "{halt}");
        assert_eq!(items(house.ask("HKEYS all")), [], "{halt}");
        assert_eq!(house.ask("HRANDFIELD all"), Value::Null, "{halt}");
        if halt.starts_with("DEBUG") {
            assert_eq!(house.ask("HSET all a 2"), Value::Int(1));
            assert_eq!(house.ask("HTTL all FIELDS 1 a"), Value::Array(vec![Value::Int(-1)]));
            house.ask("DEBUG SET-ACTIVE-EXPIRE 1");
        }
        house.advance(1000);
        assert_eq!(house.ask("HLEN h"), Value::Int(1), "{halt}");
    }
}

#[test]
fn deadlines_follow_their_hash() {
    for (line, moved) in [
        ("RENAME h{x} other{x}", "other{x}"),
        ("COPY h{x} other{x}", "other{x}"),
        ("SWAPDB 0 1", ""),
        ("MOVE h{x} 1", ""),
        ("SELECT 0", "h{x}"),
    ] {
        let mut house = House::new(16);
        house.ask("SET other{x} before");
        house.ask("HSET h{x} a 1 b 2");
        house.ask("HPEXPIRE h{x} 50 FIELDS 1 a");
        house.ask("EXPIRE h{x} 1000");
        house.ask(&if line.starts_with("COPY") { format!("{line} REPLACE") } else { line.into() });
        assert_eq!(house.advance(0), Some(50), "{line}");
        assert_eq!(house.figure("expired_fields"), "0", "{line}");
        house.advance(50);
        let expired = if line.starts_with("COPY") { "2" } else { "1" };
        assert_eq!(house.figure("expired_fields"), expired, "{line}");
        if !moved.is_empty() {
            assert_eq!(house.ask(&format!("HLEN {moved}")), Value::Int(1), "{line}");
        }
    }
}

#[test]
fn deadlines_go_with_their_hash() {
    for line in [
        "DEL h",
        "UNLINK h",
        "SET h v",
        "FLUSHALL",
        "FLUSHDB",
        "HDEL h a b",
        "HPERSIST h FIELDS 1 a",
        "HSET h a 1",
        "HGETDEL h FIELDS 1 a",
        "SUNIONSTORE h s",
    ] {
        let mut house = House::new(4);
        house.ask("SADD s member");
        house.ask("SELECT 2");
        house.ask("SET stays v");
        house.ask("SELECT 0");
        house.ask("HSET h a 1 b 2");
        house.ask("HPEXPIRE h 50 FIELDS 1 a");
        assert_eq!(house.advance(0), Some(50));
        house.ask(line);
        assert_eq!(house.advance(100), None, "{line}");
        assert_eq!(house.figure("expired_fields"), "0", "{line}");
    }
}

#[test]
fn an_earlier_deadline_rings_and_a_later_one_is_kept() {
    let mut house = House::new(1);
    let rings = Arc::new(Mutex::new(Vec::new()));
    let (heard, began_ms) = (rings.clone(), house.began_ms);
    house.test.engine.on_deadline(move |at_ms| heard.lock().unwrap().push(at_ms - began_ms));
    house.ask("HSET h a 1 b 2");
    house.ask("HPEXPIRE h 50 FIELDS 1 a");
    house.ask("HPEXPIRE h 90 FIELDS 1 b");
    assert_eq!(house.advance(0), Some(50));
    house.ask("HPEXPIRE h 70 FIELDS 1 a");
    house.ask("HPEXPIRE h 20 FIELDS 1 b");
    house.ask("HSETEX h PX 5 FIELDS 1 c 3");
    assert_eq!(*rings.lock().unwrap(), [50, 20, 5]);
    assert_eq!(house.advance(5), Some(20));
    assert_eq!(house.advance(15), Some(70));
    assert_eq!(house.ask("HLEN h"), Value::Int(1));
    assert_eq!(house.advance(50), None);
    assert_eq!(house.ask("DBSIZE"), Value::Int(0));
}

/// More is due at once than the housekeeper removes under one hold of a lock.
#[test]
fn many_fields_that_are_due_together_go_in_lots() {
    let mut house = House::new(1);
    for hash in 0..20 {
        for field in 0..300 {
            house.ask(&format!("HSET h{hash} f{field} v"));
        }
        let fields = (0..300).map(|field| format!("f{field}")).collect::<Vec<_>>().join(" ");
        house.ask(&format!("HPEXPIRE h{hash} 10 FIELDS 300 {fields}"));
    }
    house.test.clock.advance_ms(10);
    assert_eq!(house.ask("HLEN h3"), Value::Int(0));
    assert_eq!(house.ask("EXISTS h3"), Value::Int(0));
    assert_eq!(house.advance(0), None);
    assert_eq!(house.ask("DBSIZE"), Value::Int(0));
    assert_eq!(house.figure("expired_fields"), "6000");
}
