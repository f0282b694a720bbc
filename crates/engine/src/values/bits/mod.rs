//! Strings as rows of bits, the highest bit of the first byte at offset 0.
//!
//! Here: single bits, ranges of them, counting and searching. [`operation`] combines strings,
//! [`field`] reads and writes integers of any width at any offset. A missing key is a row of no
//! bits, and what lies behind the last byte reads as zeros. Knows no command.

pub mod field;
pub mod operation;

use crate::error::Error;
use crate::keys::string_of;
use crate::keyspace::Gate;

/// What a number in a range counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unit {
    /// `BYTE`
    #[default]
    Byte,
    /// `BIT`
    Bit,
}

/// A range as commands name it: both ends included, from the end where negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// The first.
    pub start: i64,
    /// The last; the end of the string where none is given.
    pub end: Option<i64>,
    /// What they count.
    pub unit: Unit,
}

impl Range {
    /// Whether both ends count from the end of the string, the last before the first.
    pub fn is_reversed(&self) -> bool {
        self.end.is_some_and(|end| self.start < 0 && end < 0 && self.start > end)
    }

    /// The offsets of the bits that it means in a string of `len` bytes.
    pub fn bits(&self, len: usize) -> std::ops::Range<u64> {
        let units = match self.unit {
            Unit::Byte => len as i64,
            Unit::Bit => len as i64 * 8,
        };
        let from_zero = |at: i64| if at < 0 { at.saturating_add(units).max(0) } else { at };
        let start = from_zero(self.start);
        let end = self.end.map_or(units - 1, from_zero).min(units - 1);
        if start > end {
            return 0..0;
        }
        let (start, end) = (start.cast_unsigned(), end.cast_unsigned() + 1);
        match self.unit {
            Unit::Byte => start * 8..end * 8,
            Unit::Bit => start..end,
        }
    }
}

/// The bit at an offset.
pub fn get(bytes: &[u8], offset: u64) -> bool {
    let byte = usize::try_from(offset / 8).ok().and_then(|at| bytes.get(at));
    byte.is_some_and(|byte| byte & mask(offset) != 0)
}

/// Sets the bit at an offset of a key's string, which grows to reach it; the bit before. Nothing
/// changes where the bit is there and as it shall be.
///
/// # Errors
/// [`Error::WrongType`]
pub fn set(gate: &mut Gate<'_>, offset: u64, on: bool) -> Result<bool, Error> {
    let bytes = string_of(gate.value())?.unwrap_or_default();
    let was = get(bytes, offset);
    let at = (offset / 8) as usize;
    if at >= bytes.len() || was != on {
        gate.edit_bytes(at + 1, |bytes| {
            let rest = bytes[at] & !mask(offset);
            bytes[at] = if on { rest | mask(offset) } else { rest };
        });
    }
    Ok(was)
}

/// How many bits of a range are set. O(range / 8).
pub fn count(bytes: &[u8], range: std::ops::Range<u64>) -> u64 {
    let Some(Edges { first, head, last, tail }) = Edges::of(&range) else { return 0 };
    if first == last {
        return u64::from((bytes[first] & head & tail).count_ones());
    }
    let edges = (bytes[first] & head).count_ones() + (bytes[last] & tail).count_ones();
    u64::from(edges) + count_all(&bytes[first + 1..last])
}

/// The offset of the first bit of a range that is `wanted`. O(range / 8).
pub fn find(bytes: &[u8], range: std::ops::Range<u64>, wanted: bool) -> Option<u64> {
    let Edges { first, head, last, tail } = Edges::of(&range)?;
    // Seen as a row in which ones are looked for.
    let flip = if wanted { 0 } else { 0xff };
    let within = |at: usize, mask: u8| offset_in(at, (bytes[at] ^ flip) & mask);
    if first == last {
        return within(first, head & tail);
    }
    within(first, head)
        .or_else(|| {
            let at = first + 1 + position(&bytes[first + 1..last], flip)?;
            within(at, 0xff)
        })
        .or_else(|| within(last, tail))
}

/// The bytes at the ends of a range that is not empty, and which of their bits it has.
struct Edges {
    first: usize,
    head: u8,
    last: usize,
    tail: u8,
}

impl Edges {
    fn of(range: &std::ops::Range<u64>) -> Option<Edges> {
        let end = range.end.checked_sub(1).filter(|end| range.start <= *end)?;
        Some(Edges {
            first: (range.start / 8) as usize,
            head: 0xff >> (range.start % 8),
            last: (end / 8) as usize,
            tail: 0xff << (7 - end % 8),
        })
    }
}

fn mask(offset: u64) -> u8 {
    0x80 >> (offset % 8)
}

fn offset_in(at: usize, byte: u8) -> Option<u64> {
    (byte != 0).then(|| at as u64 * 8 + u64::from(byte.leading_zeros()))
}

fn count_all(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let words: u64 = words.iter().map(|&w| u64::from(u64::from_ne_bytes(w).count_ones())).sum();
    words + rest.iter().map(|byte| u64::from(byte.count_ones())).sum::<u64>()
}

/// Where the first byte stands that is another one.
fn position(bytes: &[u8], common: u8) -> Option<usize> {
    let (words, _) = bytes.as_chunks::<8>();
    let skipped = words.iter().take_while(|word| **word == [common; 8]).count() * 8;
    bytes[skipped..].iter().position(|&byte| byte != common).map(|at| skipped + at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn naive(bytes: &[u8], range: std::ops::Range<u64>) -> Vec<bool> {
        range.map(|offset| bytes[offset as usize / 8] >> (7 - offset % 8) & 1 == 1).collect()
    }

    #[test]
    fn counting_and_searching_equal_a_walk_over_every_bit() {
        let mut rng = fastrand::Rng::with_seed(1);
        for _ in 0..3000 {
            let fill = [0, 0xff, 0x01, 0x80][rng.usize(..4)];
            let mut bytes = vec![fill; rng.usize(1..60)];
            for _ in 0..rng.usize(..4) {
                let at = rng.usize(..bytes.len());
                bytes[at] = rng.u8(..);
            }
            let len = bytes.len() as u64 * 8;
            let start = rng.u64(..len);
            let range = start..rng.u64(start..=len);
            let bits = naive(&bytes, range.clone());
            let ones = bits.iter().filter(|bit| **bit).count() as u64;
            assert_eq!(count(&bytes, range.clone()), ones, "{bytes:?} {range:?}");
            for wanted in [false, true] {
                let first = bits.iter().position(|bit| *bit == wanted);
                let first = first.map(|at| start + at as u64);
                assert_eq!(find(&bytes, range.clone(), wanted), first, "{bytes:?} {range:?}");
            }
        }
    }

    #[test]
    fn ranges_mean_what_redis_means() {
        let bits = |start, end, unit| Range { start, end, unit }.bits(10);
        assert_eq!(bits(0, None, Unit::Byte), 0..80);
        assert_eq!(bits(-2, Some(-1), Unit::Byte), 64..80);
        assert_eq!(bits(-2, Some(-3), Unit::Byte), 0..0);
        assert_eq!(bits(-20, Some(-30), Unit::Byte), 0..8);
        assert_eq!(bits(0, Some(-100), Unit::Byte), 0..8);
        assert_eq!(bits(5, Some(i64::MAX), Unit::Bit), 5..80);
        assert_eq!(bits(i64::MIN, Some(i64::MAX), Unit::Bit), 0..80);
        assert_eq!(bits(10, Some(20), Unit::Byte), 0..0);
        assert_eq!(Range { start: 0, end: None, unit: Unit::Byte }.bits(0), 0..0);
    }
}
