//! `databases` bounds every command that names one.

use larder_engine::clock::FakeClock;
use larder_engine::config::Config;
use larder_engine::mailbox::{Mailbox, Notify};
use larder_engine::testing::send;
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
