//! HyperLogLogs: strings that estimate how many distinct elements they were given.
//!
//! ```text
//! ┌──────┬──────────┬─────────┬──────────────────────────────┬───────────┐
//! │ HYLL │ encoding │ 3 bytes │ cardinality, 8 bytes, lowest │ registers │
//! │      │  0 or 1  │ unused  │ first; top bit: out of date  │           │
//! └──────┴──────────┴─────────┴──────────────────────────────┴───────────┘
//! ```
//! The bytes are Redis's to the last, so that `GET`, `DUMP` and files carry them from one to the
//! other: 16,384 registers of 6 bits, found by 14 bits of an element's [`hash`], packed one after
//! the other ([`dense`]) or by runs of equal ones ([`sparse`]). [`estimate`] makes a number of
//! them. Here: what commands call. Knows no words and no replies.

pub mod dense;
pub mod estimate;
pub mod hash;
pub mod sparse;

use crate::error::Error;
use crate::keys::Keys;
use crate::keyspace::{Expiry, Gate, ValueRef};
use crate::values::string;
use estimate::Histogram;
use hash::Place;

/// Registers of a HyperLogLog.
pub const REGISTERS: usize = 1 << 14;

/// Bytes before the registers.
pub const HEADER: usize = 16;

const MAGIC: [u8; 4] = *b"HYLL";
const ENCODING_AT: usize = 4;
const CARDINALITY_AT: usize = 8;
const DENSE: u8 = 0;
const SPARSE: u8 = 1;
const OUT_OF_DATE: u8 = 0x80;

const NOT_ONE: Error = Error::text("WRONGTYPE Key is not a valid HyperLogLog string value.");

const CORRUPTED: Error = Error::text("INVALIDOBJ Corrupted HLL object detected");

/// Runs of registers that do not make a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Corrupted;

impl From<Corrupted> for Error {
    fn from(_: Corrupted) -> Error {
        CORRUPTED
    }
}

/// The registers of a HyperLogLog, as a reader sees them.
#[derive(Debug, Clone, Copy)]
pub enum Registers<'a> {
    /// Packed one after the other.
    Dense(&'a [u8]),
    /// Runs of equal ones, which may be corrupted.
    Sparse(&'a [u8]),
}

/// A HyperLogLog as a reader sees it: its bytes, of which header and length are right.
#[derive(Debug, Clone, Copy)]
pub struct Sketch<'a>(&'a [u8]);

/// A value that must be a HyperLogLog, if it is there.
///
/// # Errors
/// Another type, or another string.
pub fn sketch_of(value: Option<ValueRef<'_>>) -> Result<Option<Sketch<'_>>, Error> {
    let Some(bytes) = crate::keys::string_of(value)? else { return Ok(None) };
    let right = bytes.len() >= HEADER
        && bytes[..ENCODING_AT] == MAGIC
        && match bytes[ENCODING_AT] {
            DENSE => bytes.len() == HEADER + dense::BYTES,
            encoding => encoding == SPARSE,
        };
    if right { Ok(Some(Sketch(bytes))) } else { Err(NOT_ONE) }
}

impl<'a> Sketch<'a> {
    /// Its registers.
    pub fn registers(self) -> Registers<'a> {
        match (self.0[ENCODING_AT], &self.0[HEADER..]) {
            (DENSE, registers) => Registers::Dense(registers),
            (_, runs) => Registers::Sparse(runs),
        }
    }

    /// The cardinality that was found last, unless registers have changed since.
    pub fn known_cardinality(self) -> Option<u64> {
        let (bytes, _) = self.0[CARDINALITY_AT..].split_first_chunk()?;
        (bytes[7] & OUT_OF_DATE == 0).then_some(u64::from_le_bytes(*bytes))
    }

    /// The cardinality that its registers show. O(1).
    ///
    /// # Errors
    /// Its runs do not make a whole.
    pub fn estimate(self) -> Result<u64, Corrupted> {
        let mut histogram = Histogram::default();
        match self.registers() {
            Registers::Dense(registers) => dense::each(registers, |rank| histogram.add(rank, 1)),
            Registers::Sparse(runs) => {
                let mut sum = 0;
                for run in sparse::runs(runs) {
                    histogram.add(run.rank, run.len);
                    sum += run.len;
                }
                if sum != REGISTERS {
                    return Err(Corrupted);
                }
            }
        }
        Ok(histogram.estimate())
    }

    /// Raises each of `ranks` to its own.
    ///
    /// # Errors
    /// Its runs do not make a whole.
    fn merge_into(self, ranks: &mut Ranks) -> Result<(), Corrupted> {
        let mut at = 0;
        match self.registers() {
            Registers::Dense(registers) => dense::each(registers, |rank| {
                ranks[at] = ranks[at].max(rank);
                at += 1;
            }),
            Registers::Sparse(runs) => {
                for run in sparse::runs(runs) {
                    let end = at + run.len;
                    if end > REGISTERS {
                        return Err(Corrupted);
                    }
                    ranks[at..end].iter_mut().for_each(|rank| *rank = (*rank).max(run.rank));
                    at = end;
                }
                if at != REGISTERS {
                    return Err(Corrupted);
                }
            }
        }
        Ok(())
    }
}

/// A register a byte.
type Ranks = [u8; REGISTERS];

/// A HyperLogLog under change.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Draft(Vec<u8>);

impl Draft {
    /// One that was given nothing.
    fn new() -> Self {
        let mut bytes = vec![0; HEADER];
        bytes[..ENCODING_AT].copy_from_slice(&MAGIC);
        bytes[ENCODING_AT] = SPARSE;
        bytes.extend_from_slice(&sparse::empty());
        Draft(bytes)
    }

    fn is_dense(&self) -> bool {
        self.0[ENCODING_AT] == DENSE
    }

    /// Raises a register to a rank; whether it was lower. A sparse one that would take more than
    /// `sparse_max` bytes, or cannot hold the rank, becomes dense.
    fn raise(&mut self, place: Place, sparse_max: usize) -> Result<bool, Corrupted> {
        if !self.is_dense() {
            let room = sparse_max.saturating_sub(HEADER);
            match sparse::raise(&mut self.0, HEADER, place, room)? {
                sparse::Raised::Yes => return Ok(true),
                sparse::Raised::No => return Ok(false),
                sparse::Raised::Outgrown => self.make_dense()?,
            }
        }
        Ok(dense::raise(&mut self.0[HEADER..], place))
    }

    fn make_dense(&mut self) -> Result<(), Corrupted> {
        if self.is_dense() {
            return Ok(());
        }
        let registers = sparse::to_dense(&self.0[HEADER..])?;
        self.0.truncate(HEADER);
        self.0.extend_from_slice(&registers);
        self.0[ENCODING_AT] = DENSE;
        Ok(())
    }

    fn put(mut self, gate: &mut Gate<'_>) {
        expire_cardinality(&mut self.0);
        string::put_raw(gate, self.0, Expiry::Keep);
    }
}

/// Adds elements to a key's HyperLogLog, which is made if there is none; whether it was made or a
/// register has changed.
///
/// # Errors
/// The key holds none, or a corrupted one; nothing has changed then.
pub fn add(keys: &mut Keys<'_>, key: &[u8], elements: &[&[u8]]) -> Result<bool, Error> {
    let sparse_max = keys.config().hll_sparse_max_bytes();
    let mut gate = keys.write(key);
    let places = elements.iter().map(|element| hash::place(element));
    let sketch = sketch_of(gate.value())?;
    if let Some(Registers::Dense(registers)) = sketch.map(Sketch::registers) {
        let raised = |place: &Place| dense::rank(registers, place.register) < place.rank;
        let places: smallvec::SmallVec<[Place; 8]> = places.filter(raised).collect();
        if !places.is_empty() {
            gate.edit_bytes(0, |bytes| {
                for place in &places {
                    dense::raise(&mut bytes[HEADER..], *place);
                }
                expire_cardinality(bytes);
            });
        }
        return Ok(!places.is_empty());
    }
    let (mut draft, mut changed) = match sketch {
        Some(sketch) => (Draft(sketch.0.to_vec()), false),
        None => (Draft::new(), true),
    };
    for place in places {
        changed |= draft.raise(place, sparse_max)?;
    }
    if changed {
        draft.put(&mut gate);
    }
    Ok(changed)
}

/// The cardinality of a key's HyperLogLog, which remembers it; 0 where there is none.
///
/// # Errors
/// The key holds none, or a corrupted one.
pub fn count(keys: &mut Keys<'_>, key: &[u8]) -> Result<u64, Error> {
    let Some(sketch) = sketch_of(keys.read(key))? else { return Ok(0) };
    if let Some(cardinality) = sketch.known_cardinality() {
        return Ok(cardinality);
    }
    let cardinality = sketch.estimate()?;
    keys.write(key).edit_bytes(0, |bytes| {
        bytes[CARDINALITY_AT..HEADER].copy_from_slice(&cardinality.to_le_bytes());
    });
    Ok(cardinality)
}

/// The cardinality of the union of some keys' HyperLogLogs.
///
/// # Errors
/// A key holds none, or a corrupted one.
pub fn count_union(keys: &Keys<'_>, names: &[&[u8]]) -> Result<u64, Error> {
    let mut union = Union::default();
    for name in names {
        union.add(sketch_of(keys.read(name))?)?;
    }
    let mut histogram = Histogram::default();
    union.ranks.iter().for_each(|&rank| histogram.add(rank, 1));
    Ok(histogram.estimate())
}

/// Makes a key's HyperLogLog the union of itself and others.
///
/// # Errors
/// A key holds none, or a corrupted one; nothing has changed then.
pub fn merge(keys: &mut Keys<'_>, destination: &[u8], sources: &[&[u8]]) -> Result<(), Error> {
    let sparse_max = keys.config().hll_sparse_max_bytes();
    let mut union = Union::default();
    union.add(sketch_of(keys.read(destination))?)?;
    for source in sources {
        union.add(sketch_of(keys.read(source))?)?;
    }
    let mut gate = keys.write(destination);
    let mut draft = match sketch_of(gate.value())? {
        Some(sketch) => Draft(sketch.0.to_vec()),
        None => Draft::new(),
    };
    if union.any_dense {
        draft.make_dense()?;
    }
    let ranks = union.ranks.iter().enumerate().filter(|(_, rank)| **rank > 0);
    for (register, &rank) in ranks {
        draft.raise(Place { register, rank }, sparse_max)?;
    }
    draft.put(&mut gate);
    Ok(())
}

/// Makes a key's HyperLogLog dense; whether it was sparse.
///
/// # Errors
/// The key holds none, or a corrupted one.
pub fn make_dense(keys: &mut Keys<'_>, key: &[u8]) -> Result<bool, Error> {
    let mut gate = keys.write(key);
    let Some(sketch) = sketch_of(gate.value())? else { return Ok(false) };
    let mut draft = Draft(sketch.0.to_vec());
    if draft.is_dense() {
        return Ok(false);
    }
    draft.make_dense()?;
    string::put_raw(&mut gate, draft.0, Expiry::Keep);
    Ok(true)
}

/// The highest rank of each register among several.
struct Union {
    ranks: Box<Ranks>,
    any_dense: bool,
}

impl Default for Union {
    fn default() -> Self {
        Union { ranks: Box::new([0; REGISTERS]), any_dense: false }
    }
}

impl Union {
    fn add(&mut self, sketch: Option<Sketch<'_>>) -> Result<(), Corrupted> {
        let Some(sketch) = sketch else { return Ok(()) };
        self.any_dense |= matches!(sketch.registers(), Registers::Dense(_));
        sketch.merge_into(&mut self.ranks)
    }
}

/// Notes that the cardinality in the header is no longer that of the registers.
fn expire_cardinality(bytes: &mut [u8]) {
    bytes[HEADER - 1] |= OUT_OF_DATE;
}

/// Checks registers of both encodings against an array, and estimates against the truth.
///
/// # Errors
/// What was not as expected.
pub fn self_test() -> Result<(), String> {
    const ELEMENTS: u64 = 200_000;
    const TOLERATED: f64 = 5.0 * 1.04 / 128.0;
    let mut ranks = [0u8; REGISTERS];
    let mut sparse = Draft::new();
    let mut dense = sparse.clone();
    dense.make_dense().map_err(|_| "an empty one is corrupted".to_owned())?;
    let mut checked = 1;
    for element in 1..=ELEMENTS {
        let place = hash::place(&element.to_le_bytes());
        let expected = ranks[place.register] < place.rank;
        ranks[place.register] = ranks[place.register].max(place.rank);
        // Runs without a bound on their bytes get slow.
        let limit = if element < 5000 { usize::MAX } else { 0 };
        let raised = (dense.raise(place, 0), sparse.raise(place, limit));
        if raised != (Ok(expected), Ok(expected)) {
            return Err(format!("element {element} raises {raised:?}, not {expected}"));
        }
        if element == checked {
            checked *= 10;
            let estimates = [&dense, &sparse].map(|draft| Sketch(&draft.0).estimate());
            let [Ok(estimate), Ok(same)] = estimates else {
                return Err(format!("{element} elements are {estimates:?}"));
            };
            let error = (estimate as f64 - element as f64).abs();
            if estimate != same || error > (TOLERATED * element as f64).max(1.0) {
                return Err(format!("{element} elements are estimated as {estimate}, {same}"));
            }
        }
    }
    let mut at = 0;
    let mut wrong = 0;
    dense::each(&dense.0[HEADER..], |rank| {
        wrong += usize::from(ranks[at] != rank);
        at += 1;
    });
    if wrong > 0 { Err(format!("{wrong} registers differ")) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_agree_and_estimates_are_near() {
        self_test().unwrap();
    }

    /// For every bound on the bytes of runs, the registers are those of the dense form.
    #[test]
    fn registers_do_not_depend_on_the_encoding() {
        let mut rng = fastrand::Rng::with_seed(4);
        for sparse_max in [0, 18, 100, 3000, 20_000] {
            let (mut draft, mut ranks) = (Draft::new(), [0u8; REGISTERS]);
            for _ in 0..4000 {
                let place = Place {
                    register: rng.usize(..300) * rng.usize(1..55),
                    rank: if rng.u32(..3000) == 0 { 40 } else { rng.u8(1..4) },
                };
                let raised = ranks[place.register] < place.rank;
                assert_eq!(draft.raise(place, sparse_max), Ok(raised));
                ranks[place.register] = ranks[place.register].max(place.rank);
            }
            let mut union = Union::default();
            union.add(Some(Sketch(&draft.0))).unwrap();
            assert_eq!(*union.ranks, ranks, "at most {sparse_max} bytes");
        }
    }

    #[test]
    fn corrupted_runs_are_found() {
        let whole = Draft::new().0;
        for runs in [&[][..], &[0x7f], &[0x7f, 0xfe], &[0x7f, 0xff, 0x00], &[0xff; 5000]] {
            let bytes = [&whole[..HEADER], runs].concat();
            let sketch = Sketch(&bytes);
            assert_eq!(sketch.estimate(), Err(Corrupted), "{runs:?}");
            assert_eq!(Union::default().add(Some(sketch)), Err(Corrupted), "{runs:?}");
            assert_eq!(Draft(bytes.clone()).make_dense(), Err(Corrupted), "{runs:?}");
        }
    }
}
