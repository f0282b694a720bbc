//! A script's run: its calls become commands under the locks that it holds or reaches for.

use super::Known;
use super::libraries::Function;
use super::running::Slow;
use crate::command::Ctx;
use crate::commands;
use crate::engine::Engine;
use crate::error::Error;
use crate::keys::Keys;
use crate::keyspace::locks::ShardSet;
use crate::monitor::Source;
use crate::reply::{Reply, WireReply};
use crate::session::SessionState;
use crate::session::noting::note_run;
use crate::spec::{Entry, Spec, flag};
use larder_lua::{Body, Fault, Host, Level, Place, Run, Sink, Tick};
use larder_resp::{Protocol, encode};
use std::sync::Arc;

/// What is called.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Called<'a> {
    Script(&'a Known),
    Function(&'a Function),
}

/// What a run is given.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call<'a> {
    pub(crate) called: Called<'a>,
    /// `KEYS`
    pub(crate) keys: &'a [&'a [u8]],
    /// `ARGV`
    pub(crate) args: &'a [&'a [u8]],
    /// The command, for who asks what runs.
    pub(crate) spec: &'static Spec,
    /// Its words up to the number of keys.
    pub(crate) name: &'a [u8],
    /// It was called by a command that may not change data.
    pub(crate) read_only: bool,
}

impl Call<'_> {
    /// Whether it may change data.
    ///
    /// # Errors
    /// It was called as one that may not, and does not say so of itself.
    fn read_only(&self) -> Result<bool, Error> {
        let (declared, said) = match self.called {
            Called::Script(known) => (known.flags.declared, known.flags.said),
            Called::Function(function) => (true, function.facts().flags),
        };
        if self.read_only && declared && !said.no_writes {
            return Err(Error::text(
                "ERR Can not execute a script with write flag using *_ro command.",
            ));
        }
        Ok(self.read_only || said.no_writes)
    }

    fn name(&self) -> &str {
        match self.called {
            Called::Script(known) => &known.sha,
            Called::Function(function) => &function.facts().name,
        }
    }

    /// The request, as far as it is known here.
    fn slow(&self) -> Slow {
        let mut words = vec![self.spec.name.as_bytes().to_vec(), self.name.to_vec()];
        words.push(self.keys.len().to_string().into_bytes());
        words.extend(self.keys.iter().chain(self.args).map(|word| word.to_vec()));
        Slow { name: self.name().to_owned(), words }
    }
}

/// Runs a script for a command and writes its reply.
///
/// # Errors
/// What the script raised, with its place.
pub(crate) fn run(
    call: Call<'_>,
    ctx: &mut Ctx<'_, '_>,
    reply: &mut dyn Reply,
) -> Result<(), Error> {
    let read_only = call.read_only()?;
    let engine = ctx.engine.clone();
    let db = ctx.session.db;
    let running = RunningScript::begin(&engine, matches!(call.called, Called::Function(_)));
    let mut answer = Answer { reply, depth: 0, failed: None };
    let mut host = Script {
        engine: ctx.engine,
        keys: &mut *ctx.keys,
        session: &mut *ctx.session,
        call: &call,
        read_only,
        began_us: running.began_us,
        now_us: running.began_us,
    };
    let outcome = engine.scripts.pool.with(|interpreter| {
        let body = match call.called {
            Called::Script(known) => Body::Script(&known.source),
            Called::Function(function) => {
                if !interpreter.has_function(function.id()) {
                    interpreter.load_library(function.source(), &mut host).map_err(
                        |why| match why {
                            larder_lua::LoadFault::Compiling(fault)
                            | larder_lua::LoadFault::Running(fault) => fault,
                        },
                    )?;
                }
                Body::Function(function.id())
            }
        };
        let run = Run { body, keys: call.keys, args: call.args };
        interpreter.run(run, &mut host, &mut answer)
    });
    let failed = answer.failed.take();
    drop(running);
    ctx.session.db = db;
    ctx.keys.db = db;
    // What its commands changed was logged as theirs.
    ctx.keys.no_effect();
    match outcome {
        Ok(()) => failed.map_or(Ok(()), Err),
        Err(fault) => raise(&fault, &call, reply),
    }
}

/// Replies why a script ended. What one of its commands has counted is not counted again.
fn raise(fault: &Fault, call: &Call<'_>, reply: &mut dyn Reply) -> Result<(), Error> {
    let name = call.name();
    let place = |at: &Option<Place>| {
        at.as_ref()
            .map(|Place { source, line }| format!(", on {source}:{line}."))
            .unwrap_or_default()
    };
    let (text, counted) = match fault {
        Fault::Syntax(text) => {
            (format!("ERR Error compiling script (new function): {text}"), false)
        }
        Fault::Raised { text, at, counted } => {
            let text = String::from_utf8_lossy(text);
            (format!("{text} script: {name}{}", place(at)), *counted)
        }
        Fault::Killed { at } => {
            let by = match call.called {
                Called::Script(_) => "SCRIPT KILL...",
                Called::Function(_) => "FUNCTION KILL...",
            };
            (format!("ERR Script killed by user with {by} script: {name}{}", place(at)), false)
        }
        Fault::Memory => (format!("ERR not enough memory script: {name}"), false),
    };
    let error = Error::owned(text);
    if counted {
        reply.error(&error);
        return Ok(());
    }
    Err(error)
}

/// A script's result on its way to the client.
struct Answer<'r> {
    reply: &'r mut dyn Reply,
    /// Elements that are still to come.
    depth: usize,
    /// The result is an error that nobody has counted.
    failed: Option<Error>,
}

impl Answer<'_> {
    fn sink(&mut self) -> &mut dyn Reply {
        self.depth = 1;
        self.reply
    }
}

impl Sink for Answer<'_> {
    fn null(&mut self) {
        self.sink().null();
    }
    fn int(&mut self, value: i64) {
        self.sink().int(value);
    }
    fn bulk(&mut self, bytes: &[u8]) {
        self.sink().bulk(bytes);
    }
    fn simple(&mut self, text: &[u8]) {
        self.sink().simple(&String::from_utf8_lossy(text));
    }
    fn error(&mut self, text: &[u8], counted: bool) {
        let error = Error::owned(String::from_utf8_lossy(text).into_owned());
        if self.depth == 0 && !counted {
            self.failed = Some(error);
            return;
        }
        self.sink().error(&error);
    }
    fn array(&mut self, len: usize) {
        self.sink().array(len);
    }
    fn map(&mut self, len: usize) {
        self.sink().map(len);
    }
    fn set(&mut self, len: usize) {
        self.sink().set(len);
    }
    fn double(&mut self, value: f64) {
        self.sink().double(value);
    }
    fn boolean(&mut self, value: bool) {
        self.sink().boolean(value);
    }
    fn big_number(&mut self, digits: &[u8]) {
        let digits: Vec<u8> =
            digits.iter().map(|&b| if b"\r\n".contains(&b) { b' ' } else { b }).collect();
        self.sink().big_number(&digits);
    }
    fn verbatim(&mut self, format: [u8; 3], text: &[u8]) {
        self.sink().verbatim(format, text);
    }
}

/// The mark that a script runs, for those who look from outside.
struct RunningScript<'e> {
    engine: &'e Engine,
    began_us: u64,
}

impl<'e> RunningScript<'e> {
    fn begin(engine: &'e Engine, is_function: bool) -> Self {
        let began_us = engine.now_us();
        engine.scripts.running.begin(began_us, is_function);
        RunningScript { engine, began_us }
    }
}

impl Drop for RunningScript<'_> {
    fn drop(&mut self) {
        if self.engine.scripts.running.end().is_some() {
            self.engine.locks().set_busy(false);
            self.engine.scripts.set_busy(false);
            self.engine.call_housekeeper();
        }
    }
}

/// A script's host: the session that sent it, with the locks of its keys.
struct Script<'r, 'k> {
    engine: &'r Arc<Engine>,
    keys: &'r mut Keys<'k>,
    session: &'r mut SessionState,
    call: &'r Call<'r>,
    read_only: bool,
    began_us: u64,
    /// When its last command had ended.
    now_us: u64,
}

impl Host for Script<'_, '_> {
    fn call(&mut self, words: &[&[u8]], protocol: Protocol, out: &mut Vec<u8>) {
        let Some(entry) = commands::resolve(words) else {
            return encode::error(out, "ERR Unknown Redis command called from script");
        };
        if let Err(error) = self.admit(entry, words) {
            return encode::error(out, error.to_string());
        }
        self.reach(entry, words);
        self.invoke(entry, words, protocol, out);
    }

    fn log(&mut self, level: Level, text: &[u8]) {
        self.engine.host().log(level_of(level), &String::from_utf8_lossy(text));
    }

    fn may_call(&mut self, words: &[&[u8]]) -> Option<bool> {
        commands::resolve(words).map(|_| true)
    }

    fn tick(&mut self) -> Tick {
        let scripts = &self.engine.scripts;
        let threshold_ms = self.engine.config().busy_reply_threshold();
        let took_ms = self.engine.now_us().saturating_sub(self.began_us) / 1000;
        if threshold_ms > 0 && took_ms >= threshold_ms {
            if scripts.running.be_slow(|| self.call.slow()) {
                self.engine.locks().set_busy(true);
                scripts.set_busy(true);
            }
            if !self.engine.host().serve_others() {
                return Tick::Kill;
            }
        }
        if scripts.running.is_killed() { Tick::Kill } else { Tick::GoOn }
    }
}

impl Script<'_, '_> {
    fn admit(&self, entry: &'static Entry, words: &[&[u8]]) -> Result<(), Error> {
        let spec = entry.spec;
        if entry.invoke.is_none() || !spec.accepts(words.len()) {
            return Err(Error::text("ERR Wrong number of args calling Redis command from script"));
        }
        if spec.has(flag::NOSCRIPT) && !self.engine.scripts.allows_denied() {
            return Err(Error::text("ERR This Redis command is not allowed from script"));
        }
        if spec.has(flag::WRITE) {
            if self.read_only {
                return Err(Error::text(
                    "ERR Write commands are not allowed from read-only scripts.",
                ));
            }
            if self.engine.is_out_of_order()
                && let Some(refusal) = self.engine.write_refusal()
            {
                return Err(refusal);
            }
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

    fn invoke(
        &mut self,
        entry: &'static Entry,
        words: &[&[u8]],
        protocol: Protocol,
        out: &mut Vec<u8>,
    ) {
        let Some(invoke) = entry.invoke else { return };
        let before = self.keys.changes();
        self.keys.db = self.session.db;
        let mut reply = WireReply::new(out, protocol);
        let mut ctx = Ctx::new(self.engine, self.keys, self.session, false);
        ctx.source = Source::Script;
        let result = invoke(&mut ctx, words, &mut reply);
        if self.keys.changes() != before {
            self.engine.scripts.running.write();
        }
        let ended_us = self.engine.now_us();
        note_run(self.engine, self.session, entry, words, self.now_us, ended_us);
        self.now_us = ended_us;
        if let Err(error) = result {
            self.engine.stats.failed(commands::number_of(entry));
            let text = error.to_string();
            self.engine.stats.error(&text);
            out.clear();
            encode::error(out, text);
        }
    }
}

pub(super) fn level_of(level: Level) -> crate::host::LogLevel {
    use crate::host::LogLevel;
    match level {
        Level::Debug => LogLevel::Debug,
        Level::Verbose => LogLevel::Verbose,
        Level::Notice => LogLevel::Notice,
        Level::Warning => LogLevel::Warning,
    }
}
