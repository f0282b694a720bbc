//! The globals of scripts: what is there, what is not, and that nobody changes it.
//!
//! Lua 5.1 knows no read-only tables. A script's environment is therefore an empty table in front
//! of the real one: reading goes through, writing is an error. The same stands in front of each
//! library, and what could reach around it (`rawset`, `setmetatable`, `getmetatable`, `next`,
//! `pairs`, `table.insert`) is replaced by a form that knows such tables.

use crate::gate::{Lent, call, pcall};
use crate::interpreter::{compile, lent_function};
use crate::libs::{self, bit, cjson, cmsgpack, structs};
use crate::{api, libraries};
use mlua::{Error, Function, Lua, MultiValue, Result, Table, Value};
use std::rc::Rc;

/// A state's globals.
pub(crate) struct Sandbox {
    /// What scripts see, behind the front.
    pub(crate) globals: Table,
    /// The front: the environment of every script.
    pub(crate) environment: Table,
    /// The environment of libraries and their functions.
    pub(crate) function_environment: Table,
    /// Runs a function; whether it came to its end.
    pub(crate) guarded: Function,
    /// The handler of errors that nobody has caught.
    pub(crate) describe: Function,
    loading: Function,
}

impl Sandbox {
    /// Shows libraries what is there while they are loaded, or while their functions run.
    pub(crate) fn enter_loading(&self, is_loading: bool) -> Result<()> {
        self.loading.call(is_loading)
    }
}

/// Makes the sandbox of a fresh state.
pub(crate) fn build(lua: &Lua, lent: &Rc<Lent>, seed: u32) -> Result<Sandbox> {
    let prelude: Function = lua.load(PRELUDE).set_name("=prelude").into_function()?;
    let redis = api::table(lua, lent)?;
    redis.raw_set("call", lent_function(lua, lent, call)?)?;
    redis.raw_set("pcall", lent_function(lua, lent, pcall)?)?;
    let inner = lua.create_table()?;
    inner.raw_set("caught", lua.create_function(api::caught)?)?;
    inner.raw_set("report", api::report(lua, lent)?)?;
    inner.raw_set("register_function", libraries::register_function(lua, lent)?)?;
    inner.raw_set(
        "loadstring",
        lua.create_function(|lua, args: MultiValue| loadstring(lua, &args))?,
    )?;
    let tables = lua.create_table()?;
    tables.raw_set("bit", bit::table(lua)?)?;
    tables.raw_set("cjson", cjson::table(lua)?)?;
    tables.raw_set("cmsgpack", cmsgpack::table(lua)?)?;
    tables.raw_set("struct", structs::table(lua)?)?;
    libs::random::install(lua, &lua.globals().get("math")?, seed)?;
    let made: Table = prelude.call((redis, tables, inner))?;
    Ok(Sandbox {
        globals: made.raw_get("globals")?,
        environment: made.raw_get("environment")?,
        function_environment: made.raw_get("function_environment")?,
        guarded: made.raw_get("guarded")?,
        describe: made.raw_get("describe")?,
        loading: made.raw_get("loading")?,
    })
}

/// `loadstring` behind its environment: a function, or nothing and why.
fn loadstring(lua: &Lua, args: &MultiValue) -> Result<(Value, Value)> {
    let (Some(Value::Table(environment)), Some(text)) = (args.front(), args.get(1)) else {
        return libs::bad_argument(1, "loadstring", "string expected, got no value");
    };
    let Value::String(text) = text else {
        let got = text.type_name();
        return libs::bad_argument(1, "loadstring", &format!("string expected, got {got}"));
    };
    let text = text.as_bytes();
    let name = match args.get(2) {
        Some(Value::String(name)) => String::from_utf8_lossy(&name.as_bytes()).into_owned(),
        _ => String::from_utf8_lossy(&text).into_owned(),
    };
    match compile(lua, &text, &name.replace('\0', " "), environment) {
        Ok(function) => Ok((Value::Function(function), Value::Nil)),
        Err(error) => {
            let text = match &error {
                Error::SyntaxError { message, .. } => message.clone(),
                other => other.to_string(),
            };
            Ok((Value::Nil, Value::String(lua.create_string(text)?)))
        }
    }
}

const PRELUDE: &str = include_str!("prelude.lua");
