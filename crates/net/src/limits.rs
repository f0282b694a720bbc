//! The limits of connections, with names, units and Redis's defaults; all can change while the
//! server runs. Holds numbers only: `connection` and `event_loop` enforce them.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// What a connection is for, as far as its replies' bounds go (`client-output-buffer-limit`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Sends requests and reads replies.
    Normal,
    /// Follows the log.
    Replica,
    /// Has subscriptions.
    PubSub,
}

/// How many bytes of replies may wait for a reader; 0 means any number.
#[derive(Debug)]
pub struct OutputLimit {
    /// Above this the connection is closed at once.
    pub hard_bytes: AtomicU64,
    /// Above this it is closed after [`soft_seconds`](Self::soft_seconds) without a break.
    pub soft_bytes: AtomicU64,
    /// See [`soft_bytes`](Self::soft_bytes).
    pub soft_seconds: AtomicU64,
}

impl OutputLimit {
    /// A limit of these numbers.
    pub fn new(hard_bytes: u64, soft_bytes: u64, soft_seconds: u64) -> Self {
        OutputLimit {
            hard_bytes: AtomicU64::new(hard_bytes),
            soft_bytes: AtomicU64::new(soft_bytes),
            soft_seconds: AtomicU64::new(soft_seconds),
        }
    }

    /// How long the soft limit may be exceeded; as in Redis never less than a second.
    pub(crate) fn soft_ms(&self) -> u64 {
        self.soft_seconds.load(Ordering::Relaxed).max(1).saturating_mul(1000)
    }

    /// Changes all three numbers.
    pub fn set(&self, hard_bytes: u64, soft_bytes: u64, soft_seconds: u64) {
        self.hard_bytes.store(hard_bytes, Ordering::Relaxed);
        self.soft_bytes.store(soft_bytes, Ordering::Relaxed);
        self.soft_seconds.store(soft_seconds, Ordering::Relaxed);
    }
}

/// All limits of a server.
#[derive(Debug)]
pub struct Limits {
    /// Connections at a time (`maxclients`).
    pub max_clients: AtomicU64,
    /// Seconds without a request after which a connection is closed, 0 for never (`timeout`).
    pub idle_seconds: AtomicU64,
    /// Seconds between the kernel's probes of a silent peer, 0 for none (`tcp-keepalive`).
    /// For connections accepted from then on.
    pub keepalive_seconds: AtomicU64,
    /// Bytes of an unfinished request (`client-query-buffer-limit`).
    pub query_buffer_bytes: AtomicU64,
    /// Bytes of one argument (`proto-max-bulk-len`).
    pub max_bulk_bytes: AtomicU64,
    /// Without a password, only peers on this machine are served (`protected-mode`).
    pub protected_mode: AtomicBool,
    /// Replies that wait, for clients that ask and read.
    pub normal: OutputLimit,
    /// The same for replicas.
    pub replica: OutputLimit,
    /// The same for subscribers.
    pub pubsub: OutputLimit,
}

impl Limits {
    /// The bounds for replies of a class.
    pub fn output(&self, class: Class) -> &OutputLimit {
        match class {
            Class::Normal => &self.normal,
            Class::Replica => &self.replica,
            Class::PubSub => &self.pubsub,
        }
    }
}

impl Default for Limits {
    /// Redis's defaults.
    fn default() -> Self {
        const MIB: u64 = 1024 * 1024;
        Limits {
            max_clients: AtomicU64::new(10_000),
            idle_seconds: AtomicU64::new(0),
            keepalive_seconds: AtomicU64::new(300),
            query_buffer_bytes: AtomicU64::new(1024 * MIB),
            max_bulk_bytes: AtomicU64::new(larder_resp::limits::MAX_BULK_BYTES),
            protected_mode: AtomicBool::new(true),
            normal: OutputLimit::new(0, 0, 0),
            replica: OutputLimit::new(256 * MIB, 64 * MIB, 60),
            pubsub: OutputLimit::new(32 * MIB, 8 * MIB, 60),
        }
    }
}
