//! Databases as wholes: which there are, and what flushing one gives back.

use larder_engine::clock::FakeClock;
use larder_engine::config::Config;
use larder_engine::mailbox::{Mailbox, Notify};
use larder_engine::testing::{TestEngine, send};
use larder_engine::{Engine, NoHost, Options, Origin, Session};
use std::sync::Arc;

struct Nobody;

impl Notify for Nobody {
    fn notify(&self) {}
}

#[test]
fn no_command_reaches_a_database_beyond_the_setting() {
    let config = Config::default();
    config.set("databases", &[b"4"]).unwrap();
    let engine = Engine::new(Options {
        shards: 2,
        hash_seed: 1,
        random_seed: 1,
        clock: Arc::new(FakeClock::new(1_700_000_000_000)),
        config: Arc::new(config),
        host: Arc::new(NoHost),
    });
    let mut session = Session::new(engine, Origin::Linked, Mailbox::new(Box::new(Nobody)));
    send(&mut session, "SET k v");
    for refused in ["SELECT 4", "MOVE k 4", "COPY k k DB 4", "SWAPDB 0 4", "SWAPDB 4 0"] {
        let reply = send(&mut session, refused);
        assert_eq!(reply, b"-ERR DB index is out of range\r\n", "{refused}");
    }
    assert_eq!(send(&mut session, "COPY k k DB 3"), b":1\r\n");
}

fn dataset_bytes(session: &mut Session) -> u64 {
    let info = String::from_utf8(send(session, "INFO memory")).unwrap();
    let line = info.lines().find_map(|line| line.strip_prefix("used_memory_dataset:"));
    line.unwrap().trim().parse().unwrap()
}

fn fill(session: &mut Session, db: u8) {
    session.select(db);
    for number in 0..3000 {
        send(session, &format!("SET key:{number} value EX {number}0"));
        send(session, &format!("SADD set:{} {number}", number % 5));
    }
    for number in 0..20 {
        send(session, &format!("SET big:{number} {}", "x".repeat(20_000)));
        send(session, &format!("SET {}{number} long", "k".repeat(5000)));
    }
}

/// Everything that a database took is given back: at once, or by the housekeeper.
#[test]
fn flushing_frees_everything() {
    for (shards, beside) in [(1, true), (8, true), (8, false)] {
        let test = TestEngine::new(shards);
        let (mut session, _mailbox) = test.session();
        if beside {
            fill(&mut session, 0);
        }
        let before = dataset_bytes(&mut session);
        for flush in ["FLUSHDB SYNC", "FLUSHDB ASYNC"] {
            fill(&mut session, 1);
            assert!(dataset_bytes(&mut session) > before + 500_000);
            send(&mut session, flush);
            assert_eq!(send(&mut session, "DBSIZE"), b":0\r\n");
            let mut work = Default::default();
            let mut rounds = 0;
            while flush.ends_with("ASYNC") && test.engine.expire_due(&mut work) == Some(0) {
                rounds += 1;
                assert!(rounds < 1000, "the housekeeper does not come to an end");
            }
            assert_eq!(dataset_bytes(&mut session), before, "{flush} on {shards} shards");
        }
        send(&mut session, "FLUSHALL");
        assert_eq!(dataset_bytes(&mut session), 0);
    }
}
