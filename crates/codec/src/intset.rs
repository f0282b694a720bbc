//! Intset: the sorted array of integers behind a small set of integers. Red: the bytes are frozen.
//!
//! | bytes | field |
//! |---|---|
//! | 4 | width of one element in bytes: 2, 4 or 8; u32 little endian |
//! | 4 | number of elements; u32 little endian |
//! | width × number | elements, signed little endian, strictly ascending |
//!
//! The width is that of the widest element ever added; it never shrinks again. Read from `&[u8]`,
//! changed as `&mut Vec<u8>`. Bytes from outside go through [`validate`] first: on bytes that
//! did not pass it the other functions may panic or answer nonsense, never read elsewhere.
//! Knows no set commands; see [`crate::listpack`] for sets that hold other texts.

use crate::Corrupt;

const HEADER: usize = 8;

/// Most elements an intset may have, as in Redis.
pub const MAX_LEN: usize = 1 << 30;

/// An empty intset.
pub fn new() -> Vec<u8> {
    vec![2, 0, 0, 0, 0, 0, 0, 0]
}

/// Number of elements.
#[inline]
pub fn len(set: &[u8]) -> usize {
    header_word(set, 4) as usize
}

/// Tells whether there is no element.
#[inline]
pub fn is_empty(set: &[u8]) -> bool {
    len(set) == 0
}

/// The element at `index` in ascending order.
#[inline]
pub fn get(set: &[u8], index: usize) -> Option<i64> {
    (index < len(set)).then(|| read(set, width(set), index))
}

/// Tells whether `value` is an element. O(log n).
#[inline]
pub fn contains(set: &[u8], value: i64) -> bool {
    position(set, value).is_ok()
}

/// Where `value` is (`Ok`), or where it would have to be inserted (`Err`). O(log n).
pub fn position(set: &[u8], value: i64) -> Result<usize, usize> {
    let (width, len) = (width(set), len(set));
    if len == 0 {
        return Err(0);
    }
    // Values beyond either end are the common case of growing sets.
    if value > read(set, width, len - 1) {
        return Err(len);
    }
    if value < read(set, width, 0) {
        return Err(0);
    }
    let (mut low, mut high) = (0, len);
    while low < high {
        let middle = low + (high - low) / 2;
        let found = read(set, width, middle);
        match found.cmp(&value) {
            std::cmp::Ordering::Equal => return Ok(middle),
            std::cmp::Ordering::Less => low = middle + 1,
            std::cmp::Ordering::Greater => high = middle,
        }
    }
    Err(low)
}

/// Adds `value`; false when it was there already. O(n).
///
/// # Panics
/// At [`MAX_LEN`] elements; callers convert long before.
pub fn insert(set: &mut Vec<u8>, value: i64) -> bool {
    let needed = width_of(value);
    if needed > width(set) {
        widen_and_insert(set, value, needed);
        return true;
    }
    let Err(index) = position(set, value) else { return false };
    let width = width(set);
    grow(set, width);
    let at = HEADER + index * width;
    let old_end = set.len() - width;
    set.copy_within(at..old_end, at + width);
    write(set, width, index, value);
    true
}

/// Takes `value` out; false when it was not there. O(n).
pub fn remove(set: &mut Vec<u8>, value: i64) -> bool {
    let Ok(index) = position(set, value) else { return false };
    let width = width(set);
    let at = HEADER + index * width;
    set.drain(at..at + width);
    let left = len(set) - 1;
    set_len(set, left);
    true
}

/// The elements in ascending order.
#[inline]
pub fn iter(set: &[u8]) -> Iter<'_> {
    Iter { set, width: width(set), front: 0, back: len(set) }
}

/// Checks bytes from outside. An empty set passes; whether one may be stored is the caller's rule.
///
/// # Errors
/// [`Corrupt`] when the width is unknown, the size does not fit the number of elements, or the
/// elements do not ascend strictly.
pub fn validate(set: &[u8]) -> Result<(), Corrupt> {
    if set.len() < HEADER {
        return Err(Corrupt::new("intset header is cut off", set.len()));
    }
    let (width, len) = (width(set), len(set));
    if !matches!(width, 2 | 4 | 8) {
        return Err(Corrupt::new("intset width is not 2, 4 or 8", 0));
    }
    if len > MAX_LEN || (set.len() - HEADER) as u64 != len as u64 * width as u64 {
        return Err(Corrupt::new("intset size does not fit its number of elements", 4));
    }
    for index in 1..len {
        if read(set, width, index - 1) >= read(set, width, index) {
            return Err(Corrupt::new("intset elements do not ascend", HEADER + index * width));
        }
    }
    Ok(())
}

/// Ascending elements of an intset; see [`iter`].
#[derive(Debug, Clone)]
pub struct Iter<'a> {
    set: &'a [u8],
    width: usize,
    front: usize,
    back: usize,
}

impl Iterator for Iter<'_> {
    type Item = i64;

    #[inline]
    fn next(&mut self) -> Option<i64> {
        (self.front < self.back).then(|| {
            self.front += 1;
            read(self.set, self.width, self.front - 1)
        })
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.back - self.front, Some(self.back - self.front))
    }
}

impl DoubleEndedIterator for Iter<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<i64> {
        (self.front < self.back).then(|| {
            self.back -= 1;
            read(self.set, self.width, self.back)
        })
    }
}

impl ExactSizeIterator for Iter<'_> {}

impl std::iter::FusedIterator for Iter<'_> {}

/// Every value of the wider kind lies beyond all present ones, so it goes to one of the ends.
fn widen_and_insert(set: &mut Vec<u8>, value: i64, wide: usize) {
    let (narrow, len) = (width(set), len(set));
    assert!(len < MAX_LEN, "intset is full");
    let shift = usize::from(value < 0);
    set.resize(HEADER + (len + 1) * wide, 0);
    // Backwards: the wider place of an element never reaches below its narrow one.
    for index in (0..len).rev() {
        let moved = read(set, narrow, index);
        write(set, wide, index + shift, moved);
    }
    write(set, wide, if shift == 1 { 0 } else { len }, value);
    set[..4].copy_from_slice(&(wide as u32).to_le_bytes());
    set_len(set, len + 1);
}

/// Makes room for one more element at the end and counts it.
fn grow(set: &mut Vec<u8>, width: usize) {
    let len = len(set);
    assert!(len < MAX_LEN, "intset is full");
    set.resize(set.len() + width, 0);
    set_len(set, len + 1);
}

#[inline]
fn width_of(value: i64) -> usize {
    if i16::try_from(value).is_ok() {
        2
    } else if i32::try_from(value).is_ok() {
        4
    } else {
        8
    }
}

#[inline]
fn width(set: &[u8]) -> usize {
    header_word(set, 0) as usize
}

#[inline]
fn header_word(set: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([set[at], set[at + 1], set[at + 2], set[at + 3]])
}

#[inline]
fn set_len(set: &mut [u8], len: usize) {
    set[4..HEADER].copy_from_slice(&(len as u32).to_le_bytes());
}

#[inline]
fn read(set: &[u8], width: usize, index: usize) -> i64 {
    let at = HEADER + index * width;
    match (width, &set[at..at + width]) {
        (2, &[a, b]) => i64::from(i16::from_le_bytes([a, b])),
        (4, &[a, b, c, d]) => i64::from(i32::from_le_bytes([a, b, c, d])),
        (8, &[a, b, c, d, e, f, g, h]) => i64::from_le_bytes([a, b, c, d, e, f, g, h]),
        _ => panic!("intset width {width}: bytes were not validated"),
    }
}

#[inline]
fn write(set: &mut [u8], width: usize, index: usize, value: i64) {
    let at = HEADER + index * width;
    // Two's complement: the low bytes of the i64 are the narrower integer.
    set[at..at + width].copy_from_slice(&value.to_le_bytes()[..width]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn any_value() -> impl Strategy<Value = i64> {
        prop_oneof![
            6 => -20i64..20,
            2 => any::<i16>().prop_map(i64::from),
            1 => any::<i32>().prop_map(i64::from),
            1 => any::<i64>(),
            1 => prop::sample::select(vec![
                i64::MIN, i64::MAX, 32767, 32768, -32768, -32769,
                2147483647, 2147483648, -2147483648, -2147483649,
            ]),
        ]
    }

    #[test]
    fn literal_bytes() {
        let mut set = new();
        assert_eq!(set, [2, 0, 0, 0, 0, 0, 0, 0]);
        assert!(insert(&mut set, 5));
        assert!(insert(&mut set, -1));
        assert!(!insert(&mut set, 5));
        assert_eq!(set, [2, 0, 0, 0, 2, 0, 0, 0, 0xff, 0xff, 5, 0]);
        assert!(insert(&mut set, 32768));
        assert_eq!(
            set,
            [4, 0, 0, 0, 3, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 5, 0, 0, 0, 0, 0x80, 0, 0]
        );
        assert!(insert(&mut set, i64::MIN));
        assert_eq!(set[..8], [8, 0, 0, 0, 4, 0, 0, 0]);
        assert_eq!(set[8..16], [0, 0, 0, 0, 0, 0, 0, 0x80]);
        assert!(remove(&mut set, i64::MIN));
        assert_eq!(set[0], 8, "the width stays");
    }

    #[test]
    fn corrupt_bytes_are_refused() {
        assert!(validate(&[]).is_err());
        assert!(validate(&[2, 0, 0, 0, 0, 0, 0]).is_err());
        assert!(validate(&[3, 0, 0, 0, 0, 0, 0, 0]).is_err());
        assert!(validate(&[2, 0, 0, 0, 1, 0, 0, 0]).is_err());
        assert!(validate(&[2, 0, 0, 0, 1, 0, 0, 0, 1]).is_err());
        assert!(validate(&[2, 0, 0, 0, 2, 0, 0, 0, 1, 0, 1, 0]).is_err());
        assert!(validate(&[2, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0]).is_err());
        assert!(validate(&[8, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]).is_err());
        assert_eq!(validate(&[2, 0, 0, 0, 2, 0, 0, 0, 0, 0, 1, 0]), Ok(()));
    }

    proptest! {
        #[test]
        fn behaves_as_a_sorted_set(
            steps in prop::collection::vec((any::<bool>(), any_value()), 0..200),
        ) {
            let (mut set, mut model) = (new(), BTreeSet::new());
            for (add, value) in steps {
                if add {
                    prop_assert_eq!(insert(&mut set, value), model.insert(value));
                } else {
                    prop_assert_eq!(remove(&mut set, value), model.remove(&value));
                }
                prop_assert_eq!(validate(&set), Ok(()));
                prop_assert_eq!(len(&set), model.len());
                prop_assert_eq!(contains(&set, value), model.contains(&value));
            }
            prop_assert!(iter(&set).eq(model.iter().copied()));
            prop_assert!(iter(&set).rev().eq(model.iter().rev().copied()));
            for (index, value) in model.iter().enumerate() {
                prop_assert_eq!(get(&set, index), Some(*value));
                prop_assert_eq!(position(&set, *value), Ok(index));
            }
            prop_assert_eq!(get(&set, model.len()), None);
        }

        #[test]
        fn validated_bytes_never_panic(
            mut bytes in prop::collection::vec(any::<u8>(), 0..40),
            width in prop::sample::select(vec![2u8, 4, 8]),
            value in any_value(),
        ) {
            if bytes.len() >= 8 {
                let count = (bytes.len() - 8) / usize::from(width);
                bytes.truncate(8 + count * usize::from(width));
                bytes[..8].copy_from_slice(&[width, 0, 0, 0, count as u8, 0, 0, 0]);
            }
            if validate(&bytes).is_ok() {
                prop_assert_eq!(iter(&bytes).count(), len(&bytes));
                insert(&mut bytes, value);
                prop_assert!(contains(&bytes, value));
                remove(&mut bytes, value);
            }
        }
    }
}
