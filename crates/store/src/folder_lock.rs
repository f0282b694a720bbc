//! The lock of the data folder: two processes never believe that one folder is theirs.
//!
//! The kernel holds it for the open file, so it ends with the process however that ends. The file
//! stays where it is; what it says (the process's number, and where it is reached) is for the
//! sentence only.
#![allow(clippy::disallowed_methods, reason = "a file of the store's, at its edge")]

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Name of the file in the data folder.
pub const FILE_NAME: &str = "larder.lock";

/// The most that is read of such a file.
const MOST_BYTES: u64 = 4096;

/// The lock, held until this is dropped; a child of a fork holds it as well.
#[derive(Debug)]
pub struct FolderLock {
    file: File,
}

/// Who has a folder, as far as it says so.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Owner {
    /// The process's number.
    pub pid: Option<u32>,
    /// Where it is reached.
    pub address: Option<String>,
}

/// Why a folder is not ours.
#[derive(Debug)]
pub enum NotOurs {
    /// Another process has it.
    Taken(Owner),
    /// The lock cannot be made.
    Failed(io::Error),
}

impl std::fmt::Display for NotOurs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            NotOurs::Taken(owner) => {
                f.write_str("another process has it")?;
                owner.pid.map_or(Ok(()), |pid| write!(f, " ({pid})"))?;
                owner.address.as_ref().map_or(Ok(()), |at| write!(f, ", reached at {at}"))
            }
            NotOurs::Failed(error) => write!(f, "it cannot be locked: {error}"),
        }
    }
}

impl FolderLock {
    /// Takes the lock of a folder, without waiting.
    ///
    /// # Errors
    /// [`NotOurs`].
    pub fn take(dir: &Path) -> Result<Self, NotOurs> {
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let file = options.open(dir.join(FILE_NAME)).map_err(NotOurs::Failed)?;
        match file.try_lock() {
            Ok(()) => Ok(FolderLock { file }),
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                // What cannot be read names nobody.
                let _ = file.take(MOST_BYTES).read_to_string(&mut text);
                Err(NotOurs::Taken(Owner::of(&text)))
            }
            Err(TryLockError::Error(error)) => Err(NotOurs::Failed(error)),
        }
    }

    /// Writes into the file who has it: this process, and where it is reached once that is known.
    ///
    /// # Errors
    /// What the system says.
    pub fn sign(&mut self, address: Option<&str>) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.rewind()?;
        let address = address.unwrap_or_default();
        self.file.write_all(format!("{}\n{address}\n", std::process::id()).as_bytes())
    }
}

impl Owner {
    fn of(text: &str) -> Owner {
        let mut lines = text.lines();
        let pid = lines.next().and_then(|line| line.trim().parse().ok());
        let address = lines.next().map(str::trim).filter(|line| !line.is_empty());
        Owner { pid, address: address.map(str::to_owned) }
    }
}

impl std::fmt::Display for Owner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.pid, &self.address) {
            (Some(pid), Some(address)) => write!(f, "process {pid}, on {address}"),
            (Some(pid), None) => write!(f, "process {pid}"),
            _ => f.write_str("a process that did not say its number"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time_and_the_other_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let owner = || match FolderLock::take(folder.path()).unwrap_err() {
            NotOurs::Taken(owner) => owner,
            NotOurs::Failed(error) => panic!("{error}"),
        };
        let mut lock = FolderLock::take(folder.path()).unwrap();
        assert_eq!(owner(), Owner::default());
        lock.sign(None).unwrap();
        let pid = std::process::id();
        assert_eq!(owner().to_string(), format!("process {pid}"));
        lock.sign(Some("127.0.0.1:6379")).unwrap();
        assert_eq!(owner().to_string(), format!("process {pid}, on 127.0.0.1:6379"));
        drop(lock);
        assert!(FolderLock::take(folder.path()).is_ok());
        let failed = FolderLock::take(&folder.path().join("missing")).unwrap_err();
        assert!(matches!(failed, NotOurs::Failed(_)));
    }
}
