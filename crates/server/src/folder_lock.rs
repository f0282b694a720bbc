//! The lock of the data folder: two servers never believe that one folder is theirs.
//!
//! The kernel holds it for the open file, so it ends with the process however that ends. The file
//! stays where it is; what it says (the process's number) is for the sentence only.
#![allow(clippy::disallowed_methods, reason = "a file of the server's, at its edge")]

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Name of the file in the data folder.
pub const FILE_NAME: &str = "larder.lock";

/// The lock, held until this is dropped; a child of a fork holds it as well.
#[derive(Debug)]
pub struct FolderLock {
    file: File,
}

/// Why a folder is not ours.
#[derive(Debug)]
pub enum NotOurs {
    /// Another process has it: its number, if it says so.
    Taken(Option<u32>),
    /// The lock cannot be made.
    Failed(io::Error),
}

impl FolderLock {
    /// Takes the lock of a folder, without waiting.
    ///
    /// # Errors
    /// [`NotOurs`].
    pub fn take(dir: &Path) -> Result<Self, NotOurs> {
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let mut file = options.open(dir.join(FILE_NAME)).map_err(NotOurs::Failed)?;
        match file.try_lock() {
            Ok(()) => Ok(FolderLock { file }),
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                let read = file.read_to_string(&mut text);
                Err(NotOurs::Taken(read.ok().and_then(|_| text.trim().parse().ok())))
            }
            Err(TryLockError::Error(error)) => Err(NotOurs::Failed(error)),
        }
    }

    /// Writes this process's number into the file: once it will not change any more.
    ///
    /// # Errors
    /// What the system says.
    pub fn sign(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.file.write_all(format!("{}\n", std::process::id()).as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time_and_the_other_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let mut lock = FolderLock::take(folder.path()).unwrap();
        assert!(matches!(FolderLock::take(folder.path()), Err(NotOurs::Taken(None))));
        lock.sign().unwrap();
        let pid = std::process::id();
        let taken = FolderLock::take(folder.path()).unwrap_err();
        assert!(matches!(taken, NotOurs::Taken(Some(named)) if named == pid));
        drop(lock);
        assert!(FolderLock::take(folder.path()).is_ok());
        let failed = FolderLock::take(&folder.path().join("missing")).unwrap_err();
        assert!(matches!(failed, NotOurs::Failed(_)));
    }
}
