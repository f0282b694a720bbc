//! Mailboxes: how an event reaches a session that another thread owns.
//!
//! Only a session's owner (a loop thread, or the thread or task that uses a linked session)
//! writes for it. Everybody else posts to the owner's mailbox, first in first out, while holding
//! the lock that orders the event: the shard for what happens to keys, the channel for PUBLISH.
//! The owner takes its events only after a running command's reply is queued, so that no event
//! overtakes the value that it speaks of.

use crate::blocking::Waiter;
use crate::sync::{AtomicBool, Mutex, Ordering};
use crate::tracking::Invalidated;
use hashbrown::HashMap;
use smallvec::SmallVec;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

/// Number of a session, unique as long as the engine lives.
pub type SessionId = u64;

/// Something that happened to sessions of a mailbox.
#[derive(Debug, Clone)]
pub enum Event {
    /// A message on a channel, to sessions that subscribed to it (or to a pattern).
    Message(Arc<Message>),
    /// The reply of a blocking command, encoded for its session.
    Served {
        /// The wait that it ends.
        waiter: Arc<Waiter>,
        /// The reply's bytes.
        reply: Vec<u8>,
        /// Log position that the reply speaks of.
        position: u64,
    },
    /// Cached keys are not valid any more.
    Invalidated {
        /// Which.
        what: Invalidated,
        /// Another session reads the keys, and this one hears of them.
        redirected: bool,
    },
    /// The session that is to hear of invalid keys in its place is gone.
    RedirectionBroken(SessionId),
    /// A command of some client, as `MONITOR` shows it.
    Monitored(Arc<[u8]>),
    /// Somebody ended this connection.
    Close,
    /// Look at your state again: a pause ended, a limit changed.
    Nudge,
}

/// A published message.
#[derive(Debug)]
pub struct Message {
    /// Published by `SPUBLISH`, in the namespace of shard channels.
    pub sharded: bool,
    /// The pattern that matched, for pattern subscribers.
    pub pattern: Option<Box<[u8]>>,
    /// The channel.
    pub channel: Box<[u8]>,
    /// What was published.
    pub payload: Box<[u8]>,
}

/// Wakes the owner of a mailbox.
pub trait Notify: Send + Sync {
    /// There is something in the mailbox.
    fn notify(&self);
}

/// Events for the sessions of one owner.
pub struct Mailbox {
    events: Mutex<Vec<(Recipients, Event)>>,
    /// A notification is on its way and nobody has emptied the box since.
    notified: AtomicBool,
    notify: Box<dyn Notify>,
    posted_bytes: AtomicU64,
    /// Bytes of messages beyond which the owner is too slow and is cut off.
    most_bytes: u64,
}

/// To whom an event goes: one message a mailbox, however many of its sessions are meant.
#[derive(Debug, Clone)]
pub enum Recipients {
    /// One session.
    One(SessionId),
    /// Several.
    Many(Vec<SessionId>),
}

impl std::fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mailbox").finish_non_exhaustive()
    }
}

impl Mailbox {
    /// An empty mailbox.
    pub fn new(notify: Box<dyn Notify>) -> Arc<Self> {
        Mailbox::limited(notify, u64::MAX)
    }

    /// An empty mailbox of one session, which is closed when more than so many bytes of messages
    /// wait: for owners who may stop to look. Others bound what they take out.
    pub fn limited(notify: Box<dyn Notify>, most_bytes: u64) -> Arc<Self> {
        Arc::new(Mailbox {
            events: Mutex::new(Vec::new()),
            notified: AtomicBool::new(false),
            notify,
            posted_bytes: AtomicU64::new(0),
            most_bytes,
        })
    }

    /// Adds an event; wakes the owner once per batch.
    pub fn post(&self, to: Recipients, mut event: Event) {
        let is_full = self.waiting_bytes() > self.most_bytes;
        if is_full && matches!(event, Event::Message(_)) {
            event = Event::Close;
        }
        let bytes = event.bytes() as u64;
        self.posted_bytes.fetch_add(bytes, Ordering::Relaxed);
        let mut events = self.events.lock();
        if is_full && matches!((&event, events.last()), (Event::Close, Some((_, Event::Close)))) {
            return;
        }
        events.push((to, event));
        drop(events);
        if !self.notified.swap(true, Ordering::AcqRel) {
            self.notify.notify();
        }
    }

    /// Takes everything that was posted.
    pub fn take(&self, into: &mut Vec<(Recipients, Event)>) {
        if !self.notified.load(Ordering::Acquire) {
            return;
        }
        self.notified.store(false, Ordering::Release);
        let mut events = self.events.lock();
        for (_, event) in events.iter() {
            self.posted_bytes.fetch_sub(event.bytes() as u64, Ordering::Relaxed);
        }
        into.append(&mut events);
    }

    /// Whether something may wait to be taken.
    pub fn has_mail(&self) -> bool {
        self.notified.load(Ordering::Acquire)
    }

    /// Bytes in events that wait to be taken.
    pub fn waiting_bytes(&self) -> u64 {
        self.posted_bytes.load(Ordering::Relaxed)
    }
}

/// Mailboxes up to this number are searched one by one.
const FEW: usize = 8;

/// Sessions by their mailboxes, so that each mailbox gets one event for all of its sessions.
#[derive(Default)]
pub(crate) struct Groups {
    groups: SmallVec<[(Arc<Mailbox>, Vec<SessionId>); 2]>,
    /// Places in `groups` once there are many.
    index: HashMap<*const Mailbox, usize>,
}

impl Groups {
    /// Adds a session.
    pub(crate) fn add(&mut self, mailbox: &Arc<Mailbox>, id: SessionId) {
        let Groups { groups, index } = self;
        let known = match groups.len() {
            0..=FEW => groups.iter().position(|(other, _)| Arc::ptr_eq(other, mailbox)),
            _ => index.get(&Arc::as_ptr(mailbox)).copied(),
        };
        if let Some(at) = known {
            return groups[at].1.push(id);
        }
        groups.push((mailbox.clone(), vec![id]));
        if groups.len() > FEW {
            let places = groups.iter().enumerate().skip(index.len());
            index.extend(places.map(|(at, (mailbox, _))| (Arc::as_ptr(mailbox), at)));
        }
    }

    /// Posts an event to all of them.
    pub(crate) fn post(self, event: impl Fn() -> Event) {
        for (mailbox, mut ids) in self.groups {
            let to = match ids.len() {
                1 => Recipients::One(ids.remove(0)),
                _ => Recipients::Many(ids),
            };
            mailbox.post(to, event());
        }
    }
}

impl Event {
    fn bytes(&self) -> usize {
        match self {
            Event::Message(message) => message.channel.len() + message.payload.len(),
            Event::Served { reply, .. } => reply.len(),
            Event::Invalidated { what, .. } => what.bytes(),
            Event::Monitored(line) => line.len(),
            Event::RedirectionBroken(_) | Event::Close | Event::Nudge => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Nobody;

    impl Notify for Nobody {
        fn notify(&self) {}
    }

    fn message(bytes: usize) -> Event {
        let payload = vec![0; bytes].into();
        Event::Message(Arc::new(Message {
            sharded: false,
            pattern: None,
            channel: Box::default(),
            payload,
        }))
    }

    #[test]
    fn an_owner_who_does_not_look_is_closed_instead_of_filling_memory() {
        let mailbox = Mailbox::limited(Box::new(Nobody), 1000);
        for _ in 0..100 {
            mailbox.post(Recipients::One(1), message(600));
        }
        let mut events = Vec::new();
        mailbox.take(&mut events);
        assert_eq!(events.len(), 3);
        assert!(matches!(events[2].1, Event::Close));
    }
}
