//! Every session of the engine, as others see it: `CLIENT LIST`, `CLIENT KILL`, `INFO clients`.
//!
//! A session writes its own record with plain atomic stores; readers may see it a moment late.

use crate::blocking::Waiter;
use crate::mailbox::{Event, Mailbox, Recipients, SessionId};
use crate::sync::Mutex;
use hashbrown::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Where a session comes from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Origin {
    /// A caller in this process.
    #[default]
    Linked,
    /// TCP: the peer's and our address.
    Tcp {
        /// `ip:port` of the peer.
        peer: String,
        /// `ip:port` of ours.
        local: String,
    },
    /// A Unix socket: its path.
    Unix(String),
}

/// One session's record.
#[derive(Debug)]
pub struct Client {
    /// Number of the session.
    pub id: SessionId,
    /// Where it comes from.
    pub origin: Origin,
    /// When it began, in Unix milliseconds.
    pub since_ms: u64,
    /// When it last sent a command, in Unix milliseconds.
    pub active_ms: AtomicU64,
    /// Bytes in buffers of its connection: input, and replies that wait to be sent.
    pub input_bytes: AtomicU64,
    /// See [`Client::input_bytes`].
    pub output_bytes: AtomicU64,
    /// Commands executed.
    pub commands: AtomicU64,
    /// What changes rarely.
    pub(crate) facts: Mutex<Facts>,
    /// Somebody asked to end this session.
    pub(crate) killed: AtomicBool,
    pub(crate) mailbox: Arc<Mailbox>,
    /// Its wait, for `CLIENT UNBLOCK`.
    pub(crate) waiter: Mutex<Option<Arc<Waiter>>>,
}

/// Facts of a session that its own commands change.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// `CLIENT SETNAME`
    pub name: String,
    /// `CLIENT SETINFO LIB-NAME`
    pub lib_name: String,
    /// `CLIENT SETINFO LIB-VER`
    pub lib_ver: String,
    /// Selected database.
    pub db: u8,
    /// 2 or 3.
    pub resp: u8,
    /// Channels, patterns and shard channels subscribed to.
    pub subscriptions: (usize, usize, usize),
    /// Commands queued in MULTI, -1 outside.
    pub multi: i64,
    /// Keys watched.
    pub watching: usize,
    /// Blocked in a command.
    pub blocked: bool,
    /// `CLIENT NO-EVICT`
    pub no_evict: bool,
    /// `CLIENT NO-TOUCH`
    pub no_touch: bool,
    /// Last command's name, `container|subcommand`.
    pub last_command: String,
}

impl Client {
    /// Asks the session's owner to end it.
    pub(crate) fn kill(&self) {
        self.killed.store(true, Ordering::Release);
        self.mailbox.post(Recipients::One(self.id), Event::Close);
    }
}

/// All sessions.
#[derive(Debug, Default)]
pub(crate) struct Clients {
    next_id: AtomicU64,
    by_id: Mutex<HashMap<SessionId, Arc<Client>>>,
    /// Sessions that block, for INFO.
    pub(crate) blocked: AtomicU64,
}

impl Clients {
    /// Enters a session.
    pub(crate) fn enter(&self, origin: Origin, mailbox: Arc<Mailbox>, now_ms: u64) -> Arc<Client> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed) + 1;
        let client = Arc::new(Client {
            id,
            origin,
            since_ms: now_ms,
            active_ms: AtomicU64::new(now_ms),
            input_bytes: AtomicU64::new(0),
            output_bytes: AtomicU64::new(0),
            commands: AtomicU64::new(0),
            facts: Mutex::new(Facts { resp: 2, multi: -1, ..Facts::default() }),
            killed: AtomicBool::new(false),
            mailbox,
            waiter: Mutex::new(None),
        });
        self.by_id.lock().insert(id, client.clone());
        client
    }

    /// A session has ended.
    pub(crate) fn leave(&self, id: SessionId) {
        self.by_id.lock().remove(&id);
    }

    /// A session by its number.
    pub(crate) fn get(&self, id: SessionId) -> Option<Arc<Client>> {
        self.by_id.lock().get(&id).cloned()
    }

    /// All sessions by their number.
    pub(crate) fn all(&self) -> Vec<Arc<Client>> {
        let mut all: Vec<_> = self.by_id.lock().values().cloned().collect();
        all.sort_unstable_by_key(|client| client.id);
        all
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.by_id.lock().len()
    }
}
