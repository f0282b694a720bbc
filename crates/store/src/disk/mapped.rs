//! A file as memory, shared with the kernel: what is stored there outlives the process.
//!
//! The one place of this crate with `unsafe`. Knows nothing of what the words mean.
#![allow(unsafe_code)]
#![allow(clippy::disallowed_methods, reason = "part of the store's door to the file system")]

use super::Mapping;
use rustix::fs::{FallocateFlags, fallocate};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};
use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::ptr::NonNull;
use std::sync::atomic::AtomicU64;

/// See the module.
#[derive(Debug)]
pub(super) struct Mapped {
    words: NonNull<AtomicU64>,
    count: usize,
}

// SAFETY: the memory belongs to no thread, and is only reached as atomics.
unsafe impl Send for Mapped {}
// SAFETY: as above.
unsafe impl Sync for Mapped {}

impl Mapped {
    /// Maps a file of exactly `bytes`, made of zeros if it is not there or has another size. Its
    /// room on the disk is taken at once: a store into a page that finds none would be a SIGBUS.
    pub(super) fn open(path: &Path, bytes: usize, mode: u32) -> io::Result<Self> {
        if bytes == 0 || !bytes.is_multiple_of(size_of::<u64>()) {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true).create(true).truncate(false).mode(mode);
        let file = options.open(path)?;
        if file.metadata()?.len() != bytes as u64 {
            file.set_len(0)?;
            file.set_len(bytes as u64)?;
        }
        fallocate(&file, FallocateFlags::empty(), 0, bytes as u64)?;
        // SAFETY: a new mapping at an address of the kernel's choice aliases no memory of ours. The
        // file is in a folder that this process owns and is cut by nobody while it is mapped.
        let address = unsafe {
            mmap(
                std::ptr::null_mut(),
                bytes,
                ProtFlags::READ | ProtFlags::WRITE,
                MapFlags::SHARED,
                &file,
                0,
            )
        }?;
        let words = NonNull::new(address.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Mapped { words, count: bytes / size_of::<u64>() })
    }
}

impl Mapping for Mapped {
    fn words(&self) -> &[AtomicU64] {
        // SAFETY: `open` mapped so many bytes here, at a page's boundary; they stay until this is
        // dropped, any bits are a number, and every access is atomic.
        unsafe { std::slice::from_raw_parts(self.words.as_ptr(), self.count) }
    }
}

impl Drop for Mapped {
    fn drop(&mut self) {
        // SAFETY: this is the whole of what `open` mapped, and nobody has a reference any more.
        let done = unsafe { munmap(self.words.as_ptr().cast(), self.count * size_of::<u64>()) };
        debug_assert!(done.is_ok(), "{done:?}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::Ordering;

    #[test]
    fn what_is_stored_is_in_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ring");
        let mapped = Mapped::open(&path, 8192, 0o600).unwrap();
        assert!(mapped.words().iter().all(|word| word.load(Ordering::Relaxed) == 0));
        mapped.words()[1023].store(7, Ordering::Relaxed);
        drop(mapped);
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!((bytes.len(), bytes[8184]), (8192, 7));
        let again = Mapped::open(&path, 8192, 0o600).unwrap();
        assert_eq!(again.words()[1023].load(Ordering::Relaxed), 7);
        drop(again);
        let larger = Mapped::open(&path, 16384, 0o600).unwrap();
        assert!(larger.words().iter().all(|word| word.load(Ordering::Relaxed) == 0));
        assert!(Mapped::open(&path, 12, 0o600).is_err());
    }
}
