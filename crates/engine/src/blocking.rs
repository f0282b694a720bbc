//! Waiting for keys: first come first served per key, served by whoever makes a key ready.
//!
//! A blocking command that finds nothing leaves an owned [`Waiting`] in the shards of its keys
//! and returns. A writer that readies a key serves that key's waiters after its whole command,
//! transaction or script, under the locks that it already holds: effects of the served follow the
//! writer's in the log, replies go to the waiters' mailboxes. A waiter is claimed exactly once:
//! by a writer, by its timeout, or by somebody who unblocks or drops its session.

use crate::keys::Keys;
use crate::mailbox::{Event, Mailbox, Recipients, SessionId};
use crate::reply::Reply;
use crate::watch::KeyRef;
use hashbrown::HashMap;
use larder_resp::Protocol;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What a blocked command does once a key is ready.
pub trait Waiting: Send + Sync {
    /// The keys waited for, in the order in which they are tried.
    fn keys(&self) -> &[Box<[u8]>];

    /// Keys that serving will touch besides (a destination).
    fn other_keys(&self) -> &[Box<[u8]>] {
        &[]
    }

    /// Whether the command can be served from this key as it is.
    fn is_ready(&self, keys: &Keys<'_>, key: &[u8]) -> bool;

    /// Does what the command would have done on this key, which is ready.
    fn serve(&self, keys: &mut Keys<'_>, key: &[u8], reply: &mut dyn Reply);

    /// What the command answers when its time is up.
    fn time_out(&self, reply: &mut dyn Reply);
}

/// A blocked session in the queues of its keys.
pub struct Waiter {
    /// The session.
    pub session: SessionId,
    /// Its database.
    pub db: u8,
    /// How its reply is encoded.
    pub protocol: Protocol,
    /// What it waits for.
    pub waiting: Box<dyn Waiting>,
    mailbox: Arc<Mailbox>,
    claimed: AtomicBool,
}

impl std::fmt::Debug for Waiter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Waiter").field("session", &self.session).finish_non_exhaustive()
    }
}

impl Waiter {
    /// A waiter that nobody has claimed.
    pub(crate) fn new(
        session: SessionId,
        db: u8,
        protocol: Protocol,
        waiting: Box<dyn Waiting>,
        mailbox: Arc<Mailbox>,
    ) -> Arc<Self> {
        let claimed = AtomicBool::new(false);
        Arc::new(Waiter { session, db, protocol, waiting, mailbox, claimed })
    }

    /// Takes the right to end this wait; `false` when somebody else has it.
    pub(crate) fn claim(&self) -> bool {
        !self.claimed.swap(true, Ordering::AcqRel)
    }

    /// Sends the reply to the session that waits.
    pub(crate) fn post(&self, reply: Vec<u8>, position: u64) {
        self.mailbox.post(Recipients::One(self.session), Event::Served { reply, position });
    }
}

/// The waiters of one shard, by key.
#[derive(Default)]
pub(crate) struct Waiters {
    keys: HashMap<(u8, Box<[u8]>), VecDeque<Arc<Waiter>>>,
}

impl Waiters {
    /// Nobody waits here.
    #[inline(always)]
    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Somebody waits for this key.
    #[inline(always)]
    pub(crate) fn is_waited_for(&self, db: u8, key: &[u8]) -> bool {
        !self.keys.is_empty() && self.keys.contains_key(&KeyRef(db, key))
    }

    /// Puts a waiter last in a key's queue.
    pub(crate) fn add(&mut self, db: u8, key: &[u8], waiter: Arc<Waiter>) {
        let queue = self.keys.entry((db, key.into())).or_default();
        if !queue.iter().any(|other| Arc::ptr_eq(other, &waiter)) {
            queue.push_back(waiter);
        }
    }

    /// Takes a waiter out of a key's queue.
    pub(crate) fn remove(&mut self, db: u8, key: &[u8], waiter: &Arc<Waiter>) {
        if let Some(queue) = self.keys.get_mut(&KeyRef(db, key)) {
            queue.retain(|other| !Arc::ptr_eq(other, waiter));
            if queue.is_empty() {
                self.keys.remove(&KeyRef(db, key));
            }
        }
    }

    /// The waiters of a key, first come first.
    pub(crate) fn of(&self, db: u8, key: &[u8]) -> Vec<Arc<Waiter>> {
        self.keys
            .get(&KeyRef(db, key))
            .map(|queue| queue.iter().cloned().collect())
            .unwrap_or_default()
    }

    /// Every key of a database that is waited for.
    pub(crate) fn keys_of(&self, db: u8) -> Vec<Box<[u8]>> {
        self.keys.keys().filter(|(d, _)| *d == db).map(|(_, key)| key.clone()).collect()
    }

    /// How many keys are waited for.
    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }
}
