//! Waiting for keys: first come first served per key, served by whoever makes a key ready.
//!
//! A blocking command that finds nothing leaves an owned [`Waiting`] in the shards of its keys
//! and returns. A writer that changes a key that is waited for holds, besides its own locks, those
//! of everything that the key's waiters name, transitively ([`Keys::shards_of_waiters`]). After
//! its whole command, transaction or script it serves them, in the order in which the keys were
//! readied and the waiters came: each does what its command would have done had it come then,
//! trying its keys in order. Effects of the served follow the writer's in the same frame of the
//! log, replies go to the waiters' mailboxes.
//!
//! A wait ends exactly once: whoever claims the waiter ends it, be it a writer, the deadline,
//! `CLIENT UNBLOCK`, or the session that goes away. A session that goes away, or cancels its wait,
//! after a writer has served it but before the reply was delivered gives back what the command
//! took ([`Waiting::give_back`]). Knows no command.

use crate::changes::Changes;
use crate::clients::Client;
use crate::engine::Engine;
use crate::error::Error;
use crate::keys::{Hashes, Keys};
use crate::keyspace::locks::{ShardSet, Wait};
use crate::mailbox::{Event, Mailbox, Recipients, SessionId};
use crate::notify::Naming;
use crate::reply::{Reply, WireReply};
use crate::session::SessionState;
use crate::spec::flag;
use crate::sync::{AtomicU32, Ordering};
use hashbrown::HashMap;
use larder_resp::Protocol;
use std::collections::VecDeque;
use std::sync::{Arc, Weak};

/// What a blocked command does once a key is ready.
pub trait Waiting: Send + Sync {
    /// The keys waited for, in the order in which they are tried.
    fn keys(&self) -> &[Box<[u8]>];

    /// Keys that serving will touch besides (a destination).
    fn other_keys(&self) -> &[Box<[u8]>] {
        &[]
    }

    /// Whether a key that was changed lets the command be served: it holds what is waited for.
    fn is_ready(&self, keys: &Keys<'_>, key: &[u8]) -> bool;

    /// Does what the command would do if it came now, one of its keys being ready, and replies:
    /// that can be an error. Names its effects.
    fn serve(&self, keys: &mut Keys<'_>, reply: &mut dyn Reply);

    /// What the command answers when one of its keys is gone, if that ends its wait.
    fn without(&self, _key: &[u8]) -> Option<Error> {
        None
    }

    /// What the command answers when its time is up.
    fn time_out(&self, reply: &mut dyn Reply);

    /// Undoes what `serve` took out of the keyspace, because its reply reaches nobody. Nothing to
    /// do for a command whose result is in the keyspace. Names its effects.
    fn give_back(&self, _keys: &mut Keys<'_>) {}
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
    /// Number of the command that waits.
    pub(crate) command: usize,
    /// What keyspace notifications call what serving does.
    naming: Naming,
    /// The shards of every key that serving it may touch.
    shards: ShardSet,
    /// The session keeps it alive; an event that nobody takes holds the waiter, so the waiter must
    /// not hold the box.
    mailbox: Weak<Mailbox>,
    /// The session, if it is to be told when what it reads changes.
    reader: Option<Weak<Client>>,
    state: AtomicU32,
}

/// Nobody has ended the wait.
const WAITS: u32 = 0;
/// Somebody has, without serving it.
const ENDED: u32 = 1;
/// A writer serves it, and has done so once the locks of its keys are free.
const SERVED: u32 = 2;

/// How `CLIENT UNBLOCK` ends a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unblock {
    /// As if its time were up.
    Timeout,
    /// With an error.
    Error,
}

impl std::fmt::Debug for Waiter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Waiter").field("session", &self.session).finish_non_exhaustive()
    }
}

impl Waiter {
    /// A waiter of a session that nobody has claimed.
    pub(crate) fn new(
        engine: &Engine,
        session: &SessionState,
        waiting: Box<dyn Waiting>,
        (command, naming): (usize, Naming),
    ) -> Arc<Self> {
        let mut shards = ShardSet::None;
        for key in waiting.keys().iter().chain(waiting.other_keys()) {
            shards.add(engine.shard_index(engine.hash().of(key)));
        }
        let SessionState { client, db, protocol, .. } = session;
        let reads = session.remembers && naming.spec().has(flag::READONLY);
        Arc::new(Waiter {
            session: client.id,
            db: *db,
            protocol: *protocol,
            waiting,
            command,
            naming,
            shards,
            mailbox: Arc::downgrade(&client.mailbox),
            reader: reads.then(|| Arc::downgrade(client)),
            state: AtomicU32::new(WAITS),
        })
    }

    /// Takes the right to end this wait; `false` when somebody else has it.
    pub(crate) fn claim(&self) -> bool {
        self.claim_as(ENDED)
    }

    /// The same for a writer, which holds the locks of all of the waiter's keys.
    pub(crate) fn claim_to_serve(&self) -> bool {
        self.claim_as(SERVED)
    }

    /// Whether a writer has claimed it: it is in no queue any more.
    pub(crate) fn is_served(&self) -> bool {
        self.state.load(Ordering::Acquire) == SERVED
    }

    /// Sends the reply to the session that waits.
    pub(crate) fn post(self: &Arc<Self>, reply: Vec<u8>, position: u64) {
        let event = Event::Served { waiter: self.clone(), reply, position };
        if let Some(mailbox) = self.mailbox.upgrade() {
            mailbox.post(Recipients::One(self.session), event);
        }
    }

    /// Serving it touches more than the one key that it waits for.
    fn is_wide(&self) -> bool {
        !matches!(self.shards, ShardSet::One(_)) || !self.waiting.other_keys().is_empty()
    }

    fn claim_as(&self, state: u32) -> bool {
        self.state.compare_exchange(WAITS, state, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }
}

/// Ends a session's wait from outside; whether it waited.
pub(crate) fn unblock(engine: &Engine, client: &Client, how: Unblock) -> bool {
    let Some(waiter) = client.waiter.lock().clone() else { return false };
    if !waiter.claim() {
        return false;
    }
    let mut reply = Vec::new();
    let mut sink = WireReply::new(&mut reply, waiter.protocol);
    match how {
        Unblock::Timeout => waiter.waiting.time_out(&mut sink),
        Unblock::Error => {
            engine.stats.failed(waiter.command);
            engine.stats.error(&UNBLOCKED.to_string());
            sink.error(&UNBLOCKED);
        }
    }
    waiter.post(reply, 0);
    true
}

const UNBLOCKED: Error = Error::text("UNBLOCKED client unblocked via CLIENT UNBLOCK");

/// Takes a waiter out of all queues, at once or as soon as scripts let go of the locks.
pub(crate) fn forget(engine: &Engine, waiter: &Arc<Waiter>) {
    let left = waiter.clone();
    engine.with_shards(waiter.shards.clone(), move |shard| {
        for key in left.waiting.keys() {
            shard.waiters.remove(left.db, key, &left);
        }
    });
}

/// Undoes what a writer did for a waiter whose reply reaches nobody, at once or as soon as scripts
/// let go of the locks. Not to be called under locks.
pub(crate) fn give_back(engine: &Engine, waiter: &Arc<Waiter>) {
    let waiter = waiter.clone();
    engine.do_or_defer(Box::new(move |engine| {
        let keys = || waiter.waiting.keys().iter().map(AsRef::as_ref);
        // Whoever claimed the waiter held its locks until everything was done.
        let done = engine.with_keys(
            waiter.shards.clone(),
            &Hashes::default(),
            &mut Changes::default(),
            Wait::Park,
            |held| held.shards_of_waiters(keys()),
            |held| {
                held.db = waiter.db;
                waiter.waiting.give_back(held);
            },
        );
        done.is_ok()
    }));
}

impl Keys<'_> {
    /// Serves those who wait for a key that this command has readied. What that readies in turn
    /// is added to the keys to be looked at.
    pub(crate) fn serve(&mut self, db: u8, key: &[u8], served: &mut Vec<(Arc<Waiter>, Vec<u8>)>) {
        self.db = db;
        if !self.exists(key) {
            return self.end_waits_without(db, key, served);
        }
        // Who comes back to the queue while it is served waits for its next turn.
        let mut turns = self.shard_of(key).waiters.queue(db, key).map_or(0, |q| q.waiters.len());
        let mut skipped = 0;
        while turns > 0 && self.exists(key) {
            turns -= 1;
            let queue = self.shard_of(key).waiters.queue(db, key);
            let Some(waiter) = queue.and_then(|queue| queue.waiters.get(skipped)).cloned() else {
                return;
            };
            if !waiter.waiting.is_ready(self, key) {
                skipped += 1;
                continue;
            }
            if waiter.claim_to_serve() {
                let mut reply = Vec::new();
                let mut sink = WireReply::new(&mut reply, waiter.protocol);
                let before = self.changes.count;
                let author = &mut self.changes.invalidations.author;
                let author = std::mem::replace(author, waiter.session);
                waiter.waiting.serve(self, &mut sink);
                self.changes.invalidations.author = author;
                if let Some(reader) = waiter.reader.as_ref().and_then(Weak::upgrade) {
                    waiter.waiting.keys().iter().for_each(|key| self.remember(key, &reader));
                }
                self.changes.commands += u64::from(self.changes.count != before);
                self.tell_served(&waiter);
                if let Some(error) = reply.strip_prefix(b"-") {
                    self.engine.stats.error(&String::from_utf8_lossy(error));
                    self.engine.stats.failed(waiter.command);
                }
                served.push((waiter.clone(), reply));
            }
            for key in waiter.waiting.keys() {
                self.shard_of(key).waiters.remove(db, key, &waiter);
            }
        }
    }

    /// Tells what serving a waiter changed, as its command would have.
    fn tell_served(&mut self, waiter: &Waiter) {
        if !self.changes.notices.any() {
            return;
        }
        let sources = waiter.waiting.keys().iter().map(|key| (0, &**key));
        let others = waiter.waiting.other_keys().iter().map(|key| (1, &**key));
        let keys: Vec<(usize, &[u8])> = sources.chain(others).collect();
        self.changes.notices.tell_as(&waiter.naming, &keys);
    }

    /// Ends the waits of those who do not wait for a key that is gone. Needs no other lock: they
    /// leave their queues as soon as they hear of it.
    #[cold]
    fn end_waits_without(&mut self, db: u8, key: &[u8], ended: &mut Vec<(Arc<Waiter>, Vec<u8>)>) {
        let Some(queue) = self.shard_of(key).waiters.queue(db, key) else { return };
        for waiter in &queue.waiters {
            if let Some(error) = waiter.waiting.without(key)
                && waiter.claim()
            {
                let mut reply = Vec::new();
                WireReply::new(&mut reply, waiter.protocol).error(&error);
                ended.push((waiter.clone(), reply));
            }
        }
    }

    /// Shards that must be held to serve whoever waits for these keys, and whoever waits for what
    /// that readies. Keys of shards that are not held yet are looked at once they are.
    pub(crate) fn shards_of_waiters<'k>(
        &mut self,
        keys: impl Iterator<Item = &'k [u8]>,
    ) -> ShardSet {
        let (mut set, mut readied) = (ShardSet::None, Vec::new());
        if !self.any_waiters() {
            return set;
        }
        for key in keys {
            self.add_shards_of_waiters(key, &mut set, &mut readied);
        }
        let mut next = 0;
        while next < readied.len() {
            let key: Arc<[u8]> = readied[next].clone();
            self.add_shards_of_waiters(&key, &mut set, &mut readied);
            next += 1;
        }
        set
    }

    fn add_shards_of_waiters(
        &mut self,
        key: &[u8],
        set: &mut ShardSet,
        readied: &mut Vec<Arc<[u8]>>,
    ) {
        let (index, count) = (self.shard_index(key), self.engine.shard_count());
        if !self.held.has(index) {
            return;
        }
        // Of any database: a transaction may change it, and MOVE names another.
        for queue in self.shard_at(index).waiters.queues(key).filter(|queue| queue.wide > 0) {
            let mut last = &ShardSet::None;
            for waiter in &queue.waiters {
                // Workers of one kind name the same keys.
                if waiter.shards != *last {
                    last = &waiter.shards;
                    last.iter(count).for_each(|shard| set.add(shard));
                }
                for other in waiter.waiting.other_keys() {
                    if !readied.iter().any(|known| **known == **other) {
                        readied.push(Arc::from(&**other));
                    }
                }
            }
        }
    }
}

/// The waiters of one shard, by key.
#[derive(Default)]
pub(crate) struct Waiters {
    keys: HashMap<Box<[u8]>, Vec<Queue>>,
}

/// Who waits for a key of one database, first come first.
struct Queue {
    db: u8,
    waiters: VecDeque<Arc<Waiter>>,
    /// How many of them touch more than this one key.
    wide: usize,
    /// How many of them do not wait for a key that is gone.
    ends_without: usize,
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
        !self.keys.is_empty() && self.queue(db, key).is_some()
    }

    /// Somebody waits for this key who does not once it is gone.
    #[inline(always)]
    pub(crate) fn any_ends_without(&self, db: u8, key: &[u8]) -> bool {
        !self.keys.is_empty() && self.queue(db, key).is_some_and(|queue| queue.ends_without > 0)
    }

    /// Puts a waiter last in a key's queue.
    pub(crate) fn add(&mut self, db: u8, key: &[u8], waiter: &Arc<Waiter>) {
        let queues = self.keys.entry(key.into()).or_default();
        let at = queues.iter().position(|queue| queue.db == db).unwrap_or_else(|| {
            queues.push(Queue { db, waiters: VecDeque::new(), wide: 0, ends_without: 0 });
            queues.len() - 1
        });
        let queue = &mut queues[at];
        // A key that is named twice is waited for once.
        if !queue.waiters.back().is_some_and(|other| Arc::ptr_eq(other, waiter)) {
            queue.waiters.push_back(waiter.clone());
            queue.wide += usize::from(waiter.is_wide());
            queue.ends_without += usize::from(waiter.waiting.without(key).is_some());
        }
    }

    /// Takes a waiter out of a key's queue.
    pub(crate) fn remove(&mut self, db: u8, key: &[u8], waiter: &Arc<Waiter>) {
        let Some(queues) = self.keys.get_mut(key) else { return };
        let Some(at) = queues.iter().position(|queue| queue.db == db) else { return };
        let queue = &mut queues[at];
        if let Some(at) = queue.waiters.iter().position(|other| Arc::ptr_eq(other, waiter)) {
            queue.waiters.remove(at);
            queue.wide -= usize::from(waiter.is_wide());
            queue.ends_without -= usize::from(waiter.waiting.without(key).is_some());
        }
        if queue.waiters.is_empty() {
            queues.swap_remove(at);
        }
        if queues.is_empty() {
            self.keys.remove(key);
        }
    }

    /// Every key of a database that is waited for, in no order.
    pub(crate) fn keys_of(&self, db: u8) -> impl Iterator<Item = &[u8]> {
        let waited = move |queues: &[Queue]| queues.iter().any(|queue| queue.db == db);
        self.keys.iter().filter(move |(_, queues)| waited(queues)).map(|(key, _)| &**key)
    }

    /// How many keys are waited for.
    pub(crate) fn len(&self) -> usize {
        self.keys.values().map(Vec::len).sum()
    }

    /// Of how many of them somebody waits who does not once the key is gone.
    pub(crate) fn len_without(&self) -> usize {
        self.keys.values().flatten().filter(|queue| queue.ends_without > 0).count()
    }

    fn queue(&self, db: u8, key: &[u8]) -> Option<&Queue> {
        self.queues(key).find(|queue| queue.db == db)
    }

    fn queues(&self, key: &[u8]) -> impl Iterator<Item = &Queue> {
        self.keys.get(key).into_iter().flatten()
    }
}
