//! `cjson`: values as JSON and back, as Mark Pulford's library does.
//!
//! A table whose keys are positive integers is an array (with `null` where a number is missing, as
//! long as not too many are), any other an object; an empty table is an object. `cjson.null` stands
//! for null. Numbers have 14 significant digits unless a script asks for others.

use super::number_of;
use mlua::{Error, LightUserData, Lua, MultiValue, Result, Table, Value};
use std::cell::Cell;
use std::rc::Rc;

/// Tables in tables, either way, unless a script says otherwise.
const DEPTH: usize = 1000;

/// The most that a script may say: what is nested must not overflow the stack.
const MAX_DEPTH: usize = 1000;

/// What scripts may change.
#[derive(Debug, Clone, Copy)]
struct Settings {
    encode_depth: usize,
    decode_depth: usize,
    digits: usize,
    /// What becomes of arrays with holes: an object (or an error), from which ratio, and from how
    /// many elements on.
    sparse_converts: bool,
    sparse_ratio: usize,
    sparse_safe: usize,
    encodes_invalid: Invalid,
    decodes_invalid: bool,
}

/// What becomes of infinities and of what is no number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Invalid {
    Refused,
    Written,
    Null,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            encode_depth: DEPTH,
            decode_depth: DEPTH,
            digits: 14,
            sparse_converts: false,
            sparse_ratio: 2,
            sparse_safe: 10,
            encodes_invalid: Invalid::Refused,
            decodes_invalid: true,
        }
    }
}

type Shared = Rc<Cell<Settings>>;

/// The library's table.
pub(crate) fn table(lua: &Lua) -> Result<Table> {
    let shared = Shared::default();
    let table = lua.create_table()?;
    let own = shared.clone();
    table.raw_set(
        "encode",
        super::function(lua, move |lua, args: MultiValue| encode(lua, &own, &args))?,
    )?;
    let own = shared.clone();
    table.raw_set(
        "decode",
        super::function(lua, move |lua, args: MultiValue| decode(lua, &own, &args))?,
    )?;
    table.raw_set("null", Value::LightUserData(LightUserData(std::ptr::null_mut())))?;
    table.raw_set("new", super::function(lua, |lua, _| self::table(lua))?)?;
    table.raw_set("_NAME", "cjson")?;
    table.raw_set("_VERSION", "2.1.0")?;
    add_settings(lua, &table, &shared)?;
    Ok(table)
}

fn add_settings(lua: &Lua, table: &Table, shared: &Shared) -> Result<()> {
    let count = |name: &'static str, change: fn(&mut Settings, Option<usize>) -> usize, most| {
        let own = shared.clone();
        let function = super::function(lua, move |_, args: MultiValue| {
            let wanted = match args.front() {
                None | Some(Value::Nil) => None,
                Some(value) => match number_of(value) {
                    Some(number) if (1.0..=most as f64).contains(&number) => Some(number as usize),
                    _ => {
                        let text = format!("expected integer between 1 and {most}");
                        return super::bad_argument(1, name, &text);
                    }
                },
            };
            let mut settings = own.get();
            let result = change(&mut settings, wanted);
            own.set(settings);
            Ok(result as f64)
        })?;
        table.raw_set(name, function)
    };
    count("encode_max_depth", |s, wanted| set(&mut s.encode_depth, wanted), MAX_DEPTH)?;
    count("decode_max_depth", |s, wanted| set(&mut s.decode_depth, wanted), MAX_DEPTH)?;
    count("encode_number_precision", |s, wanted| set(&mut s.digits, wanted), 14)?;
    let own = shared.clone();
    let sparse = super::function(lua, move |_, args: MultiValue| sparse(&own, &args))?;
    table.raw_set("encode_sparse_array", sparse)?;
    let own = shared.clone();
    let invalid =
        super::function(lua, move |lua, args: MultiValue| encode_invalid(lua, &own, &args))?;
    table.raw_set("encode_invalid_numbers", invalid)?;
    let own = shared.clone();
    let invalid = super::function(lua, move |_, args: MultiValue| {
        let mut settings = own.get();
        if let Some(Value::Boolean(is)) = args.front() {
            settings.decodes_invalid = *is;
        }
        own.set(settings);
        Ok(settings.decodes_invalid)
    })?;
    table.raw_set("decode_invalid_numbers", invalid)?;
    // Buffers are kept or not; nobody can tell from the result.
    let keep = super::function(lua, |_, args: MultiValue| {
        Ok(!matches!(args.front(), Some(Value::Boolean(false))))
    })?;
    table.raw_set("encode_keep_buffer", keep)
}

fn set(place: &mut usize, wanted: Option<usize>) -> usize {
    *place = wanted.unwrap_or(*place);
    *place
}

fn sparse(shared: &Shared, args: &MultiValue) -> Result<(bool, f64, f64)> {
    let mut settings = shared.get();
    if let Some(Value::Boolean(is)) = args.front() {
        settings.sparse_converts = *is;
    }
    for (at, place) in [(1, &mut settings.sparse_ratio), (2, &mut settings.sparse_safe)] {
        match args.get(at) {
            None | Some(Value::Nil) => {}
            Some(value) => match number_of(value) {
                Some(number) if (0.0..=f64::from(i32::MAX)).contains(&number) => {
                    *place = number as usize;
                }
                _ => {
                    let text = format!("expected integer between 0 and {}", i32::MAX);
                    return super::bad_argument(at + 1, "encode_sparse_array", &text);
                }
            },
        }
    }
    shared.set(settings);
    Ok((settings.sparse_converts, settings.sparse_ratio as f64, settings.sparse_safe as f64))
}

fn encode_invalid(lua: &Lua, shared: &Shared, args: &MultiValue) -> Result<Value> {
    let mut settings = shared.get();
    match args.front() {
        Some(Value::Boolean(true)) => settings.encodes_invalid = Invalid::Written,
        Some(Value::Boolean(false)) => settings.encodes_invalid = Invalid::Refused,
        Some(Value::String(text)) if *text == "null" => settings.encodes_invalid = Invalid::Null,
        _ => {}
    }
    shared.set(settings);
    Ok(match settings.encodes_invalid {
        Invalid::Refused => Value::Boolean(false),
        Invalid::Written => Value::Boolean(true),
        Invalid::Null => Value::String(lua.create_string("null")?),
    })
}

fn encode(lua: &Lua, shared: &Shared, args: &MultiValue) -> Result<Value> {
    if args.len() != 1 {
        return super::bad_argument(1, "encode", "expected 1 argument");
    }
    let mut out = Vec::new();
    push(&mut out, &args[0], &shared.get(), 0)?;
    Ok(Value::String(lua.create_string(&out)?))
}

fn push(out: &mut Vec<u8>, value: &Value, settings: &Settings, depth: usize) -> Result<()> {
    match value {
        Value::Nil => out.extend_from_slice(b"null"),
        Value::LightUserData(data) if data.0.is_null() => out.extend_from_slice(b"null"),
        Value::Boolean(is) => out.extend_from_slice(if *is { b"true" } else { b"false" }),
        Value::Integer(number) => push_number(out, *number as f64, settings)?,
        Value::Number(number) => push_number(out, *number, settings)?,
        Value::String(text) => push_string(out, &text.as_bytes()),
        Value::Table(table) => push_table(out, table, settings, depth + 1)?,
        other => {
            let text = format!("Cannot serialise {}: type not supported", other.type_name());
            return Err(Error::runtime(text));
        }
    }
    Ok(())
}

fn push_number(out: &mut Vec<u8>, number: f64, settings: &Settings) -> Result<()> {
    if !number.is_finite() {
        match settings.encodes_invalid {
            Invalid::Refused => {
                return Err(Error::runtime("Cannot serialise number: must not be NaN or Inf"));
            }
            Invalid::Null => out.extend_from_slice(b"null"),
            Invalid::Written => out.extend(super::general_14g(number).bytes()),
        }
        return Ok(());
    }
    out.extend(super::number::general(number, settings.digits).bytes());
    Ok(())
}

fn push_string(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    for &byte in text {
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'/' => out.extend_from_slice(b"\\/"),
            8 => out.extend_from_slice(b"\\b"),
            9 => out.extend_from_slice(b"\\t"),
            10 => out.extend_from_slice(b"\\n"),
            12 => out.extend_from_slice(b"\\f"),
            13 => out.extend_from_slice(b"\\r"),
            0..=31 | 127 => out.extend(format!("\\u{byte:04x}").bytes()),
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}

fn push_table(out: &mut Vec<u8>, table: &Table, settings: &Settings, depth: usize) -> Result<()> {
    if depth > settings.encode_depth {
        return Err(Error::runtime(format!("Cannot serialise, excessive depth ({depth})")));
    }
    let len = array_len(table, settings)?;
    if len > 0 {
        out.push(b'[');
        for at in 1..=len {
            if at > 1 {
                out.push(b',');
            }
            push(out, &table.raw_get(at)?, settings, depth)?;
        }
        out.push(b']');
        return Ok(());
    }
    out.push(b'{');
    let mut first = true;
    for pair in table.pairs::<Value, Value>() {
        let (key, value) = pair?;
        if !std::mem::take(&mut first) {
            out.push(b',');
        }
        match key {
            Value::String(text) => push_string(out, &text.as_bytes()),
            Value::Integer(_) | Value::Number(_) => {
                out.push(b'"');
                push(out, &key, settings, depth)?;
                out.push(b'"');
            }
            _ => {
                return Err(Error::runtime(
                    "Cannot serialise table: table key must be a number or string",
                ));
            }
        }
        out.push(b':');
        push(out, &value, settings, depth)?;
    }
    out.push(b'}');
    Ok(())
}

/// Length of the array that a table is; 0 for an object.
fn array_len(table: &Table, settings: &Settings) -> Result<usize> {
    let (mut most, mut items) = (0.0f64, 0usize);
    for pair in table.pairs::<Value, Value>() {
        let number = match pair?.0 {
            Value::Integer(number) => number as f64,
            Value::Number(number) => number,
            _ => return Ok(0),
        };
        if number < 1.0 || number.fract() != 0.0 {
            return Ok(0);
        }
        most = most.max(number);
        items += 1;
    }
    let Settings { sparse_ratio, sparse_safe, sparse_converts, .. } = *settings;
    let is_sparse =
        sparse_ratio > 0 && most > items as f64 * sparse_ratio as f64 && most > sparse_safe as f64;
    if is_sparse && !sparse_converts {
        return Err(Error::runtime("Cannot serialise table: excessively sparse array"));
    }
    Ok(if is_sparse { 0 } else { most as usize })
}

fn decode(lua: &Lua, shared: &Shared, args: &MultiValue) -> Result<Value> {
    if args.len() != 1 {
        return super::bad_argument(1, "decode", "expected 1 argument");
    }
    let text = match &args[0] {
        Value::String(text) => text.as_bytes().to_vec(),
        Value::Integer(number) => number.to_string().into_bytes(),
        Value::Number(number) => super::general_14g(*number).into_bytes(),
        other => {
            let text = format!("string expected, got {}", other.type_name());
            return super::bad_argument(1, "decode", &text);
        }
    };
    // UTF-16 and UTF-32 begin with a zero in their first two bytes.
    if let [0, _, ..] | [_, 0, ..] = text[..] {
        return Err(Error::runtime("JSON parser does not support UTF-16 or UTF-32"));
    }
    let mut parser = Parser { lua, text: &text, at: 0, settings: shared.get(), depth: 0 };
    let value = parser.value()?;
    match parser.token() {
        Token::End => Ok(value),
        _ => parser.unexpected("the end"),
    }
}

struct Parser<'p> {
    lua: &'p Lua,
    text: &'p [u8],
    at: usize,
    settings: Settings,
    depth: usize,
}

/// What stands next, by its first character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    ObjectBegin,
    ObjectEnd,
    ArrayBegin,
    ArrayEnd,
    Colon,
    Comma,
    String,
    Other,
    End,
}

impl Token {
    fn name(self) -> &'static str {
        match self {
            Token::ObjectBegin => "T_OBJ_BEGIN",
            Token::ObjectEnd => "T_OBJ_END",
            Token::ArrayBegin => "T_ARR_BEGIN",
            Token::ArrayEnd => "T_ARR_END",
            Token::Colon => "T_COLON",
            Token::Comma => "T_COMMA",
            Token::String => "T_STRING",
            Token::Other => "invalid token",
            Token::End => "T_END",
        }
    }
}

impl Parser<'_> {
    fn token(&mut self) -> Token {
        while matches!(self.text.get(self.at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
        match self.text.get(self.at) {
            None => Token::End,
            Some(b'{') => Token::ObjectBegin,
            Some(b'}') => Token::ObjectEnd,
            Some(b'[') => Token::ArrayBegin,
            Some(b']') => Token::ArrayEnd,
            Some(b':') => Token::Colon,
            Some(b',') => Token::Comma,
            Some(b'"') => Token::String,
            Some(_) => Token::Other,
        }
    }

    fn unexpected<T>(&mut self, wanted: &str) -> Result<T> {
        let found = self.token().name();
        let text = format!("Expected {wanted} but found {found} at character {}", self.at + 1);
        Err(Error::runtime(text))
    }

    fn value(&mut self) -> Result<Value> {
        match self.token() {
            Token::ObjectBegin => self.nested(Parser::object),
            Token::ArrayBegin => self.nested(Parser::array),
            Token::String => Ok(Value::String(self.lua.create_string(self.string()?)?)),
            Token::Other => self.word(),
            _ => self.unexpected("value"),
        }
    }

    fn nested(&mut self, body: fn(&mut Self) -> Result<Value>) -> Result<Value> {
        self.depth += 1;
        if self.depth > self.settings.decode_depth {
            let text = format!(
                "Found too many nested data structures ({}) at character {}",
                self.depth,
                self.at + 1
            );
            return Err(Error::runtime(text));
        }
        self.at += 1;
        let value = body(self);
        self.depth -= 1;
        value
    }

    fn object(&mut self) -> Result<Value> {
        let table = self.lua.create_table()?;
        if self.token() == Token::ObjectEnd {
            self.at += 1;
            return Ok(Value::Table(table));
        }
        loop {
            if self.token() != Token::String {
                return self.unexpected("object key string");
            }
            let key = self.string()?;
            if self.token() != Token::Colon {
                return self.unexpected("colon");
            }
            self.at += 1;
            let value = self.value()?;
            table.raw_set(self.lua.create_string(key)?, value)?;
            match self.token() {
                Token::Comma => self.at += 1,
                Token::ObjectEnd => {
                    self.at += 1;
                    return Ok(Value::Table(table));
                }
                _ => return self.unexpected("comma or object end"),
            }
        }
    }

    fn array(&mut self) -> Result<Value> {
        let table = self.lua.create_table()?;
        if self.token() == Token::ArrayEnd {
            self.at += 1;
            return Ok(Value::Table(table));
        }
        for index in 1usize.. {
            let value = self.value()?;
            table.raw_set(index, value)?;
            match self.token() {
                Token::Comma => self.at += 1,
                Token::ArrayEnd => {
                    self.at += 1;
                    break;
                }
                _ => return self.unexpected("comma or array end"),
            }
        }
        Ok(Value::Table(table))
    }

    /// A number, or one of the three words.
    fn word(&mut self) -> Result<Value> {
        let rest = &self.text[self.at..];
        for (word, value) in [
            (&b"true"[..], Value::Boolean(true)),
            (b"false", Value::Boolean(false)),
            (b"null", Value::LightUserData(LightUserData(std::ptr::null_mut()))),
        ] {
            if rest.starts_with(word) {
                self.at += word.len();
                return Ok(value);
            }
        }
        let len =
            rest.iter().take_while(|b| b.is_ascii_alphanumeric() || b"+-.".contains(b)).count();
        let text = std::str::from_utf8(&rest[..len]).unwrap_or_default();
        match self.number(text) {
            Some(number) => {
                self.at += len;
                Ok(Value::Number(number))
            }
            None => self.unexpected("value"),
        }
    }

    fn number(&self, text: &str) -> Option<f64> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let lower = digits.to_ascii_lowercase();
        if let Some(hex) = lower.strip_prefix("0x") {
            let number = u64::from_str_radix(hex, 16).ok()? as f64;
            return self.settings.decodes_invalid.then_some(if digits == text {
                number
            } else {
                -number
            });
        }
        if matches!(&*lower, "inf" | "infinity" | "nan") {
            return self.settings.decodes_invalid.then(|| text.parse().ok()).flatten();
        }
        if !digits.starts_with(|first: char| first.is_ascii_digit()) {
            return None;
        }
        text.parse().ok()
    }

    /// A string's bytes.
    fn string(&mut self) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        self.at += 1;
        loop {
            let Some(&byte) = self.text.get(self.at) else {
                return self.broken("unexpected end of string");
            };
            match byte {
                b'"' => {
                    self.at += 1;
                    return Ok(out);
                }
                b'\\' => self.escape(&mut out)?,
                _ => {
                    out.push(byte);
                    self.at += 1;
                }
            }
        }
    }

    fn broken<T>(&self, what: &str) -> Result<T> {
        let text = format!("Expected value but found {what} at character {}", self.at + 1);
        Err(Error::runtime(text))
    }

    fn escape(&mut self, out: &mut Vec<u8>) -> Result<()> {
        let plain = match self.text.get(self.at + 1) {
            Some(byte @ (b'"' | b'\\' | b'/')) => *byte,
            Some(b'b') => 8,
            Some(b'f') => 12,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'u') => return self.unicode(out),
            _ => return self.broken("invalid escape code"),
        };
        out.push(plain);
        self.at += 2;
        Ok(())
    }

    fn unicode(&mut self, out: &mut Vec<u8>) -> Result<()> {
        let Some(first) = self.code_unit(self.at) else {
            return self.broken("invalid unicode escape code");
        };
        let mut used = 6;
        let code = match first {
            0xd800..=0xdbff => {
                let second =
                    self.code_unit(self.at + 6).filter(|unit| (0xdc00..=0xdfff).contains(unit));
                let Some(second) = second else {
                    return self.broken("invalid unicode escape code");
                };
                used = 12;
                0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00)
            }
            unit => unit,
        };
        match char::from_u32(code) {
            Some(character) => {
                out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
            // Half of a pair alone is written as if it were a character.
            None => out.extend([
                0xe0 | (code >> 12) as u8,
                0x80 | (code >> 6 & 0x3f) as u8,
                0x80 | (code & 0x3f) as u8,
            ]),
        }
        self.at += used;
        Ok(())
    }

    /// The four digits of `\uXXXX` at a place.
    fn code_unit(&self, at: usize) -> Option<u32> {
        let digits = self.text.get(at..at + 6)?.strip_prefix(b"\\u")?;
        if !digits.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    }
}
