//! `cmsgpack`: values as MessagePack, as antirez's library writes them.
//!
//! A number without a fraction is written as the shortest integer, another as a 4-byte float where
//! that says the same and as 8 bytes elsewhere. A table whose keys are 1 to n is an array, any other
//! a map. Tables deeper than [`MAX_DEPTH`] are written as nil.

use mlua::{Error, Lua, MultiValue, Result, Table, Value};

/// Tables in tables.
const MAX_DEPTH: usize = 16;

/// The library's table.
pub(crate) fn table(lua: &Lua) -> Result<Table> {
    let table = lua.create_table()?;
    table.raw_set("pack", super::function(lua, |lua, args: MultiValue| pack(lua, &args))?)?;
    table.raw_set(
        "unpack",
        super::function(lua, |lua, args: MultiValue| unpack(lua, &args, None, false))?,
    )?;
    table.raw_set(
        "unpack_one",
        super::function(lua, |lua, args: MultiValue| {
            let offset = integer(&args, 1, "unpack_one")?.unwrap_or(0);
            unpack(lua, &args, Some((1, offset)), true)
        })?,
    )?;
    table.raw_set(
        "unpack_limit",
        super::function(lua, |lua, args: MultiValue| {
            let Some(limit) = integer(&args, 1, "unpack_limit")? else {
                return super::bad_argument(2, "unpack_limit", "number expected, got no value");
            };
            let offset = integer(&args, 2, "unpack_limit")?.unwrap_or(0);
            unpack(lua, &args, Some((limit, offset)), true)
        })?,
    )?;
    table.raw_set("_NAME", "cmsgpack")?;
    table.raw_set("_VERSION", "lua-cmsgpack 0.4.0")?;
    table.raw_set("_COPYRIGHT", "Copyright (C) 2012, Salvatore Sanfilippo")?;
    table.raw_set("_DESCRIPTION", "MessagePack C implementation for Lua")?;
    Ok(table)
}

fn integer(args: &MultiValue, at: usize, function: &str) -> Result<Option<i64>> {
    match args.get(at) {
        None | Some(Value::Nil) => Ok(None),
        Some(value) => match super::number_of(value) {
            Some(number) => Ok(Some(number as i64)),
            None => {
                let got = value.type_name();
                super::bad_argument(at + 1, function, &format!("number expected, got {got}"))
            }
        },
    }
}

fn pack(lua: &Lua, args: &MultiValue) -> Result<Value> {
    if args.is_empty() {
        return super::bad_argument(0, "pack", "MessagePack pack needs input.");
    }
    let mut out = Vec::new();
    for value in args {
        push(&mut out, value, 0)?;
    }
    Ok(Value::String(lua.create_string(&out)?))
}

fn push(out: &mut Vec<u8>, value: &Value, depth: usize) -> Result<()> {
    match value {
        Value::Boolean(is) => out.push(if *is { 0xc3 } else { 0xc2 }),
        Value::Integer(number) => push_integer(out, *number),
        Value::Number(number) => push_number(out, *number),
        Value::String(text) => push_string(out, &text.as_bytes()),
        Value::Table(table) if depth < MAX_DEPTH => push_table(out, table, depth)?,
        _ => out.push(0xc0),
    }
    Ok(())
}

fn push_number(out: &mut Vec<u8>, number: f64) {
    let whole = number as i64;
    if whole as f64 == number && number.abs() < 9.3e18 {
        return push_integer(out, whole);
    }
    let short = number as f32;
    if f64::from(short).to_bits() == number.to_bits() {
        out.push(0xca);
        out.extend(short.to_be_bytes());
    } else {
        out.push(0xcb);
        out.extend(number.to_be_bytes());
    }
}

fn push_integer(out: &mut Vec<u8>, number: i64) {
    match number {
        0..=127 => out.push(number as u8),
        128..=0xff => out.extend([0xcc, number as u8]),
        0x100..=0xffff => {
            out.push(0xcd);
            out.extend((number as u16).to_be_bytes());
        }
        0x1_0000..=0xffff_ffff => {
            out.push(0xce);
            out.extend((number as u32).to_be_bytes());
        }
        0x1_0000_0000.. => {
            out.push(0xcf);
            out.extend((number as u64).to_be_bytes());
        }
        -32..=-1 => out.push(number as u8),
        -128..=-33 => out.extend([0xd0, number as u8]),
        -0x8000..=-129 => {
            out.push(0xd1);
            out.extend((number as i16).to_be_bytes());
        }
        -0x8000_0000..=-0x8001 => {
            out.push(0xd2);
            out.extend((number as i32).to_be_bytes());
        }
        _ => {
            out.push(0xd3);
            out.extend(number.to_be_bytes());
        }
    }
}

fn push_string(out: &mut Vec<u8>, text: &[u8]) {
    match text.len() {
        len @ 0..=31 => out.push(0xa0 | len as u8),
        len @ 32..=0xff => out.extend([0xd9, len as u8]),
        len @ 0x100..=0xffff => {
            out.push(0xda);
            out.extend((len as u16).to_be_bytes());
        }
        len => {
            out.push(0xdb);
            out.extend((len as u32).to_be_bytes());
        }
    }
    out.extend_from_slice(text);
}

fn push_table(out: &mut Vec<u8>, table: &Table, depth: usize) -> Result<()> {
    let (len, is_array) = shape_of(table)?;
    if is_array {
        push_header(out, len, [0x90, 0xdc, 0xdd]);
        for at in 1..=len {
            push(out, &table.raw_get(at)?, depth + 1)?;
        }
        return Ok(());
    }
    push_header(out, len, [0x80, 0xde, 0xdf]);
    for pair in table.pairs::<Value, Value>() {
        let (key, value) = pair?;
        push(out, &key, depth + 1)?;
        push(out, &value, depth + 1)?;
    }
    Ok(())
}

/// How many pairs there are, and whether their keys are 1 to n, without a gap. No key is no array.
fn shape_of(table: &Table) -> Result<(usize, bool)> {
    let (mut len, mut most, mut counts) = (0, 0.0f64, true);
    for pair in table.pairs::<Value, Value>() {
        len += 1;
        match pair?.0 {
            Value::Integer(number) if number > 0 => most = most.max(number as f64),
            Value::Number(number) if number > 0.0 && number.fract() == 0.0 => {
                most = most.max(number);
            }
            _ => counts = false,
        }
    }
    Ok((len, counts && len > 0 && most == len as f64))
}

fn push_header(out: &mut Vec<u8>, len: usize, [short, of_16, of_32]: [u8; 3]) {
    match len {
        0..=15 => out.push(short | len as u8),
        16..=0xffff => {
            out.push(of_16);
            out.extend((len as u16).to_be_bytes());
        }
        _ => {
            out.push(of_32);
            out.extend((len as u32).to_be_bytes());
        }
    }
}

/// Reads values; with a limit and an offset, where it stopped comes first (-1 at the end).
fn unpack(
    lua: &Lua,
    args: &MultiValue,
    bounds: Option<(i64, i64)>,
    says_where: bool,
) -> Result<MultiValue> {
    let data = match args.front() {
        Some(Value::String(text)) => text.as_bytes().to_vec(),
        other => {
            let got = other.map_or("no value", Value::type_name);
            return super::bad_argument(1, "unpack", &format!("string expected, got {got}"));
        }
    };
    let (limit, offset) = bounds.unwrap_or((0, 0));
    if offset < 0 || limit < 0 {
        let text = format!(
            "Invalid request to unpack with offset of {offset} and limit of {}.",
            data.len()
        );
        return Err(Error::runtime(text));
    }
    if offset > data.len() as i64 {
        let text = format!("Start offset {offset} greater than input length {}.", data.len());
        return Err(Error::runtime(text));
    }
    let limit = if limit == 0 { usize::MAX } else { limit as usize };
    let mut reader = Reader { data: &data, at: offset as usize };
    let mut values = Vec::new();
    while values.len() < limit && reader.at < data.len() {
        values.push(reader.value(lua, 0)?);
    }
    if says_where {
        let at = if reader.at == data.len() { -1.0 } else { reader.at as f64 };
        values.insert(0, Value::Number(at));
    }
    Ok(MultiValue::from_vec(values))
}

struct Reader<'d> {
    data: &'d [u8],
    at: usize,
}

/// What input that ends in the middle of a value hears.
const MISSING: &str = "Missing bytes in input.";

impl Reader<'_> {
    fn take(&mut self, len: usize) -> Result<&[u8]> {
        let end = self.at.checked_add(len).filter(|&end| end <= self.data.len());
        let end = end.ok_or_else(|| Error::runtime(MISSING))?;
        let bytes = &self.data[self.at..end];
        self.at = end;
        Ok(bytes)
    }

    fn number<const N: usize>(&mut self) -> Result<[u8; N]> {
        let bytes = self.take(N)?;
        bytes.try_into().map_err(|_| Error::runtime(MISSING))
    }

    fn value(&mut self, lua: &Lua, depth: usize) -> Result<Value> {
        let [kind] = self.number()?;
        let number = match kind {
            0x00..=0x7f => f64::from(kind),
            0xe0..=0xff => f64::from(kind.cast_signed()),
            0xc0 => return Ok(Value::Nil),
            0xc2 => return Ok(Value::Boolean(false)),
            0xc3 => return Ok(Value::Boolean(true)),
            0xca => f32::from_be_bytes(self.number()?).into(),
            0xcb => f64::from_be_bytes(self.number()?),
            0xcc => u8::from_be_bytes(self.number()?).into(),
            0xcd => u16::from_be_bytes(self.number()?).into(),
            0xce => u32::from_be_bytes(self.number()?).into(),
            0xcf => u64::from_be_bytes(self.number()?) as f64,
            0xd0 => i8::from_be_bytes(self.number()?).into(),
            0xd1 => i16::from_be_bytes(self.number()?).into(),
            0xd2 => i32::from_be_bytes(self.number()?).into(),
            0xd3 => i64::from_be_bytes(self.number()?) as f64,
            0xa0..=0xbf => return self.string(lua, usize::from(kind & 31)),
            0xc4 | 0xd9 => {
                let len = u8::from_be_bytes(self.number()?);
                return self.string(lua, len.into());
            }
            0xc5 | 0xda => {
                let len = u16::from_be_bytes(self.number()?);
                return self.string(lua, len.into());
            }
            0xc6 | 0xdb => {
                let len = u32::from_be_bytes(self.number()?);
                return self.string(lua, len as usize);
            }
            0x90..=0x9f => return self.array(lua, usize::from(kind & 15), depth),
            0xdc => {
                let len = u16::from_be_bytes(self.number()?);
                return self.array(lua, len.into(), depth);
            }
            0xdd => {
                let len = u32::from_be_bytes(self.number()?);
                return self.array(lua, len as usize, depth);
            }
            0x80..=0x8f => return self.map(lua, usize::from(kind & 15), depth),
            0xde => {
                let len = u16::from_be_bytes(self.number()?);
                return self.map(lua, len.into(), depth);
            }
            0xdf => {
                let len = u32::from_be_bytes(self.number()?);
                return self.map(lua, len as usize, depth);
            }
            _ => return Err(Error::runtime("Bad data format in input.")),
        };
        Ok(Value::Number(number))
    }

    fn string(&mut self, lua: &Lua, len: usize) -> Result<Value> {
        Ok(Value::String(lua.create_string(self.take(len)?)?))
    }

    fn array(&mut self, lua: &Lua, len: usize, depth: usize) -> Result<Value> {
        self.check_depth(depth)?;
        let table = lua.create_table()?;
        for at in 1..=len {
            table.raw_set(at, self.value(lua, depth + 1)?)?;
        }
        Ok(Value::Table(table))
    }

    fn map(&mut self, lua: &Lua, len: usize, depth: usize) -> Result<Value> {
        self.check_depth(depth)?;
        let table = lua.create_table()?;
        for _ in 0..len {
            let key = self.value(lua, depth + 1)?;
            let value = self.value(lua, depth + 1)?;
            if matches!(key, Value::Nil) || matches!(key, Value::Number(n) if n.is_nan()) {
                return Err(Error::runtime("Bad data format in input."));
            }
            table.raw_set(key, value)?;
        }
        Ok(Value::Table(table))
    }

    fn check_depth(&self, depth: usize) -> Result<()> {
        // Input is nested as deep as it is long: the stack must not follow.
        if depth >= MAX_NESTING { Err(Error::runtime("Bad data format in input.")) } else { Ok(()) }
    }
}

/// Tables in tables that input may have.
const MAX_NESTING: usize = 1000;
