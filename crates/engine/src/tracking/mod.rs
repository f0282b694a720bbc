//! Client-side caching: who is told that a key has changed, and when (`CLIENT TRACKING`).
//!
//! In the usual mode a session's reads are remembered in the table of the key's shard
//! ([`table`]); who broadcasts names prefixes instead. The gate notes every key that changes in
//! the running command's [`Invalidations`], and before the locks are given back they are posted to
//! the mailboxes of those who are to hear of them. A session takes its events only after the
//! running command's reply is queued, so no invalidation overtakes the value that it invalidates:
//! a change comes either before the read, under the same lock, or is posted after it.
//!
//! While nobody tracks, a command pays one load.

pub(crate) mod table;

use crate::clients::{Client, Clients};
use crate::config::Id;
use crate::engine::Engine;
use crate::keys::Keys;
use crate::keyspace::locks::ShardSet;
use crate::keyspace::shard::Shard;
use crate::mailbox::{Event, Groups, Recipients, SessionId};
use crate::sync::Mutex;
use hashbrown::HashMap;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};
use table::{Readers, Tracked};

/// Where redirected invalidations arrive as messages of a channel.
pub(crate) const CHANNEL: &[u8] = b"__redis__:invalidate";

/// Keys that a command which reads beyond the limit makes the table forget at most.
const EVICTED_AT_ONCE: u32 = 16;

/// Keys that are forgotten under one hold of a shard's lock.
const EVICTED_UNDER_LOCK: u32 = 128;

/// Bits of [`Tracks::flags`].
pub(crate) const ON: u8 = 1;
/// Hears of every key with one of its prefixes.
pub(crate) const BCAST: u8 = 1 << 1;
/// Only what it reads after `CLIENT CACHING YES` is remembered.
pub(crate) const OPTIN: u8 = 1 << 2;
/// What it reads after `CLIENT CACHING NO` is not.
pub(crate) const OPTOUT: u8 = 1 << 3;
/// Does not hear of its own changes.
pub(crate) const NOLOOP: u8 = 1 << 4;
/// The client that it redirects to is gone.
pub(crate) const BROKEN: u8 = 1 << 5;

/// How a client tracks, as others see it; only its session and those who post to it change it.
#[derive(Debug, Default)]
pub(crate) struct Tracks {
    pub(crate) flags: AtomicU8,
    /// The client that hears of it in its place; 0 for itself.
    pub(crate) redirect: AtomicU64,
    /// Prefixes that it broadcasts by.
    pub(crate) prefixes: AtomicU32,
}

impl Tracks {
    /// Whether it tracks in any mode.
    pub(crate) fn is_on(&self) -> bool {
        self.has(ON)
    }

    /// Whether a flag is set.
    pub(crate) fn has(&self, flag: u8) -> bool {
        self.flags.load(Ordering::Relaxed) & flag != 0
    }

    /// To whom its invalidations go, -1 while there are none.
    pub(crate) fn shown_redirect(&self) -> i64 {
        if self.is_on() { self.redirect.load(Ordering::Relaxed).cast_signed() } else { -1 }
    }
}

/// What of all databases is not valid any more.
#[derive(Debug, Clone)]
pub enum Invalidated {
    /// These keys.
    Keys(Arc<[Box<[u8]>]>),
    /// Whatever was cached.
    All,
}

impl Invalidated {
    /// Bytes of the keys' names.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Invalidated::Keys(keys) => keys.iter().map(|key| key.len()).sum(),
            Invalidated::All => 0,
        }
    }
}

/// What is to be posted of the running command.
#[derive(Default)]
pub(crate) struct Invalidations {
    /// Somebody tracks.
    pub(crate) on: bool,
    /// Somebody broadcasts.
    broadcasts: bool,
    /// Whose changes these are; 0 for nobody's.
    pub(crate) author: SessionId,
    /// Keys that somebody has read, in the order in which they changed.
    read: Vec<(Change, Readers)>,
    /// Keys that changed, for those who broadcast.
    changed: Vec<Change>,
    /// Databases were flushed or exchanged.
    flushed: bool,
}

/// A key that has changed, and by whom; 0 where it was not a command's doing.
struct Change {
    key: Box<[u8]>,
    by: SessionId,
}

impl Invalidations {
    /// A command begins.
    #[inline(always)]
    pub(crate) fn begin(&mut self, tracking: &Tracking) {
        self.on = tracking.is_on();
        self.broadcasts = self.on && tracking.broadcasters.load(Ordering::Relaxed) > 0;
    }

    /// Whether there is something to post.
    #[inline(always)]
    pub(crate) fn any(&self) -> bool {
        self.on && (!self.read.is_empty() || !self.changed.is_empty() || self.flushed)
    }

    /// A key has changed, by a command's doing or not.
    #[cold]
    pub(crate) fn changed(
        &mut self,
        tracked: &mut Tracked,
        (hash, key): (u64, &[u8]),
        by_command: bool,
    ) {
        let by = if by_command { self.author } else { 0 };
        if let Some(readers) = tracked.take(hash, key) {
            self.read.push((Change { key: key.into(), by }, readers));
        }
        if self.broadcasts {
            self.changed.push(Change { key: key.into(), by });
        }
    }

    /// The table had no room for a key any more.
    pub(crate) fn dropped(&mut self, key: Box<[u8]>, readers: Readers) {
        self.read.push((Change { key, by: 0 }, readers));
    }

    /// Databases were flushed or exchanged.
    pub(crate) fn flushed(&mut self) {
        self.flushed |= self.on;
    }
}

/// What the whole engine knows of tracking.
#[derive(Debug, Default)]
pub(crate) struct Tracking {
    /// Sessions that track.
    clients: AtomicU32,
    /// Those of them that broadcast.
    broadcasters: AtomicU32,
    /// Keys in the tables of all shards.
    keys: AtomicU64,
    prefixes: Mutex<Prefixes>,
}

/// Who hears of which prefix.
#[derive(Debug, Default)]
struct Prefixes {
    hearers: HashMap<Box<[u8]>, Vec<Arc<Client>>>,
    /// How many prefixes there are of each length.
    lengths: BTreeMap<usize, usize>,
}

impl Tracking {
    /// Whether somebody tracks: one load, for the way of every command.
    #[inline(always)]
    pub(crate) fn is_on(&self) -> bool {
        self.clients.load(Ordering::Relaxed) > 0
    }

    /// How many sessions track.
    pub(crate) fn clients(&self) -> u32 {
        self.clients.load(Ordering::Relaxed)
    }

    /// How many different prefixes somebody broadcasts by.
    pub(crate) fn prefixes(&self) -> usize {
        self.prefixes.lock().hearers.len()
    }

    /// A session begins to track, or does so differently.
    pub(crate) fn enable(&self, client: &Arc<Client>, flags: u8, redirect: SessionId) {
        let before = client.tracks.flags.load(Ordering::Relaxed);
        client.tracks.redirect.store(redirect, Ordering::Relaxed);
        client.tracks.flags.store(flags | ON, Ordering::Release);
        if before & ON == 0 {
            self.clients.fetch_add(1, Ordering::SeqCst);
            self.broadcasters.fetch_add(u32::from(flags & BCAST != 0), Ordering::SeqCst);
        }
    }

    /// It broadcasts by one more prefix.
    pub(crate) fn add_prefix(&self, client: &Arc<Client>, prefix: &[u8]) {
        let Prefixes { hearers, lengths } = &mut *self.prefixes.lock();
        let hearers = hearers.entry(prefix.into()).or_insert_with(|| {
            *lengths.entry(prefix.len()).or_default() += 1;
            Vec::new()
        });
        hearers.push(client.clone());
        client.tracks.prefixes.fetch_add(1, Ordering::Relaxed);
    }

    /// A session does not track any more; it broadcast by these prefixes. Whether nobody does.
    pub(crate) fn disable(&self, client: &Client, prefixes: &mut BTreeSet<Box<[u8]>>) -> bool {
        let before = client.tracks.flags.swap(0, Ordering::Relaxed);
        if before & ON == 0 {
            return false;
        }
        client.tracks.prefixes.store(0, Ordering::Relaxed);
        if !prefixes.is_empty() {
            let Prefixes { hearers: all, lengths } = &mut *self.prefixes.lock();
            while let Some(prefix) = prefixes.pop_first() {
                let Some(hearers) = all.get_mut(&prefix) else { continue };
                hearers.retain(|other| other.id != client.id);
                if hearers.is_empty() {
                    all.remove(&prefix);
                    let left = lengths.get_mut(&prefix.len()).map(|count| {
                        *count -= 1;
                        *count
                    });
                    if left == Some(0) {
                        lengths.remove(&prefix.len());
                    }
                }
            }
        }
        self.broadcasters.fetch_sub(u32::from(before & BCAST != 0), Ordering::SeqCst);
        self.clients.fetch_sub(1, Ordering::SeqCst) == 1
    }

    /// Posts everything that a command has made invalid. Under the locks of what it changed.
    #[cold]
    pub(crate) fn publish(&self, what: &mut Invalidations, clients: &Clients) {
        let flushed = std::mem::take(&mut what.flushed);
        if flushed {
            self.post_to_all(clients);
        }
        self.keys.fetch_sub(what.read.len() as u64, Ordering::Relaxed);
        for (change, readers) in what.read.drain(..) {
            let hearers = readers.iter().filter(|reader| {
                let flags = reader.tracks.flags.load(Ordering::Relaxed);
                let own = flags & NOLOOP != 0 && change.by == reader.id;
                flags & ON != 0 && flags & BCAST == 0 && !own
            });
            let keys = Invalidated::Keys(Arc::new([change.key]));
            post(hearers, &keys, clients);
        }
        if !what.changed.is_empty() {
            self.broadcast(std::mem::take(&mut what.changed), clients);
        }
    }

    fn post_to_all(&self, clients: &Clients) {
        let all = clients.all();
        post(all.iter().filter(|client| client.tracks.is_on()), &Invalidated::All, clients);
    }

    /// One event for each prefix, with all keys that begin with it.
    fn broadcast(&self, mut changed: Vec<Change>, clients: &Clients) {
        changed.sort_by(|one, other| one.key.cmp(&other.key));
        changed.dedup_by(|again, first| {
            let same = again.key == first.key;
            if same && again.by != first.by {
                first.by = 0;
            }
            same
        });
        let prefixes = self.prefixes.lock();
        let mut meant: BTreeMap<&[u8], Vec<&Change>> = BTreeMap::new();
        for change in &changed {
            for &len in prefixes.lengths.keys().take_while(|&&len| len <= change.key.len()) {
                if let Some((prefix, _)) = prefixes.hearers.get_key_value(&change.key[..len]) {
                    meant.entry(prefix).or_default().push(change);
                }
            }
        }
        for (prefix, changes) in meant {
            let Some(hearers) = prefixes.hearers.get(prefix) else { continue };
            let is_own = |client: &Client| {
                client.tracks.has(NOLOOP) && changes.iter().any(|change| change.by == client.id)
            };
            let keys_but = |author: SessionId| {
                let others = changes.iter().filter(|change| author == 0 || change.by != author);
                Invalidated::Keys(others.map(|change| change.key.clone()).collect())
            };
            post(hearers.iter().filter(|client| !is_own(client)), &keys_but(0), clients);
            for author in hearers.iter().filter(|client| is_own(client)) {
                let others = keys_but(author.id);
                if !matches!(&others, Invalidated::Keys(keys) if keys.is_empty()) {
                    post(std::iter::once(author), &others, clients);
                }
            }
        }
    }

    /// Forgets keys until there are no more than the settings allow.
    pub(crate) fn trim(engine: &Engine) {
        let each = &mut |shard: &mut Shard| {
            let mut what = Invalidations { on: true, ..Invalidations::default() };
            evict(engine, &mut shard.tracked, &mut what, EVICTED_UNDER_LOCK);
            if what.any() {
                engine.tracking.publish(&mut what, &engine.clients);
            }
        };
        while engine.tracking.is_over(engine) && engine.try_with_shards(&ShardSet::All, each) {}
    }

    /// Forgets all keys, if nobody tracks any more.
    pub(crate) fn forget(engine: &Engine) {
        engine.try_with_shards(&ShardSet::All, &mut |shard| {
            // Who has begun since, and has read something here, is seen under the lock.
            if !engine.tracking.is_on() {
                engine.tracking.keys.fetch_sub(shard.tracked.clear(), Ordering::Relaxed);
            }
        });
    }

    /// Whether the tables hold more keys than the settings allow.
    fn is_over(&self, engine: &Engine) -> bool {
        let most = engine.config().int(Id::TrackingTableMaxKeys).cast_unsigned();
        most > 0 && self.keys.load(Ordering::Relaxed) > most
    }
}

/// Makes a shard's table forget keys while there are too many in all.
fn evict(engine: &Engine, tracked: &mut Tracked, what: &mut Invalidations, most: u32) {
    for _ in 0..most {
        // What is taken here is counted when it is posted.
        let pending = what.read.len() as u64;
        let limit = engine.config().int(Id::TrackingTableMaxKeys).cast_unsigned();
        let left = engine.tracking.keys.load(Ordering::Relaxed).saturating_sub(pending);
        if limit == 0 || left <= limit {
            return;
        }
        let Some((key, readers)) = tracked.take_any(|bound| engine.random(bound)) else { return };
        what.dropped(key, readers);
    }
}

/// Posts to those who hear in place of clients, or to themselves.
fn post<'c>(hearers: impl Iterator<Item = &'c Arc<Client>>, what: &Invalidated, clients: &Clients) {
    let (mut direct, mut redirected) = (Groups::default(), Groups::default());
    for client in hearers {
        let to = client.tracks.redirect.load(Ordering::Relaxed);
        if to == 0 {
            direct.add(&client.mailbox, client.id);
        } else if let Some(target) = clients.get(to) {
            redirected.add(&target.mailbox, to);
        } else {
            client.tracks.flags.fetch_or(BROKEN, Ordering::Relaxed);
            client.mailbox.post(Recipients::One(client.id), Event::RedirectionBroken(to));
        }
    }
    for (groups, redirected) in [(direct, false), (redirected, true)] {
        groups.post(|| Event::Invalidated { what: what.clone(), redirected });
    }
}

impl Keys<'_> {
    /// Remembers that a client has read a key whose lock is held.
    pub(crate) fn remember(&mut self, key: &[u8], client: &Arc<Client>) {
        let hash = self.hash(key);
        let engine = self.engine;
        if !self.shard_of(key).tracked.remember(hash, key, client) {
            return;
        }
        engine.tracking.keys.fetch_add(1, Ordering::Relaxed);
        if engine.tracking.is_over(engine) {
            let index = engine.shard_index(hash);
            let mut what = std::mem::take(&mut self.changes.invalidations);
            evict(engine, &mut self.shard_at(index).tracked, &mut what, EVICTED_AT_ONCE);
            self.changes.invalidations = what;
        }
    }

    /// A database as a whole is another: all who track are told so at the end, and nothing needs to
    /// be remembered.
    pub(crate) fn forget_tracked(&mut self) {
        if !self.changes.invalidations.on {
            return;
        }
        let mut keys = 0;
        self.each_shard(|shard, _| keys += shard.tracked.clear());
        self.engine.tracking.keys.fetch_sub(keys, Ordering::Relaxed);
        self.changes.invalidations.flushed();
    }
}
