//! An engine for tests: a fake clock, fixed seeds, no outside; and random requests.

mod arguments;

pub use arguments::Requests;

use crate::clock::FakeClock;
use crate::config::Config;
use crate::config::{ConfigError, Id};
use crate::host::{Exchange, Exchanged, LogLevel};
use crate::mailbox::{Mailbox, Notify};
use crate::{Engine, Host, NoHost, Options, Origin, Session, Shutdown};
use std::sync::Arc;

/// An engine with a clock that stands still at 1,700,000,000,000 ms.
pub struct TestEngine {
    /// The engine.
    pub engine: Arc<Engine>,
    /// Its clock.
    pub clock: Arc<FakeClock>,
}

struct Nobody;

impl Notify for Nobody {
    fn notify(&self) {}
}

impl TestEngine {
    /// An engine with so many shards.
    pub fn new(shards: u16) -> Self {
        TestEngine::with_clock(shards, Arc::new(FakeClock::new(1_700_000_000_000)))
    }

    /// An engine with a clock that others may share.
    pub fn with_clock(shards: u16, clock: Arc<FakeClock>) -> Self {
        let engine = Engine::new(Options {
            shards,
            hash_seed: 7,
            random_seed: 7,
            clock: clock.clone(),
            config: Arc::new(Config::default()),
            host: Arc::new(TestHost),
        });
        TestEngine { engine, clock }
    }

    /// A session with a mailbox of its own that nobody is woken by.
    pub fn session(&self) -> (Session, Arc<Mailbox>) {
        let mailbox = Mailbox::new(Box::new(Nobody));
        (Session::new(self.engine.clone(), Origin::Linked, mailbox.clone()), mailbox)
    }
}

/// A host that can do nothing, but for other servers: they take all that they are sent.
#[derive(Debug)]
struct TestHost;

impl Host for TestHost {
    fn apply(&self, changed: &[Id]) -> Result<(), ConfigError> {
        NoHost.apply(changed)
    }
    fn rewrite_config(&self) -> Result<(), String> {
        NoHost.rewrite_config()
    }
    fn shut_down(&self, how: Shutdown) -> Result<(), String> {
        NoHost.shut_down(how)
    }
    fn sleep(&self, time_ms: u64) -> bool {
        NoHost.sleep(time_ms)
    }
    fn exchange(&self, exchange: &Exchange<'_>) -> Exchanged {
        Exchanged { replies: vec![Ok(()); exchange.replies], broken: None }
    }
    fn log(&self, level: LogLevel, text: &str) {
        NoHost.log(level, text);
    }
    fn serve_others(&self) -> bool {
        NoHost.serve_others()
    }
    fn info(&self, section: &str) -> Vec<(&'static str, String)> {
        NoHost.info(section)
    }
}

/// Sends a request written as one line of words without quotes; the reply's bytes.
pub fn send(session: &mut Session, line: &str) -> Vec<u8> {
    let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
    let mut out = Vec::new();
    let _ = session.execute(&words, &mut out);
    out
}
