//! Strings: what counts as a number, how long one may be, and how one changes in place.
//!
//! A string has no structure beyond its bytes. Its encoding name follows from them as long as it
//! is put whole ([`Kind::String`]); what is changed in place stays raw ([`Kind::RawString`]).
//! Knows no command; [`super::long_double`] holds the arithmetic of fractions.

use crate::config::Config;
use crate::error::Error;
use crate::keys::string_of;
use crate::keyspace::entry::MAX_INLINE_VALUE;
use crate::keyspace::{Expiry, Gate, Kind, NewValue};
use larder_codec::integer::{MAX_TEXT, format_i64, parse_i64_canonical};
use std::sync::Arc;

/// The greatest length of a string, in bytes.
pub fn max_len(config: &Config) -> u64 {
    config.proto_max_bulk_len()
}

/// The integer that a string is; a key without a value is 0.
///
/// # Errors
/// Not an integer.
#[inline]
pub fn int_of(value: Option<&[u8]>) -> Result<i64, Error> {
    match value {
        Some(text) => parse_i64_canonical(text).ok_or(Error::NotInteger),
        None => Ok(0),
    }
}

/// Adds `by` to the integer at a key; the sum. Keeps the TTL.
///
/// # Errors
/// Another type, not an integer, or a sum beyond 64 bits; nothing has changed then.
#[inline]
pub fn increase(gate: &mut Gate<'_>, by: i64) -> Result<i64, Error> {
    let old = int_of(string_of(gate.value())?)?;
    let sum = old.checked_add(by).ok_or(Error::Overflow)?;
    put_int(gate, sum, Expiry::Keep);
    Ok(sum)
}

/// Sets a key to an integer.
#[inline]
pub fn put_int(gate: &mut Gate<'_>, value: i64, expiry: Expiry) {
    let mut digits = [0; MAX_TEXT];
    gate.put(NewValue::Bytes(Kind::String, format_i64(value, &mut digits)), expiry);
}

/// Sets a key to a string that is `raw` in Redis's terms, without a copy where it is long.
pub fn put_raw(gate: &mut Gate<'_>, bytes: Vec<u8>, expiry: Expiry) {
    if bytes.len() > MAX_INLINE_VALUE {
        gate.put(NewValue::Shared(Kind::SharedString, Arc::new(bytes)), expiry);
    } else {
        gate.put(NewValue::Bytes(Kind::RawString, &bytes), expiry);
    }
}

/// Appends to the string at a key; its length then. A missing key becomes `more`.
///
/// # Errors
/// Another type, or a length above `limit`; nothing has changed then.
pub fn append(gate: &mut Gate<'_>, more: &[u8], limit: u64) -> Result<usize, Error> {
    let Some(old) = string_of(gate.value())?.map(<[u8]>::len) else {
        gate.put(NewValue::Bytes(Kind::String, more), Expiry::Clear);
        return Ok(more.len());
    };
    let len = sum_within(old, more.len(), limit)?;
    change(gate, len, |bytes| bytes.extend_from_slice(more));
    Ok(len)
}

/// Overwrites a part of the string at a key, zeros before it where it was shorter; its length
/// then. Nothing happens where `part` is empty.
///
/// # Errors
/// Another type, or a length above `limit`; nothing has changed then.
pub fn overwrite(
    gate: &mut Gate<'_>,
    offset: usize,
    part: &[u8],
    limit: u64,
) -> Result<usize, Error> {
    let old = string_of(gate.value())?.map_or(0, <[u8]>::len);
    if part.is_empty() {
        return Ok(old);
    }
    let end = sum_within(offset, part.len(), limit)?;
    let len = end.max(old);
    gate.edit_bytes(len, |bytes| bytes[offset..end].copy_from_slice(part));
    Ok(len)
}

/// The bytes from `start` to `end`, both included and counted from the end where negative.
pub fn range(bytes: &[u8], start: i64, end: i64) -> &[u8] {
    let len = bytes.len() as i64;
    if start < 0 && end < 0 && start > end {
        return &[];
    }
    let from_zero = |at: i64| if at < 0 { at.saturating_add(len).max(0) } else { at };
    let (start, end) = (from_zero(start), from_zero(end).min(len - 1));
    if start > end {
        return &[];
    }
    &bytes[start as usize..=end as usize]
}

/// Changes the string at a key to one of `len` bytes.
fn change(gate: &mut Gate<'_>, len: usize, edit: impl FnOnce(&mut Vec<u8>)) {
    // The gate edits short strings in a buffer that it keeps, and shared ones in place; a string
    // that becomes long is built where it will stay.
    if len <= MAX_INLINE_VALUE || gate.shared().is_some() {
        gate.edit_string(edit);
        return;
    }
    let old = match string_of(gate.value()) {
        Ok(Some(old)) => old,
        _ => &[],
    };
    let mut bytes = Vec::new();
    if !old.is_empty() {
        bytes.reserve(len);
        bytes.extend_from_slice(old);
    }
    edit(&mut bytes);
    gate.put(NewValue::Shared(Kind::SharedString, Arc::new(bytes)), Expiry::Keep);
}

fn sum_within(one: usize, other: usize, limit: u64) -> Result<usize, Error> {
    let sum = one.checked_add(other).filter(|&sum| sum as u64 <= limit);
    sum.ok_or(Error::text("ERR string exceeds maximum allowed size (proto-max-bulk-len)"))
}
