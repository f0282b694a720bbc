//! The log's framing: how effects leave the engine in an order that agrees with every conflict.
//!
//! A writer that still holds its shards' locks reserves a frame by one atomic addition, fills it,
//! and marks it complete; a transaction is one frame. Two commands that touch the same shard
//! therefore have their frames in the order in which they ran, and no writer waits for another.
//! One reader takes frames in order and turns them into bytes of a file or of a link.
//!
//! ```text
//! frame: length (8, set last: 0 = not complete) │ database (1) │ flags (1) │ reserved (6) │ payload
//! ```
//! The payload is a run of commands in RESP, each in a frame's database unless a `SELECT` stands
//! before it; [`flags::TRANSACTION`] says that they are to be applied as one. A payload above
//! [`MAX_COPIED`] goes by reference. Positions count bytes since the log began and only grow.
//! Knows no command, no file.

use crate::sync::Mutex;
use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Place in the log, in bytes since it began.
pub type Position = u64;

/// Bytes before a frame's payload.
pub const HEADER_BYTES: u64 = 16;

/// A payload above this is handed over instead of copied.
pub const MAX_COPIED: usize = 64 * 1024;

/// Bytes of the ring unless somebody asks for others.
pub const DEFAULT_RING_BYTES: usize = 8 * 1024 * 1024;

/// Room for two of the greatest frames in the half that the first may fill.
pub const LEAST_RING_BYTES: usize = 4 * MAX_COPIED;

/// Bits of a frame's flags.
pub mod flags {
    /// The payload's commands are one transaction.
    pub const TRANSACTION: u8 = 1;
    /// The payload was handed over and is not in the ring.
    pub const BY_REFERENCE: u8 = 2;
}

/// A frame as the reader sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The log's position after this frame.
    pub end: Position,
    /// The database of the first command.
    pub db: u8,
    /// [`flags`].
    pub flags: u8,
    /// Commands in RESP.
    pub payload: Vec<u8>,
}

/// The log of an engine: silent until somebody listens.
#[derive(Debug, Default)]
pub struct Log {
    on: AtomicBool,
    /// End of the last reserved frame, and end of what the reader has taken.
    head: AtomicU64,
    tail: AtomicU64,
    /// Made with the listener: most engines of a program's tests never have one.
    ring: OnceLock<Box<[AtomicU64]>>,
    by_reference: Mutex<BTreeMap<Position, Vec<u8>>>,
}

impl Log {
    /// Begins to record. Must come before the first command that is to be seen.
    pub fn listen(&self) {
        self.listen_with(DEFAULT_RING_BYTES);
    }

    /// The same with a ring of `ring_bytes` (rounded up to a power of two, at least
    /// [`LEAST_RING_BYTES`]). Whoever listens first decides.
    pub fn listen_with(&self, ring_bytes: usize) {
        let words = ring_bytes.next_power_of_two().max(LEAST_RING_BYTES) / 8;
        self.ring.get_or_init(|| (0..words).map(|_| AtomicU64::new(0)).collect());
        self.on.store(true, Ordering::SeqCst);
    }

    /// Whether effects are recorded.
    #[inline(always)]
    pub fn is_on(&self) -> bool {
        self.on.load(Ordering::Relaxed)
    }

    /// End of the last frame.
    pub fn position(&self) -> Position {
        self.head.load(Ordering::Acquire)
    }

    /// Whether a frame with a payload of `bytes` fits now. Asked before locks are taken: only
    /// writers wait for a slow reader, and they wait with nothing in hand. A silent log has room.
    pub fn has_room(&self, bytes: usize) -> bool {
        if !self.is_on() {
            return true;
        }
        let used = self.head.load(Ordering::Acquire) - self.tail.load(Ordering::Acquire);
        used + frame_bytes(bytes.min(MAX_COPIED)) <= self.ring_bytes() / 2
    }

    /// Writes one frame under the caller's shard locks; returns the position after it. Only where
    /// somebody listens.
    ///
    /// Half of the ring is kept for writers that asked for room before the locks and found more
    /// to say after; one that overruns even that waits for the reader here.
    pub fn append(&self, db: u8, flags: u8, payload: Vec<u8>) -> Position {
        let copied = payload.len() <= MAX_COPIED;
        let length = frame_bytes(if copied { payload.len() } else { 0 });
        let start = self.head.fetch_add(length, Ordering::AcqRel);
        while start + length - self.tail.load(Ordering::Acquire) > self.ring_bytes() {
            crate::sync::yield_now();
        }
        let flags = if copied { flags } else { flags | self::flags::BY_REFERENCE };
        let meta = u64::from(db) | u64::from(flags) << 8 | (payload.len() as u64) << 16;
        self.word(start + 8).store(meta, Ordering::Relaxed);
        if copied {
            for (index, bytes) in payload.chunks(8).enumerate() {
                let mut word = [0; 8];
                word[..bytes.len()].copy_from_slice(bytes);
                let at = start + HEADER_BYTES + 8 * index as u64;
                self.word(at).store(u64::from_le_bytes(word), Ordering::Relaxed);
            }
        } else {
            self.by_reference.lock().insert(start, payload);
        }
        self.word(start).store(length, Ordering::Release);
        start + length
    }

    /// Takes the next complete frame. Only one reader may do so at a time.
    pub fn next_frame(&self) -> Option<Frame> {
        self.ring.get()?;
        let start = self.tail.load(Ordering::Acquire);
        let length = self.word(start).load(Ordering::Acquire);
        if length == 0 {
            return None;
        }
        let meta = self.word(start + 8).load(Ordering::Relaxed);
        let (db, flags, bytes) = (meta as u8, (meta >> 8) as u8, (meta >> 16) as usize);
        let payload = if flags & self::flags::BY_REFERENCE != 0 {
            self.by_reference.lock().remove(&start).unwrap_or_default()
        } else {
            let words = (0..bytes.div_ceil(8) as u64).flat_map(|i| {
                self.word(start + HEADER_BYTES + 8 * i).load(Ordering::Relaxed).to_le_bytes()
            });
            words.take(bytes).collect()
        };
        for at in (start..start + length).step_by(8) {
            self.word(at).store(0, Ordering::Relaxed);
        }
        self.tail.store(start + length, Ordering::Release);
        let flags = flags & !self::flags::BY_REFERENCE;
        Some(Frame { end: start + length, db, flags, payload })
    }

    fn ring(&self) -> &[AtomicU64] {
        self.ring.get().map_or(&[], |ring| ring)
    }

    fn ring_bytes(&self) -> u64 {
        self.ring().len() as u64 * 8
    }

    fn word(&self, at: Position) -> &AtomicU64 {
        let ring = self.ring();
        &ring[(at / 8) as usize & (ring.len() - 1)]
    }
}

fn frame_bytes(payload: usize) -> u64 {
    HEADER_BYTES + (payload as u64).next_multiple_of(8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn frames_come_out_in_order_and_whole() {
        let log = Arc::new(Log::default());
        log.listen_with(LEAST_RING_BYTES);
        let writers: Vec<_> = (0..3u8)
            .map(|db| {
                let log = log.clone();
                std::thread::spawn(move || {
                    for n in 0..2000usize {
                        let bytes = if n % 500 == 0 { MAX_COPIED + 1 } else { n % 97 };
                        let mut payload = vec![db; bytes];
                        payload.extend_from_slice(&(n as u32).to_le_bytes());
                        log.append(db, 0, payload);
                    }
                })
            })
            .collect();
        let mut next = [0u32; 3];
        let mut end = 0;
        while next.iter().any(|&n| n < 2000) {
            let Some(frame) = log.next_frame() else {
                std::thread::yield_now();
                continue;
            };
            assert!(frame.end > end);
            end = frame.end;
            let (body, n) = frame.payload.split_at(frame.payload.len() - 4);
            assert!(body.iter().all(|&byte| byte == frame.db));
            assert_eq!(n, next[usize::from(frame.db)].to_le_bytes());
            next[usize::from(frame.db)] += 1;
        }
        writers.into_iter().for_each(|writer| writer.join().unwrap());
        assert_eq!(log.position(), end);
        assert!(log.next_frame().is_none());
    }
}
