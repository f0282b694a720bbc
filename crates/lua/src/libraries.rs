//! What a library says when it is loaded: `redis.register_function`.

use crate::fault::Fault;
use crate::gate::Lent;
use crate::libs::function;
use mlua::{Function, Lua, MultiValue, Result, Table, Value};
use std::rc::Rc;

/// What a function says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FunctionFlags {
    /// `no-writes`
    pub no_writes: bool,
    /// `allow-oom`
    pub allow_oom: bool,
    /// `allow-stale`
    pub allow_stale: bool,
    /// `no-cluster`
    pub no_cluster: bool,
    /// `allow-cross-slot-keys`
    pub allow_cross_slot_keys: bool,
}

impl FunctionFlags {
    /// Sets the flag of a name; false when there is none.
    pub fn set(&mut self, name: &[u8]) -> bool {
        let flag = match name {
            b"no-writes" => &mut self.no_writes,
            b"allow-oom" => &mut self.allow_oom,
            b"allow-stale" => &mut self.allow_stale,
            b"no-cluster" => &mut self.no_cluster,
            b"allow-cross-slot-keys" => &mut self.allow_cross_slot_keys,
            _ => return false,
        };
        *flag = true;
        true
    }

    /// The names of those that are set.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        [
            (self.no_writes, "no-writes"),
            (self.allow_oom, "allow-oom"),
            (self.allow_stale, "allow-stale"),
            (self.no_cluster, "no-cluster"),
            (self.allow_cross_slot_keys, "allow-cross-slot-keys"),
        ]
        .into_iter()
        .filter_map(|(is_set, name)| is_set.then_some(name))
    }
}

/// A function that a library has registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// Its name: letters, digits and underscores.
    pub name: String,
    /// For people.
    pub description: Option<Vec<u8>>,
    /// What it says of itself.
    pub flags: FunctionFlags,
}

/// Why a source is no library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoadFault {
    /// It is no Lua.
    Compiling(Fault),
    /// It ended with an error.
    Running(Fault),
}

/// The library that is being loaded.
#[derive(Default)]
pub(crate) struct Loading {
    pub(crate) functions: Vec<(Registered, Function)>,
}

/// Whether this can be the name of a library or a function.
pub fn is_name(name: &[u8]) -> bool {
    !name.is_empty() && name.iter().all(|&byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// `redis.register_function`
pub(crate) fn register_function(lua: &Lua, lent: &Rc<Lent>) -> Result<Function> {
    let lent = lent.clone();
    function(lua, move |_, args| {
        let (registered, callback) = read(&args).map_err(super::api::refused)?;
        let mut loading = lent.loading.borrow_mut();
        let Some(loading) = &mut *loading else {
            return Err(super::api::refused(
                "redis.register_function can only be called on FUNCTION LOAD command",
            ));
        };
        if loading.functions.iter().any(|(known, _)| known.name == registered.name) {
            return Err(super::api::refused("Function already exists in the library"));
        }
        loading.functions.push((registered, callback));
        Ok(Value::Nil)
    })
}

type Given = std::result::Result<(Registered, Function), &'static str>;

fn read(args: &MultiValue) -> Given {
    let args: Vec<&Value> = args.iter().collect();
    match args[..] {
        [Value::Table(table)] => read_named(table),
        [_] => Err("calling redis.register_function with a single argument is only applicable to \
                    Lua table (representing named arguments)."),
        [Value::String(name), Value::Function(callback)] => {
            finish(Some(name.as_bytes().to_vec()), Some(callback.clone()), None, <_>::default())
        }
        [Value::String(_), _] => {
            Err("second argument to redis.register_function must be a function")
        }
        [_, Value::Function(_)] => {
            Err("first argument to redis.register_function must be a string")
        }
        [_, _] => Err("second argument to redis.register_function must be a function"),
        _ => Err("wrong number of arguments to redis.register_function"),
    }
}

fn read_named(table: &Table) -> Given {
    let (mut name, mut description, mut callback) = (None, None, None);
    let mut flags = FunctionFlags::default();
    for pair in table.pairs::<Value, Value>() {
        let Ok((key, value)) = pair else { return Err("not enough memory") };
        let Some(key) = text(&key) else {
            return Err("named argument key given to redis.register_function is not a string");
        };
        match &key[..] {
            b"function_name" => match text(&value) {
                Some(text) => name = Some(text),
                None => {
                    return Err(
                        "function_name argument given to redis.register_function must be a string",
                    );
                }
            },
            b"description" => match text(&value) {
                Some(text) => description = Some(text),
                None => {
                    return Err(
                        "description argument given to redis.register_function must be a string",
                    );
                }
            },
            b"callback" => match value {
                Value::Function(function) => callback = Some(function),
                _ => {
                    return Err(
                        "callback argument given to redis.register_function must be a function",
                    );
                }
            },
            b"flags" => flags = read_flags(&value)?,
            _ => return Err("unknown argument given to redis.register_function"),
        }
    }
    finish(name, callback, description, flags)
}

/// A string; a number counts as one, as everywhere in Lua.
fn text(value: &Value) -> Option<Vec<u8>> {
    super::api::word(value)
}

fn read_flags(value: &Value) -> std::result::Result<FunctionFlags, &'static str> {
    let Value::Table(list) = value else {
        return Err("flags argument to redis.register_function must be a table representing \
                    function flags");
    };
    let mut flags = FunctionFlags::default();
    for at in 1usize.. {
        match list.raw_get::<Value>(at) {
            Ok(Value::Nil) => break,
            Ok(Value::String(name)) if flags.set(&name.as_bytes()) => {}
            _ => return Err("unknown flag given"),
        }
    }
    Ok(flags)
}

fn finish(
    name: Option<Vec<u8>>,
    callback: Option<Function>,
    description: Option<Vec<u8>>,
    flags: FunctionFlags,
) -> Given {
    let name = name.ok_or("redis.register_function must get a function name argument")?;
    let callback = callback.ok_or("redis.register_function must get a callback argument")?;
    let name = String::from_utf8(name).ok().filter(|name| is_name(name.as_bytes())).ok_or(
        "Library names can only contain letters, numbers, or underscores(_) and must be at least \
         one character long",
    )?;
    Ok((Registered { name, description, flags }, callback))
}
