//! Any text as a script, and as a library: the engine answers, whatever it is, and lives.
//!
//! Time passes with every look at the clock, and the host ends what is over its time.

#![no_main]

use larder_engine::clock::Clock;
use larder_engine::config::{Config, ConfigError, Id};
use larder_engine::host::{Exchange, Exchanged, LogLevel};
use larder_engine::mailbox::{Mailbox, Notify};
use larder_engine::{Engine, Host, NoHost, Options, Origin, Session, Shutdown};
use libfuzzer_sys::fuzz_target;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A clock that goes on by 10 ms whenever somebody looks.
struct Hurried(AtomicU64);

impl Clock for Hurried {
    fn now_us(&self) -> u64 {
        self.0.fetch_add(10_000, Ordering::Relaxed)
    }
}

/// A host that wants to end as soon as a script is slow.
struct Impatient;

impl Host for Impatient {
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
        NoHost.exchange(exchange)
    }
    fn log(&self, _: LogLevel, _: &str) {}
    fn serve_others(&self) -> bool {
        false
    }
    fn info(&self, section: &str) -> Vec<(&'static str, String)> {
        NoHost.info(section)
    }
}

struct Nobody;

impl Notify for Nobody {
    fn notify(&self) {}
}

fuzz_target!(|source: &[u8]| {
    let engine = Engine::new(Options {
        shards: 4,
        hash_seed: 7,
        random_seed: 7,
        clock: Arc::new(Hurried(AtomicU64::new(1_700_000_000_000_000))),
        config: Arc::new(Config::default()),
        host: Arc::new(Impatient),
    });
    let mut session = Session::new(engine, Origin::Linked, Mailbox::new(Box::new(Nobody)));
    let mut ask = |words: &[&[u8]]| {
        let mut out = Vec::new();
        let _ = session.execute(words, &mut out);
        assert!(!out.is_empty(), "no reply");
        out
    };
    ask(&[b"EVAL", source, b"2", b"k", b"l", b"1", b"a"]);
    let library = [b"#!lua name=fuzzed\n", source].concat();
    ask(&[b"FUNCTION", b"LOAD", &library]);
    assert_eq!(ask(&[b"PING"]), b"+PONG\r\n");
});
