//! A page: some hundred elements in order, packed into one run of bytes.
//!
//! ```text
//! slots  u16 each: form of the score (3 bits) and where the element begins (13 bits)
//! bytes  score, member, score, member, …   in the order of the slots, without gaps
//! ```
//! Forms 0 to 6 are those of [`super::compact`]. 7 is a float of 8 bytes, and the member, which is
//! large, stands outside: its number (u16) follows.
//!
//! An element ends where the next begins. Leaves of the tree are pages, and what separates the
//! children of an inner node is one, too. Buffers grow by an eighth. Knows no tree;
//! next: [`super::tree`].

use super::compact::{self, Compact};
use super::score::Key;
use std::ops::Range;
use std::sync::Arc;

/// Bytes of elements beyond which a page is split.
pub(super) const MAX_BYTES: usize = 6144;

/// What buffers grow by: bytes, and slots.
const BYTES_STEP: usize = 256;
const SLOTS_STEP: usize = 16;

/// A member longer than this stands outside of the page.
const MAX_SMALL: usize = 512;

const OFFSET: u16 = (1 << 13) - 1;
const FORM_SHIFT: u16 = 13;
const LARGE: u16 = 7;

/// What the allocator and a count take for each shared member.
const SHARED_OVERHEAD: usize = 32;

/// Elements in order.
#[derive(Debug, Clone, Default)]
pub(super) struct Page {
    bytes: Vec<u8>,
    slots: Vec<u16>,
    large: Vec<Option<Arc<[u8]>>>,
    /// Bytes of the large members.
    large_bytes: usize,
}

impl Page {
    /// Elements.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// Bytes of the elements.
    #[inline]
    pub(super) fn filled(&self) -> usize {
        self.bytes.len()
    }

    /// Bytes that the page takes beside its own struct. O(1).
    #[inline]
    pub(super) fn heap_bytes(&self) -> usize {
        self.bytes.capacity()
            + self.slots.capacity() * size_of::<u16>()
            + self.large.capacity() * size_of::<Option<Arc<[u8]>>>()
            + self.large_bytes
    }

    /// Whether an element still belongs into this page.
    #[inline]
    pub(super) fn has_room(&self, key: &Key<'_>) -> bool {
        let room = key.member.len().min(MAX_SMALL) + 8;
        self.bytes.len() + room <= MAX_BYTES
    }

    /// The element at `index`.
    #[inline]
    pub(super) fn get(&self, index: usize) -> Key<'_> {
        let slot = self.slots[index];
        let end = match self.slots.get(index + 1) {
            Some(next) => usize::from(next & OFFSET),
            None => self.bytes.len(),
        };
        let element = &self.bytes[usize::from(slot & OFFSET)..end];
        let form = slot >> FORM_SHIFT;
        if form == LARGE {
            let member = self.large_member(&element[8..]);
            return Key { score: compact::read(compact::FLOAT64, element).0, member };
        }
        let (score, size) = compact::read(form, element);
        Key { score, member: &element[size..] }
    }

    /// How many elements stand before `key`.
    #[inline]
    pub(super) fn rank(&self, key: &Key<'_>) -> usize {
        self.partition_point(|held| held.is_before(key))
    }

    /// How many elements are `key` or stand before it.
    #[inline]
    pub(super) fn rank_behind(&self, key: &Key<'_>) -> usize {
        self.partition_point(|held| !key.is_before(held))
    }

    /// Adds an element at `index`, where it belongs.
    pub(super) fn insert(&mut self, index: usize, key: &Key<'_>) {
        let compact = Compact::of(key.score);
        let (mut form, whole) = (compact.form(), key.score.to_le_bytes());
        let (mut score, mut member) = (compact.as_bytes(), key.member);
        let number;
        if member.len() > MAX_SMALL {
            number = self.put_aside(member).to_le_bytes();
            (form, score, member) = (LARGE, &whole, &number);
        }
        let (at, len) = (self.offset(index), score.len() + member.len());
        let old_end = self.bytes.len();
        grow(&mut self.bytes, len, BYTES_STEP);
        self.bytes.resize(old_end + len, 0);
        self.bytes.copy_within(at..old_end, at + len);
        let (head, body) = self.bytes[at..at + len].split_at_mut(score.len());
        head.copy_from_slice(score);
        body.copy_from_slice(member);
        grow(&mut self.slots, 1, SLOTS_STEP);
        self.slots.insert(index, at as u16 | form << FORM_SHIFT);
        self.slots[index + 1..].iter_mut().for_each(|slot| *slot += len as u16);
    }

    /// Takes elements out.
    pub(super) fn remove(&mut self, range: Range<usize>) {
        if range.is_empty() {
            return;
        }
        for index in range.clone() {
            self.release_large(index);
        }
        let (from, to) = (self.offset(range.start), self.offset(range.end));
        self.bytes.drain(from..to);
        self.slots.drain(range.clone());
        self.slots[range.start..].iter_mut().for_each(|slot| *slot -= (to - from) as u16);
        self.give_back();
    }

    /// Cuts before `index` and returns the rest.
    pub(super) fn split_off(&mut self, index: usize) -> Page {
        let mut rest = Page::default();
        if self.large_bytes > 0 {
            rest.extend(self, index..self.len());
            self.remove(index..self.len());
        } else {
            let at = self.offset(index);
            rest.bytes = self.bytes[at..].to_vec();
            rest.slots = self.slots[index..].iter().map(|slot| slot - at as u16).collect();
            self.bytes.truncate(at);
            self.slots.truncate(index);
        }
        self.fit();
        rest
    }

    /// Adds elements of another page, which stand behind all of this one.
    pub(super) fn extend(&mut self, other: &Page, range: Range<usize>) {
        if other.large_bytes > 0 {
            range.for_each(|index| self.insert(self.len(), &other.get(index)));
            return;
        }
        let (from, to) = (other.offset(range.start), other.offset(range.end));
        let base = self.bytes.len();
        grow(&mut self.bytes, to - from, BYTES_STEP);
        self.bytes.extend_from_slice(&other.bytes[from..to]);
        grow(&mut self.slots, range.len(), SLOTS_STEP);
        let moved = other.slots[range].iter();
        self.slots.extend(moved.map(|slot| slot - from as u16 + base as u16));
    }

    /// The index by which as many bytes as possible, up to half, stand before it; never an end.
    pub(super) fn middle(&self) -> usize {
        let half = self.bytes.len() / 2;
        let index = self.slots.partition_point(|slot| usize::from(slot & OFFSET) < half);
        index.clamp(1, self.len() - 1)
    }

    /// Gives room that the buffers do not use back.
    pub(super) fn fit(&mut self) {
        self.bytes.shrink_to_fit();
        self.slots.shrink_to_fit();
    }

    #[inline(always)]
    fn partition_point(&self, mut holds: impl FnMut(&Key<'_>) -> bool) -> usize {
        let (mut from, mut to) = (0, self.len());
        while from < to {
            let middle = (from + to) / 2;
            if holds(&self.get(middle)) {
                from = middle + 1;
            } else {
                to = middle;
            }
        }
        from
    }

    /// Where the element at `index` begins; the end for the length.
    #[inline]
    fn offset(&self, index: usize) -> usize {
        self.slots.get(index).map_or(self.bytes.len(), |slot| usize::from(slot & OFFSET))
    }

    fn give_back(&mut self) {
        shrink(&mut self.bytes, BYTES_STEP);
        shrink(&mut self.slots, SLOTS_STEP);
    }

    fn large_member(&self, number: &[u8]) -> &[u8] {
        let number = u16::from_le_bytes([number[0], number[1]]);
        self.large[usize::from(number)].as_deref().unwrap_or_default()
    }

    #[cold]
    fn put_aside(&mut self, member: &[u8]) -> u16 {
        self.large_bytes += member.len() + SHARED_OVERHEAD;
        let number = self.large.iter().position(Option::is_none).unwrap_or_else(|| {
            grow(&mut self.large, 1, 4);
            self.large.push(None);
            self.large.len() - 1
        });
        self.large[number] = Some(member.into());
        number as u16
    }

    fn release_large(&mut self, index: usize) {
        let slot = self.slots[index];
        if slot >> FORM_SHIFT != LARGE {
            return;
        }
        let at = usize::from(slot & OFFSET) + 8;
        let number = u16::from_le_bytes([self.bytes[at], self.bytes[at + 1]]);
        if let Some(member) = self.large[usize::from(number)].take() {
            self.large_bytes -= member.len() + SHARED_OVERHEAD;
        }
        if self.large_bytes == 0 {
            self.large = Vec::new();
        }
    }
}

/// Makes room for `more`, in steps of about an eighth of a page. They are the same for all pages,
/// so that the block that one gives back fits the next.
#[inline]
pub(super) fn grow<T>(buffer: &mut Vec<T>, more: usize, step: usize) {
    if buffer.capacity() - buffer.len() < more {
        let capacity = rounded(buffer.len() + more, step);
        buffer.reserve_exact(capacity - buffer.len());
    }
}

/// Gives room back that is more than two steps.
fn shrink<T>(buffer: &mut Vec<T>, step: usize) {
    if buffer.capacity() - buffer.len() > 2 * step {
        buffer.shrink_to(rounded(buffer.len(), step));
    }
}

/// A small buffer grows by smaller steps.
fn rounded(len: usize, step: usize) -> usize {
    let step = if len < 8 * step { step.div_ceil(4) } else { step };
    len.next_multiple_of(step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_a_sorted_vector() {
        let mut rng = fastrand::Rng::with_seed(4);
        for large in [false, true] {
            let mut page = Page::default();
            let mut model: Vec<(f64, Vec<u8>)> = Vec::new();
            for _ in 0..3000 {
                let len = if large && rng.u32(..20) == 0 { 600 } else { rng.usize(..30) };
                let member: Vec<u8> = (0..len).map(|_| rng.u8(b'a'..b'e')).collect();
                let score = f64::from(rng.i32(-3..3)) * if rng.bool() { 1e3 } else { 0.1 };
                let key = Key::new(score, &member);
                let at = page.rank(&key);
                let expected = model.partition_point(|(s, m)| Key::new(*s, m).is_before(&key));
                assert_eq!(at, expected);
                let is_there = at < model.len() && (model[at].0, &model[at].1) == (score, &member);
                assert_eq!(page.rank_behind(&key), at + usize::from(is_there));
                if is_there || !page.has_room(&key) {
                    let to = rng.usize(at..=model.len());
                    page.remove(at..to);
                    model.drain(at..to);
                } else {
                    page.insert(at, &key);
                    model.insert(at, (score, member));
                }
                assert_eq!(page.len(), model.len());
                for (index, (score, member)) in model.iter().enumerate() {
                    assert_eq!(page.get(index), Key::new(*score, member));
                }
            }
            let at = page.len() / 2;
            let (mut left, whole) = (page.clone(), page.clone());
            let right = left.split_off(at);
            left.extend(&right, 0..right.len());
            assert_eq!(left.len(), whole.len());
            assert!((0..whole.len()).all(|index| left.get(index) == whole.get(index)));
            page.remove(0..page.len());
            assert_eq!((page.len(), page.filled(), page.large_bytes), (0, 0, 0));
        }
    }
}
