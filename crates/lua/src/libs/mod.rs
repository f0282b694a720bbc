//! The libraries that scripts find beside Lua's own: `bit`, `cjson`, `cmsgpack`, `struct`.
//!
//! Each does what the C library of that name does, to the byte: scripts store what it makes and
//! compare it with what others made.

pub(crate) mod bit;
pub(crate) mod cjson;
pub(crate) mod cmsgpack;
mod number;
pub(crate) mod random;
pub(crate) mod structs;

pub(crate) use number::general_14g;

use mlua::{Error, Function, IntoLuaMulti, Lua, MultiValue, Result, Value};

/// A function whose errors say where it was called, as those of Lua's own library do.
pub(crate) fn function<R: IntoLuaMulti>(
    lua: &Lua,
    body: impl Fn(&Lua, MultiValue) -> Result<R> + 'static,
) -> Result<Function> {
    lua.create_function(move |lua, args: MultiValue| {
        body(lua, args).map_err(|error| match error {
            Error::RuntimeError(text) => Error::RuntimeError(format!("{}{text}", place(lua))),
            other => other,
        })
    })
}

/// The line that called the running function, with a colon and a space; nothing if that is no Lua.
fn place(lua: &Lua) -> String {
    let caller = lua.inspect_stack(1, |info| {
        let source = info.source().short_src?.into_owned();
        info.current_line().map(|line| format!("{source}:{line}: "))
    });
    caller.flatten().unwrap_or_default()
}

/// Refuses an argument in the words of Lua's own library.
pub(crate) fn bad_argument<T>(position: usize, function: &str, wanted: &str) -> Result<T> {
    Err(Error::runtime(format!("bad argument #{position} to '{function}' ({wanted})")))
}

/// A number, or a string that is one.
pub(crate) fn number_of(value: &Value) -> Option<f64> {
    match value {
        Value::Integer(number) => Some(*number as f64),
        Value::Number(number) => Some(*number),
        Value::String(text) => std::str::from_utf8(&text.as_bytes()).ok()?.trim().parse().ok(),
        _ => None,
    }
}
