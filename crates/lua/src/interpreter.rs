//! One interpreter: a Lua state with its sandbox, what it has compiled, and the run that is under
//! way.
//!
//! The state is entered by [`Interpreter::run`] and [`Interpreter::load_library`] only, which lend
//! it the host for as long as they last. Knows no redis functions; those are in [`super::api`].
#![allow(unsafe_code)]

use crate::convert::write;
use crate::fault::Fault;
use crate::gate::{Lent, push_string, replace_below, watch};
use crate::libraries::{LoadFault, Loading, Registered};
use crate::sandbox::{self, Sandbox};
use crate::{Host, Sink};
use mlua::chunk::ChunkMode;
use mlua::ffi::{
    LUA_ERRMEM, LUA_REGISTRYINDEX, LUA_TNIL, lua_State, lua_call, lua_createtable, lua_error,
    lua_gettop, lua_pcall, lua_pushlightuserdata, lua_rawgeti_, lua_rawset, lua_rawseti_,
    lua_settop, lua_touserdata, lua_type, luaL_ref,
};
use mlua::{Function, Lua, LuaOptions, StdLib, Table};
use std::ffi::c_int;
use std::rc::Rc;
use std::sync::Arc;

/// The longest source: the compiler counts parts of it in 32 bits.
const MAX_SOURCE: usize = 64 << 20;

/// What an interpreter may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of its memory.
    pub memory: usize,
    /// Compiled scripts that it keeps.
    pub scripts: usize,
    /// Where `math.random` begins.
    pub seed: u32,
}

/// A source and the number by which interpreters know what they have compiled of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Of one source only, from 1; functions of a library have the numbers from here on.
    pub id: i32,
    /// The text.
    pub text: Arc<[u8]>,
}

/// What is run.
#[derive(Debug, Clone, Copy)]
pub enum Body<'a> {
    /// A script, which finds its keys and arguments in `KEYS` and `ARGV`.
    Script(&'a Source),
    /// A function of a library that is loaded, by its number; it is given them.
    Function(i32),
}

/// A run.
#[derive(Debug, Clone, Copy)]
pub struct Run<'a> {
    /// What is run.
    pub body: Body<'a>,
    /// `KEYS`
    pub keys: &'a [&'a [u8]],
    /// `ARGV`
    pub args: &'a [&'a [u8]],
}

/// An interpreter.
pub struct Interpreter {
    lua: Lua,
    state: *mut lua_State,
    sandbox: Sandbox,
    /// Scripts by number, and how many there are.
    scripts: Table,
    compiled: usize,
    /// Functions of libraries by number.
    functions: Table,
    refs: Refs,
    lent: Rc<Lent>,
    limits: Limits,
}

/// Places in the registry.
#[derive(Debug, Clone, Copy, Default)]
struct Refs {
    globals: c_int,
    handler: c_int,
    enter: c_int,
    scripts: c_int,
    functions: c_int,
}

impl std::fmt::Debug for Interpreter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Interpreter").field("compiled", &self.compiled).finish_non_exhaustive()
    }
}

/// A run on its way through Lua.
struct Entering<'r> {
    lent: &'r Lent,
    globals: c_int,
    is_script: bool,
    keys: &'r [&'r [u8]],
    args: &'r [&'r [u8]],
    sink: &'r mut dyn Sink,
}

impl Interpreter {
    /// A fresh one.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub fn new(limits: Limits) -> Result<Self, Fault> {
        Interpreter::build(limits).map_err(|error| Fault::plain(error.to_string()))
    }

    fn build(limits: Limits) -> mlua::Result<Self> {
        let lent = Rc::new(Lent::new());
        let libraries = StdLib::TABLE | StdLib::STRING | StdLib::MATH | StdLib::OS;
        let lua = Lua::new_with(libraries, LuaOptions::new().catch_rust_panics(false))?;
        let sandbox = sandbox::build(&lua, &lent, limits.seed)?;
        lua.set_memory_limit(limits.memory)?;
        let (scripts, functions) = (lua.create_table()?, lua.create_table()?);
        let mut state = std::ptr::null_mut();
        let mut refs = Refs::default();
        let tables = (scripts.clone(), functions.clone(), sandbox.globals.clone());
        let given = (tables.0, tables.1, tables.2, sandbox.describe.clone());
        let pointer = Rc::as_ptr(&lent);
        // SAFETY: the work calls Lua with the state it is given, and owns nothing; what is lent
        // outlives the state.
        unsafe {
            lua.exec_raw::<()>(given, |given| {
                state = given;
                refs.handler = luaL_ref(given, LUA_REGISTRYINDEX);
                refs.globals = luaL_ref(given, LUA_REGISTRYINDEX);
                refs.functions = luaL_ref(given, LUA_REGISTRYINDEX);
                refs.scripts = luaL_ref(given, LUA_REGISTRYINDEX);
                mlua::ffi::lua_pushcfunction(given, enter);
                refs.enter = luaL_ref(given, LUA_REGISTRYINDEX);
                watch(given, pointer);
            })?;
        }
        Ok(Interpreter { state, sandbox, scripts, compiled: 0, functions, refs, lent, limits, lua })
    }

    /// Bytes of memory that it takes.
    pub fn memory(&self) -> usize {
        self.lua.used_memory()
    }

    /// Compiles a script, or finds it compiled.
    ///
    /// # Errors
    /// [`Fault::Syntax`]
    pub fn compile(&mut self, source: &Source) -> Result<(), Fault> {
        if self.has(self.refs.scripts, source.id) {
            return Ok(());
        }
        if self.compiled >= self.limits.scripts {
            self.scripts.clear().map_err(no_memory)?;
            self.compiled = 0;
        }
        let function = self.chunk(&source.text, "@user_script", &self.sandbox.environment)?;
        self.scripts.raw_set(source.id, &function).map_err(no_memory)?;
        self.compiled += 1;
        Ok(())
    }

    /// Whether a function of this number was loaded.
    pub fn has_function(&self, id: i32) -> bool {
        self.has(self.refs.functions, id)
    }

    /// Whether a table of the registry has something at a place.
    fn has(&self, table: c_int, id: i32) -> bool {
        // SAFETY: the state is at rest, the table is there, and nothing of this jumps.
        unsafe {
            let top = lua_gettop(self.state);
            lua_rawgeti_(self.state, LUA_REGISTRYINDEX, table);
            lua_rawgeti_(self.state, -1, id);
            let has = lua_type(self.state, -1) != LUA_TNIL;
            lua_settop(self.state, top);
            has
        }
    }

    /// Runs a script or a function and writes what it returns.
    ///
    /// # Errors
    /// Why it ended without a reply; nothing was written then.
    pub fn run(
        &mut self,
        run: Run<'_>,
        host: &mut dyn Host,
        sink: &mut dyn Sink,
    ) -> Result<(), Fault> {
        let Interpreter { state, refs, .. } = *self;
        let (is_script, table, id) = match run.body {
            Body::Script(source) => {
                self.compile(source)?;
                (true, refs.scripts, source.id)
            }
            Body::Function(id) => (false, refs.functions, id),
        };
        let lent = &*self.lent;
        let Run { keys, args, .. } = run;
        let mut entering = Entering { lent, globals: refs.globals, is_script, keys, args, sink };
        let outcome = lent.lend(host, || {
            // SAFETY: the state is at rest, and its stack has room for twenty values.
            unsafe { protected(state, refs, table, id, &mut entering) }
        });
        self.lent.tidy();
        let fault = self.lent.fault.take();
        match outcome {
            _ if let Some(killed) = self.lent.killed() => Err(killed),
            0 => Ok(()),
            LUA_ERRMEM => Err(Fault::Memory),
            _ => Err(fault.unwrap_or(Fault::Memory)),
        }
    }

    /// Runs a library's source and keeps the functions that it registers, from the source's number
    /// on; none if it fails.
    ///
    /// # Errors
    /// Why it is no library.
    pub fn load_library(
        &mut self,
        source: &Source,
        host: &mut dyn Host,
    ) -> Result<Vec<Registered>, LoadFault> {
        let chunk = self.chunk(&source.text, "@user_function", &self.sandbox.function_environment);
        let chunk = chunk.map_err(LoadFault::Compiling)?;
        self.lent.loading.replace(Some(Loading::default()));
        let entered = self.sandbox.enter_loading(true);
        let outcome = self.lent.lend(host, || self.sandbox.guarded.call::<bool>(chunk));
        let left = self.sandbox.enter_loading(false);
        let loading = self.lent.loading.take().unwrap_or_default();
        let fault = self.lent.fault.take();
        if let Some(killed) = self.lent.killed() {
            return Err(LoadFault::Running(killed));
        }
        match entered.and(left).and(outcome) {
            Ok(true) => {}
            Ok(false) => return Err(LoadFault::Running(fault.unwrap_or(Fault::Memory))),
            Err(error) => return Err(LoadFault::Running(no_memory(error))),
        }
        let mut registered = Vec::with_capacity(loading.functions.len());
        for ((function, callback), id) in loading.functions.into_iter().zip(source.id..) {
            self.functions.raw_set(id, callback).map_err(no_memory).map_err(LoadFault::Running)?;
            registered.push(function);
        }
        Ok(registered)
    }

    /// Forgets functions of a library.
    pub fn forget_functions(&mut self, ids: std::ops::Range<i32>) {
        for id in ids {
            // Without memory for it nothing is changed; the interpreter is thrown away soon.
            let _ = self.functions.raw_set(id, mlua::Nil);
        }
    }

    fn chunk(&self, text: &[u8], name: &str, environment: &Table) -> Result<Function, Fault> {
        compile(&self.lua, text, name, environment).map_err(|error| match error {
            mlua::Error::SyntaxError { message, .. } => Fault::Syntax(message),
            mlua::Error::MemoryError(_) => Fault::Memory,
            other => Fault::Syntax(other.to_string()),
        })
    }
}

/// Compiles a text: a precompiled chunk could do anything. The collector stands still meanwhile,
/// for names of the source are not anchored yet.
pub(crate) fn compile(
    lua: &Lua,
    text: &[u8],
    name: &str,
    environment: &Table,
) -> mlua::Result<Function> {
    if text.len() > MAX_SOURCE {
        return Err(mlua::Error::runtime("the source is too long"));
    }
    lua.gc_stop();
    let chunk = lua.load(text).set_name(name).set_mode(ChunkMode::Text);
    let function = chunk.set_environment(environment.clone()).into_function();
    lua.gc_restart();
    function
}

fn no_memory(_: mlua::Error) -> Fault {
    Fault::Memory
}

/// Enters Lua: pushes what it needs and calls [`enter`]; the status.
///
/// # Safety
/// The state is at rest.
unsafe fn protected(
    state: *mut lua_State,
    refs: Refs,
    table: c_int,
    id: i32,
    entering: &mut Entering<'_>,
) -> c_int {
    // SAFETY: up to `lua_pcall` nothing jumps; the pointer is used only until that returns.
    unsafe {
        let top = lua_gettop(state);
        lua_rawgeti_(state, LUA_REGISTRYINDEX, refs.handler);
        lua_rawgeti_(state, LUA_REGISTRYINDEX, refs.enter);
        lua_pushlightuserdata(state, (&raw mut *entering).cast());
        lua_rawgeti_(state, LUA_REGISTRYINDEX, table);
        lua_rawgeti_(state, -1, id);
        replace_below(state);
        let status = lua_pcall(state, 2, 0, top + 1);
        lua_settop(state, top);
        status
    }
}

/// Makes the tables of keys and arguments, calls the function and writes what it returns. Owns
/// nothing, see [`crate::gate`].
unsafe extern "C-unwind" fn enter(state: *mut lua_State) -> c_int {
    // SAFETY: called by `protected` with its own pointer and a function.
    unsafe {
        let entering = &mut *lua_touserdata(state, 1).cast::<Entering<'_>>();
        let mut given = 0;
        if entering.is_script {
            lua_rawgeti_(state, LUA_REGISTRYINDEX, entering.globals);
            push_string(state, b"KEYS");
            push_list(state, entering.keys);
            lua_rawset(state, -3);
            push_string(state, b"ARGV");
            push_list(state, entering.args);
            lua_rawset(state, -3);
            lua_settop(state, 2);
        } else {
            push_list(state, entering.keys);
            push_list(state, entering.args);
            given = 2;
        }
        if lua_type(state, 2) == LUA_TNIL {
            push_string(state, b"the function is gone");
            lua_error(state);
        }
        lua_call(state, given, 1);
        write(state, entering.lent.protocol.get(), entering.sink);
    }
    0
}

unsafe fn push_list(state: *mut lua_State, items: &[&[u8]]) {
    // SAFETY: as in `enter`.
    unsafe {
        lua_createtable(state, items.len() as c_int, 0);
        for (item, at) in items.iter().zip(1..) {
            push_string(state, item);
            lua_rawseti_(state, -2, at);
        }
    }
}

/// A function of C's that finds what is lent in its first upvalue.
pub(crate) fn lent_function(
    lua: &Lua,
    lent: &Lent,
    function: mlua::lua_CFunction,
) -> mlua::Result<Function> {
    let pointer = std::ptr::from_ref(lent);
    // SAFETY: the work calls Lua with the state it is given, and owns nothing.
    unsafe {
        lua.exec_raw((), |state| {
            lua_pushlightuserdata(state, pointer.cast_mut().cast());
            mlua::ffi::lua_pushcclosure(state, function, 1);
        })
    }
}
