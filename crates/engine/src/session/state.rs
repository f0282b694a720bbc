//! What a session remembers between commands.

use crate::clients::Client;
use crate::config::Config;
use crate::engine::Engine;
use crate::keyspace::locks::ShardSet;
use crate::mailbox::Message;
use crate::reply::{Reply, WireReply};
use crate::watch::Touched;
use hashbrown::HashSet;
use larder_resp::Protocol;
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

/// Commands between MULTI and EXEC.
#[derive(Debug, Default)]
pub struct Multi {
    /// The words of each.
    pub(crate) queue: Vec<Vec<Vec<u8>>>,
    /// One of them was refused: EXEC will be too.
    pub(crate) aborted: bool,
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
    /// Knows the password, or there is none.
    pub(crate) authenticated: bool,
    /// Commands queued since MULTI.
    pub(crate) multi: Option<Multi>,
    /// Keys watched, and the flag that their changes raise.
    pub(crate) watched: Vec<(u8, Box<[u8]>)>,
    pub(crate) touched: Touched,
    /// Channels and patterns subscribed to.
    pub(crate) channels: HashSet<Box<[u8]>>,
    pub(crate) patterns: HashSet<Box<[u8]>>,
    /// What becomes of replies.
    pub(crate) reply_mode: ReplyMode,
    /// Set by commands after which the session watches nothing.
    pub(crate) unwatch_after: bool,
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
            multi: None,
            watched: Vec::new(),
            touched: Touched::default(),
            channels: HashSet::new(),
            patterns: HashSet::new(),
            reply_mode: ReplyMode::On,
            unwatch_after: false,
            flow: None,
        }
    }

    /// Channels and patterns subscribed to.
    pub(crate) fn subscriptions(&self) -> usize {
        self.channels.len() + self.patterns.len()
    }

    /// Selects a database and says so in the session's record.
    pub(crate) fn select(&mut self, db: u8) {
        self.db = db;
        self.client.facts.lock().db = db;
    }

    /// Whether a watched key has changed.
    pub(crate) fn is_touched(&self) -> bool {
        self.touched.load(Ordering::Acquire)
    }

    pub(crate) fn count_command(&self) {
        // Only this session's owner writes it.
        let commands = self.client.commands.load(Ordering::Relaxed) + 1;
        self.client.commands.store(commands, Ordering::Relaxed);
    }

    /// Removes the reply that was just written where the mode says so.
    pub(crate) fn apply_reply_mode(&mut self, out: &mut Vec<u8>, start: usize) {
        match self.reply_mode {
            ReplyMode::On => {}
            ReplyMode::Off => out.truncate(start),
            ReplyMode::SkipNext => {
                out.truncate(start);
                self.reply_mode = ReplyMode::Skip;
            }
            ReplyMode::Skip => {
                out.truncate(start);
                self.reply_mode = ReplyMode::On;
            }
        }
    }

    /// A published message, in the session's protocol.
    pub(crate) fn write_message(&self, message: &Message, out: &mut Vec<u8>) {
        let heard = match &message.pattern {
            Some(pattern) => self.patterns.contains(pattern),
            None => self.channels.contains(&message.channel),
        };
        if !heard {
            return;
        }
        let mut reply = WireReply::new(out, self.protocol);
        match &message.pattern {
            Some(pattern) => {
                reply.push(4);
                reply.bulk(b"pmessage");
                reply.bulk(pattern);
            }
            None => {
                reply.push(3);
                reply.bulk(b"message");
            }
        }
        reply.bulk(&message.channel);
        reply.bulk(&message.payload);
    }

    /// Forgets the watches. Takes the locks of their shards: not from inside a command.
    pub(crate) fn unwatch(&mut self, engine: &Engine) {
        for (db, key) in std::mem::take(&mut self.watched) {
            let index = engine.shard_index(engine.hash().of(&key));
            let touched = &self.touched;
            engine.with_shards(&ShardSet::One(index), |shard| {
                shard.watched.remove(db, &key, touched);
            });
        }
        self.touched.store(false, Ordering::Release);
        self.client.facts.lock().watching = 0;
    }

    pub(crate) fn unsubscribe_all(&mut self, engine: &Engine) {
        for channel in self.channels.drain() {
            engine.pubsub.unsubscribe(&channel, self.client.id);
        }
        for pattern in self.patterns.drain() {
            engine.pubsub.unsubscribe_pattern(&pattern, self.client.id);
        }
    }
}
