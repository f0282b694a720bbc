//! What a session remembers between commands.

use crate::clients::Client;
use crate::config::Config;
use crate::engine::Engine;
use crate::keyspace::locks::ShardSet;
use crate::mailbox::{Message, SessionId};
use crate::reply::{Reply, WireReply};
use crate::spec::Entry;
use crate::tracking::{self, Invalidated};
use hashbrown::HashSet;
use larder_resp::Protocol;
use smallvec::SmallVec;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// What the owner of a session does after a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Flow {
    /// Go on with the next request.
    Continue,
    /// The session waits for a key: no further request until an event or the deadline.
    Blocked,
    /// Nothing was done; try again once the waker was woken.
    Retry,
    /// Commands are paused until this Unix time in milliseconds; nothing was done.
    Paused(u64),
    /// Send what was replied, then close.
    Close,
}

/// `CLIENT REPLY`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReplyMode {
    /// Every reply is sent.
    #[default]
    On,
    /// None is.
    Off,
    /// The next one is not.
    SkipNext,
    /// This one is not.
    Skip,
}

/// Bits of [`SessionState::after`].
pub(crate) mod after {
    /// The session watches nothing any more.
    pub(crate) const UNWATCH: u8 = 1;
    /// `CLIENT CACHING` holds for the command after this one.
    pub(crate) const CACHING: u8 = 1 << 1;
    /// Fewer keys may be remembered for those who track.
    pub(crate) const TRIM_TRACKED: u8 = 1 << 2;
    /// Clients may take less, or may be closed for it now.
    pub(crate) const COUNT_CLIENTS: u8 = 1 << 4;
    /// Nobody tracks: what is remembered is needed by nobody.
    pub(crate) const FORGET_TRACKED: u8 = 1 << 3;
}

/// Commands between MULTI and EXEC.
#[derive(Debug, Default)]
pub(crate) struct Multi {
    pub(crate) queue: Vec<Queued>,
    /// Bytes of the words in the queue.
    pub(crate) bytes: u64,
    /// One of the commands may change data.
    pub(crate) writes: bool,
    /// One of them was refused: EXEC will be too.
    pub(crate) aborted: bool,
}

/// A command that waits for EXEC.
#[derive(Debug)]
pub(crate) struct Queued {
    pub(crate) entry: &'static Entry,
    pub(crate) words: Vec<Vec<u8>>,
}

/// A session's state, as commands see and change it.
#[derive(Debug)]
pub struct SessionState {
    /// The session's record.
    pub(crate) client: Arc<Client>,
    /// Selected database.
    pub(crate) db: u8,
    /// Protocol of the replies.
    pub(crate) protocol: Protocol,
    /// Knows the password, or there was none when it came.
    pub(crate) authenticated: bool,
    /// The owner vouches for the peer.
    pub(crate) trusted: bool,
    /// Its commands come out of a log: nothing that is out of order concerns them.
    pub(crate) replays: bool,
    /// Commands queued since MULTI.
    pub(crate) multi: Option<Multi>,
    /// Keys watched; their changes raise the client's `touched`.
    pub(crate) watched: HashSet<(u8, Box<[u8]>)>,
    /// Channels, patterns and shard channels subscribed to.
    pub(crate) channels: HashSet<Box<[u8]>>,
    pub(crate) patterns: HashSet<Box<[u8]>>,
    pub(crate) sharded: HashSet<Box<[u8]>>,
    /// Bytes of a reply after which its reader is cut off.
    pub(crate) reply_bytes: usize,
    /// A reply went beyond that.
    pub(crate) cut_off: bool,
    /// What becomes of replies.
    pub(crate) reply_mode: ReplyMode,
    /// What it reads is remembered, to tell it when that changes.
    pub(crate) remembers: bool,
    /// `CLIENT CACHING` was given, for the command or transaction that comes next.
    pub(crate) caching: bool,
    /// Prefixes of the keys of whose changes it hears.
    pub(crate) prefixes: BTreeSet<Box<[u8]>>,
    /// What is to be done once the command's locks are free: bits of [`after`].
    pub(crate) after: u8,
    /// Set by commands whose reply is sent whatever the mode of replies says.
    pub(crate) reply_anyway: bool,
    /// Words of the command that ran last that are secrets, by their place.
    pub(crate) redacted: SmallVec<[u16; 4]>,
    /// Set by commands that end the session or change its flow.
    pub(crate) flow: Option<Flow>,
}

impl SessionState {
    pub(crate) fn new(client: Arc<Client>, config: &Config) -> Self {
        SessionState {
            client,
            db: 0,
            protocol: Protocol::Resp2,
            authenticated: !config.has_password(),
            trusted: false,
            replays: false,
            multi: None,
            watched: HashSet::new(),
            channels: HashSet::new(),
            patterns: HashSet::new(),
            sharded: HashSet::new(),
            reply_bytes: usize::MAX,
            cut_off: false,
            reply_mode: ReplyMode::On,
            remembers: false,
            caching: false,
            prefixes: BTreeSet::new(),
            after: 0,
            reply_anyway: false,
            redacted: SmallVec::new(),
            flow: None,
        }
    }

    /// Channels and patterns subscribed to.
    pub(crate) fn subscriptions(&self) -> usize {
        self.channels.len() + self.patterns.len() + self.sharded.len()
    }

    /// Selects a database and says so in the session's record.
    pub(crate) fn select(&mut self, db: u8) {
        self.db = db;
        self.client.facts.db.store(db, Ordering::Relaxed);
    }

    /// Replies in this protocol from now on.
    pub(crate) fn set_protocol(&mut self, protocol: Protocol) {
        self.protocol = protocol;
        self.client.facts.set_protocol(protocol);
    }

    /// Whether a watched key has changed.
    pub(crate) fn is_touched(&self) -> bool {
        self.client.touched.load(Ordering::Acquire)
    }

    /// Begins to queue.
    pub(crate) fn begin_multi(&mut self) {
        self.multi = Some(Multi::default());
        self.note_multi();
    }

    /// Forgets the queue; the watches go after the command.
    pub(crate) fn discard(&mut self) {
        self.multi = None;
        self.after |= after::UNWATCH;
        self.note_multi();
    }

    /// Says in the session's record how much is queued.
    pub(crate) fn note_multi(&self) {
        let (queued, bytes) =
            self.multi.as_ref().map_or((-1, 0), |multi| (multi.queue.len() as i64, multi.bytes));
        self.client.facts.multi.store(queued, Ordering::Relaxed);
        self.client.facts.multi_bytes.store(bytes, Ordering::Relaxed);
    }

    /// Says in the session's record how much it is subscribed to.
    pub(crate) fn note_subscriptions(&self) {
        let facts = &self.client.facts;
        for (counter, set) in [
            (&facts.channels, &self.channels),
            (&facts.patterns, &self.patterns),
            (&facts.sharded, &self.sharded),
        ] {
            counter.store(set.len() as u32, Ordering::Relaxed);
        }
    }

    /// Removes the reply that was just written where the mode says so.
    pub(crate) fn apply_reply_mode(&mut self, out: &mut Vec<u8>, start: usize) {
        if !self.is_reply_sent() {
            out.truncate(start);
        }
    }

    /// Whether the mode lets the reply of the command that just ran be sent. To be asked once.
    pub(crate) fn is_reply_sent(&mut self) -> bool {
        let anyway = std::mem::take(&mut self.reply_anyway);
        match self.reply_mode {
            ReplyMode::On => return true,
            ReplyMode::Off => {}
            ReplyMode::SkipNext => self.reply_mode = ReplyMode::Skip,
            ReplyMode::Skip => self.reply_mode = ReplyMode::On,
        }
        anyway
    }

    /// A published message, if the session still listens.
    pub(crate) fn write_message(&self, message: &Message, reply: &mut dyn Reply) {
        let (heard, kind): (bool, &[u8]) = match &message.pattern {
            Some(pattern) => (self.patterns.contains(pattern), b"pmessage"),
            None if message.sharded => (self.sharded.contains(&message.channel), b"smessage"),
            None => (self.channels.contains(&message.channel), b"message"),
        };
        if !heard {
            return;
        }
        reply.push(3 + usize::from(message.pattern.is_some()));
        reply.bulk(kind);
        if let Some(pattern) = &message.pattern {
            reply.bulk(pattern);
        }
        reply.bulk(&message.channel);
        reply.bulk(&message.payload);
    }

    /// Begins to track, or does so differently. Prefixes are added to those that there are.
    pub(crate) fn track(
        &mut self,
        engine: &Engine,
        flags: u8,
        redirect: SessionId,
        prefixes: &[&[u8]],
    ) {
        engine.tracking.enable(&self.client, flags, redirect);
        for prefix in prefixes {
            if self.prefixes.insert((*prefix).into()) {
                engine.tracking.add_prefix(&self.client, prefix);
            }
        }
        self.note_remembers();
    }

    /// Tracks nothing any more.
    pub(crate) fn end_tracking(&mut self, engine: &Engine) {
        if engine.tracking.disable(&self.client, &mut self.prefixes) {
            self.after |= after::FORGET_TRACKED;
        }
        self.caching = false;
        self.note_remembers();
    }

    /// Looks again at whether what the session reads is to be remembered.
    pub(crate) fn note_remembers(&mut self) {
        let tracks = &self.client.tracks;
        self.remembers = tracks.is_on()
            && !tracks.has(tracking::BCAST)
            && (!tracks.has(tracking::OPTIN) || self.caching)
            && (!tracks.has(tracking::OPTOUT) || !self.caching);
    }

    /// Keys that are not valid any more, where the session's protocol has a way to say so.
    pub(crate) fn write_invalidated(
        &self,
        what: &Invalidated,
        redirected: bool,
        out: &mut Vec<u8>,
    ) {
        let mut reply = WireReply::new(out, self.protocol);
        if self.protocol == Protocol::Resp3 {
            reply.push(2);
            reply.bulk(b"invalidate");
        } else if redirected && self.subscriptions() > 0 {
            reply.push(3);
            reply.bulk(b"message");
            reply.bulk(tracking::CHANNEL);
        } else {
            return;
        }
        match what {
            Invalidated::Keys(keys) => {
                reply.array(keys.len());
                keys.iter().for_each(|key| reply.bulk(key));
            }
            Invalidated::All => reply.null(),
        }
    }

    /// The session that was to hear of invalid keys is gone.
    pub(crate) fn write_broken_redirection(&self, to: SessionId, out: &mut Vec<u8>) {
        if self.protocol == Protocol::Resp3 {
            let mut reply = WireReply::new(out, self.protocol);
            reply.push(2);
            reply.bulk(b"tracking-redir-broken");
            reply.int(to.cast_signed());
        }
    }

    /// Forgets the watches. Takes the locks of their shards: not from inside a command. What a
    /// script over its time keeps from being forgotten stays watched until the next time.
    pub(crate) fn unwatch(&mut self, engine: &Engine) {
        let touched = &self.client.touched;
        self.watched.retain(|(db, key)| {
            let shard = ShardSet::One(engine.shard_index(engine.hash().of(key)));
            !engine.try_with_shards(&shard, &mut |shard| shard.watched.remove(*db, key, touched))
        });
        touched.store(false, Ordering::Release);
        self.client.facts.watching.store(self.watched.len() as u32, Ordering::Relaxed);
    }

    /// Forgets what is still watched as soon as that can be: the session ends.
    pub(crate) fn unwatch_later(&mut self, engine: &Engine) {
        for (db, key) in self.watched.drain() {
            let touched = self.client.touched.clone();
            let shard = ShardSet::One(engine.shard_index(engine.hash().of(&key)));
            engine.with_shards(shard, move |shard| shard.watched.remove(db, &key, &touched));
        }
    }

    pub(crate) fn unsubscribe_all(&mut self, engine: &Engine) {
        let id = self.client.id;
        self.channels.drain().for_each(|name| engine.pubsub.channels.unsubscribe(&name, id));
        self.patterns.drain().for_each(|name| engine.pubsub.unsubscribe_pattern(&name, id));
        self.sharded.drain().for_each(|name| engine.pubsub.sharded.unsubscribe(&name, id));
        self.note_subscriptions();
    }
}
