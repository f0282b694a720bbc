//! An engine of the runner's own: a fake clock, fixed seeds, effects to be seen.
//!
//! It must not know how its clients reach it: `linked` calls it, `served` puts a server before it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use larder_engine::clock::FakeClock;
use larder_engine::config::Config;
use larder_engine::engine::Housekeeping;
use larder_engine::log::{LEAST_RING_BYTES, flags};
use larder_engine::{Engine, NoHost, Options};

use crate::reply::{Reply, decode};

/// Where the clock begins: no round number, so that rounding shows.
const START_MS: u64 = 1_700_000_000_123;
/// Enough that keys of one test lie in different shards.
const SHARDS: u16 = 16;

/// An empty engine, its clock and what it has logged.
pub(super) struct Fixture {
    engine: Arc<Engine>,
    clock: Arc<FakeClock>,
    housekeeping: Housekeeping,
    /// The database that the last seen effect was in.
    effects_db: u8,
}

impl Fixture {
    pub(super) fn new() -> Fixture {
        Fixture::of(Config::default())
    }

    /// One whose clients may use `DEBUG`, as real servers in tests are started.
    pub(super) fn with_debug() -> Fixture {
        let config = Config::default();
        config.set("enable-debug-command", &[b"yes"]).expect("a setting of the table");
        Fixture::of(config)
    }

    fn of(config: Config) -> Fixture {
        let clock = Arc::new(FakeClock::new(START_MS));
        let engine = Engine::new(Options {
            shards: SHARDS,
            hash_seed: 7,
            random_seed: 7,
            clock: clock.clone(),
            config: Arc::new(config),
            host: Arc::new(NoHost),
        });
        engine.log().listen_with(LEAST_RING_BYTES);
        Fixture { engine, clock, housekeeping: Housekeeping::default(), effects_db: 0 }
    }

    pub(super) fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// Moves the clock and removes every key whose time has come.
    pub(super) fn advance(&mut self, by: Duration) -> Result<()> {
        self.clock.advance_ms(u64::try_from(by.as_millis())?);
        let now_ms = self.engine.now_us() / 1000;
        while self.engine.expire_due(&mut self.housekeeping).is_some_and(|due| due <= now_ms) {}
        Ok(())
    }

    pub(super) fn now_ms(&self) -> i64 {
        i64::try_from(self.engine.now_us() / 1000).unwrap_or(i64::MAX)
    }

    /// What was logged since the last call, as a replica would be sent it.
    pub(super) fn effects(&mut self) -> Vec<Vec<Vec<u8>>> {
        let mut effects = Vec::new();
        while let Some(frame) = self.engine.log().next_frame() {
            if frame.head.db != self.effects_db {
                self.effects_db = frame.head.db;
                effects.push(vec![b"SELECT".to_vec(), frame.head.db.to_string().into_bytes()]);
            }
            let transaction = frame.head.flags & flags::TRANSACTION != 0;
            if transaction {
                effects.push(vec![b"MULTI".to_vec()]);
            }
            self.read_commands(&frame.payload, &mut effects);
            if transaction {
                effects.push(vec![b"EXEC".to_vec()]);
            }
        }
        effects
    }

    fn read_commands(&mut self, mut payload: &[u8], effects: &mut Vec<Vec<Vec<u8>>>) {
        while let Ok(Some((Reply::Array(items), used))) = decode(payload) {
            let mut words: Vec<Vec<u8>> = items.iter().filter_map(Reply::bytes).collect();
            // A command's name is the same in any case.
            words.iter_mut().take(1).for_each(|name| name.make_ascii_uppercase());
            if let [name, db] = &words[..]
                && name == b"SELECT"
            {
                self.effects_db = String::from_utf8_lossy(db).parse().unwrap_or(0);
            }
            effects.push(words);
            payload = &payload[used..];
        }
    }
}
