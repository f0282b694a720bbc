//! The full check of listpack bytes from outside (files, `RESTORE`, replication).
//!
//! After it passes, no function of [`super`] panics on those bytes. Knows no element's meaning:
//! pairs of a hash or the order of a sorted set are the caller's to check.

use super::{HEADER, UNKNOWN_LEN, encoding, header_bytes, header_len};
use crate::Corrupt;

/// Checks header, every entry, every back length, and the end.
///
/// An empty listpack passes; whether one may be stored is the caller's rule. Integers and lengths
/// in a wider form than needed pass as well, as in Redis.
///
/// # Errors
/// [`Corrupt`] with the first fault found and where it is.
///
/// # Complexity
/// O(entries).
pub fn validate(lp: &[u8]) -> Result<(), Corrupt> {
    if lp.len() < HEADER + 1 {
        return Err(Corrupt::new("listpack header is cut off", lp.len()));
    }
    if header_bytes(lp) != lp.len() {
        return Err(Corrupt::new("listpack size differs from its header", 0));
    }
    let end = lp.len() - 1;
    if lp[end] != encoding::END {
        return Err(Corrupt::new("listpack has no end mark", end));
    }
    let (mut at, mut count) = (HEADER, 0);
    while at < end {
        at = validate_entry(&lp[..end], at)?;
        count += 1;
    }
    let stated = header_len(lp);
    if stated != UNKNOWN_LEN && usize::from(stated) != count {
        return Err(Corrupt::new("listpack length differs from its header", 4));
    }
    Ok(())
}

/// Checks the entry at `at`, which must end within `entries`; returns where the next begins.
fn validate_entry(entries: &[u8], at: usize) -> Result<usize, Corrupt> {
    let Some(len) = encoding::entry_len(entries, at) else {
        return Err(Corrupt::new("listpack entry has an unknown form or is cut off", at));
    };
    let (back, size) = encoding::back_length(len);
    // Neither sum overflows: a length is below 2^32 + 5, on 64 bits; `get` refuses it elsewhere.
    let from = at.checked_add(len);
    let stored = from.and_then(|from| entries.get(from..from.checked_add(size)?));
    match stored {
        None => Err(Corrupt::new("listpack entry is cut off", at)),
        Some(bytes) if bytes != &back[..size] => {
            Err(Corrupt::new("listpack back length differs from its entry", at))
        }
        Some(_) => Ok(at + len + size),
    }
}
