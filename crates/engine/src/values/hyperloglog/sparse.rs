//! Registers as runs of equal ones.
//!
//! ```text
//! 00llllll             l+1 registers of rank 0
//! 01llllll llllllll    l+1 registers of rank 0
//! 1rrrrrll             l+1 registers of rank r+1
//! ```
//! Changes leave the very bytes that Redis leaves: a run is split into at most three, then equal
//! neighbours among the next five runs are joined.

use super::hash::Place;
use super::{Corrupted, REGISTERS, dense};

const LONG: u8 = 0x40;
const RANKED: u8 = 0x80;
const MAX_SHORT: usize = 64;
const MAX_LONG: usize = 1 << 14;
const MAX_RANKED: usize = 4;
const MAX_RANK: u8 = 32;

/// Registers of one rank, one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// The rank of each.
    pub rank: u8,
    /// How many.
    pub len: usize,
    /// Bytes that it takes.
    pub bytes: usize,
}

impl Run {
    /// The run at the beginning of some bytes, of which there is at least one.
    fn at(bytes: &[u8]) -> Run {
        let (first, second) = (bytes[0], bytes.get(1).copied().unwrap_or(0));
        match first & (RANKED | LONG) {
            0 => Run { rank: 0, len: usize::from(first) + 1, bytes: 1 },
            LONG => {
                let len = usize::from(u16::from_be_bytes([first & !LONG, second])) + 1;
                Run { rank: 0, len, bytes: 2 }
            }
            _ => Run { rank: (first >> 2 & 0x1f) + 1, len: usize::from(first & 3) + 1, bytes: 1 },
        }
    }

    /// Whether it has the two-byte form.
    pub fn is_long(self) -> bool {
        self.bytes == 2
    }
}

/// Whether a register was raised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Raised {
    /// It was lower.
    Yes,
    /// It was that high.
    No,
    /// It is lower, and runs cannot hold the rank or would take too many bytes.
    Outgrown,
}

/// All registers at rank 0.
pub fn empty() -> [u8; 2] {
    ((REGISTERS - 1) as u16 | u16::from(LONG) << 8).to_be_bytes()
}

/// The runs in turn. They may make more or fewer registers than there are.
pub fn runs(mut bytes: &[u8]) -> impl Iterator<Item = Run> {
    std::iter::from_fn(move || {
        let run = (!bytes.is_empty()).then(|| Run::at(bytes))?;
        bytes = bytes.get(run.bytes..).unwrap_or_default();
        Some(run)
    })
}

/// The registers in their dense form.
///
/// # Errors
/// The runs do not make a whole.
pub fn to_dense(bytes: &[u8]) -> Result<Vec<u8>, Corrupted> {
    let mut registers = vec![0; dense::BYTES];
    let mut at = 0;
    for Run { rank, len, .. } in runs(bytes) {
        if at + len > REGISTERS {
            return Err(Corrupted);
        }
        if rank > 0 {
            (at..at + len).for_each(|register| {
                dense::raise(&mut registers, Place { register, rank });
            });
        }
        at += len;
    }
    if at == REGISTERS { Ok(registers) } else { Err(Corrupted) }
}

/// Raises a register in the runs that stand in `bytes` from `from` on, which may take `room` bytes
/// after a split. O(bytes).
///
/// # Errors
/// The runs end before the register.
pub fn raise(
    bytes: &mut Vec<u8>,
    from: usize,
    place: Place,
    room: usize,
) -> Result<Raised, Corrupted> {
    let Place { register, rank } = place;
    if rank > MAX_RANK {
        return Ok(Raised::Outgrown);
    }
    let Found { at, before, first, run } = find(bytes, from, register)?;
    if run.rank >= rank {
        return Ok(Raised::No);
    }
    if run.len == 1 && !run.is_long() {
        bytes[at] = ranked(rank, 1);
    } else {
        let mut split = Split::default();
        split.push(run.rank, register - first);
        split.push(rank, 1);
        split.push(run.rank, first + run.len - 1 - register);
        let split = split.as_slice();
        if split.len() > run.bytes && bytes.len() - from + split.len() - run.bytes > room {
            return Ok(Raised::Outgrown);
        }
        let end = bytes.len().min(at + run.bytes);
        bytes.splice(at..end, split.iter().copied());
    }
    join(bytes, before);
    Ok(Raised::Yes)
}

/// The run that a register belongs to.
struct Found {
    /// Where it stands.
    at: usize,
    /// Where the run before it stands, or itself if it is the first.
    before: usize,
    /// Its first register.
    first: usize,
    run: Run,
}

fn find(bytes: &[u8], from: usize, register: usize) -> Result<Found, Corrupted> {
    let (mut at, mut before, mut first) = (from, from, 0);
    while at < bytes.len() {
        let run = Run::at(&bytes[at..]);
        if register < first + run.len {
            return Ok(Found { at, before, first, run });
        }
        before = at;
        at += run.bytes;
        first += run.len;
    }
    Err(Corrupted)
}

/// Up to three runs that take the place of one.
#[derive(Default)]
struct Split {
    bytes: [u8; 5],
    len: usize,
}

impl Split {
    fn push(&mut self, rank: u8, len: usize) {
        let mut byte = |byte| {
            self.bytes[self.len] = byte;
            self.len += 1;
        };
        match (rank, len) {
            (_, 0) => {}
            (0, ..=MAX_SHORT) => byte(len as u8 - 1),
            (0, _) => {
                debug_assert!(len <= MAX_LONG);
                byte(((len - 1) >> 8) as u8 | LONG);
                byte((len - 1) as u8);
            }
            (rank, len) => byte(ranked(rank, len)),
        }
    }

    fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// Joins equal neighbours among the five runs from `at` on.
fn join(bytes: &mut Vec<u8>, mut at: usize) {
    for _ in 0..5 {
        let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) else { return };
        let run = Run::at(rest);
        if run.rank > 0 && rest.len() > 1 {
            let next = Run::at(&rest[1..]);
            let len = run.len + next.len;
            if next.rank == run.rank && len <= MAX_RANKED {
                bytes[at] = ranked(run.rank, len);
                bytes.remove(at + 1);
                continue;
            }
        }
        at += run.bytes;
    }
}

fn ranked(rank: u8, len: usize) -> u8 {
    (rank - 1) << 2 | (len - 1) as u8 | RANKED
}
