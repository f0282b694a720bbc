//! The globals of scripts: what is there, what is not, and that nobody changes it.
//!
//! Lua 5.1 knows no read-only tables. A script's environment is therefore an empty table in front
//! of the real one: reading goes through, writing is an error. The same stands in front of each
//! library, and what could reach around it (`rawset`, `setmetatable`, `getmetatable`, `next`) is
//! replaced by a form that knows such tables.

use crate::libs::{bit, cjson, cmsgpack, structs};
use mlua::{Function, Lua, Result, Table};

/// A state's globals.
pub(crate) struct Sandbox {
    /// What scripts see, behind the front.
    pub(crate) globals: Table,
    /// The front: the environment of every chunk.
    pub(crate) environment: Table,
    /// Runs a function; answers true and its result, or false and an error table.
    pub(crate) guarded: Function,
}

/// Makes the sandbox of a fresh state.
pub(crate) fn build(lua: &Lua, redis: Table) -> Result<Sandbox> {
    let prelude: Function = lua.load(PRELUDE).set_name("=prelude").into_function()?;
    let libraries = lua.create_table()?;
    libraries.raw_set("bit", bit::table(lua)?)?;
    libraries.raw_set("cjson", cjson::table(lua)?)?;
    libraries.raw_set("cmsgpack", cmsgpack::table(lua)?)?;
    libraries.raw_set("struct", structs::table(lua)?)?;
    let (globals, environment, guarded) = prelude.call((redis, libraries))?;
    Ok(Sandbox { globals, environment, guarded })
}

const PRELUDE: &str = include_str!("prelude.lua");
