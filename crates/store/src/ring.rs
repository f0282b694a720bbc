//! The ring's file: the engine's log in memory that outlives the process, and where in the log's files
//! it had arrived.
//!
//! ```text
//! words 0…7    magic, key, boot, words of the ring, check
//! words 64…    a place; words 128…: another. The newer whole one counts
//! words 512…   the ring: frames, as the engine's log lays them out
//! ```
//! A place says: *so many bytes of that increment are everything up to this position of the log*. It is
//! noted after the bytes were written and before the frames are cleared, so that a killed process
//! leaves every frame in the file, or in the ring, or in both. After a power failure any of it may
//! be lost, of the files' last bytes as well, and the ring is left out. What is made of it: [`super::aof::recover`].

use crate::aof::encode::Encoder;
use crate::disk::{Disk, Mapping};
use larder_engine::log::frame::{HEADER_BYTES, Ring, mix};
use larder_engine::log::{Frame, Position, RingMemory, flags};
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Words before the ring: one page.
const HEADER_WORDS: usize = 512;

/// The beginning of every such file, with the version of its layout.
const MAGIC: u64 = u64::from_le_bytes(*b"LARDRNG1");

/// Words of what the file says of itself, and of a place.
const SELF_WORDS: usize = 6;
const PLACE_WORDS: usize = 7;

/// Where places lie, each in a sector of its own.
const PLACES: [usize; 2] = [64, 128];

/// What stands in the log's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Place {
    /// Number of the increment.
    pub increment: u64,
    /// Bytes of it.
    pub size: u64,
    /// Everything before this position of the log is in these bytes, or in increments before.
    pub position: Position,
    /// What the next bytes depend on.
    pub encoder: Encoder,
}

/// A ring's file, mapped.
#[derive(Debug)]
pub struct RingFile {
    mapping: Arc<dyn Mapping>,
    key: u64,
    /// Places noted so far.
    noted: u64,
}

impl RingFile {
    /// Makes the file anew, with a ring of `bytes` (a power of two). `key` is this life's own.
    ///
    /// # Errors
    /// What the disk says; `Unsupported` where nothing can be mapped.
    pub fn create(disk: &dyn Disk, path: &Path, bytes: usize, key: u64) -> io::Result<Self> {
        if let Err(error) = disk.remove(path)
            && error.kind() != io::ErrorKind::NotFound
        {
            return Err(error);
        }
        let mapping: Arc<dyn Mapping> = Arc::from(disk.map(path, HEADER_WORDS * 8 + bytes)?);
        let boot = disk.boot().unwrap_or(0);
        let says = [MAGIC, key, boot as u64, (boot >> 64) as u64, (bytes / 8) as u64];
        store(&mapping.words()[..SELF_WORDS], &says, 0);
        Ok(RingFile { mapping, key, noted: 0 })
    }

    /// The ring, for the engine's log.
    #[must_use]
    pub fn memory(&self) -> Box<dyn RingMemory> {
        Box::new(Memory { mapping: self.mapping.clone(), key: self.key })
    }

    /// Notes a place, instead of the one before the last.
    pub fn note(&mut self, place: &Place) {
        self.noted += 1;
        let Place { increment, size, position, encoder } = *place;
        let db = encoder.db.map_or(0, |db| u64::from(db) + 1);
        let says = [self.noted, increment, size, position, db, encoder.time_s];
        let at = PLACES[self.noted as usize % PLACES.len()];
        store(&self.mapping.words()[at..at + PLACE_WORDS], &says, self.key);
    }
}

/// Writes words and their check after them.
fn store(words: &[AtomicU64], says: &[u64], key: u64) {
    let mut check = key;
    // The check of what stood here must not go with half of what comes.
    words[says.len()].store(0, Ordering::SeqCst);
    for (word, &value) in words.iter().zip(says) {
        word.store(value, Ordering::SeqCst);
        check = mix(check, value);
    }
    words[says.len()].store(check, Ordering::SeqCst);
}

/// Reads them, if they are whole.
fn load<const N: usize>(words: &[AtomicU64], key: u64) -> Option<[u64; N]> {
    let word = |at: usize| words.get(at).map(|word| word.load(Ordering::SeqCst));
    let mut says = [0; N];
    let mut check = key;
    for (at, value) in says.iter_mut().enumerate() {
        *value = word(at)?;
        check = mix(check, *value);
    }
    (word(N)? == check).then_some(says)
}

#[derive(Debug)]
struct Memory {
    mapping: Arc<dyn Mapping>,
    key: u64,
}

impl RingMemory for Memory {
    fn words(&self) -> &[AtomicU64] {
        &self.mapping.words()[HEADER_WORDS..]
    }

    fn key(&self) -> u64 {
        self.key
    }
}

/// What a process has left in its ring.
#[derive(Debug)]
pub struct Left {
    words: Vec<AtomicU64>,
    key: u64,
    /// Where it had arrived.
    pub place: Place,
    /// The machine has not been restarted since: what is not there was never complete.
    pub same_boot: bool,
}

impl Left {
    /// Reads a ring's file. `None` where there is none, or nothing in it proves itself.
    ///
    /// # Errors
    /// What the disk says.
    pub fn read(disk: &dyn Disk, path: &Path) -> io::Result<Option<Left>> {
        let (mut file, size) = match disk.read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        let mut bytes = Vec::new();
        file.by_ref().take(size).read_to_end(&mut bytes)?;
        let words = bytes.as_chunks::<8>().0.iter();
        let words: Vec<AtomicU64> =
            words.map(|bytes| AtomicU64::new(u64::from_le_bytes(*bytes))).collect();
        Ok(Left::of(words, disk.boot()))
    }

    fn of(mut words: Vec<AtomicU64>, boot: Option<u128>) -> Option<Left> {
        let [magic, key, low, high, count] = load(&words, 0)?;
        let ring_words = words.len().checked_sub(HEADER_WORDS)?;
        if magic != MAGIC || count != ring_words as u64 || !ring_words.is_power_of_two() {
            return None;
        }
        let places = PLACES.map(|at| load::<6>(words.get(at..)?, key));
        let newest = places.into_iter().flatten().max_by_key(|says| says[0])?;
        let [_, increment, size, position, db, time_s] = newest;
        let db = db.checked_sub(1).map(|db| db as u8);
        let place = Place { increment, size, position, encoder: Encoder { db, time_s } };
        let same_boot = boot.is_some_and(|boot| boot == u128::from(low) | u128::from(high) << 64);
        words.drain(..HEADER_WORDS);
        Some(Left { words, key, place, same_boot })
    }

    /// The frames after the place, as far as they are certain.
    ///
    /// After a kill a frame may be missing between others: its writer had taken the room and not
    /// filled it, and still held its locks. Nobody was told of it and nothing that conflicts came
    /// after, so it never happened. After a power failure whatever is missing may have been
    /// believed by what follows: the rest is left out. So is what follows a payload that went by
    /// reference; nobody was told of it either.
    pub fn frames(&self) -> impl Iterator<Item = Frame> {
        let ring = Ring::new(&self.words, self.key);
        let mut at = self.place.position;
        let most = at + ring.map_or(0, Ring::bytes);
        std::iter::from_fn(move || {
            let ring = ring?;
            loop {
                if at + HEADER_BYTES > most {
                    return None;
                }
                match ring.verified(at) {
                    Some(frame) if frame.head.flags & flags::BY_REFERENCE != 0 => return None,
                    Some(frame) => {
                        at = frame.end;
                        return Some(frame);
                    }
                    None if !self.same_boot => return None,
                    None => at += 8,
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::double::Double;
    use larder_engine::log::{Head, LEAST_RING_BYTES, Log};

    const PATH: &str = "ring";

    fn frames(disk: &Double) -> Vec<Vec<u8>> {
        let left = Left::read(disk, Path::new(PATH)).unwrap().unwrap();
        left.frames().map(|frame| frame.payload).collect()
    }

    #[test]
    fn a_killed_process_leaves_its_frames_and_its_place() {
        let disk = Double::new();
        let mut ring = RingFile::create(&disk, Path::new(PATH), LEAST_RING_BYTES, 99).unwrap();
        assert!(Left::read(&disk.killed(), Path::new(PATH)).unwrap().is_none(), "no place yet");
        let log = Log::default();
        log.lend(ring.memory());
        log.set_on(true);
        let append = |text: &[u8]| log.append(Head::default(), text.to_vec());
        ring.note(&Place::default());
        let first = append(b"one");
        append(b"two");
        assert_eq!(frames(&disk.killed()), [b"one", b"two"]);
        let encoder = Encoder { db: Some(0), time_s: 4 };
        let place = Place { increment: 3, size: 7, position: first, encoder };
        ring.note(&place);
        log.give_back(first);
        let killed = disk.killed();
        let left = Left::read(&killed, Path::new(PATH)).unwrap().unwrap();
        assert_eq!((left.place, left.same_boot), (place, true));
        assert_eq!(frames(&killed), [b"two"]);
        append(&vec![0; larder_engine::log::MAX_COPIED + 1]);
        append(b"three");
        assert_eq!(frames(&disk.killed()), [b"two"], "nobody was told of what follows");
    }

    #[test]
    fn a_hole_is_passed_over_after_a_kill_only() {
        let disk = Double::new();
        let mut ring = RingFile::create(&disk, Path::new(PATH), LEAST_RING_BYTES, 99).unwrap();
        let log = Log::default();
        log.lend(ring.memory());
        ring.note(&Place::default());
        let first = log.append(Head::default(), b"one".to_vec());
        log.append(Head::default(), b"two".to_vec());
        ring.memory().words()[0].store(0, Ordering::SeqCst);
        assert_eq!(frames(&disk.killed()), [b"two"]);
        assert_eq!(first, 40);
        for seed in 0..100 {
            if let Some(left) = Left::read(&disk.power_lost(seed), Path::new(PATH)).unwrap() {
                assert_eq!(left.frames().count(), 0);
            }
        }
    }
}
