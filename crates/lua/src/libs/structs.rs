//! `struct`: values packed into strings as C lays them out, as Roberto Ierusalimschy's library does.
//!
//! | letter | value |
//! |---|---|
//! | `<` `>` `=` | little, big, native endian from here on |
//! | `!n` | aligned to at most `n` bytes (a power of two; 8 without a number) |
//! | `x` | a byte of padding |
//! | `b B h H i I l L T` | integers of 1, 2, 4 (or `in`, `In`: `n`), 8 bytes |
//! | `f d` | floating-point numbers of 4 and 8 bytes |
//! | `s` | a string that ends with a zero |
//! | `cn` | a string of `n` bytes; `c0` of as many as the value before says |

use super::{bad_argument, number_of};
use mlua::{Error, Lua, MultiValue, Result, Table, Value};

/// Bytes of the greatest integer.
const MAX_INTEGER: usize = 32;

/// What `!` without a number aligns to.
const NATURAL: usize = 8;

/// What a packed string may have: what the protocol takes for one.
const MAX_PACKED: usize = 512 << 20;

/// The library's table.
pub(crate) fn table(lua: &Lua) -> Result<Table> {
    let table = lua.create_table()?;
    table.raw_set("pack", super::function(lua, |lua, args: MultiValue| pack(lua, &args))?)?;
    table.raw_set("unpack", super::function(lua, |lua, args: MultiValue| unpack(lua, &args))?)?;
    table.raw_set("size", super::function(lua, |_, args: MultiValue| size(&args))?)?;
    Ok(table)
}

/// How values lie, from some point of a format on.
struct Layout {
    little: bool,
    align: usize,
}

/// One value of a format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Item {
    Padding,
    Integer { bytes: usize, signed: bool },
    Float,
    Double,
    Zero,
    Bytes(usize),
}

/// Reads a format from left to right.
struct Format<'f> {
    left: &'f [u8],
    layout: Layout,
}

impl<'f> Format<'f> {
    fn new(text: &'f [u8]) -> Self {
        let layout = Layout { little: cfg!(target_endian = "little"), align: 1 };
        Format { left: text, layout }
    }

    /// The next value, and what it is aligned to.
    fn next(&mut self) -> Result<Option<(Item, usize)>> {
        while let Some((&letter, left)) = self.left.split_first() {
            self.left = left;
            let item = match letter {
                b' ' => continue,
                b'<' => {
                    self.layout.little = true;
                    continue;
                }
                b'>' => {
                    self.layout.little = false;
                    continue;
                }
                b'=' => {
                    self.layout.little = cfg!(target_endian = "little");
                    continue;
                }
                b'!' => {
                    self.layout.align = self.alignment()?;
                    continue;
                }
                b'x' => Item::Padding,
                b'b' | b'B' => Item::Integer { bytes: 1, signed: letter == b'b' },
                b'h' | b'H' => Item::Integer { bytes: 2, signed: letter == b'h' },
                b'l' | b'L' => Item::Integer { bytes: 8, signed: letter == b'l' },
                b'T' => Item::Integer { bytes: 8, signed: false },
                b'i' | b'I' => {
                    let bytes = self.number()?.unwrap_or(4);
                    if bytes > MAX_INTEGER {
                        let text =
                            format!("integral size {bytes} is larger than limit of {MAX_INTEGER}");
                        return Err(Error::runtime(text));
                    }
                    Item::Integer { bytes, signed: letter == b'i' }
                }
                b'f' => Item::Float,
                b'd' => Item::Double,
                b's' => Item::Zero,
                b'c' => Item::Bytes(self.number()?.unwrap_or(1)),
                other => {
                    let text = format!("invalid format option '{}'", char::from(other));
                    return Err(Error::runtime(text));
                }
            };
            return Ok(Some((item, self.alignment_of(item))));
        }
        Ok(None)
    }

    fn alignment(&mut self) -> Result<usize> {
        let align = self.number()?.unwrap_or(NATURAL);
        if align == 0 || !align.is_power_of_two() {
            return Err(Error::runtime("alignment is not a power of 2"));
        }
        Ok(align)
    }

    fn number(&mut self) -> Result<Option<usize>> {
        let digits = self.left.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (number, left) = self.left.split_at(digits);
        self.left = left;
        if digits == 0 {
            return Ok(None);
        }
        let number = std::str::from_utf8(number).ok().and_then(|digits| digits.parse().ok());
        match number.filter(|&number: &usize| number <= MAX_PACKED) {
            Some(number) => Ok(Some(number)),
            None => Err(Error::runtime("integral size overflow")),
        }
    }

    fn alignment_of(&self, item: Item) -> usize {
        let natural = match item {
            Item::Integer { bytes, .. } => bytes,
            Item::Float => 4,
            Item::Double => 8,
            Item::Padding | Item::Zero | Item::Bytes(_) => 1,
        };
        if natural.is_power_of_two() { natural.min(self.layout.align) } else { 1 }
    }
}

fn padding(at: usize, align: usize) -> usize {
    if align < 2 { 0 } else { at.next_multiple_of(align) - at }
}

fn text(args: &MultiValue, at: usize, function: &str) -> Result<Vec<u8>> {
    match args.get(at) {
        Some(Value::String(text)) => Ok(text.as_bytes().to_vec()),
        Some(Value::Integer(number)) => Ok(number.to_string().into_bytes()),
        Some(Value::Number(number)) => Ok(super::general_14g(*number).into_bytes()),
        other => {
            let got = other.map_or("no value", Value::type_name);
            bad_argument(at + 1, function, &format!("string expected, got {got}"))
        }
    }
}

fn number(args: &MultiValue, at: usize, function: &str) -> Result<f64> {
    match args.get(at).and_then(number_of) {
        Some(number) => Ok(number),
        None => {
            let got = args.get(at).map_or("no value", Value::type_name);
            bad_argument(at + 1, function, &format!("number expected, got {got}"))
        }
    }
}

fn pack(lua: &Lua, args: &MultiValue) -> Result<Value> {
    let format = text(args, 0, "pack")?;
    let mut format = Format::new(&format);
    let (mut out, mut at) = (Vec::new(), 1);
    while let Some((item, align)) = format.next()? {
        out.resize(out.len() + padding(out.len(), align), 0);
        match item {
            Item::Padding => out.push(0),
            Item::Integer { bytes, .. } => {
                push_integer(&mut out, number(args, at, "pack")?, bytes, format.layout.little);
                at += 1;
            }
            Item::Float => {
                let value = number(args, at, "pack")? as f32;
                out.extend(ordered(value.to_le_bytes(), format.layout.little));
                at += 1;
            }
            Item::Double => {
                let value = number(args, at, "pack")?;
                out.extend(ordered(value.to_le_bytes(), format.layout.little));
                at += 1;
            }
            Item::Zero => {
                out.extend(text(args, at, "pack")?);
                out.push(0);
                at += 1;
            }
            Item::Bytes(len) => {
                let given = text(args, at, "pack")?;
                let len = if len == 0 { given.len() } else { len };
                if given.len() < len {
                    return bad_argument(at + 1, "pack", "string too short");
                }
                out.extend_from_slice(&given[..len]);
                at += 1;
            }
        }
        if out.len() > MAX_PACKED {
            return Err(Error::runtime("the packed string is too long"));
        }
    }
    Ok(Value::String(lua.create_string(&out)?))
}

fn push_integer(out: &mut Vec<u8>, number: f64, bytes: usize, little: bool) {
    let value = if number < 0.0 { number as i64 as u64 } else { number as u64 };
    // What is wider than the value is filled as in C: by shifting on.
    let byte = |at: usize| if at < 8 { (value >> (8 * at)) as u8 } else { 0 };
    if little {
        out.extend((0..bytes).map(byte));
    } else {
        out.extend((0..bytes).rev().map(byte));
    }
}

fn ordered<const N: usize>(mut bytes: [u8; N], little: bool) -> [u8; N] {
    if !little {
        bytes.reverse();
    }
    bytes
}

fn unpack(lua: &Lua, args: &MultiValue) -> Result<MultiValue> {
    let format = text(args, 0, "unpack")?;
    let data = text(args, 1, "unpack")?;
    let start = match args.get(2) {
        None | Some(Value::Nil) => 1.0,
        Some(_) => number(args, 2, "unpack")?,
    };
    if start < 1.0 {
        return bad_argument(3, "unpack", "offset must be 1 or greater");
    }
    let mut at = start as usize - 1;
    let mut format = Format::new(&format);
    let mut values: Vec<Value> = Vec::new();
    while let Some((item, align)) = format.next()? {
        at = at.saturating_add(padding(at, align));
        let len = match item {
            Item::Padding => 1,
            Item::Integer { bytes, .. } => bytes,
            Item::Float => 4,
            Item::Double => 8,
            Item::Zero => zero_ended(&data, at)?,
            Item::Bytes(0) => counted(&mut values)?,
            Item::Bytes(len) => len,
        };
        let end = at.checked_add(len).filter(|&end| end <= data.len());
        let Some(end) = end else { return bad_argument(2, "unpack", "data string too short") };
        let bytes = &data[at..end];
        at = end;
        let little = format.layout.little;
        match item {
            Item::Padding => {}
            Item::Integer { signed, .. } => values.push(integer(bytes, signed, little)),
            Item::Float => {
                let bytes = bytes.try_into().unwrap_or_default();
                values.push(Value::Number(f32::from_le_bytes(ordered(bytes, little)).into()));
            }
            Item::Double => {
                let bytes = bytes.try_into().unwrap_or_default();
                values.push(Value::Number(f64::from_le_bytes(ordered(bytes, little))));
            }
            Item::Zero => {
                values.push(Value::String(lua.create_string(&bytes[..bytes.len() - 1])?));
            }
            Item::Bytes(_) => values.push(Value::String(lua.create_string(bytes)?)),
        }
    }
    values.push(Value::Number((at + 1) as f64));
    Ok(MultiValue::from_vec(values))
}

/// Length of a string that ends with a zero, the zero included.
fn zero_ended(data: &[u8], at: usize) -> Result<usize> {
    let rest = data.get(at..).unwrap_or_default();
    match rest.iter().position(|&byte| byte == 0) {
        Some(len) => Ok(len + 1),
        None => Err(Error::runtime("unfinished string in data")),
    }
}

/// The length that the value before gives.
fn counted(values: &mut Vec<Value>) -> Result<usize> {
    match values.pop() {
        Some(Value::Number(len)) if len >= 0.0 => Ok(len as usize),
        Some(Value::Integer(len)) if len >= 0 => Ok(len as usize),
        _ => Err(Error::runtime("format 'c0' needs a previous size")),
    }
}

fn integer(bytes: &[u8], signed: bool, little: bool) -> Value {
    let mut value = 0u64;
    let len = bytes.len().min(8);
    for at in 0..len {
        let byte = if little { bytes[at] } else { bytes[bytes.len() - 1 - at] };
        value |= u64::from(byte) << (8 * at);
    }
    if !signed {
        return Value::Number(value as f64);
    }
    let shift = 64 - 8 * len.max(1) as u32;
    Value::Number(((value << shift).cast_signed() >> shift) as f64)
}

fn size(args: &MultiValue) -> Result<f64> {
    let format = text(args, 0, "size")?;
    let mut format = Format::new(&format);
    let mut at = 0usize;
    while let Some((item, align)) = format.next()? {
        at += padding(at, align);
        at += match item {
            Item::Padding => 1,
            Item::Integer { bytes, .. } => bytes,
            Item::Float => 4,
            Item::Double => 8,
            Item::Zero => return bad_argument(1, "size", "variable-size format in format"),
            Item::Bytes(0) => return bad_argument(1, "size", "variable-length format"),
            Item::Bytes(len) => len,
        };
        if at > MAX_PACKED {
            return Err(Error::runtime("the format is too long"));
        }
    }
    Ok(at as f64)
}
