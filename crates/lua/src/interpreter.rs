//! One interpreter: a Lua state with its sandbox, the scripts it has compiled, and the host of the
//! script that runs.
//!
//! The state is entered by [`Interpreter::run`] only, which lends it the host for as long as the
//! script runs. Knows no redis functions; those are in [`super::api`].
#![allow(unsafe_code)]

use crate::convert::{to_lua, to_reply};
use crate::fault::Fault;
use crate::{Host, Tick, api, sandbox};
use larder_resp::{Protocol, Value};
use mlua::chunk::ChunkMode;
use mlua::{Function, HookTriggers, Lua, LuaOptions, StdLib, Table, VmState};
use std::cell::Cell;
use std::collections::HashMap;
use std::ptr::NonNull;
use std::rc::Rc;
use std::sync::Arc;

/// Instructions between two looks at the clock.
const TICK_EVERY: u32 = 10_000;

/// What an interpreter may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of its memory.
    pub memory: usize,
    /// Compiled scripts that it keeps.
    pub scripts: usize,
}

/// A script: its name and its source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// SHA-1 of the source in hexadecimal digits.
    pub sha: String,
    /// The source.
    pub source: Arc<[u8]>,
}

impl Script {
    /// A script of this source.
    pub fn new(source: &[u8]) -> Script {
        Script { sha: api::sha1_hex(source), source: source.into() }
    }
}

/// An interpreter.
pub struct Interpreter {
    lua: Lua,
    /// Runs a function and makes a table of any error.
    guarded: Function,
    globals: Table,
    environment: Table,
    compiled: HashMap<String, Function>,
    lent: Rc<Lent>,
    limits: Limits,
}

impl std::fmt::Debug for Interpreter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Interpreter")
            .field("compiled", &self.compiled.len())
            .finish_non_exhaustive()
    }
}

/// What belongs to the run that is under way.
pub(crate) struct Lent {
    host: Cell<Option<NonNull<dyn Host>>>,
    /// The protocol in which the script wants its replies.
    pub(crate) protocol: Cell<Protocol>,
    killed: Cell<bool>,
}

impl Lent {
    /// Does something with the host of the script that runs; `None` while none does.
    pub(crate) fn with<R>(&self, work: impl FnOnce(&mut dyn Host) -> R) -> Option<R> {
        let mut host = self.host.take()?;
        // SAFETY: `Loan::new` got it from a unique borrow that outlives the loan; it was taken out
        // of the cell, so nobody else reaches it until it is put back.
        let result = work(unsafe { host.as_mut() });
        self.host.set(Some(host));
        Some(result)
    }
}

/// Gives the host back at the end of a run, whatever happens in it.
struct Loan<'r>(&'r Lent);

impl<'r> Loan<'r> {
    fn new(lent: &'r Lent, host: &'r mut (dyn Host + 'r)) -> Loan<'r> {
        let host: NonNull<dyn Host + 'r> = NonNull::from(host);
        // SAFETY: only the lifetime changes; `drop` takes the pointer back before it ends.
        let host: NonNull<dyn Host + 'static> = unsafe { std::mem::transmute(host) };
        lent.host.set(Some(host));
        lent.protocol.set(Protocol::Resp2);
        lent.killed.set(false);
        Loan(lent)
    }
}

impl Drop for Loan<'_> {
    fn drop(&mut self) {
        self.0.host.set(None);
    }
}

impl Interpreter {
    /// A fresh one.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub fn new(limits: Limits) -> Result<Self, Fault> {
        let lent = Rc::new(Lent {
            host: Cell::new(None),
            protocol: Cell::new(Protocol::Resp2),
            killed: Cell::new(false),
        });
        Interpreter::build(limits, lent).map_err(|error| Fault::plain(error.to_string()))
    }

    fn build(limits: Limits, lent: Rc<Lent>) -> mlua::Result<Self> {
        let libraries = StdLib::TABLE | StdLib::STRING | StdLib::MATH | StdLib::OS;
        let lua = Lua::new_with(libraries, LuaOptions::new().catch_rust_panics(false))?;
        let redis = api::table(&lua, &lent)?;
        let sandbox = sandbox::build(&lua, redis)?;
        lua.set_memory_limit(limits.memory)?;
        Ok(Interpreter {
            guarded: sandbox.guarded,
            globals: sandbox.globals,
            environment: sandbox.environment,
            compiled: HashMap::new(),
            lua,
            lent,
            limits,
        })
    }

    /// Bytes of memory that it takes.
    pub fn memory(&self) -> usize {
        self.lua.used_memory()
    }

    /// Compiles a script, or finds it compiled.
    ///
    /// # Errors
    /// [`Fault::Syntax`]
    pub fn compile(&mut self, script: &Script) -> Result<(), Fault> {
        self.function(script).map(drop)
    }

    /// Runs a script.
    ///
    /// # Errors
    /// Why it ended without a reply.
    pub fn run(
        &mut self,
        script: &Script,
        keys: &[&[u8]],
        args: &[&[u8]],
        host: &mut dyn Host,
    ) -> Result<Value, Fault> {
        let function = self.function(script)?;
        let lent = self.lent.clone();
        let loan = Loan::new(&lent, host);
        let result = self.enter(&function, keys, args);
        drop(loan);
        self.lua.remove_hook();
        if lent.killed.get() {
            return Err(Fault::Killed);
        }
        match result {
            Ok(outcome) => outcome,
            Err(mlua::Error::MemoryError(_)) => Err(Fault::Memory),
            Err(error) => Err(Fault::plain(format!("ERR {error}"))),
        }
    }

    fn enter(
        &self,
        function: &Function,
        keys: &[&[u8]],
        args: &[&[u8]],
    ) -> mlua::Result<Result<Value, Fault>> {
        self.globals.raw_set("KEYS", self.list(keys)?)?;
        self.globals.raw_set("ARGV", self.list(args)?)?;
        self.watch(TICK_EVERY)?;
        let (done, result): (bool, mlua::Value) = self.guarded.call(function)?;
        if done {
            return to_reply(result, 0).map(Ok);
        }
        Ok(Err(fault_of(result)?))
    }

    /// Has the host asked every so many instructions whether the script goes on.
    fn watch(&self, every: u32) -> mlua::Result<()> {
        let lent = self.lent.clone();
        let triggers = HookTriggers::new().every_nth_instruction(every);
        self.lua.set_global_hook(triggers, move |lua, _| {
            let killed = lent.killed.get() || lent.with(|host| host.tick()) == Some(Tick::Kill);
            if !killed {
                return Ok(VmState::Continue);
            }
            if !lent.killed.replace(true) {
                // From here on every instruction ends it, so that no `pcall` keeps it alive.
                let lent = lent.clone();
                lua.set_global_hook(HookTriggers::new().every_nth_instruction(1), move |_, _| {
                    let _ = &lent;
                    Err(mlua::Error::runtime(KILLED))
                })?;
            }
            Err(mlua::Error::runtime(KILLED))
        })
    }

    fn list(&self, items: &[&[u8]]) -> mlua::Result<Table> {
        let table = self.lua.create_table_with_capacity(items.len(), 0)?;
        for (at, item) in items.iter().enumerate() {
            table.raw_set(at + 1, self.lua.create_string(item)?)?;
        }
        Ok(table)
    }

    fn function(&mut self, script: &Script) -> Result<Function, Fault> {
        if let Some(function) = self.compiled.get(&script.sha) {
            return Ok(function.clone());
        }
        if self.compiled.len() >= self.limits.scripts {
            self.compiled.clear();
        }
        // A precompiled chunk could do anything; the collector must not run while names of the
        // source are not anchored yet.
        self.lua.gc_stop();
        let chunk = self.lua.load(&script.source[..]).set_name("@user_script");
        let chunk = chunk.set_mode(ChunkMode::Text).set_environment(self.environment.clone());
        let function = chunk.into_function();
        self.lua.gc_restart();
        let function = function.map_err(|error| Fault::Syntax(syntax_text(&error)))?;
        self.compiled.insert(script.sha.clone(), function.clone());
        Ok(function)
    }
}

/// What a killed script hears.
const KILLED: &str = "Script killed by user with SCRIPT KILL...";

fn syntax_text(error: &mlua::Error) -> String {
    match error {
        mlua::Error::SyntaxError { message, .. } => message.clone(),
        other => other.to_string(),
    }
}

/// The fault that an error table of [`sandbox`] describes.
fn fault_of(error: mlua::Value) -> mlua::Result<Fault> {
    // What is no table has come past the handler of errors: there was no memory for it.
    let mlua::Value::Table(table) = error else { return Ok(Fault::Memory) };
    let text = match table.raw_get::<mlua::Value>("err")? {
        mlua::Value::String(text) => text.as_bytes().to_vec(),
        _ => b"ERR unknown error".to_vec(),
    };
    let source: Option<String> = table.raw_get("source")?;
    let line: Option<i64> = table.raw_get("line")?;
    let counted: Option<bool> = table.raw_get("ignore_error_stats_update")?;
    let at = source.zip(line.and_then(|line| u32::try_from(line).ok()));
    Ok(Fault::Raised { text, at, counted: counted.unwrap_or(false) })
}

/// A reply for the script that runs, in the protocol it wants.
pub(crate) fn reply_to_lua(lua: &Lua, lent: &Lent, value: &Value) -> mlua::Result<mlua::Value> {
    to_lua(lua, value, lent.protocol.get())
}
