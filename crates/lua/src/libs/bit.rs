//! `bit`: operations on 32-bit integers, as LuaBitOp defines them. A number counts modulo 2^32, and
//! results are signed.

use super::{bad_argument, number_of};
use mlua::{Lua, MultiValue, Result, Table, Value};

/// The library's table.
pub(crate) fn table(lua: &Lua) -> Result<Table> {
    let bit = lua.create_table()?;
    let unary = |name: &'static str, apply: fn(u32) -> u32| {
        bit.raw_set(
            name,
            super::function(lua, move |_, args: MultiValue| {
                Ok(signed(apply(argument(&args, 0, name)?)))
            })?,
        )
    };
    unary("tobit", |n| n)?;
    unary("bnot", |n| !n)?;
    unary("bswap", u32::swap_bytes)?;
    let folded = |name: &'static str, apply: fn(u32, u32) -> u32| {
        bit.raw_set(
            name,
            super::function(lua, move |_, args: MultiValue| {
                let mut result = argument(&args, 0, name)?;
                for at in 1..args.len() {
                    result = apply(result, argument(&args, at, name)?);
                }
                Ok(signed(result))
            })?,
        )
    };
    folded("band", |a, b| a & b)?;
    folded("bor", |a, b| a | b)?;
    folded("bxor", |a, b| a ^ b)?;
    let shift = |name: &'static str, apply: fn(u32, u32) -> u32| {
        bit.raw_set(
            name,
            super::function(lua, move |_, args: MultiValue| {
                let by = argument(&args, 1, name)? & 31;
                Ok(signed(apply(argument(&args, 0, name)?, by)))
            })?,
        )
    };
    shift("lshift", |n, by| n << by)?;
    shift("rshift", |n, by| n >> by)?;
    shift("arshift", |n, by| (n.cast_signed() >> by).cast_unsigned())?;
    shift("rol", u32::rotate_left)?;
    shift("ror", u32::rotate_right)?;
    bit.raw_set("tohex", super::function(lua, |_, args: MultiValue| tohex(&args))?)?;
    Ok(bit)
}

/// `bit.tohex(number [, digits])`: so many hexadecimal digits, in capitals if negative.
fn tohex(args: &MultiValue) -> Result<String> {
    let number = argument(args, 0, "tohex")?;
    let digits = match args.get(1) {
        None | Some(Value::Nil) => 8,
        Some(_) => argument(args, 1, "tohex")?.cast_signed(),
    };
    let len = digits.unsigned_abs().min(8) as usize;
    let text = if digits < 0 { format!("{number:08X}") } else { format!("{number:08x}") };
    Ok(text[8 - len..].to_owned())
}

fn argument(args: &MultiValue, at: usize, function: &str) -> Result<u32> {
    match args.get(at).and_then(number_of) {
        Some(number) => Ok(modulo(number)),
        None => {
            let got = args.get(at).map_or("no value", Value::type_name);
            bad_argument(at + 1, function, &format!("number expected, got {got}"))
        }
    }
}

/// A number modulo 2^32, rounded as the C library does: to the nearest, halves to even.
fn modulo(number: f64) -> u32 {
    (number.round_ties_even() % 4_294_967_296.0) as i64 as u32
}

fn signed(bits: u32) -> f64 {
    f64::from(bits.cast_signed())
}
