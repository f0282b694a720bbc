//! Frames as they lie in the ring: what is written, how it is read, and how a reader that comes
//! after the writer's death tells a frame from what is left of one.
//!
//! ```text
//! 0  length, set last: 0 = not complete
//! 8  database (1) │ flags (1) │ last database (1) │ payload (5)
//! 24 check  of key, position and everything but length
//! 16 time of the command, Unix milliseconds
//! 32 payload, filled up to 8 bytes
//! ```
//! The check binds a frame to the place in the log where it was written and to one life of the
//! ring: what an earlier lap or process left behind, and what a power failure has torn, fails it.
//! Knows neither writers nor readers; see [`super::Log`].

use super::{MAX_COPIED, Position, flags};
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes before a frame's payload.
pub const HEADER_BYTES: u64 = 32;

/// A frame as a reader sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The log's position before this frame.
    pub start: Position,
    /// The log's position after it.
    pub end: Position,
    /// What is said of it.
    pub head: Head,
    /// Commands in RESP; none where the payload was handed over.
    pub payload: Vec<u8>,
    /// Bytes of the payload, wherever it is.
    pub bytes: usize,
}

/// What is said of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Head {
    /// The database of the first command, and that of the last.
    pub db: u8,
    /// See [`db`](Self::db).
    pub last_db: u8,
    /// [`flags`].
    pub flags: u8,
    /// When its command began, in Unix milliseconds.
    pub time_ms: u64,
}

/// A ring of words, a power of two, with the number that is its own.
#[derive(Debug, Clone, Copy)]
pub struct Ring<'r> {
    words: &'r [AtomicU64],
    key: u64,
}

impl<'r> Ring<'r> {
    /// The ring in these words, or `None` where their number is no power of two.
    pub fn new(words: &'r [AtomicU64], key: u64) -> Option<Self> {
        words.len().is_power_of_two().then_some(Ring { words, key })
    }

    /// Its size in bytes.
    pub fn bytes(self) -> u64 {
        self.words.len() as u64 * 8
    }

    /// Writes a frame that has room, and marks it complete.
    pub(super) fn write(self, start: Position, head: Head, payload: &[u8]) {
        let mut check = self.write_meta(start, head, payload.len());
        let mut at = start + HEADER_BYTES;
        let (whole, rest) = payload.as_chunks::<8>();
        for bytes in whole {
            let word = u64::from_le_bytes(*bytes);
            check = mix(check, word);
            self.word(at).store(word, Ordering::Relaxed);
            at += 8;
        }
        if !rest.is_empty() {
            let mut last = [0; 8];
            last[..rest.len()].copy_from_slice(rest);
            let word = u64::from_le_bytes(last);
            check = mix(check, word);
            self.word(at).store(word, Ordering::Relaxed);
        }
        self.word(start + 24).store(check, Ordering::Relaxed);
        self.word(start).store(frame_bytes(payload.len()), Ordering::Release);
    }

    /// The same for a frame whose payload of `bytes` is elsewhere, as its flags say.
    pub(super) fn write_header(self, start: Position, head: Head, bytes: usize) {
        let check = self.write_meta(start, head, bytes);
        self.word(start + 24).store(check, Ordering::Relaxed);
        self.word(start).store(frame_bytes(0), Ordering::Release);
    }

    /// Writes what stands between length and check; the check so far.
    fn write_meta(self, start: Position, head: Head, bytes: usize) -> u64 {
        let Head { db, last_db, flags, time_ms } = head;
        let meta = u64::from_le_bytes([db, flags, last_db, 0, 0, 0, 0, 0]) | (bytes as u64) << 24;
        self.word(start + 8).store(meta, Ordering::Relaxed);
        self.word(start + 16).store(time_ms, Ordering::Relaxed);
        self.begin_check(start, meta, time_ms)
    }

    /// The frame at a position where one begins, if it is complete. Believes what it reads.
    pub(super) fn read(self, start: Position) -> Option<Frame> {
        let length = self.word(start).load(Ordering::Acquire);
        (length != 0).then(|| self.decode(start).0)
    }

    /// The frame at a position, if there is one and nothing of it is lost.
    pub fn verified(self, start: Position) -> Option<Frame> {
        let length = self.word(start).load(Ordering::Acquire);
        let meta = self.word(start + 8).load(Ordering::Relaxed);
        let (flags, bytes) = ((meta >> 8) as u8, meta >> 24);
        let in_ring = if flags & self::flags::BY_REFERENCE == 0 { bytes } else { 0 };
        if in_ring > MAX_COPIED as u64 || length != frame_bytes(in_ring as usize) {
            return None;
        }
        let (frame, check) = self.decode(start);
        (self.word(start + 24).load(Ordering::Relaxed) == check).then_some(frame)
    }

    /// Makes the words of a part of the log zeros again.
    pub(super) fn clear(self, from: Position, to: Position) {
        for at in (from..to).step_by(8) {
            self.word(at).store(0, Ordering::Relaxed);
        }
    }

    /// A frame, and what its check should be.
    fn decode(self, start: Position) -> (Frame, u64) {
        let meta = self.word(start + 8).load(Ordering::Relaxed);
        let time_ms = self.word(start + 16).load(Ordering::Relaxed);
        let [db, flags, last_db, ..] = meta.to_le_bytes();
        let bytes = (meta >> 24) as usize;
        let in_ring = if flags & self::flags::BY_REFERENCE == 0 { bytes } else { 0 };
        let mut check = self.begin_check(start, meta, time_ms);
        let mut payload = Vec::with_capacity(in_ring.next_multiple_of(8));
        for at in (0..in_ring as u64).step_by(8) {
            let word = self.word(start + HEADER_BYTES + at).load(Ordering::Relaxed);
            check = mix(check, word);
            payload.extend_from_slice(&word.to_le_bytes());
        }
        payload.truncate(in_ring);
        let end = start + frame_bytes(in_ring);
        let head = Head { db, last_db, flags, time_ms };
        (Frame { start, end, head, payload, bytes }, check)
    }

    fn begin_check(self, start: Position, meta: u64, time_ms: u64) -> u64 {
        mix(mix(mix(self.key, start), meta), time_ms)
    }

    #[inline(always)]
    fn word(self, at: Position) -> &'r AtomicU64 {
        &self.words[(at / 8) as usize & (self.words.len() - 1)]
    }
}

/// Bytes in the ring of a frame with so many bytes of payload there.
pub(super) fn frame_bytes(payload: usize) -> u64 {
    HEADER_BYTES + (payload as u64).next_multiple_of(8)
}

/// Folds a word into a check. Not against an adversary: against lost and torn sectors.
#[inline(always)]
pub fn mix(check: u64, word: u64) -> u64 {
    let product = u128::from(check ^ word ^ 0x2d35_8dcc_aa6c_78a5) * 0x8bb8_4b93_962e_acc9_u128;
    product as u64 ^ (product >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_known_by_its_place_its_key_and_every_word() {
        let words: Vec<AtomicU64> = (0..32).map(|_| AtomicU64::new(0)).collect();
        let ring = Ring::new(&words, 7).unwrap();
        let (start, payload) = (256 * 9 + 232, b"0123456789");
        let head = Head { db: 3, last_db: 4, flags: 1, time_ms: 99 };
        ring.write(start, head, payload);
        let frame = ring.verified(start).unwrap();
        assert_eq!(frame.payload, payload);
        assert_eq!(frame.head, head);
        assert_eq!(frame.end, start + 48);
        assert!(ring.verified(start + 256).is_none(), "a lap later");
        assert!(Ring::new(&words, 8).unwrap().verified(start).is_none(), "another life");
        for at in (start..frame.end).step_by(8) {
            let word = ring.word(at);
            let whole = word.fetch_xor(1 << 40, Ordering::Relaxed);
            assert!(ring.verified(start).is_none(), "word {}", (at - start) / 8);
            word.store(whole, Ordering::Relaxed);
        }
        assert!(ring.verified(start).is_some());
    }
}
