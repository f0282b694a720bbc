//! A disk in memory that knows what a crash may leave of it.
//!
//! For tests, those of other crates too. Every file knows what of it was synced and what was written
//! since; every name of a folder knows the files that it may stand for. From that follow the two
//! kinds of disk that a next process may find:
//!
//! * [`Double::killed`]: the process died. Everything it wrote is there, in mapped memory too.
//! * [`Double::power_lost`]: one of the many states after a power failure. Of what was not synced,
//!   each sector is old or new by itself; a longer file may be of any length in between; a name may
//!   stand for any file that it stood for since its folder was synced; of mapped memory each sector
//!   is new, older or zeros.
//!
//! Whoever [watches](Double::watch) is called after each operation, to look at such states. Faults
//! can be ordered: a full disk, syncs that fail. Knows no format.
#![allow(clippy::unwrap_used, reason = "a test's disk: a poisoned lock is a failed test")]

use super::{Disk, File, Mapping};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

/// What is written to the medium at once.
const SECTOR: usize = 512;

/// A disk in memory. Clones are the same disk.
#[derive(Clone)]
pub struct Double(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    watcher: Mutex<Option<Watcher>>,
}

type Watcher = Box<dyn FnMut(&Double) + Send>;

#[derive(Default)]
struct State {
    inodes: Vec<Inode>,
    /// Every name, with the files that it may stand for after a power failure, the present one last.
    names: BTreeMap<PathBuf, Vec<Option<usize>>>,
    folders: Vec<PathBuf>,
    boot: u64,
    faults: Faults,
    operations: u64,
}

/// What is ordered to go wrong.
#[derive(Debug, Clone, Copy, Default)]
pub struct Faults {
    /// Bytes that may still be written before the disk is full.
    pub room: Option<u64>,
    /// How many of the next syncs fail.
    pub syncs: u32,
    /// Files cannot be mapped.
    pub no_mapping: bool,
}

#[derive(Default)]
struct Inode {
    data: Vec<u8>,
    synced: Vec<u8>,
    /// Sectors that differ since the last sync, with what they have held; lost for good where a
    /// sync failed.
    lost: bool,
    words: Option<Arc<Words>>,
}

#[derive(Debug)]
struct Words {
    words: Box<[AtomicU64]>,
    /// What the kernel may have written by itself, a while ago.
    earlier: Mutex<Vec<u64>>,
}

#[derive(Debug)]
struct DoubleFile {
    disk: Double,
    inode: usize,
}

#[derive(Debug)]
struct DoubleMapping(Arc<Words>);

impl fmt::Debug for Double {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Double").finish_non_exhaustive()
    }
}

impl Default for Double {
    fn default() -> Self {
        Double::new()
    }
}

impl Double {
    /// An empty disk.
    #[must_use]
    pub fn new() -> Self {
        Double::of(State { boot: 1, ..State::default() })
    }

    fn of(state: State) -> Self {
        Double(Arc::new(Shared { state: Mutex::new(state), watcher: Mutex::default() }))
    }

    /// Calls somebody after each operation, and whenever [`look`](Self::look) is called. What that
    /// one does to the disk itself is not watched.
    pub fn watch(&self, watcher: impl FnMut(&Double) + Send + 'static) {
        *self.0.watcher.lock().unwrap() = Some(Box::new(watcher));
    }

    /// Calls who watches.
    pub fn look(&self) {
        let watcher = self.0.watcher.try_lock().ok().and_then(|mut watcher| watcher.take());
        if let Some(mut watcher) = watcher {
            watcher(self);
            *self.0.watcher.lock().unwrap() = Some(watcher);
        }
    }

    /// Orders faults from now on, instead of those before.
    pub fn order(&self, faults: Faults) {
        self.state().faults = faults;
    }

    /// How much was done to the disk so far.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.state().operations
    }

    /// The disk as the next process finds it after this one was killed.
    #[must_use]
    pub fn killed(&self) -> Double {
        let state = self.state();
        let inodes = state.inodes.iter().map(|inode| Inode {
            data: inode.now(),
            synced: inode.synced.clone(),
            lost: inode.lost,
            words: None,
        });
        Double::of(State {
            inodes: inodes.collect(),
            names: state.names.clone(),
            folders: state.folders.clone(),
            boot: state.boot,
            ..State::default()
        })
    }

    /// A disk as it may be after a power failure; the seed chooses. Even seeds lose everything that
    /// may be lost, or nothing, more often than the odd ones.
    #[must_use]
    pub fn power_lost(&self, seed: u64) -> Double {
        let state = self.state();
        let mut dice = Dice::new(seed);
        let inodes: Vec<Inode> = state.inodes.iter().map(|inode| inode.torn(&mut dice)).collect();
        let mut names = BTreeMap::new();
        for (name, history) in &state.names {
            let chosen = history[dice.choose(history.len())];
            if chosen.is_some() {
                names.insert(name.clone(), vec![chosen]);
            }
        }
        let folders = state.folders.clone();
        let boot = state.boot + 1;
        Double::of(State { inodes, names, folders, boot, ..State::default() })
    }

    /// What a file holds, `None` where there is none.
    #[must_use]
    pub fn contents(&self, path: &Path) -> Option<Vec<u8>> {
        let state = self.state();
        Some(state.inodes[state.find(path)?].now())
    }

    /// Makes the folder `d`, where tests put their data.
    pub fn create_root(&self) {
        self.state().folders.push(PathBuf::from("d"));
    }

    /// Puts a file there that lasts.
    pub fn put(&self, path: &Path, bytes: &[u8]) {
        let mut state = self.state();
        let inode = Inode { data: bytes.to_vec(), synced: bytes.to_vec(), ..Inode::default() };
        state.inodes.push(inode);
        let number = state.inodes.len() - 1;
        state.names.insert(path.to_path_buf(), vec![Some(number)]);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap()
    }

    /// Does something, and tells who watches.
    fn operate<R>(&self, work: impl FnOnce(&mut State) -> io::Result<R>) -> io::Result<R> {
        let result = {
            let mut state = self.state();
            state.operations += 1;
            work(&mut state)
        };
        self.look();
        result
    }
}

impl State {
    fn find(&self, path: &Path) -> Option<usize> {
        self.names.get(path).and_then(|history| history.last().copied().flatten())
    }

    fn need(&self, path: &Path) -> io::Result<usize> {
        self.find(path).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn name(&mut self, path: &Path, inode: Option<usize>) {
        self.names.entry(path.to_path_buf()).or_insert_with(|| vec![None]).push(inode);
    }

    fn make(&mut self, path: &Path, inode: Inode) -> io::Result<usize> {
        let parent = path.parent().unwrap_or(Path::new(""));
        if !parent.as_os_str().is_empty() && !self.folders.iter().any(|folder| folder == parent) {
            return Err(io::ErrorKind::NotFound.into());
        }
        if self.faults.room == Some(0) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.inodes.push(inode);
        let number = self.inodes.len() - 1;
        self.name(path, Some(number));
        Ok(number)
    }

    fn sync(&mut self, inode: usize) -> io::Result<()> {
        if self.faults.syncs > 0 {
            self.faults.syncs -= 1;
            // The kernel forgets what it could not write and takes it for clean.
            self.inodes[inode].lost = true;
            return Err(io::Error::from_raw_os_error(5));
        }
        let inode = &mut self.inodes[inode];
        if !inode.lost {
            inode.synced = inode.data.clone();
        }
        Ok(())
    }
}

impl Inode {
    /// What whoever reads it now sees.
    fn now(&self) -> Vec<u8> {
        match &self.words {
            Some(words) => words.bytes(),
            None => self.data.clone(),
        }
    }

    /// What may be left of it.
    fn torn(&self, dice: &mut Dice) -> Inode {
        let data = match &self.words {
            Some(words) => words.torn(dice),
            None if self.lost => self.synced.clone(),
            None => {
                let (old, new) = (&self.synced, &self.data);
                let shortest = old.len().min(new.len());
                let longest = old.len().max(new.len());
                let length = match dice.choose(3) {
                    0 => old.len(),
                    1 => new.len(),
                    _ => shortest + dice.below(longest - shortest + 1),
                };
                mix_sectors(length, &[old, new], dice)
            }
        };
        Inode { synced: data.clone(), data, ..Inode::default() }
    }
}

/// Each sector out of one of several versions; what none of them has is zeros.
fn mix_sectors(length: usize, versions: &[&[u8]], dice: &mut Dice) -> Vec<u8> {
    let mut mixed = vec![0; length];
    let same = dice.choose(versions.len() + 1);
    for (at, sector) in mixed.chunks_mut(SECTOR).enumerate() {
        let at = at * SECTOR;
        let chosen = if same < versions.len() { same } else { dice.below(versions.len()) };
        let from = versions[chosen].get(at..).unwrap_or(&[]);
        let bytes = from.len().min(sector.len());
        sector[..bytes].copy_from_slice(&from[..bytes]);
    }
    mixed
}

impl Words {
    fn bytes(&self) -> Vec<u8> {
        self.words.iter().flat_map(|word| word.load(Ordering::SeqCst).to_le_bytes()).collect()
    }

    fn torn(&self, dice: &mut Dice) -> Vec<u8> {
        let new = self.bytes();
        let mut earlier = self.earlier.lock().unwrap();
        let old: Vec<u8> = earlier.iter().flat_map(|word| word.to_le_bytes()).collect();
        let torn = mix_sectors(new.len(), &[&[], &old, &new], dice);
        if dice.below(4) == 0 {
            *earlier = self.words.iter().map(|word| word.load(Ordering::SeqCst)).collect();
        }
        torn
    }
}

impl Disk for Double {
    fn create(&self, path: &Path) -> io::Result<Box<dyn File>> {
        let inode = self.operate(|state| match state.find(path) {
            Some(inode) => {
                state.inodes[inode].data.clear();
                Ok(inode)
            }
            None => state.make(path, Inode::default()),
        })?;
        Ok(Box::new(DoubleFile { disk: self.clone(), inode }))
    }

    fn append(&self, path: &Path) -> io::Result<Box<dyn File>> {
        let inode = self.operate(|state| match state.find(path) {
            Some(inode) => Ok(inode),
            None => state.make(path, Inode::default()),
        })?;
        Ok(Box::new(DoubleFile { disk: self.clone(), inode }))
    }

    fn read(&self, path: &Path) -> io::Result<(Box<dyn Read + Send>, u64)> {
        let state = self.state();
        let data = state.inodes[state.need(path)?].now();
        let size = data.len() as u64;
        Ok((Box::new(io::Cursor::new(data)), size))
    }

    fn cut(&self, path: &Path, size: u64) -> io::Result<()> {
        self.operate(|state| {
            let inode = state.need(path)?;
            state.inodes[inode].data.truncate(size as usize);
            Ok(())
        })?;
        self.operate(|state| {
            let inode = state.need(path)?;
            state.sync(inode)
        })
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.operate(|state| {
            let inode = state.need(from)?;
            state.name(from, None);
            state.name(to, Some(inode));
            Ok(())
        })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.operate(|state| {
            state.need(path)?;
            state.name(path, None);
            Ok(())
        })
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<OsString>> {
        let state = self.state();
        let there =
            state.names.iter().filter(|(_, history)| matches!(history.last(), Some(Some(_))));
        let inside = there.filter(|(path, _)| path.parent() == Some(folder));
        Ok(inside.filter_map(|(path, _)| path.file_name().map(OsString::from)).collect())
    }

    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        self.operate(|state| {
            if !state.folders.iter().any(|other| other == folder) {
                state.folders.push(folder.to_path_buf());
            }
            Ok(())
        })
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.operate(|state| {
            for (path, history) in &mut state.names {
                if path.parent() == Some(folder) {
                    history.drain(..history.len() - 1);
                }
            }
            Ok(())
        })
    }

    fn map(&self, path: &Path, bytes: usize) -> io::Result<Box<dyn Mapping>> {
        if self.state().faults.no_mapping {
            return Err(io::ErrorKind::Unsupported.into());
        }
        let words = self.operate(|state| {
            let words = Arc::new(Words {
                words: (0..bytes / 8).map(|_| AtomicU64::new(0)).collect(),
                earlier: Mutex::new(vec![0; bytes / 8]),
            });
            let inode = match state.find(path) {
                Some(inode) if state.inodes[inode].data.len() == bytes => inode,
                _ => state.make(path, Inode::default())?,
            };
            let data = std::mem::take(&mut state.inodes[inode].data);
            for (word, bytes) in words.words.iter().zip(data.as_chunks::<8>().0) {
                word.store(u64::from_le_bytes(*bytes), Ordering::SeqCst);
            }
            state.inodes[inode].words = Some(words.clone());
            Ok(words)
        })?;
        Ok(Box::new(DoubleMapping(words)))
    }

    fn boot(&self) -> Option<u128> {
        Some(self.state().boot.into())
    }
}

impl Write for DoubleFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let inode = self.inode;
        self.disk.operate(|state| {
            let room = state.faults.room.map_or(usize::MAX, |room| room as usize);
            if room == 0 && !bytes.is_empty() {
                return Err(io::ErrorKind::StorageFull.into());
            }
            let taken = bytes.len().min(room);
            state.inodes[inode].data.extend_from_slice(&bytes[..taken]);
            state.faults.room = state.faults.room.map(|room| room - taken as u64);
            Ok(taken)
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl File for DoubleFile {
    fn sync(&mut self) -> io::Result<()> {
        let inode = self.inode;
        self.disk.operate(|state| state.sync(inode))
    }
}

impl Mapping for DoubleMapping {
    fn words(&self) -> &[AtomicU64] {
        &self.0.words
    }
}

/// Small, seeded and good enough to choose by.
struct Dice(u64);

impl Dice {
    fn new(seed: u64) -> Self {
        Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % bound.max(1)
    }

    /// Like [`below`](Self::below), but rather the first or the last.
    fn choose(&mut self, bound: usize) -> usize {
        match self.below(3) {
            0 => 0,
            1 => bound - 1,
            _ => self.below(bound),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_synced_stays_and_the_rest_may_go() {
        let (disk, folder) = (Double::new(), Path::new("d"));
        disk.create_folder(folder).unwrap();
        let path = folder.join("f");
        let mut file = disk.create(&path).unwrap();
        file.write_all(&[1; 700]).unwrap();
        file.sync().unwrap();
        disk.sync_folder(folder).unwrap();
        file.write_all(&[2; 2000]).unwrap();
        assert_eq!(disk.killed().contents(&path).unwrap().len(), 2700);
        let mut lengths = Vec::new();
        for seed in 0..200 {
            let left = disk.power_lost(seed).contents(&path).unwrap();
            assert!(left.len() >= 700 && left[..700].iter().all(|&byte| byte == 1));
            assert!(left[700..].iter().all(|&byte| byte == 2 || byte == 0));
            lengths.push(left.len());
        }
        assert!(lengths.contains(&700) && lengths.contains(&2700));
        assert!(lengths.iter().any(|length| !matches!(length, 700 | 2700)));
    }

    #[test]
    fn names_last_when_their_folder_is_synced() {
        let (disk, folder) = (Double::new(), Path::new("d"));
        disk.create_folder(folder).unwrap();
        disk.put(&folder.join("b"), b"old");
        disk.replace(&folder.join("b"), &mut |file| file.write_all(b"new")).unwrap();
        for seed in 0..50 {
            assert_eq!(disk.power_lost(seed).contents(&folder.join("b")).unwrap(), b"new");
        }
        disk.rename(&folder.join("b"), &folder.join("c")).unwrap();
        let seen: Vec<bool> = (0..50)
            .map(|seed| disk.power_lost(seed).contents(&folder.join("c")).is_some())
            .collect();
        assert!(seen.contains(&true) && seen.contains(&false));
    }

    #[test]
    fn a_failed_sync_loses_what_was_written() {
        let (disk, path) = (Double::new(), Path::new("f"));
        let mut file = disk.create(path).unwrap();
        disk.sync_folder(Path::new("")).unwrap();
        file.write_all(b"abc").unwrap();
        disk.order(Faults { syncs: 1, ..Faults::default() });
        assert!(file.sync().is_err());
        file.sync().unwrap();
        assert!((0..20).all(|seed| disk.power_lost(seed).contents(path).unwrap().is_empty()));
    }
}
