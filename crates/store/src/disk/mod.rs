//! All that the store asks of a disk.
//!
//! A file that must be whole or not there is written under another name, synced, renamed, and its
//! folder synced: [`Disk::replace`] is the one place that does so. Nothing else in this crate
//! touches a file system. Knows no format.

#[doc(hidden)]
pub mod double;
#[cfg(target_os = "linux")]
mod mapped;
mod real;

pub use real::RealDisk;

use std::fmt::Debug;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::atomic::AtomicU64;

/// Files by path. What is written may be lost by a power failure until it is synced, and names
/// until their folder is.
pub trait Disk: Debug + Send + Sync {
    /// A new, empty file; one that is there is emptied.
    ///
    /// # Errors
    /// What the system says.
    fn create(&self, path: &Path) -> io::Result<Box<dyn File>>;

    /// A file to write on at its end; made if it is not there.
    ///
    /// # Errors
    /// What the system says.
    fn append(&self, path: &Path) -> io::Result<Box<dyn File>>;

    /// A file to read, with its size.
    ///
    /// # Errors
    /// What the system says; `NotFound` where nothing is.
    fn read(&self, path: &Path) -> io::Result<(Box<dyn Read + Send>, u64)>;

    /// Cuts a file to its first `size` bytes, and syncs it.
    ///
    /// # Errors
    /// What the system says.
    fn cut(&self, path: &Path, size: u64) -> io::Result<()>;

    /// Gives a file another name; what had that name is gone.
    ///
    /// # Errors
    /// What the system says.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// What the system says; `NotFound` where nothing is.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Names of what is in a folder, in no order.
    ///
    /// # Errors
    /// What the system says.
    fn list(&self, folder: &Path) -> io::Result<Vec<std::ffi::OsString>>;

    /// Makes a folder, and those above it; one that is there is left as it is.
    ///
    /// # Errors
    /// What the system says.
    fn create_folder(&self, folder: &Path) -> io::Result<()>;

    /// Makes names in a folder last.
    ///
    /// # Errors
    /// What the system says.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;

    /// Maps a file of `bytes` (a multiple of 8) that outlives the process: made of zeros if it is
    /// not there or has another size. What is stored is there after the process was killed; after a
    /// power failure any part of it may be lost.
    ///
    /// # Errors
    /// What the system says; `Unsupported` where files cannot be mapped or room not be reserved.
    fn map(&self, path: &Path, bytes: usize) -> io::Result<Box<dyn Mapping>>;

    /// A number that the machine chose when it started: with the same one, what a killed process
    /// left in mapped memory is all there. `None` where the system does not say.
    fn boot(&self) -> Option<u128>;

    /// Writes a file that is whole or not there: under the name `path` with `.tmp` added, until
    /// `write` is done and its bytes are synced.
    ///
    /// # Errors
    /// What the system or `write` says; the file of the final name is as it was then.
    fn replace(
        &self,
        path: &Path,
        write: &mut dyn FnMut(&mut dyn File) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut name = path.as_os_str().to_owned();
        name.push(".tmp");
        let partial = Path::new(&name);
        let written = (|| {
            let mut file = self.create(partial)?;
            write(&mut *file)?;
            file.flush()?;
            file.sync()
        })();
        if let Err(error) = written.and_then(|()| self.rename(partial, path)) {
            // What is left of it helps nobody; the first error is the one to tell.
            let _ = self.remove(partial);
            return Err(error);
        }
        self.sync_folder(path.parent().unwrap_or(Path::new("")))
    }
}

/// A file that is being written.
pub trait File: Write + Debug + Send {
    /// Returns once everything written will survive a power failure.
    ///
    /// # Errors
    /// What the system says. Nothing may be believed of the file's last bytes then, and a second
    /// call that succeeds proves nothing.
    fn sync(&mut self) -> io::Result<()>;
}

/// Memory that is a file.
pub trait Mapping: Debug + Send + Sync {
    /// The words of it.
    fn words(&self) -> &[AtomicU64];
}
