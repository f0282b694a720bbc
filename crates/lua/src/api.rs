//! The functions of `redis` (and `server`): what a script may ask of its host.

use crate::Level;
use crate::interpreter::{Lent, reply_to_lua};
use crate::libs::general_17g;
use larder_resp::{Protocol, Value};
use mlua::{Lua, MultiValue, Result, Table, Value as LuaValue};
use sha1::{Digest, Sha1};
use std::rc::Rc;

/// The SHA-1 of some bytes in hexadecimal digits: a script's name.
pub(crate) fn sha1_hex(bytes: &[u8]) -> String {
    Sha1::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The table, with what the prelude needs and takes out of it: `caught` and `place`.
pub(crate) fn table(lua: &Lua, lent: &Rc<Lent>) -> Result<Table> {
    let redis = lua.create_table()?;
    for (name, raises) in [("call", true), ("pcall", false)] {
        let lent = lent.clone();
        let call = lua.create_function(move |lua, words: MultiValue| {
            run_command(lua, &lent, &words, raises)
        })?;
        redis.raw_set(name, call)?;
    }
    let setresp = {
        let lent = lent.clone();
        lua.create_function(move |_, version: MultiValue| set_protocol(&lent, &version))?
    };
    redis.raw_set("setresp", setresp)?;
    let log = {
        let lent = lent.clone();
        lua.create_function(move |_, words: MultiValue| write_log(&lent, &words))?
    };
    redis.raw_set("log", log)?;
    redis.raw_set("sha1hex", lua.create_function(|_, words: MultiValue| sha1hex(&words))?)?;
    redis.raw_set(
        "error_reply",
        lua.create_function(|lua, w: MultiValue| status(lua, &w, "err"))?,
    )?;
    redis.raw_set(
        "status_reply",
        lua.create_function(|lua, w: MultiValue| status(lua, &w, "ok"))?,
    )?;
    let acl = {
        let lent = lent.clone();
        lua.create_function(move |_, words: MultiValue| may_call(&lent, &words))?
    };
    redis.raw_set("acl_check_cmd", acl)?;
    redis.raw_set("place", lua.create_function(place)?)?;
    redis.raw_set("caught", lua.create_function(caught)?)?;
    redis.raw_set("replicate_commands", lua.create_function(|_, ()| Ok(true))?)?;
    redis.raw_set("set_repl", lua.create_function(|_, words: MultiValue| set_repl(&words))?)?;
    for (name, value) in CONSTANTS {
        redis.raw_set(*name, *value)?;
    }
    Ok(redis)
}

const CONSTANTS: &[(&str, i64)] = &[
    ("LOG_DEBUG", 0),
    ("LOG_VERBOSE", 1),
    ("LOG_NOTICE", 2),
    ("LOG_WARNING", 3),
    ("REPL_NONE", 0),
    ("REPL_AOF", 1),
    ("REPL_SLAVE", 2),
    ("REPL_REPLICA", 2),
    ("REPL_ALL", 3),
];

/// Levels of the stack that are searched for the script: ours are never more.
const MAX_LEVELS: usize = 12;

/// Runs a command; a refusal is raised, or answered as a table.
fn run_command(lua: &Lua, lent: &Lent, words: &MultiValue, raises: bool) -> Result<LuaValue> {
    let reply = command(lent, words);
    let Value::Error(text) = reply else { return reply_to_lua(lua, lent, &reply) };
    let raised = Raised { text, at: place_in_script(lua) };
    if raises {
        return Err(mlua::Error::external(raised));
    }
    Ok(LuaValue::Table(raised.to_table(lua)?))
}

fn command(lent: &Lent, words: &MultiValue) -> Value {
    let refuse = |text: &str| Value::Error(text.as_bytes().to_vec());
    if words.is_empty() {
        return refuse("ERR Please specify at least one argument for this redis.call() call");
    }
    let Some(texts) = words.iter().map(word).collect::<Option<Vec<_>>>() else {
        return refuse("ERR Lua redis lib command arguments must be strings or integers");
    };
    let slices: Vec<&[u8]> = texts.iter().map(|text| &text[..]).collect();
    let protocol = lent.protocol.get();
    let reply = lent.with(|host| host.call(&slices, protocol));
    reply.unwrap_or_else(|| refuse("ERR redis.call() outside of a script"))
}

/// A command's refusal on its way through Lua: scripts that catch it see a table.
#[derive(Debug)]
struct Raised {
    text: Vec<u8>,
    at: Option<(String, i64)>,
}

impl std::fmt::Display for Raised {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.text))
    }
}

impl std::error::Error for Raised {}

impl Raised {
    fn to_table(&self, lua: &Lua) -> Result<Table> {
        let table = lua.create_table()?;
        table.raw_set("err", lua.create_string(&self.text)?)?;
        table.raw_set("ignore_error_stats_update", true)?;
        if let Some((source, line)) = &self.at {
            table.raw_set("source", source.as_str())?;
            table.raw_set("line", *line)?;
        }
        Ok(table)
    }
}

/// An error as scripts see it when they catch it.
fn caught(lua: &Lua, error: LuaValue) -> Result<LuaValue> {
    let LuaValue::Error(error) = error else { return Ok(error) };
    let mut inner = &*error;
    while let mlua::Error::CallbackError { cause, .. } = inner {
        inner = cause;
    }
    match inner.downcast_ref::<Raised>() {
        Some(raised) => Ok(LuaValue::Table(raised.to_table(lua)?)),
        None => {
            let text = match inner {
                mlua::Error::RuntimeError(text) => text.clone(),
                other => other.to_string(),
            };
            Ok(LuaValue::String(lua.create_string(text)?))
        }
    }
}

/// A word that a command can take.
fn word(value: &LuaValue) -> Option<Vec<u8>> {
    match value {
        LuaValue::String(text) => Some(text.as_bytes().to_vec()),
        LuaValue::Integer(number) => Some(number.to_string().into_bytes()),
        LuaValue::Number(number) => Some(general_17g(*number).into_bytes()),
        _ => None,
    }
}

fn place(lua: &Lua, (): ()) -> Result<Option<Table>> {
    let Some((source, line)) = place_in_script(lua) else { return Ok(None) };
    let table = lua.create_table()?;
    table.raw_set("source", source)?;
    table.raw_set("line", line)?;
    Ok(Some(table))
}

/// Source and line of the innermost part of the script on the stack: a chunk of ours is none.
fn place_in_script(lua: &Lua) -> Option<(String, i64)> {
    (0..MAX_LEVELS).find_map(|level| {
        lua.inspect_stack(level, |debug| {
            let source = debug.source().source?.into_owned();
            let line = debug.current_line()?;
            source.starts_with('@').then_some((source, line as i64))
        })?
    })
}

fn set_protocol(lent: &Lent, words: &MultiValue) -> Result<()> {
    let [version] = words.iter().collect::<Vec<_>>()[..] else {
        return Err(mlua::Error::runtime("redis.setresp() requires one argument."));
    };
    lent.protocol.set(match version.as_f64() {
        Some(2.0) => Protocol::Resp2,
        Some(3.0) => Protocol::Resp3,
        _ => return Err(mlua::Error::runtime("RESP version must be 2 or 3.")),
    });
    Ok(())
}

fn write_log(lent: &Lent, words: &MultiValue) -> Result<()> {
    let words: Vec<&LuaValue> = words.iter().collect();
    let [level, texts @ ..] = &words[..] else {
        return Err(mlua::Error::runtime("redis.log() requires two arguments or more."));
    };
    if texts.is_empty() {
        return Err(mlua::Error::runtime("redis.log() requires two arguments or more."));
    }
    let Some(level) = level.as_f64() else {
        return Err(mlua::Error::runtime("First argument must be a number (log level)."));
    };
    let level = match level as i64 {
        0 => Level::Debug,
        1 => Level::Verbose,
        2 => Level::Notice,
        3 => Level::Warning,
        _ => return Err(mlua::Error::runtime("Invalid log level.")),
    };
    let text = texts.iter().filter_map(|text| word(text)).collect::<Vec<_>>().join(&b' ');
    lent.with(|host| host.log(level, &text));
    Ok(())
}

fn sha1hex(words: &MultiValue) -> Result<String> {
    match words.iter().map(word).collect::<Vec<_>>().as_slice() {
        [Some(text)] => Ok(sha1_hex(text)),
        [None] => Ok(sha1_hex(b"")),
        _ => Err(mlua::Error::runtime("wrong number of arguments")),
    }
}

/// A table of one field, for `redis.error_reply` and `redis.status_reply`.
fn status(lua: &Lua, words: &MultiValue, field: &str) -> Result<Table> {
    let table = lua.create_table()?;
    let [LuaValue::String(text)] = words.iter().collect::<Vec<_>>()[..] else {
        table.raw_set("err", "ERR wrong number or type of arguments")?;
        return Ok(table);
    };
    let text = text.as_bytes();
    if field == "ok" {
        table.raw_set("ok", lua.create_string(&text)?)?;
        return Ok(table);
    }
    // A text without a code of its own gets the usual one.
    let text = match text.strip_prefix(b"-") {
        Some(coded) => coded.to_vec(),
        None => [b"ERR ", &text[..]].concat(),
    };
    let end = text.iter().rposition(|b| !b"\r\n".contains(b)).map_or(0, |at| at + 1);
    table.raw_set("err", lua.create_string(&text[..end])?)?;
    Ok(table)
}

fn may_call(lent: &Lent, words: &MultiValue) -> Result<bool> {
    let Some(texts) = words.iter().map(word).collect::<Option<Vec<_>>>() else {
        return Err(mlua::Error::runtime(
            "ERR Lua redis lib command arguments must be strings or integers",
        ));
    };
    if texts.is_empty() {
        return Err(mlua::Error::runtime(
            "Please specify at least one argument for this redis.acl_check_cmd() call",
        ));
    }
    let slices: Vec<&[u8]> = texts.iter().map(|text| &text[..]).collect();
    match lent.with(|host| host.may_call(&slices)).flatten() {
        Some(may) => Ok(may),
        None => Err(mlua::Error::runtime("Invalid command passed to redis.acl_check_cmd()")),
    }
}

fn set_repl(words: &MultiValue) -> Result<()> {
    match words.iter().map(LuaValue::as_f64).collect::<Vec<_>>()[..] {
        [Some(flags)] if (0.0..=3.0).contains(&flags) => Ok(()),
        [_] => Err(mlua::Error::runtime(
            "Invalid replication flags. Please use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.",
        )),
        _ => Err(mlua::Error::runtime("redis.set_repl() requires two arguments.")),
    }
}
