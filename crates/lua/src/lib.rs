//! Lua 5.1, hardened: the interpreter in which scripts and functions run, and what they may ask of
//! their host.
//!
//! Knows Lua and the bytes of the protocol. Must not know any command, key or lock: whoever runs
//! a script is its [`Host`]. Next: [`interpreter`].

mod api;
mod convert;
mod fault;
mod gate;
mod interpreter;
mod libraries;
mod libs;
mod sandbox;

pub use fault::{Fault, Place};
pub use interpreter::{Body, Interpreter, Limits, Run, Source};
pub use libraries::{FunctionFlags, LoadFault, Registered, is_name};

use larder_resp::Protocol;

/// SHA-1 of some bytes in hexadecimal digits: a script's name.
pub fn sha1_hex(bytes: &[u8]) -> String {
    api::sha1_hex(bytes)
}

/// Who runs a script: what it may do to the outside.
pub trait Host {
    /// Runs a command and appends its reply as bytes of the given protocol; a refusal is an error
    /// reply.
    fn call(&mut self, words: &[&[u8]], protocol: Protocol, out: &mut Vec<u8>);

    /// Writes a line of the server's log.
    fn log(&mut self, level: Level, text: &[u8]);

    /// Whether the script's user may run a command; `None` when there is none of that name.
    fn may_call(&mut self, words: &[&[u8]]) -> Option<bool>;

    /// Called again and again while the script runs; whether it goes on.
    fn tick(&mut self) -> Tick;
}

/// Where a script's result goes, as RESP3 knows it. Aggregates announce their length first.
#[allow(missing_docs, reason = "the protocol's types")]
pub trait Sink {
    fn null(&mut self);
    fn int(&mut self, value: i64);
    fn bulk(&mut self, bytes: &[u8]);
    fn simple(&mut self, text: &[u8]);
    /// An error; `counted` when it is a command's, whose failure has been counted.
    fn error(&mut self, text: &[u8], counted: bool);
    fn array(&mut self, len: usize);
    fn map(&mut self, len: usize);
    fn set(&mut self, len: usize);
    fn double(&mut self, value: f64);
    fn boolean(&mut self, value: bool);
    fn big_number(&mut self, digits: &[u8]);
    fn verbatim(&mut self, format: [u8; 3], text: &[u8]);
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
