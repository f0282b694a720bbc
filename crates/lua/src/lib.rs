//! Lua 5.1, hardened: the interpreter in which scripts run, and what a script may ask of its host.
//!
//! Knows Lua and the values of the protocol. Must not know any command, key or lock: whoever runs
//! a script is its [`Host`]. Next: [`interpreter`].

mod api;
mod convert;
mod fault;
mod interpreter;
mod libs;
mod sandbox;

pub use fault::Fault;
pub use interpreter::{Interpreter, Limits, Script};

use larder_resp::{Protocol, Value};

/// Who runs a script: what it may do to the outside.
pub trait Host {
    /// Runs a command; its reply in the given protocol's terms, a refusal as [`Value::Error`].
    fn call(&mut self, words: &[&[u8]], protocol: Protocol) -> Value;

    /// Writes a line of the server's log.
    fn log(&mut self, level: Level, text: &[u8]);

    /// Whether the script's user may run a command; `None` when there is none of that name or
    /// number of words.
    fn may_call(&mut self, words: &[&[u8]]) -> Option<bool>;

    /// Called again and again while the script runs; whether it goes on.
    fn tick(&mut self) -> Tick;
}

/// Whether a script goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tick {
    /// It does.
    GoOn,
    /// It is to end as soon as possible, whatever it catches.
    Kill,
}

/// How important a line of the log is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// `redis.LOG_DEBUG`
    Debug,
    /// `redis.LOG_VERBOSE`
    Verbose,
    /// `redis.LOG_NOTICE`
    Notice,
    /// `redis.LOG_WARNING`
    Warning,
}
