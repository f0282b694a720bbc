//! Values of the protocol as Lua sees them, and what a script returns as a reply.
//!
//! | RESP | Lua |
//! |---|---|
//! | integer | number |
//! | string | string |
//! | array, push | table |
//! | status | table with the field `ok` |
//! | error | table with the field `err` |
//! | null of RESP2, boolean false | `false` |
//! | null of RESP3 | `nil` |
//! | map, set, double, big number, verbatim text | table with the field `map`, `set`, `double`, … |
//!
//! The way back cuts numbers to integers and ends an array at its first `nil`.

use larder_resp::{Protocol, Value};
use mlua::{Lua, Result, Table, Value as LuaValue};

/// Tables in tables that a reply may be made of.
const MAX_DEPTH: usize = 128;

/// A reply as Lua sees it.
pub(crate) fn to_lua(lua: &Lua, value: &Value, protocol: Protocol) -> Result<LuaValue> {
    let field = |name: &str, value: LuaValue| -> Result<LuaValue> {
        let table = lua.create_table_with_capacity(0, 1)?;
        table.raw_set(name, value)?;
        Ok(LuaValue::Table(table))
    };
    let string = |bytes: &[u8]| Ok::<_, mlua::Error>(LuaValue::String(lua.create_string(bytes)?));
    Ok(match value {
        Value::Null if protocol == Protocol::Resp3 => LuaValue::Nil,
        Value::Null => LuaValue::Boolean(false),
        Value::Int(n) => LuaValue::Number(*n as f64),
        Value::Bulk(bytes) => string(bytes)?,
        Value::Simple(text) => field("ok", string(text)?)?,
        Value::Error(text) => field("err", string(text)?)?,
        Value::Array(items) | Value::Push(items) => {
            let table = lua.create_table_with_capacity(items.len(), 0)?;
            for (at, item) in items.iter().enumerate() {
                table.raw_set(at + 1, to_lua(lua, item, protocol)?)?;
            }
            LuaValue::Table(table)
        }
        Value::Map(pairs) => {
            let table = lua.create_table_with_capacity(0, pairs.len())?;
            for (key, value) in pairs {
                table.raw_set(to_lua(lua, key, protocol)?, to_lua(lua, value, protocol)?)?;
            }
            field("map", LuaValue::Table(table))?
        }
        Value::Set(items) => {
            let table = lua.create_table_with_capacity(0, items.len())?;
            for item in items {
                table.raw_set(to_lua(lua, item, protocol)?, true)?;
            }
            field("set", LuaValue::Table(table))?
        }
        Value::Double(number) => field("double", LuaValue::Number(*number))?,
        Value::Boolean(is) => LuaValue::Boolean(*is),
        Value::BigNumber(digits) => field("big_number", string(digits)?)?,
        Value::Verbatim { format, text } => {
            let table = lua.create_table_with_capacity(0, 2)?;
            table.raw_set("format", lua.create_string(format)?)?;
            table.raw_set("string", lua.create_string(text)?)?;
            field("verbatim_string", LuaValue::Table(table))?
        }
        Value::Attribute { value, .. } => to_lua(lua, value, protocol)?,
    })
}

/// What a script returned, as a reply.
pub(crate) fn to_reply(value: LuaValue, depth: usize) -> Result<Value> {
    Ok(match value {
        LuaValue::Boolean(is) => Value::Boolean(is),
        LuaValue::Integer(n) => Value::Int(n),
        LuaValue::Number(n) => Value::Int(n as i64),
        LuaValue::String(text) => Value::Bulk(text.as_bytes().to_vec()),
        LuaValue::Table(_) if depth >= MAX_DEPTH => {
            Value::Error(b"ERR reached lua stack limit".to_vec())
        }
        LuaValue::Table(table) => table_to_reply(&table, depth)?,
        _ => Value::Null,
    })
}

fn table_to_reply(table: &Table, depth: usize) -> Result<Value> {
    if let LuaValue::String(text) = table.raw_get("err")? {
        return Ok(Value::Error(text.as_bytes().to_vec()));
    }
    if let LuaValue::String(text) = table.raw_get("ok")? {
        return Ok(Value::Simple(text.as_bytes().to_vec()));
    }
    match table.raw_get("double")? {
        LuaValue::Number(number) => return Ok(Value::Double(number)),
        LuaValue::Integer(number) => return Ok(Value::Double(number as f64)),
        _ => {}
    }
    if let LuaValue::Table(map) = table.raw_get("map")? {
        let mut pairs = Vec::new();
        for pair in map.pairs::<LuaValue, LuaValue>() {
            let (key, value) = pair?;
            pairs.push((to_reply(key, depth + 1)?, to_reply(value, depth + 1)?));
        }
        return Ok(Value::Map(pairs));
    }
    if let LuaValue::Table(set) = table.raw_get("set")? {
        let mut items = Vec::new();
        for pair in set.pairs::<LuaValue, LuaValue>() {
            items.push(to_reply(pair?.0, depth + 1)?);
        }
        return Ok(Value::Set(items));
    }
    if let LuaValue::String(digits) = table.raw_get("big_number")? {
        let digits = digits.as_bytes();
        return Ok(Value::BigNumber(
            digits.iter().copied().filter(|b| !b"\r\n".contains(b)).collect(),
        ));
    }
    if let LuaValue::Table(verbatim) = table.raw_get("verbatim_string")?
        && let LuaValue::String(text) = verbatim.raw_get("string")?
        && let LuaValue::String(format) = verbatim.raw_get("format")?
    {
        let mut name = *b"txt";
        let given = format.as_bytes();
        let len = given.len().min(3);
        name[..len].copy_from_slice(&given[..len]);
        return Ok(Value::Verbatim { format: name, text: text.as_bytes().to_vec() });
    }
    let mut items = Vec::new();
    for at in 1usize.. {
        match table.raw_get(at)? {
            LuaValue::Nil => break,
            item => items.push(to_reply(item, depth + 1)?),
        }
    }
    Ok(Value::Array(items))
}
