//! The libraries that scripts find beside Lua's own: `bit`, `cjson`, `cmsgpack`, `struct`.
//!
//! Each does what the C library of that name does, to the byte: scripts store what it makes and
//! compare it with what others made.

pub(crate) mod bit;
pub(crate) mod cjson;
pub(crate) mod cmsgpack;
mod number;
pub(crate) mod structs;

pub(crate) use number::{general_14g, general_17g};

use mlua::{Error, Result, Value};

/// Refuses an argument in the words of Lua's own library.
fn bad_argument<T>(position: usize, function: &str, wanted: &str) -> Result<T> {
    Err(Error::runtime(format!("bad argument #{position} to '{function}' ({wanted})")))
}

/// A number, or a string that is one.
fn number_of(value: &Value) -> Option<f64> {
    match value {
        Value::Integer(number) => Some(*number as f64),
        Value::Number(number) => Some(*number),
        Value::String(text) => std::str::from_utf8(&text.as_bytes()).ok()?.trim().parse().ok(),
        _ => None,
    }
}
