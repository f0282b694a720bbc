//! Replies as Lua sees them, and what a script returns as a reply.
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
//! The way back cuts numbers to integers and ends an array at its first `nil`. As in
//! [`crate::gate`], nothing is owned here while Lua is called.
#![allow(unsafe_code)]

use crate::Sink;
use crate::gate::{push_string, replace_below, string_at};
use larder_resp::Protocol;
use mlua::ffi::{
    LUA_TBOOLEAN, LUA_TNIL, LUA_TNUMBER, LUA_TSTRING, LUA_TTABLE, lua_State, lua_createtable,
    lua_next, lua_pop, lua_pushboolean, lua_pushnil, lua_pushnumber, lua_pushvalue, lua_rawget_,
    lua_rawgeti_, lua_rawset, lua_rawseti_, lua_toboolean, lua_tonumber, lua_type,
    luaL_checkstack_,
};
use std::ffi::c_int;

/// Tables in tables that a reply may be made of.
const MAX_DEPTH: usize = 128;

/// Places on the stack that each of them needs.
const PER_TABLE: c_int = 6;

/// Pushes the table of an error reply.
///
/// # Safety
/// See [`push_reply`].
pub(crate) unsafe fn push_error(state: *mut lua_State, reply: &[u8]) {
    let (text, _) = line(reply.get(1..).unwrap_or_default());
    // SAFETY: as the caller promises.
    unsafe {
        lua_createtable(state, 0, 2);
        push_string(state, b"err");
        push_string(state, text);
        lua_rawset(state, -3);
        push_string(state, b"ignore_error_stats_update");
        lua_pushboolean(state, 1);
        lua_rawset(state, -3);
    }
}

/// Pushes the value of a reply; what follows it.
///
/// # Safety
/// The state is valid, Lua may jump here, and the reply is whole and nobody changes it meanwhile.
pub(crate) unsafe fn push_reply(state: *mut lua_State, reply: &[u8]) -> &[u8] {
    let Some((&kind, rest)) = reply.split_first() else { return reply };
    let (head, rest) = line(rest);
    // SAFETY: as the caller promises; room for each level is asked for.
    unsafe {
        luaL_checkstack_(state, PER_TABLE, c"the reply is too deep".as_ptr());
        match kind {
            b':' => lua_pushnumber(state, number(head) as f64),
            b'$' => return push_bulk(state, head, rest),
            b'+' => push_field(state, b"ok", |state| push_string(state, head)),
            b'-' => push_error(state, reply),
            b'#' => lua_pushboolean(state, (head == b"t").into()),
            b',' => push_field(state, b"double", |state| lua_pushnumber(state, double(head))),
            b'(' => push_field(state, b"big_number", |state| push_string(state, head)),
            b'=' => return push_verbatim(state, head, rest),
            b'*' | b'>' => return push_array(state, head, rest),
            b'%' | b'~' => return push_table(state, kind == b'%', head, rest),
            b'|' => {
                let mut rest = rest;
                for _ in 0..number(head) * 2 {
                    rest = push_reply(state, rest);
                    lua_pop(state, 1);
                }
                return push_reply(state, rest);
            }
            _ => lua_pushnil(state),
        }
    }
    rest
}

/// Pushes a table of one field, whose value the work pushes.
unsafe fn push_field(state: *mut lua_State, name: &[u8], value: impl FnOnce(*mut lua_State)) {
    // SAFETY: as the caller promises.
    unsafe {
        lua_createtable(state, 0, 1);
        push_string(state, name);
        value(state);
        lua_rawset(state, -3);
    }
}

unsafe fn push_bulk<'r>(state: *mut lua_State, head: &[u8], rest: &'r [u8]) -> &'r [u8] {
    let Ok(len) = usize::try_from(number(head)) else {
        // SAFETY: as the caller promises.
        unsafe { lua_pushboolean(state, 0) };
        return rest;
    };
    let (bytes, rest) = rest.split_at(len.min(rest.len()));
    // SAFETY: as the caller promises.
    unsafe { push_string(state, bytes) };
    rest.get(2..).unwrap_or_default()
}

unsafe fn push_verbatim<'r>(state: *mut lua_State, head: &[u8], rest: &'r [u8]) -> &'r [u8] {
    let len = usize::try_from(number(head)).unwrap_or_default();
    let (bytes, rest) = rest.split_at(len.min(rest.len()));
    let (format, text) = bytes.split_at(bytes.len().min(3));
    // SAFETY: as the caller promises.
    unsafe {
        push_field(state, b"verbatim_string", |state| {
            lua_createtable(state, 0, 2);
            push_string(state, b"format");
            push_string(state, format);
            lua_rawset(state, -3);
            push_string(state, b"string");
            push_string(state, text.get(1..).unwrap_or_default());
            lua_rawset(state, -3);
        });
    }
    rest.get(2..).unwrap_or_default()
}

unsafe fn push_array<'r>(state: *mut lua_State, head: &[u8], rest: &'r [u8]) -> &'r [u8] {
    let Ok(len) = c_int::try_from(number(head)) else { return rest };
    // SAFETY: as the caller promises.
    unsafe {
        if len < 0 {
            lua_pushboolean(state, 0);
            return rest;
        }
        lua_createtable(state, len, 0);
        let mut rest = rest;
        for at in 1..=len {
            rest = push_reply(state, rest);
            lua_rawseti_(state, -2, at);
        }
        rest
    }
}

/// A map, or a set: a map to true.
unsafe fn push_table<'r>(
    state: *mut lua_State,
    is_map: bool,
    head: &[u8],
    rest: &'r [u8],
) -> &'r [u8] {
    let len = c_int::try_from(number(head)).unwrap_or_default();
    let mut rest = rest;
    // SAFETY: as the caller promises.
    unsafe {
        push_field(state, if is_map { b"map" } else { b"set" }, |state| {
            lua_createtable(state, 0, len);
            for _ in 0..len {
                rest = push_reply(state, rest);
                if is_map {
                    rest = push_reply(state, rest);
                } else {
                    lua_pushboolean(state, 1);
                }
                lua_rawset(state, -3);
            }
        });
    }
    rest
}

/// What stands before the first line's end, and behind it.
fn line(bytes: &[u8]) -> (&[u8], &[u8]) {
    match bytes.iter().position(|&byte| byte == b'\r') {
        Some(end) => (&bytes[..end], bytes.get(end + 2..).unwrap_or_default()),
        None => (bytes, &[]),
    }
}

fn number(digits: &[u8]) -> i64 {
    std::str::from_utf8(digits).ok().and_then(|text| text.parse().ok()).unwrap_or_default()
}

fn double(digits: &[u8]) -> f64 {
    std::str::from_utf8(digits).ok().and_then(|text| text.parse().ok()).unwrap_or(f64::NAN)
}

/// Writes the value at the top of the stack, and takes it from there.
///
/// # Safety
/// The state is valid and Lua may jump here; the sink calls nothing of Lua.
pub(crate) unsafe fn write(state: *mut lua_State, protocol: Protocol, sink: &mut dyn Sink) {
    // SAFETY: as the caller promises. The room that all levels need is asked for at once, so that
    // nothing is written before Lua may jump for the lack of it.
    unsafe {
        luaL_checkstack_(state, PER_TABLE * (MAX_DEPTH as c_int + 2), c"no room".as_ptr());
        Writer { state, protocol, sink }.value(0);
    }
}

struct Writer<'s> {
    state: *mut lua_State,
    protocol: Protocol,
    sink: &'s mut dyn Sink,
}

impl Writer<'_> {
    unsafe fn value(&mut self, depth: usize) {
        let state = self.state;
        // SAFETY: as the caller of `write` promises.
        unsafe {
            match lua_type(state, -1) {
                LUA_TSTRING => self.sink.bulk(string_at(state, -1)),
                LUA_TNUMBER => self.sink.int(cut(lua_tonumber(state, -1))),
                LUA_TBOOLEAN => self.boolean(lua_toboolean(state, -1) != 0),
                LUA_TTABLE if depth >= MAX_DEPTH => {
                    self.sink.error(b"ERR reached lua stack limit", false);
                }
                LUA_TTABLE => self.table(depth),
                _ => self.sink.null(),
            }
            lua_pop(state, 1);
        }
    }

    fn boolean(&mut self, is: bool) {
        match (self.protocol, is) {
            (Protocol::Resp3, is) => self.sink.boolean(is),
            (Protocol::Resp2, true) => self.sink.int(1),
            (Protocol::Resp2, false) => self.sink.null(),
        }
    }

    unsafe fn table(&mut self, depth: usize) {
        let state = self.state;
        // SAFETY: as the caller of `write` promises. A field that was found is on the stack.
        unsafe {
            if self.field(b"err", LUA_TSTRING) {
                let text = string_at(state, -1);
                lua_pushvalue(state, -2);
                let counted = field(state, b"ignore_error_stats_update", LUA_TBOOLEAN);
                lua_pop(state, if counted { 2 } else { 1 });
                self.sink.error(text, counted);
            } else if self.field(b"ok", LUA_TSTRING) {
                self.sink.simple(string_at(state, -1));
            } else if self.field(b"double", LUA_TNUMBER) {
                self.sink.double(lua_tonumber(state, -1));
            } else if self.field(b"map", LUA_TTABLE) {
                self.pairs(true, depth);
            } else if self.field(b"set", LUA_TTABLE) {
                self.pairs(false, depth);
            } else if self.field(b"big_number", LUA_TSTRING) {
                self.sink.big_number(string_at(state, -1));
            } else if self.field(b"verbatim_string", LUA_TTABLE) && self.verbatim() {
            } else {
                return self.array(depth);
            }
            lua_pop(state, 1);
        }
    }

    unsafe fn field(&mut self, name: &[u8], wanted: c_int) -> bool {
        // SAFETY: as the caller of `write` promises.
        unsafe { field(self.state, name, wanted) }
    }

    /// A map or the keys of one, which is at the top.
    unsafe fn pairs(&mut self, is_map: bool, depth: usize) {
        let state = self.state;
        // SAFETY: as the caller of `write` promises; `lua_next` sees the keys that it gave.
        unsafe {
            let mut len = 0;
            lua_pushnil(state);
            while lua_next(state, -2) != 0 {
                len += 1;
                lua_pop(state, 1);
            }
            if is_map {
                self.sink.map(len);
            } else {
                self.sink.set(len);
            }
            lua_pushnil(state);
            while lua_next(state, -2) != 0 {
                lua_pushvalue(state, -2);
                self.value(depth + 1);
                if is_map {
                    self.value(depth + 1);
                } else {
                    lua_pop(state, 1);
                }
            }
        }
    }

    /// Writes the verbatim text of the table at the top; false if it is none, and the table gone.
    unsafe fn verbatim(&mut self) -> bool {
        let state = self.state;
        // SAFETY: as the caller of `write` promises.
        unsafe {
            if self.field(b"string", LUA_TSTRING) {
                let text = string_at(state, -1);
                lua_pushvalue(state, -2);
                if field(state, b"format", LUA_TSTRING) {
                    let mut format = *b"txt";
                    let given = string_at(state, -1);
                    let len = given.len().min(3);
                    format[..len].copy_from_slice(&given[..len]);
                    lua_pop(state, 3);
                    self.sink.verbatim(format, text);
                    return true;
                }
                lua_pop(state, 2);
            }
            lua_pop(state, 1);
        }
        false
    }

    unsafe fn array(&mut self, depth: usize) {
        let state = self.state;
        // SAFETY: as the caller of `write` promises.
        unsafe {
            let mut len = 0;
            loop {
                lua_rawgeti_(state, -1, len + 1);
                let ends = lua_type(state, -1) == LUA_TNIL;
                lua_pop(state, 1);
                if ends {
                    break;
                }
                len += 1;
            }
            self.sink.array(len as usize);
            for at in 1..=len {
                lua_rawgeti_(state, -1, at);
                self.value(depth + 1);
            }
        }
    }
}

/// Pushes a field of the table at the top if it has the wanted type.
unsafe fn field(state: *mut lua_State, name: &[u8], wanted: c_int) -> bool {
    // SAFETY: as the caller of `write` promises.
    unsafe {
        lua_pushvalue(state, -1);
        push_string(state, name);
        lua_rawget_(state, -2);
        replace_below(state);
        if lua_type(state, -1) == wanted {
            return true;
        }
        lua_pop(state, 1);
        false
    }
}

/// A number without its fraction; what no integer can be is the least one, as on the processors
/// that Redis is known from.
fn cut(number: f64) -> i64 {
    const END: f64 = 9_223_372_036_854_775_808.0;
    if (-END..END).contains(&number) { number as i64 } else { i64::MIN }
}
