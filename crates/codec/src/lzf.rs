//! LZF: the fast compression of strings in RDB files. Red: the bytes are frozen.
//!
//! | bytes | meaning |
//! |---|---|
//! | `000nnnnn`, n + 1 bytes | those bytes as they are |
//! | `nnnooooo oooooooo` | n + 2 bytes (n from 1 to 6) from o + 1 bytes back |
//! | `111ooooo nnnnnnnn oooooooo` | n + 9 bytes from o + 1 bytes back |
//!
//! A reference may reach into what it is writing itself. There are many compressions of the same
//! bytes; [`Compressor`] makes the one that Redis makes, so that `DUMP` answers alike.
//! (Lehmann, LibLZF.) Knows no file and no string encoding; see [`crate::rdb`].

use crate::Corrupt;

/// Positions of three bytes that were seen, by their hash: 16 bits as in Redis.
const SLOTS: usize = 1 << 16;

/// Longest run of bytes as they are.
const MAX_LITERALS: usize = 32;

/// How far back a reference reaches.
const MAX_DISTANCE: usize = 1 << 13;

/// Longest reference.
const MAX_REFERENCE: usize = 264;

/// Most bytes that one byte of compressed input can stand for: three bytes are a reference of 264.
const MAX_RATIO: usize = MAX_REFERENCE / 3;

/// Compresses one string after the other; keeps its table between them.
#[derive(Debug)]
pub struct Compressor {
    /// Position of the last three bytes of each hash, counted from [`Compressor::base`].
    seen: Box<[u32]>,
    /// What is below belongs to strings before.
    base: u32,
    /// Where the next string's positions begin.
    end: u32,
}

impl Compressor {
    /// A compressor; its table takes 256 KiB once it is used.
    pub fn new() -> Self {
        Compressor { seen: Box::new([]), base: 0, end: 0 }
    }

    /// Compresses `input` to fewer than `limit` bytes, about; `None` where that does not work.
    pub fn compress(&mut self, input: &[u8], limit: usize) -> Option<Vec<u8>> {
        if input.is_empty() || limit == 0 || u32::try_from(input.len()).is_err() {
            return None;
        }
        self.begin(input.len() as u32);
        let mut out = Output::new(limit);
        let mut at = 0;
        let last = input.len().saturating_sub(2);
        while at < last {
            let found = self.exchange(input, at);
            match found.filter(|&from| {
                at - from <= MAX_DISTANCE && input[from..from + 3] == input[at..at + 3]
            }) {
                Some(from) => {
                    let len = match_len(input, from, at);
                    out.reference(at - from - 1, len)?;
                    at += len;
                    if at >= last {
                        break;
                    }
                    self.exchange(input, at - 2);
                    self.exchange(input, at - 1);
                }
                None => {
                    out.literal(input[at])?;
                    at += 1;
                }
            }
        }
        out.finish(&input[at..])
    }

    /// Makes room for the positions of the next string.
    fn begin(&mut self, len: u32) {
        self.base = self.end;
        if self.seen.is_empty() || self.base.checked_add(len).is_none() {
            self.seen = vec![0; SLOTS].into_boxed_slice();
            self.base = 0;
        }
        self.end = self.base + len;
    }

    /// Notes that the three bytes at `at` stand there; where they may have been last. The first
    /// position of a string is never found again.
    fn exchange(&mut self, input: &[u8], at: usize) -> Option<usize> {
        let [first, second, third] = [input[at], input[at + 1], input[at + 2]].map(usize::from);
        let hash = (first << 8 | second).wrapping_sub((second << 8 | third) * 5) % SLOTS;
        let before = std::mem::replace(&mut self.seen[hash], self.base + at as u32);
        before.checked_sub(self.base).filter(|&from| from > 0).map(|from| from as usize)
    }
}

impl Default for Compressor {
    fn default() -> Self {
        Compressor::new()
    }
}

/// How many bytes at `at` are those at `from`, as far as the compressor looks: it stops short of
/// the last bytes in some cases, as Redis's does.
fn match_len(input: &[u8], from: usize, at: usize) -> usize {
    let most = (input.len() - at - 2).min(MAX_REFERENCE);
    let same = |len: usize| input[from + len] == input[at + len];
    let mut len = 2;
    if most > 16 {
        while len < 18 {
            len += 1;
            if !same(len) {
                return len;
            }
        }
    }
    loop {
        len += 1;
        if len >= most || !same(len) {
            return len;
        }
    }
}

/// Compressed bytes, and the run of literals that is being written.
struct Output {
    bytes: Vec<u8>,
    /// Literals since the byte that is kept free for their number.
    run: usize,
    limit: usize,
}

impl Output {
    fn new(limit: usize) -> Self {
        let mut bytes = Vec::with_capacity(limit.min(1 << 16));
        bytes.push(0);
        Output { bytes, run: 0, limit }
    }

    fn literal(&mut self, byte: u8) -> Option<()> {
        if self.bytes.len() >= self.limit {
            return None;
        }
        self.push_literal(byte);
        Some(())
    }

    fn push_literal(&mut self, byte: u8) {
        self.bytes.push(byte);
        self.run += 1;
        if self.run == MAX_LITERALS {
            self.close_run();
            self.bytes.push(0);
        }
    }

    /// Writes the number of literals in its place, which vanishes if there are none.
    fn close_run(&mut self) {
        let at = self.bytes.len() - self.run - 1;
        if self.run == 0 {
            self.bytes.pop();
        } else {
            self.bytes[at] = (self.run - 1) as u8;
        }
        self.run = 0;
    }

    /// Adds a reference of `len` bytes, `distance` + 1 back.
    fn reference(&mut self, distance: usize, len: usize) -> Option<()> {
        let free = usize::from(self.run == 0);
        if self.bytes.len() - free + 4 >= self.limit {
            return None;
        }
        self.close_run();
        let (far, near) = ((distance >> 8) as u8, distance as u8);
        match len - 2 {
            short @ ..7 => self.bytes.push(far | (short as u8) << 5),
            long => self.bytes.extend([far | 7 << 5, (long - 7) as u8]),
        }
        self.bytes.extend([near, 0]);
        Some(())
    }

    fn finish(mut self, rest: &[u8]) -> Option<Vec<u8>> {
        if self.bytes.len() + 3 > self.limit {
            return None;
        }
        rest.iter().for_each(|&byte| self.push_literal(byte));
        self.close_run();
        Some(self.bytes)
    }
}

/// Expands to exactly `len` bytes.
///
/// # Errors
/// [`Corrupt`] when the input does not make exactly so many; nothing is allocated for a length that
/// no input of this size can make.
pub fn decompress(input: &[u8], len: usize) -> Result<Vec<u8>, Corrupt> {
    if len / MAX_RATIO > input.len() {
        return Err(Corrupt::new("compressed string claims an impossible length", 0));
    }
    let mut out = Vec::with_capacity(len);
    let mut at = 0;
    while let Some(&control) = input.get(at) {
        let start = at;
        let short = || Corrupt::new("compressed string is cut off", start);
        at += 1;
        let control = usize::from(control);
        if control < MAX_LITERALS {
            let literals = input.get(at..at + control + 1).ok_or_else(short)?;
            at += literals.len();
            room(&out, literals.len(), len, start)?;
            out.extend_from_slice(literals);
            continue;
        }
        let mut count = (control >> 5) + 2;
        if count == 9 {
            count += usize::from(*input.get(at).ok_or_else(short)?);
            at += 1;
        }
        let near = usize::from(*input.get(at).ok_or_else(short)?);
        at += 1;
        let back = (control & 31) << 8 | near;
        let from = out.len().checked_sub(back + 1);
        let from = from.ok_or(Corrupt::new("compressed string refers before its start", start))?;
        room(&out, count, len, start)?;
        copy(&mut out, from, count);
    }
    if out.len() != len {
        return Err(Corrupt::new("compressed string has another length than it claims", at));
    }
    Ok(out)
}

fn room(out: &[u8], more: usize, len: usize, at: usize) -> Result<(), Corrupt> {
    let fits = more <= len - out.len();
    fits.then_some(()).ok_or(Corrupt::new("compressed string is longer than it claims", at))
}

/// Appends `count` bytes that begin at `from`, some of which may be appended only now.
fn copy(out: &mut Vec<u8>, from: usize, count: usize) {
    if from + count <= out.len() {
        out.extend_from_within(from..from + count);
    } else {
        (from..from + count).for_each(|at| out.push(out[at]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn compressed(input: &[u8]) -> Option<Vec<u8>> {
        Compressor::new().compress(input, input.len().saturating_sub(4))
    }

    /// What Redis 7.0 writes for these strings.
    #[test]
    fn bytes_as_redis_writes_them() {
        assert_eq!(compressed(&[b'x'; 100]).unwrap(), b"\x01xx\xe0\x57\x00\x01xx");
        assert_eq!(compressed(b"abcabcabcabcabcabcabcabc").unwrap(), b"\x03abca\xe0\x0a\x02\x00c");
        assert_eq!(compressed(b"no repetition at all?"), None);
        assert_eq!(compressed(b""), None);
        assert_eq!(compressed(b"abcd"), None);
    }

    #[test]
    fn impossible_lengths_take_no_memory() {
        assert!(decompress(&[0, b'x'], usize::MAX).is_err());
        assert!(decompress(&[0, b'x'], 1 << 30).is_err());
        assert!(decompress(&[], 1).is_err());
        assert_eq!(decompress(&[], 0).unwrap(), b"");
    }

    proptest! {
        #[test]
        fn what_is_compressed_comes_back(
            words in prop::collection::vec((any::<u8>(), 0u8..12, 1usize..40), 0..200),
            limit in 0usize..3000,
        ) {
            let mut compressor = Compressor::new();
            let mut input = Vec::new();
            for (byte, step, len) in words {
                input.extend((0..len).map(|n| byte.wrapping_add((n as u8).wrapping_mul(step))));
                if let Some(bytes) = compressor.compress(&input, limit) {
                    prop_assert!(bytes.len() <= limit);
                    prop_assert_eq!(&decompress(&bytes, input.len()).unwrap(), &input);
                    prop_assert!(decompress(&bytes, input.len() + 1).is_err());
                    prop_assert!(decompress(&bytes, input.len() - 1).is_err());
                }
                // A table that saw other strings changes nothing.
                prop_assert_eq!(compressor.compress(&input, limit), Compressor::new().compress(&input, limit));
            }
        }

        #[test]
        fn any_bytes_expand_or_are_refused(
            bytes in prop::collection::vec(any::<u8>(), 0..60),
            len in 0usize..4000,
        ) {
            if let Ok(out) = decompress(&bytes, len) {
                prop_assert_eq!(out.len(), len);
            }
        }
    }
}
