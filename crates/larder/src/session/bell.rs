//! What wakes the owner of a session: an eventfd, made when somebody first waits.
//!
//! Rung by whoever posts to the session's mailbox and by whoever gives back a lock that it waits
//! for. Knows neither.

use larder_engine::mailbox::Notify;
use rustix::event::{EventfdFlags, eventfd};
use rustix::io::Errno;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::Wake;

/// See the module.
#[derive(Debug, Default)]
pub struct Bell {
    descriptor: OnceLock<OwnedFd>,
    /// The descriptor may be readable.
    rung: AtomicBool,
}

impl Bell {
    /// Makes the descriptor readable, if there is one.
    pub fn ring(&self) {
        if let Some(descriptor) = self.descriptor.get() {
            // Full means that it is readable already.
            let _ = rustix::io::write(descriptor, &1u64.to_ne_bytes());
            // After the write: who finds the flag must find something to read.
            self.rung.store(true, Ordering::Release);
        }
    }

    /// The descriptor. Before waiting on it for the first time look once more at what one waits
    /// for: nothing rang while there was none.
    pub(super) fn descriptor(&self) -> Result<BorrowedFd<'_>, Errno> {
        if let Some(descriptor) = self.descriptor.get() {
            return Ok(descriptor.as_fd());
        }
        let made = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(self.descriptor.get_or_init(|| made).as_fd())
    }

    /// Makes the descriptor unreadable. To be called before looking at what it rings for.
    #[inline]
    pub(super) fn silence(&self) {
        if self.rung.load(Ordering::Relaxed) {
            self.read();
        }
    }

    #[cold]
    fn read(&self) {
        self.rung.store(false, Ordering::Release);
        if let Some(descriptor) = self.descriptor.get() {
            let _ = rustix::io::read(descriptor, &mut [0u8; 8]);
        }
    }
}

/// Rings for a mailbox.
pub(super) struct Rope(pub(super) Arc<Bell>);

impl Notify for Rope {
    fn notify(&self) {
        self.0.ring();
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.ring();
    }
}
