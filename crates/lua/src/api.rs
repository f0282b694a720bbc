//! The functions of `redis` (and `server`): what a script may ask of its host.

use crate::Level;
use crate::fault::{Fault, Place};
use crate::gate::Lent;
use crate::libs::number_of;
use larder_resp::{Protocol, format_double};
use mlua::{Error, Function, Lua, MultiValue, Result, Table, Value as LuaValue};
use sha1::{Digest, Sha1};
use std::rc::Rc;

/// The SHA-1 of some bytes in hexadecimal digits: a script's name.
pub(crate) fn sha1_hex(bytes: &[u8]) -> String {
    Sha1::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The version of Redis whose scripts run here.
const VERSION: (&str, i64) = ("7.2.4", 0x0007_0204);

/// The table, but for `call` and `pcall`.
pub(crate) fn table(lua: &Lua, lent: &Rc<Lent>) -> Result<Table> {
    let redis = lua.create_table()?;
    let add = |name: &str, body: fn(&Lua, &Lent, &[LuaValue]) -> Result<LuaValue>| {
        let lent = lent.clone();
        let function = lua.create_function(move |lua, words: MultiValue| {
            let words: Vec<LuaValue> = words.into_iter().collect();
            body(lua, &lent, &words)
        })?;
        redis.raw_set(name, function)
    };
    add("setresp", |_, lent, words| set_protocol(lent, words))?;
    add("log", |_, lent, words| write_log(lent, words))?;
    add("sha1hex", |lua, _, words| sha1hex(lua, words))?;
    add("error_reply", |lua, _, words| error_reply(lua, words))?;
    add("status_reply", |lua, _, words| status_reply(lua, words))?;
    add("acl_check_cmd", |_, lent, words| may_call(lent, words))?;
    add("replicate_commands", |_, _, _| Ok(LuaValue::Boolean(true)))?;
    add("set_repl", |_, _, words| set_repl(words))?;
    // There is no debugger.
    add("breakpoint", |_, _, _| Ok(LuaValue::Boolean(false)))?;
    add("debug", |_, _, _| Ok(LuaValue::Nil))?;
    for (name, value) in CONSTANTS {
        redis.raw_set(*name, *value)?;
    }
    redis.raw_set("REDIS_VERSION", VERSION.0)?;
    redis.raw_set("REDIS_VERSION_NUM", VERSION.1)?;
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

/// An error of a function of ours on its way through Lua: whoever catches it sees a table.
#[derive(Debug)]
struct Refused(&'static str);

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Refused {}

/// See [`Refused`].
pub(crate) fn refused(text: &'static str) -> Error {
    Error::external(Refused(text))
}

/// An error as scripts see it when they catch it.
pub(crate) fn caught(lua: &Lua, error: LuaValue) -> Result<LuaValue> {
    let LuaValue::Error(error) = error else { return Ok(error) };
    let mut inner = &*error;
    while let Error::CallbackError { cause, .. } = inner {
        inner = cause;
    }
    if let Some(Refused(text)) = inner.downcast_ref::<Refused>() {
        return Ok(LuaValue::Table(error_table(lua, format!("ERR {text}").as_bytes())?));
    }
    let text = match inner {
        Error::RuntimeError(text) => text.clone(),
        Error::MemoryError(_) => "not enough memory".to_owned(),
        other => other.to_string(),
    };
    Ok(LuaValue::String(lua.create_string(text)?))
}

fn error_table(lua: &Lua, text: &[u8]) -> Result<Table> {
    let table = lua.create_table()?;
    table.raw_set("err", lua.create_string(text)?)?;
    Ok(table)
}

/// Notes what an error that nobody has caught says, and where it comes from.
pub(crate) fn report(lua: &Lua, lent: &Rc<Lent>) -> Result<Function> {
    let lent = lent.clone();
    lua.create_function(move |lua, error: LuaValue| {
        let (mut text, mut counted) = (b"ERR unknown error".to_vec(), false);
        match &error {
            LuaValue::Table(table) => {
                if let LuaValue::String(own) = table.raw_get("err")? {
                    text = own.as_bytes().to_vec();
                }
                let mark = table.raw_get::<LuaValue>("ignore_error_stats_update")?;
                counted = matches!(mark, LuaValue::Boolean(true));
            }
            other => {
                if let Some(own) = word(other) {
                    text = [b"ERR ", &own[..]].concat();
                } else if let LuaValue::Nil = other {
                    text = b"ERR nil".to_vec();
                }
            }
        }
        let fault = match &text[..] {
            b"ERR not enough memory" => Fault::Memory,
            _ => Fault::Raised { text, at: place_in_script(lua), counted },
        };
        lent.fault.replace(Some(fault));
        Ok(())
    })
}

/// A word that a command can take.
pub(crate) fn word(value: &LuaValue) -> Option<Vec<u8>> {
    match value {
        LuaValue::String(text) => Some(text.as_bytes().to_vec()),
        LuaValue::Integer(number) => Some(number.to_string().into_bytes()),
        LuaValue::Number(number) => Some(format_double(*number).as_bytes().to_vec()),
        _ => None,
    }
}

/// Source and line of the innermost part of the script on the stack: a chunk of ours is none.
fn place_in_script(lua: &Lua) -> Option<Place> {
    (0..MAX_LEVELS).find_map(|level| {
        lua.inspect_stack(level, |info| {
            let source = info.source().source?.into_owned();
            let line = u32::try_from(info.current_line()?).ok()?;
            source.starts_with('@').then_some(Place { source, line })
        })?
    })
}

fn set_protocol(lent: &Lent, words: &[LuaValue]) -> Result<LuaValue> {
    let [version] = words else {
        return Err(refused("redis.setresp() requires one argument."));
    };
    lent.protocol.set(match number_of(version) {
        Some(2.0) => Protocol::Resp2,
        Some(3.0) => Protocol::Resp3,
        _ => return Err(refused("RESP version must be 2 or 3.")),
    });
    Ok(LuaValue::Nil)
}

fn write_log(lent: &Lent, words: &[LuaValue]) -> Result<LuaValue> {
    let [level, texts @ ..] = words else {
        return Err(refused("redis.log() requires two arguments or more."));
    };
    if texts.is_empty() {
        return Err(refused("redis.log() requires two arguments or more."));
    }
    if !matches!(level, LuaValue::Integer(_) | LuaValue::Number(_)) {
        return Err(refused("First argument must be a number (log level)."));
    }
    let level = match number_of(level).map(|level| level as i64) {
        Some(0) => Level::Debug,
        Some(1) => Level::Verbose,
        Some(2) => Level::Notice,
        Some(3) => Level::Warning,
        _ => return Err(refused("Invalid debug level.")),
    };
    let text = texts.iter().filter_map(word).collect::<Vec<_>>().join(&b' ');
    lent.with(|host| host.log(level, &text));
    Ok(LuaValue::Nil)
}

fn sha1hex(lua: &Lua, words: &[LuaValue]) -> Result<LuaValue> {
    let [text] = words else { return Err(refused("wrong number of arguments")) };
    let sum = sha1_hex(&word(text).unwrap_or_default());
    Ok(LuaValue::String(lua.create_string(sum)?))
}

fn status_reply(lua: &Lua, words: &[LuaValue]) -> Result<LuaValue> {
    let [LuaValue::String(text)] = words else { return wrong_arguments(lua) };
    let table = lua.create_table()?;
    table.raw_set("ok", text)?;
    Ok(LuaValue::Table(table))
}

/// `redis.error_reply`: a text without a code of its own, that is of one word, gets the usual one.
fn error_reply(lua: &Lua, words: &[LuaValue]) -> Result<LuaValue> {
    let [LuaValue::String(text)] = words else { return wrong_arguments(lua) };
    let text = text.as_bytes();
    let text = text.strip_prefix(b"-").unwrap_or(&text);
    let is_end = |byte: &u8| !b"\r\n".contains(byte);
    let end = text.iter().rposition(is_end).map_or(0, |at| at + 1);
    let text = &text[..end];
    let table = match text.contains(&b' ') {
        true => error_table(lua, text)?,
        false => error_table(lua, &[b"ERR ", text].concat())?,
    };
    Ok(LuaValue::Table(table))
}

fn wrong_arguments(lua: &Lua) -> Result<LuaValue> {
    error_table(lua, b"ERR wrong number or type of arguments").map(LuaValue::Table)
}

fn may_call(lent: &Lent, words: &[LuaValue]) -> Result<LuaValue> {
    let Some(texts) = words.iter().map(word).collect::<Option<Vec<_>>>() else {
        return Err(refused("Lua redis lib command arguments must be strings or integers"));
    };
    if texts.is_empty() {
        return Err(refused("Please specify at least one argument for this redis lib call"));
    }
    let slices: Vec<&[u8]> = texts.iter().map(|text| &text[..]).collect();
    match lent.with(|host| host.may_call(&slices)).flatten() {
        Some(may) => Ok(LuaValue::Boolean(may)),
        None => Err(refused("Invalid command passed to redis.acl_check_cmd()")),
    }
}

fn set_repl(words: &[LuaValue]) -> Result<LuaValue> {
    let [flags] = words else { return Err(refused("redis.set_repl() requires two arguments.")) };
    match number_of(flags) {
        Some(flags) if !(0.0..=3.0).contains(&flags) => Err(refused(
            "Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.",
        )),
        _ => Ok(LuaValue::Nil),
    }
}
