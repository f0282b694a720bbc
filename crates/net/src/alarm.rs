//! How other threads wake a loop: at most one system call per sleep, none while it is awake.
//!
//! The loop says that it goes to sleep, and looks once more at what was left for it; others leave
//! something, then look whether it sleeps. The fences between the two steps of each side make
//! sure that one of them sees the other.

use larder_engine::mailbox::Notify;
use mio::Waker;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering, fence};

/// Wakes one loop.
#[derive(Debug)]
pub(crate) struct Alarm {
    waker: Waker,
    sleeping: AtomicBool,
}

impl Alarm {
    pub(crate) fn new(waker: Waker) -> Self {
        Alarm { waker, sleeping: AtomicBool::new(false) }
    }

    /// The loop goes to sleep once it has looked at everything that others may have left.
    pub(crate) fn lie_down(&self) {
        self.sleeping.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
    }

    /// The loop is awake and will look again by itself.
    pub(crate) fn get_up(&self) {
        self.sleeping.store(false, Ordering::Relaxed);
    }

    /// Something was left for the loop.
    pub(crate) fn ring(&self) {
        fence(Ordering::SeqCst);
        if self.sleeping.swap(false, Ordering::Relaxed)
            && let Err(error) = self.waker.wake()
        {
            // The loop looks again by itself within its longest sleep.
            tracing::warn!("cannot wake a loop: {error}");
        }
    }
}

/// The alarm as a mailbox knows it.
pub(crate) struct Bell(pub(crate) Arc<Alarm>);

impl Notify for Bell {
    fn notify(&self) {
        self.0.ring();
    }
}
