//! The log: how effects leave the engine in an order that agrees with every conflict, and when
//! replies may.
//!
//! A writer that still holds its shards' locks reserves a frame by one atomic addition, fills it,
//! and marks it complete; a transaction is one frame. Two commands that touch the same shard
//! therefore have their frames in the order in which they ran, and no writer waits for another.
//! One [`Reader`] takes frames in order and turns them into bytes of a file or of a link.
//!
//! The payload is a run of commands in RESP, each in a frame's database unless a `SELECT` stands
//! before it; [`flags::TRANSACTION`] says that they are to be applied as one. A payload above
//! [`MAX_COPIED`] goes by reference. Positions count bytes since the log began and only grow.
//!
//! **Release.** A reply speaks of a position: the greatest of the shards it touched. It may leave
//! once the log has *released* that position. Where the ring outlives the process all is released at
//! once, but for what comes after a payload that went by reference: that would be lost with the
//! process, so it is released when the reader has written it. Where every write must be on disk
//! first, the reader releases as it syncs. After a failure nothing waits any longer: what was not
//! released then has an unknown outcome ([`Log::fate`]).
//!
//! Knows no command, no file. How frames lie in memory: [`frame`].

pub mod frame;
mod waiting;

pub use frame::{Frame, Head};
pub use waiting::{Fate, Stamp};

use crate::sync::Mutex;
use frame::{Ring, frame_bytes};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use waiting::Waiting;

/// Place in the log, in bytes since it began.
pub type Position = u64;

/// A payload above this is handed over instead of copied.
pub const MAX_COPIED: usize = 64 * 1024;

/// Bytes of the ring unless somebody asks for others.
pub const DEFAULT_RING_BYTES: usize = 8 * 1024 * 1024;

/// Room for two of the greatest frames in the half that the first may fill.
pub const LEAST_RING_BYTES: usize = 8 * MAX_COPIED;

/// Bytes that were handed over and not read yet, from which on writers wait.
const MAX_REFERENCED: u64 = 64 * 1024 * 1024;

/// How long the disk may take for a sync before writers wait for it, in microseconds: as long as
/// Redis waits before it writes all the same.
pub const MAX_SYNC_US: u64 = 2_000_000;

/// Bits of a frame's flags.
pub mod flags {
    /// The payload's commands are one transaction.
    pub const TRANSACTION: u8 = 1;
    /// The payload was handed over and is not in the ring.
    pub const BY_REFERENCE: u8 = 2;
    /// Nothing happened: a snapshot was marked here.
    pub const MARK: u8 = 4;
}

/// Who takes frames out of the log.
pub trait Reader: Send + Sync {
    /// There is something that should be read soon. Called under locks: must not wait.
    fn wake(&self);

    /// Returns once the log has released `position`, or never will. The caller holds no lock and
    /// may be put to work.
    fn wait(&self, position: Position);
}

/// Memory of a ring that somebody else owns.
pub trait RingMemory: Send + Sync + fmt::Debug {
    /// Its words, a power of two and at least [`LEAST_RING_BYTES`] of them; all zeros at first.
    fn words(&self) -> &[AtomicU64];

    /// The number that this life of the ring has for its own.
    fn key(&self) -> u64;

    /// Whether what is in it is there after the process was killed.
    fn outlives_process(&self) -> bool {
        true
    }
}

/// The log of an engine: silent until somebody listens.
pub struct Log {
    on: AtomicBool,
    /// Replies of positions up to here may leave.
    released: AtomicU64,
    /// How often it has failed and recovered: odd while it fails.
    epoch: AtomicU64,
    /// What was released when it failed last.
    safe: AtomicU64,
    /// When a sync began that is not done yet, in microseconds; 0 for none.
    syncing_since_us: AtomicU64,
    /// Made with the listener: most engines of a program's tests never have one.
    ring: OnceLock<Box<dyn RingMemory>>,
    referenced: Mutex<BTreeMap<Position, Vec<u8>>>,
    referenced_bytes: AtomicU64,
    reader: OnceLock<Arc<dyn Reader>>,
    waiting: Waiting,
    /// End of the last reserved frame: every writer changes it.
    head: Apart,
    /// End of what the reader has given back.
    tail: Apart,
}

/// A number on a cache line of its own.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Apart(AtomicU64);

impl Default for Log {
    fn default() -> Self {
        Log {
            on: AtomicBool::new(false),
            released: AtomicU64::new(u64::MAX),
            epoch: AtomicU64::new(0),
            safe: AtomicU64::new(0),
            syncing_since_us: AtomicU64::new(0),
            ring: OnceLock::new(),
            referenced: Mutex::default(),
            referenced_bytes: AtomicU64::new(0),
            reader: OnceLock::new(),
            waiting: Waiting::default(),
            head: Apart::default(),
            tail: Apart::default(),
        }
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log").field("position", &self.position()).finish_non_exhaustive()
    }
}

impl Log {
    /// Begins to record, in memory of its own. Must come before the first command that is to be
    /// seen.
    pub fn listen(&self) {
        self.listen_with(DEFAULT_RING_BYTES);
    }

    /// The same with a ring of `ring_bytes` (rounded up to a power of two, at least
    /// [`LEAST_RING_BYTES`]). Whoever listens first decides.
    pub fn listen_with(&self, ring_bytes: usize) {
        self.lend(Box::new(OwnRing::new(ring_bytes)));
        self.set_on(true);
    }

    /// Gives the log a ring, if it has none; nothing is recorded yet.
    pub fn lend(&self, ring: Box<dyn RingMemory>) {
        if Ring::new(ring.words(), 0).is_some_and(|ring| ring.bytes() >= LEAST_RING_BYTES as u64) {
            self.ring.get_or_init(|| ring);
        }
    }

    /// Whether it has a ring.
    pub fn has_ring(&self) -> bool {
        self.ring.get().is_some()
    }

    /// Begins or ends to record; begins only with a ring. To see every command from a moment on,
    /// call it under all locks, as [`Engine::begin_snapshot_recorded`] does.
    ///
    /// [`Engine::begin_snapshot_recorded`]: crate::Engine::begin_snapshot_recorded
    pub fn set_on(&self, on: bool) {
        self.on.store(on && self.has_ring(), Ordering::SeqCst);
    }

    /// Names who reads; only the first one counts.
    pub fn attend(&self, reader: Arc<dyn Reader>) -> bool {
        self.reader.set(reader).is_ok()
    }

    /// Whether effects are recorded.
    #[inline(always)]
    pub fn is_on(&self) -> bool {
        self.on.load(Ordering::Relaxed)
    }

    /// End of the last frame.
    pub fn position(&self) -> Position {
        self.head.0.load(Ordering::Acquire)
    }

    /// End of what the reader has given back.
    pub fn read_position(&self) -> Position {
        self.tail.0.load(Ordering::Acquire)
    }

    /// Bytes of the ring in use, and its size.
    pub fn fill(&self) -> (u64, u64) {
        let size = self.ring().map_or(0, Ring::bytes);
        (self.position().saturating_sub(self.read_position()), size)
    }

    /// Whether a frame with a payload of `bytes` fits now. Asked before locks are taken: only
    /// writers wait for a slow reader, and they wait with nothing in hand. A silent log has room.
    #[inline(always)]
    pub fn has_room(&self, bytes: usize, now_us: impl FnOnce() -> u64) -> bool {
        !self.is_on() || self.has_room_in_ring(bytes, now_us)
    }

    fn has_room_in_ring(&self, bytes: usize, now_us: impl FnOnce() -> u64) -> bool {
        let (used, size) = self.fill();
        let syncing_since_us = self.syncing_since_us.load(Ordering::Relaxed);
        used + frame_bytes(bytes.min(MAX_COPIED)) <= size / 2
            && self.referenced_bytes.load(Ordering::Relaxed) <= MAX_REFERENCED
            && (syncing_since_us == 0
                || now_us().saturating_sub(syncing_since_us) < MAX_SYNC_US
                || self.is_failing())
    }

    /// Writes one frame under the caller's shard locks; returns the position after it. Only where
    /// somebody listens.
    ///
    /// Half of the ring is kept for writers that asked for room before the locks and found more
    /// to say after; one that overruns even that waits for the reader here.
    pub fn append(&self, head: Head, payload: Vec<u8>) -> Position {
        let Some(ring) = self.ring() else { return 0 };
        if payload.len() > MAX_COPIED {
            return self.append_by_reference(ring, head, payload);
        }
        let length = frame_bytes(payload.len());
        let start = self.head.0.fetch_add(length, Ordering::SeqCst);
        self.wait_for_overrun(ring, start + length);
        ring.write(start, head, &payload);
        // Written or not by then: the reader comes before the ring is full.
        let quarter = ring.bytes() / 4;
        if start / quarter != (start + length) / quarter {
            self.wake_reader();
        }
        start + length
    }

    /// What comes after such a frame is released only when its payload was written: the ring alone
    /// would not bring it back. Writing it here would hold the locks; gating costs one reply a
    /// moment. So release falls before the frame's place is taken.
    /// A ring that goes with the process promises nothing that this one write would break.
    fn append_by_reference(&self, ring: Ring<'_>, head: Head, payload: Vec<u8>) -> Position {
        let length = frame_bytes(0);
        let head = Head { flags: head.flags | flags::BY_REFERENCE, ..head };
        let bytes = payload.len();
        let mut referenced = self.referenced.lock();
        self.referenced_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        if self.ring.get().is_some_and(|ring| ring.outlives_process()) {
            self.released.fetch_min(self.head.0.load(Ordering::SeqCst), Ordering::SeqCst);
        }
        let start = self.head.0.fetch_add(length, Ordering::SeqCst);
        referenced.insert(start, payload);
        drop(referenced);
        self.wait_for_overrun(ring, start + length);
        ring.write_header(start, head, bytes);
        self.wake_reader();
        start + length
    }

    fn wait_for_overrun(&self, ring: Ring<'_>, end: Position) {
        while end - self.tail.0.load(Ordering::Acquire) > ring.bytes() {
            self.wake_reader();
            crate::sync::yield_now();
        }
    }

    /// The complete frame at a position, with its payload wherever it was. Only the reader asks,
    /// and once for each.
    pub fn read(&self, at: Position) -> Option<Frame> {
        let mut frame = self.ring()?.read(at)?;
        if frame.head.flags & flags::BY_REFERENCE != 0 {
            frame.payload = self.referenced.lock().remove(&at).unwrap_or_default();
            self.referenced_bytes.fetch_sub(frame.payload.len() as u64, Ordering::Relaxed);
            frame.head.flags &= !flags::BY_REFERENCE;
        }
        Some(frame)
    }

    /// Gives the ring back up to a position that was read. Only the reader does so.
    pub fn give_back(&self, to: Position) {
        let Some(ring) = self.ring() else { return };
        ring.clear(self.tail.0.load(Ordering::Acquire), to);
        self.tail.0.store(to, Ordering::Release);
        self.waiting.wake_all();
    }

    /// Takes the next complete frame. Only one reader may do so at a time.
    pub fn next_frame(&self) -> Option<Frame> {
        let frame = self.read(self.read_position())?;
        self.give_back(frame.end);
        Some(frame)
    }

    fn wake_reader(&self) {
        if let Some(reader) = self.reader.get() {
            reader.wake();
        }
    }

    fn ring(&self) -> Option<Ring<'_>> {
        let memory = self.ring.get()?;
        Ring::new(memory.words(), memory.key())
    }
}

/// A ring that ends with the process.
#[derive(Debug)]
struct OwnRing(Box<[AtomicU64]>);

impl OwnRing {
    fn new(bytes: usize) -> Self {
        let words = bytes.next_power_of_two().max(LEAST_RING_BYTES) / 8;
        OwnRing((0..words).map(|_| AtomicU64::new(0)).collect())
    }
}

impl RingMemory for OwnRing {
    fn words(&self) -> &[AtomicU64] {
        &self.0
    }

    fn key(&self) -> u64 {
        0
    }

    fn outlives_process(&self) -> bool {
        false
    }
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
                        log.append(Head { db, ..Head::default() }, payload);
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
            assert!(body.iter().all(|&byte| byte == frame.head.db));
            assert_eq!(n, next[usize::from(frame.head.db)].to_le_bytes());
            next[usize::from(frame.head.db)] += 1;
        }
        writers.into_iter().for_each(|writer| writer.join().unwrap());
        assert_eq!(log.position(), end);
        assert!(log.next_frame().is_none());
    }

    /// A ring that is said to be there when the process is gone.
    #[derive(Debug)]
    struct Lasting(OwnRing);

    impl RingMemory for Lasting {
        fn words(&self) -> &[AtomicU64] {
            self.0.words()
        }

        fn key(&self) -> u64 {
            7
        }
    }

    #[test]
    fn what_comes_after_a_payload_by_reference_is_released_when_that_was_written() {
        let log = Log::default();
        log.lend(Box::new(Lasting(OwnRing::new(LEAST_RING_BYTES))));
        log.set_on(true);
        let before = log.append(Head::default(), b"small".to_vec());
        let large = log.append(Head::default(), vec![0; MAX_COPIED + 1]);
        let after = log.append(Head::default(), b"small".to_vec());
        let fates = || {
            [before, large, after].map(|position| log.fate(Stamp { position, ..Stamp::default() }))
        };
        assert_eq!(fates(), [Fate::Released, Fate::Waits, Fate::Waits]);
        while log.next_frame().is_some() {}
        log.release_but_referenced();
        assert_eq!(fates(), [Fate::Released; 3]);
    }

    #[test]
    fn what_was_not_released_before_a_failure_is_unknown() {
        let log = Log::default();
        log.listen();
        log.release(0);
        let written = log.append(Head::default(), b"a".to_vec());
        log.release(written);
        let lost = log.append(Head::default(), b"b".to_vec());
        let epoch = log.epoch();
        let fate = |position, epoch| log.fate(Stamp { position, epoch, doubt: false });
        assert_eq!(fate(lost, epoch), Fate::Waits);
        log.fail();
        assert_eq!(fate(lost, epoch), Fate::Unknown);
        assert_eq!(fate(written, epoch), Fate::Released);
        // Reads go on.
        assert_eq!(fate(lost, log.epoch()), Fate::Released);
        log.recover(log.position());
        assert_eq!(fate(lost, epoch), Fate::Unknown);
        assert_eq!(fate(lost, log.epoch()), Fate::Released);
    }
}
