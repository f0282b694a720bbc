//! A snapshot's file: whole or not there, and never far from the disk, so that its last sync is
//! short. Knows no format.

use crate::disk::{Disk, File};
use crate::rdb;
use std::io::{self, Write};
use std::path::Path;

/// Bytes that may wait for the disk.
const SYNC_EVERY: u64 = 16 << 20;

/// Writes a file that is whole or not there.
pub(super) fn replace(
    disk: &dyn Disk,
    path: &Path,
    write: &mut dyn FnMut(&mut dyn Write) -> Result<rdb::Written, rdb::Error>,
) -> Result<rdb::Written, rdb::Error> {
    let mut outcome = None;
    let replaced = disk.replace(path, &mut |file| match write(&mut Paced { file, unsynced: 0 }) {
        Ok(written) => {
            outcome = Some(Ok(written));
            Ok(())
        }
        Err(rdb::Error::Io(error)) => Err(error),
        Err(error) => {
            outcome = Some(Err(error));
            Err(io::Error::other("not written"))
        }
    });
    match (replaced, outcome) {
        (Ok(()), Some(outcome)) | (Err(_), Some(outcome @ Err(_))) => outcome,
        (Err(error), _) => Err(error.into()),
        (Ok(()), None) => Err(rdb::Error::Aborted),
    }
}

/// A file that is synced as it grows.
struct Paced<'f> {
    file: &'f mut dyn File,
    unsynced: u64,
}

impl Write for Paced<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.unsynced += written as u64;
        if self.unsynced >= SYNC_EVERY {
            self.unsynced = 0;
            self.file.sync()?;
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
