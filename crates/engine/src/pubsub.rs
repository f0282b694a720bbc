//! Publish and subscribe: who hears which channel.
//!
//! Channels lie in stripes by their hash; a stripe's lock orders the messages of its channels:
//! a message is posted to all its mailboxes under it, one event a mailbox. Patterns have one
//! list. Shard channels are a namespace of their own that patterns do not reach. Delivery is at
//! most once, to whoever is subscribed at that moment.

use crate::mailbox::{Event, Groups, Mailbox, Message, SessionId};
use crate::sync::Mutex;
use hashbrown::HashMap;
use larder_codec::glob;
use std::sync::Arc;

/// Sessions that hear a channel or pattern.
type Hearers = Vec<(SessionId, Arc<Mailbox>)>;

/// All subscriptions.
#[derive(Debug, Default)]
pub(crate) struct PubSub {
    /// Channels of `SUBSCRIBE`.
    pub(crate) channels: Channels,
    /// Channels of `SSUBSCRIBE`.
    pub(crate) sharded: Channels,
    patterns: Mutex<HashMap<Box<[u8]>, Hearers>>,
}

/// One namespace of channels.
#[derive(Debug, Default)]
pub(crate) struct Channels([Mutex<HashMap<Box<[u8]>, Hearers>>; 16]);

impl PubSub {
    /// Subscribes a session to all channels that match a pattern.
    pub(crate) fn subscribe_pattern(&self, pattern: &[u8], id: SessionId, mailbox: &Arc<Mailbox>) {
        let mut patterns = self.patterns.lock();
        patterns.entry(pattern.into()).or_default().push((id, mailbox.clone()));
    }

    /// Ends a subscription to a pattern.
    pub(crate) fn unsubscribe_pattern(&self, pattern: &[u8], id: SessionId) {
        leave(&mut self.patterns.lock(), pattern, id);
    }

    /// Posts a message to everybody who hears its channel; how many that are.
    pub(crate) fn publish(&self, channel: &[u8], payload: &[u8]) -> usize {
        let stripe = self.channels.stripe(channel).lock();
        let message = |pattern: Option<&[u8]>| Message {
            sharded: false,
            pattern: pattern.map(Into::into),
            channel: channel.into(),
            payload: payload.into(),
        };
        let mut receivers = 0;
        if let Some(hearers) = stripe.get(channel) {
            receivers += post(hearers, message(None));
        }
        for (pattern, hearers) in self.patterns.lock().iter() {
            if glob::matches(pattern, channel) {
                receivers += post(hearers, message(Some(pattern)));
            }
        }
        receivers
    }

    /// The same for a shard channel.
    pub(crate) fn publish_sharded(&self, channel: &[u8], payload: &[u8]) -> usize {
        let stripe = self.sharded.stripe(channel).lock();
        stripe.get(channel).map_or(0, |hearers| {
            let (channel, payload) = (channel.into(), payload.into());
            post(hearers, Message { sharded: true, pattern: None, channel, payload })
        })
    }

    /// How many different patterns there are.
    pub(crate) fn patterns(&self) -> usize {
        self.patterns.lock().len()
    }
}

impl Channels {
    /// Subscribes a session to a channel.
    pub(crate) fn subscribe(&self, channel: &[u8], id: SessionId, mailbox: &Arc<Mailbox>) {
        let mut stripe = self.stripe(channel).lock();
        stripe.entry(channel.into()).or_default().push((id, mailbox.clone()));
    }

    /// Ends a subscription to a channel.
    pub(crate) fn unsubscribe(&self, channel: &[u8], id: SessionId) {
        leave(&mut self.stripe(channel).lock(), channel, id);
    }

    /// Channels that somebody hears and that match a pattern.
    pub(crate) fn matching(&self, pattern: Option<&[u8]>) -> Vec<Box<[u8]>> {
        let matches = |channel: &[u8]| pattern.is_none_or(|p| glob::matches(p, channel));
        self.0
            .iter()
            .flat_map(|stripe| {
                let stripe = stripe.lock();
                stripe.keys().filter(|channel| matches(channel)).cloned().collect::<Vec<_>>()
            })
            .collect()
    }

    /// How many hear a channel, patterns not counted.
    pub(crate) fn hearers(&self, channel: &[u8]) -> usize {
        self.stripe(channel).lock().get(channel).map_or(0, Vec::len)
    }

    /// How many channels somebody hears.
    pub(crate) fn len(&self) -> usize {
        self.0.iter().map(|stripe| stripe.lock().len()).sum()
    }

    fn stripe(&self, channel: &[u8]) -> &Mutex<HashMap<Box<[u8]>, Hearers>> {
        let sum = channel.iter().fold(0u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(*byte));
        &self.0[usize::from(sum) % 16]
    }
}

fn leave(map: &mut HashMap<Box<[u8]>, Hearers>, name: &[u8], id: SessionId) {
    if let Some(hearers) = map.get_mut(name) {
        hearers.retain(|(other, _)| *other != id);
        if hearers.is_empty() {
            map.remove(name);
        }
    }
}

/// One event for each mailbox, however many of its sessions hear it.
fn post(hearers: &Hearers, message: Message) -> usize {
    let message = Arc::new(message);
    let mut groups = Groups::default();
    hearers.iter().for_each(|(id, mailbox)| groups.add(mailbox, *id));
    groups.post(|| Event::Message(message.clone()));
    hearers.len()
}
