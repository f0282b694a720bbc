//! A script's run: its calls become commands under the locks that it holds or reaches for.

use super::{Known, Running};
use crate::command::Ctx;
use crate::commands;
use crate::engine::Engine;
use crate::error::Error;
use crate::keys::Keys;
use crate::keyspace::locks::ShardSet;
use crate::reply::{Reply, ValueReply};
use crate::session::SessionState;
use crate::spec::{Entry, flag};
use larder_lua::{Fault, Host, Level, Tick};
use larder_resp::{Protocol, Value};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// What a run is given.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// The script.
    pub known: &'a Known,
    /// `KEYS`
    pub keys: &'a [&'a [u8]],
    /// `ARGV`
    pub args: &'a [&'a [u8]],
    /// It was called by a command that may not change data.
    pub read_only: bool,
}

/// Runs a script for a command and writes its reply.
///
/// # Errors
/// What the script raised, with its place.
pub fn run(call: Call<'_>, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
    let engine = ctx.engine.clone();
    let db = ctx.session.db;
    let running = RunningScript::begin(&engine);
    let mut run = Run {
        engine: ctx.engine,
        keys: &mut *ctx.keys,
        session: &mut *ctx.session,
        read_only: call.read_only || call.known.flags.no_writes,
        began_us: running.began_us,
    };
    let outcome = engine.scripts.with_interpreter(|interpreter| {
        interpreter.run(&call.known.script, call.keys, call.args, &mut run)
    });
    drop(running);
    ctx.session.db = db;
    ctx.keys.db = db;
    // What its commands changed was logged as theirs.
    ctx.keys.no_effect();
    match outcome {
        Ok(value) => {
            write(&value, reply);
            Ok(())
        }
        Err(fault) => raise(&fault, &call.known.script.sha, reply),
    }
}

/// Replies why a script ended. What one of its commands has counted is not counted again.
fn raise(fault: &Fault, sha: &str, reply: &mut dyn Reply) -> Result<(), Error> {
    let (text, counted) = match fault {
        Fault::Syntax(text) => {
            (format!("ERR Error compiling script (new function): {text}"), false)
        }
        Fault::Raised { text, at, counted } => {
            let text = String::from_utf8_lossy(text);
            let at = at.as_ref().map(|(source, line)| format!(", on {source}:{line}."));
            (format!("{text} script: {sha}{}", at.unwrap_or_default()), *counted)
        }
        Fault::Killed => {
            let text = "ERR Error running script: Script killed by user with SCRIPT KILL.";
            (format!("{text} script: {sha}"), false)
        }
        Fault::Memory => (format!("ERR not enough memory script: {sha}"), false),
    };
    let error = Error::owned(text);
    if counted {
        reply.error(&error);
        return Ok(());
    }
    Err(error)
}

/// Writes what a script returned.
pub(crate) fn write(value: &Value, reply: &mut dyn Reply) {
    match value {
        Value::Null => reply.null(),
        Value::Int(n) => reply.int(*n),
        Value::Bulk(bytes) => reply.bulk(bytes),
        Value::Simple(text) => reply.simple(&String::from_utf8_lossy(text)),
        Value::Error(text) => {
            reply.error(&Error::owned(String::from_utf8_lossy(text).into_owned()));
        }
        Value::Array(items) | Value::Push(items) => {
            reply.array(items.len());
            items.iter().for_each(|item| write(item, reply));
        }
        Value::Set(items) => {
            reply.set(items.len());
            items.iter().for_each(|item| write(item, reply));
        }
        Value::Map(pairs) => {
            reply.map(pairs.len());
            for (key, value) in pairs {
                write(key, reply);
                write(value, reply);
            }
        }
        Value::Double(number) => reply.double(*number),
        // A client of RESP2 sees Lua's false as no value, and true as 1.
        Value::Boolean(false) if reply.protocol() == Protocol::Resp2 => reply.null(),
        Value::Boolean(is) => reply.boolean(*is),
        Value::BigNumber(digits) => reply.bulk(digits),
        Value::Verbatim { format, text } => reply.verbatim(*format, text),
        Value::Attribute { value, .. } => write(value, reply),
    }
}

/// The mark that a script runs, for those who look from outside.
struct RunningScript<'e> {
    engine: &'e Engine,
    began_us: u64,
}

impl<'e> RunningScript<'e> {
    fn begin(engine: &'e Engine) -> Self {
        let began_us = engine.now_us();
        let Running { began_us: shown, is_slow, has_written, kill } = &engine.scripts.running;
        is_slow.store(false, Ordering::SeqCst);
        has_written.store(false, Ordering::SeqCst);
        kill.store(false, Ordering::SeqCst);
        shown.store(began_us.max(1), Ordering::SeqCst);
        RunningScript { engine, began_us }
    }
}

impl Drop for RunningScript<'_> {
    fn drop(&mut self) {
        let running = &self.engine.scripts.running;
        running.began_us.store(0, Ordering::SeqCst);
        if running.is_slow.swap(false, Ordering::SeqCst) {
            self.engine.locks().set_busy(false);
            self.engine.scripts.set_busy(false);
            self.engine.call_housekeeper();
        }
    }
}

/// A script's host: the session that sent it, with the locks of its keys.
struct Run<'r, 'k> {
    engine: &'r Arc<Engine>,
    keys: &'r mut Keys<'k>,
    session: &'r mut SessionState,
    read_only: bool,
    began_us: u64,
}

impl Host for Run<'_, '_> {
    fn call(&mut self, words: &[&[u8]], protocol: Protocol) -> Value {
        let refuse = |text: &str| Value::Error(text.as_bytes().to_vec());
        let Some(entry) = commands::resolve(words) else {
            return refuse("ERR Unknown Redis command called from script");
        };
        if let Err(text) = self.admit(entry, words) {
            return refuse(text);
        }
        self.reach(entry, words);
        self.invoke(entry, words, protocol)
    }

    fn log(&mut self, level: Level, text: &[u8]) {
        self.engine.host().log(level_of(level), &String::from_utf8_lossy(text));
    }

    fn may_call(&mut self, words: &[&[u8]]) -> Option<bool> {
        let entry = commands::resolve(words)?;
        entry.spec.accepts(words.len()).then_some(true)
    }

    fn tick(&mut self) -> Tick {
        let running = &self.engine.scripts.running;
        let threshold_ms = self.engine.config().busy_reply_threshold();
        let took_ms = self.engine.now_us().saturating_sub(self.began_us) / 1000;
        if threshold_ms > 0 && took_ms >= threshold_ms {
            if !running.is_slow.swap(true, Ordering::SeqCst) {
                self.engine.locks().set_busy(true);
                self.engine.scripts.set_busy(true);
            }
            if !self.engine.host().serve_others() {
                return Tick::Kill;
            }
        }
        let kill = running.kill.load(Ordering::Relaxed);
        if kill { Tick::Kill } else { Tick::GoOn }
    }
}

impl Run<'_, '_> {
    fn admit(&self, entry: &'static Entry, words: &[&[u8]]) -> Result<(), &'static str> {
        let spec = entry.spec;
        if entry.invoke.is_none() || !spec.accepts(words.len()) {
            return Err("ERR Wrong number of args calling Redis command from script");
        }
        if spec.has(flag::NOSCRIPT) {
            return Err("ERR This Redis command is not allowed from script");
        }
        if spec.has(flag::WRITE) && self.read_only {
            return Err("ERR Write commands are not allowed from read-only scripts.");
        }
        Ok(())
    }

    /// Takes the locks that a command needs and that the script does not hold yet.
    fn reach(&mut self, entry: &'static Entry, words: &[&[u8]]) {
        if entry.spec.has(flag::ALL_SHARDS) {
            return self.keys.reach_all(&ShardSet::All);
        }
        let keys = &mut *self.keys;
        entry.spec.each_key(words, |at, _| {
            let index = keys.shard_index(words[at]);
            keys.reach(index);
        });
        if let Some(more) = entry.spec.more_shards {
            keys.db = self.session.db;
            loop {
                let set = more(keys, words);
                if set.iter(keys.engine.shard_count()).all(|shard| keys.held.has(shard)) {
                    return;
                }
                keys.reach_all(&set);
            }
        }
    }

    fn invoke(&mut self, entry: &'static Entry, words: &[&[u8]], protocol: Protocol) -> Value {
        let Some(invoke) = entry.invoke else { return Value::Null };
        let began_us = self.engine.now_us();
        let before = self.keys.changes();
        self.keys.db = self.session.db;
        let mut reply = ValueReply::of(protocol);
        let mut ctx = Ctx::new(self.engine, self.keys, self.session, false);
        let result = invoke(&mut ctx, words, &mut reply);
        if self.keys.changes() != before {
            self.engine.scripts.running.has_written.store(true, Ordering::SeqCst);
        }
        let number = commands::number_of(entry);
        self.engine.stats.ran(number, self.engine.now_us().saturating_sub(began_us), true);
        match result {
            Ok(()) => reply.into_value().unwrap_or(Value::Null),
            Err(error) => {
                self.engine.stats.failed(number);
                let text = error.to_string();
                self.engine.stats.error(&text);
                Value::Error(text.into_bytes())
            }
        }
    }
}

fn level_of(level: Level) -> crate::host::LogLevel {
    use crate::host::LogLevel;
    match level {
        Level::Debug => LogLevel::Debug,
        Level::Verbose => LogLevel::Verbose,
        Level::Notice => LogLevel::Notice,
        Level::Warning => LogLevel::Warning,
    }
}
