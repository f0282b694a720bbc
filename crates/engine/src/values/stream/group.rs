//! Consumer groups: who has read how far, and which entries are delivered but not acknowledged.
//!
//! One record stands for a pending entry, in the group's map; a consumer's own map has its IDs
//! only. Both are [`Ordered`]: a copy of a group shares all chunks. A consumer has a number within
//! its group that is never given twice; records name it by that.
//!
//! When a consumer was last seen is no part of the data: it may be noted without the right to
//! change the stream, as the use of a key is. Knows no entries.

use super::id::Id;
use super::ordered::{ARC_BYTES, Ordered};
use larder_codec::Corrupt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Name of a group or of a consumer.
pub type Name = Arc<[u8]>;

/// A consumer group.
#[derive(Debug, Clone, Default)]
pub struct Group {
    last_id: Id,
    entries_read: Option<u64>,
    pending: Ordered<Id, Delivery>,
    numbers: Ordered<Name, u64>,
    consumers: Ordered<u64, Arc<Consumer>>,
    /// Bytes of the consumers, their names and their own maps.
    consumer_bytes: u64,
    next_number: u64,
}

/// A delivered entry that nobody has acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Delivery {
    /// Number of the consumer that has it.
    pub consumer: u64,
    /// When it was delivered last, in Unix milliseconds.
    pub at_ms: u64,
    /// How often it was delivered.
    pub count: u64,
}

/// A consumer.
#[derive(Debug)]
pub struct Consumer {
    name: Name,
    seen_ms: AtomicU64,
    active_ms: Option<u64>,
    pending: Ordered<Id, ()>,
}

/// A group as files hold it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GroupParts {
    /// Its name.
    pub name: Vec<u8>,
    /// The ID that was delivered last.
    pub last_id: Id,
    /// How many entries were read up to there, if that is known.
    pub entries_read: Option<u64>,
    /// The pending entries: ID, time of delivery in Unix milliseconds, number of deliveries.
    pub pending: Vec<(Id, u64, u64)>,
    /// The consumers.
    pub consumers: Vec<ConsumerParts>,
}

/// A consumer as files hold it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ConsumerParts {
    /// Its name.
    pub name: Vec<u8>,
    /// When it last asked for anything, in Unix milliseconds.
    pub seen_ms: u64,
    /// When it last got anything, in Unix milliseconds.
    pub active_ms: Option<u64>,
    /// IDs of the group's pending entries that it has.
    pub pending: Vec<Id>,
}

impl Group {
    /// A group that has read up to an ID, which is so many entries if that is known.
    pub fn new(last_id: Id, entries_read: Option<u64>) -> Group {
        Group { last_id, entries_read, ..Group::default() }
    }

    /// A group of parts from outside, its name left out.
    ///
    /// # Errors
    /// A name or ID that comes twice, an entry pending for nobody or for two.
    pub(super) fn of_parts(parts: &GroupParts) -> Result<Group, Corrupt> {
        let wrong = |why| Corrupt::new(why, 0);
        let mut group = Group::new(parts.last_id, parts.entries_read);
        for consumer in &parts.consumers {
            if group.consumer(&consumer.name).is_some() {
                return Err(wrong("stream consumer comes twice"));
            }
            let number = group.add_consumer(&consumer.name, consumer.seen_ms);
            group.change_consumer(number, |own| own.active_ms = consumer.active_ms);
            for id in &consumer.pending {
                let delivery = Delivery { consumer: number, at_ms: 0, count: 0 };
                if group.pending.get(id).is_some() {
                    return Err(wrong("stream entry is pending for two consumers"));
                }
                group.deliver(*id, delivery);
            }
        }
        if group.pending.len() != parts.pending.len() {
            return Err(wrong("stream entry is pending for no consumer"));
        }
        let mut last = None;
        for &(id, at_ms, count) in &parts.pending {
            let Some(delivery) = group.pending.get_mut(&id).filter(|_| last < Some(id)) else {
                return Err(wrong("stream entries are pending out of order or for no consumer"));
            };
            (delivery.at_ms, delivery.count, last) = (at_ms, count, Some(id));
        }
        Ok(group)
    }

    /// The same parts, for saving.
    pub fn to_parts(&self, name: &[u8]) -> GroupParts {
        let consumer = |consumer: &Consumer| ConsumerParts {
            name: consumer.name.to_vec(),
            seen_ms: consumer.seen_ms(),
            active_ms: consumer.active_ms,
            pending: consumer.pending().collect(),
        };
        GroupParts {
            name: name.to_vec(),
            last_id: self.last_id,
            entries_read: self.entries_read,
            pending: self.pending().map(|(id, own)| (id, own.at_ms, own.count)).collect(),
            consumers: self.consumers().map(|(_, own)| consumer(own)).collect(),
        }
    }

    /// The ID that was delivered last.
    pub fn last_id(&self) -> Id {
        self.last_id
    }

    /// How many entries were read up to there, if that is known.
    pub fn entries_read(&self) -> Option<u64> {
        self.entries_read
    }

    /// Sets how far the group has read.
    pub fn set_position(&mut self, last_id: Id, entries_read: Option<u64>) {
        (self.last_id, self.entries_read) = (last_id, entries_read);
    }

    /// The pending entries from an ID on.
    pub fn pending_from(&self, id: Id) -> impl DoubleEndedIterator<Item = (Id, Delivery)> + '_ {
        self.pending.from(&id).map(|(id, delivery)| (*id, *delivery))
    }

    /// All pending entries.
    pub fn pending(&self) -> impl DoubleEndedIterator<Item = (Id, Delivery)> + '_ {
        self.pending.iter().map(|(id, delivery)| (*id, *delivery))
    }

    /// One pending entry.
    pub fn delivery(&self, id: Id) -> Option<Delivery> {
        self.pending.get(&id).copied()
    }

    /// How many entries are pending.
    pub fn pending_count(&self) -> usize {
        self.pending.len()
    }

    /// The consumers by name, each with its number.
    pub fn consumers(&self) -> impl Iterator<Item = (u64, &Consumer)> {
        let numbers = self.numbers.iter();
        numbers.filter_map(|(_, number)| Some((*number, self.consumer_of(*number)?)))
    }

    /// How many consumers there are.
    pub fn consumer_count(&self) -> usize {
        self.numbers.len()
    }

    /// A consumer by its name, and its number.
    pub fn consumer(&self, name: &[u8]) -> Option<(u64, &Consumer)> {
        let number = *self.numbers.get(name)?;
        Some((number, self.consumer_of(number)?))
    }

    /// A consumer by its number.
    pub fn consumer_of(&self, number: u64) -> Option<&Consumer> {
        self.consumers.get(&number).map(AsRef::as_ref)
    }

    /// Adds a consumer of a name that there is not; its number.
    pub fn add_consumer(&mut self, name: &[u8], now_ms: u64) -> u64 {
        let number = self.next_number;
        self.next_number += 1;
        let name: Name = name.into();
        let consumer = Consumer {
            name: name.clone(),
            seen_ms: AtomicU64::new(now_ms),
            active_ms: None,
            pending: Ordered::default(),
        };
        self.consumer_bytes += consumer.bytes();
        self.numbers.insert(name, number);
        self.consumers.insert(number, Arc::new(consumer));
        number
    }

    /// Removes a consumer with what is pending for it; how much that is, if there is such a one.
    pub fn remove_consumer(&mut self, name: &[u8]) -> Option<usize> {
        let number = self.numbers.remove(name)?;
        let consumer = self.consumers.remove(&number)?;
        self.consumer_bytes -= consumer.bytes();
        if consumer.pending.len() > self.pending.len() / 16 {
            self.pending.retain(|_, delivery| delivery.consumer != number);
        } else {
            for id in consumer.pending() {
                self.pending.remove(&id);
            }
        }
        Some(consumer.pending.len())
    }

    /// Notes that a consumer got something.
    pub fn note_active(&mut self, number: u64, now_ms: u64) {
        self.change_consumer(number, |consumer| consumer.active_ms = Some(now_ms));
    }

    /// Makes an entry pending, or changes its record, whoever has had it.
    pub fn deliver(&mut self, id: Id, delivery: Delivery) {
        let before = self.pending.insert(id, delivery).map(|before| before.consumer);
        if before == Some(delivery.consumer) {
            return;
        }
        if let Some(before) = before {
            self.change_consumer(before, |consumer| {
                consumer.pending.remove(&id);
            });
        }
        self.change_consumer(delivery.consumer, |consumer| {
            consumer.pending.insert(id, ());
        });
    }

    /// Takes an entry out of the pending ones; whether it was there.
    pub fn acknowledge(&mut self, id: Id) -> bool {
        let Some(delivery) = self.pending.remove(&id) else { return false };
        self.change_consumer(delivery.consumer, |consumer| {
            consumer.pending.remove(&id);
        });
        true
    }

    /// Bytes that the group takes.
    pub(super) fn bytes(&self) -> u64 {
        let own = (size_of::<Group>() + ARC_BYTES) as u64;
        let maps = self.pending.bytes() + self.numbers.bytes() + self.consumers.bytes();
        own + maps + self.consumer_bytes
    }

    /// Gives back about so many pending entries; whether nothing is left.
    pub(super) fn free_some(&mut self, budget: &mut usize) -> bool {
        while *budget > 0
            && let Some((&number, _)) = self.consumers.last()
        {
            let mut done = false;
            self.change_consumer(number, |own| done = own.pending.free_some(budget));
            *budget = budget.saturating_sub(1);
            if done && let Some(consumer) = self.consumers.remove(&number) {
                self.consumer_bytes -= consumer.bytes();
                self.numbers.remove(&*consumer.name);
            }
        }
        self.consumers.is_empty() && self.pending.free_some(budget)
    }

    fn change_consumer(&mut self, number: u64, change: impl FnOnce(&mut Consumer)) {
        let Some(consumer) = self.consumers.get_mut(&number) else { return };
        let before = consumer.bytes();
        let consumer = Arc::make_mut(consumer);
        change(consumer);
        self.consumer_bytes = self.consumer_bytes - before + consumer.bytes();
    }

    /// How many chunks a copy does not share.
    #[cfg(test)]
    pub(super) fn own_chunks(&self, copy: &Group) -> usize {
        let maps = [self.pending.own_chunks(&copy.pending), self.numbers.own_chunks(&copy.numbers)];
        let of = |number, group: &Group| group.consumers.get(number).cloned();
        let consumers = self.consumers.iter().map(|(number, consumer)| {
            of(number, copy).map_or(1, |other| consumer.pending.own_chunks(&other.pending))
        });
        maps.into_iter().chain(consumers).sum()
    }

    /// Counts everything anew.
    #[cfg(test)]
    pub(super) fn check(&self) {
        self.pending.check();
        self.numbers.check();
        self.consumers.check();
        let consumers = self.consumers.iter().map(|(_, consumer)| consumer.bytes());
        assert_eq!(self.consumer_bytes, consumers.sum::<u64>());
        assert_eq!(self.numbers.len(), self.consumers.len());
        let own = self.consumers().map(|(_, consumer)| consumer.pending_count()).sum::<usize>();
        assert_eq!(own, self.pending.len());
        for (id, delivery) in self.pending() {
            let consumer = self.consumer_of(delivery.consumer).expect("a consumer");
            assert!(consumer.pending.get(&id).is_some());
        }
    }
}

impl Consumer {
    /// Its name.
    pub fn name(&self) -> &[u8] {
        &self.name
    }

    /// When it last asked for anything, in Unix milliseconds.
    pub fn seen_ms(&self) -> u64 {
        self.seen_ms.load(Ordering::Relaxed)
    }

    /// Notes that it asks for something.
    pub fn note_seen(&self, now_ms: u64) {
        self.seen_ms.store(now_ms, Ordering::Relaxed);
    }

    /// When it last got anything, in Unix milliseconds.
    pub fn active_ms(&self) -> Option<u64> {
        self.active_ms
    }

    /// IDs of the entries that are pending for it.
    pub fn pending(&self) -> impl DoubleEndedIterator<Item = Id> + '_ {
        self.pending.iter().map(|(id, ())| *id)
    }

    /// The same from an ID on.
    pub fn pending_from(&self, id: Id) -> impl DoubleEndedIterator<Item = Id> + '_ {
        self.pending.from(&id).map(|(id, ())| *id)
    }

    /// How many entries are pending for it.
    pub fn pending_count(&self) -> usize {
        self.pending.len()
    }

    fn bytes(&self) -> u64 {
        // The struct, and the name behind its own counts.
        let own = size_of::<Consumer>() + ARC_BYTES + self.name.len() + ARC_BYTES;
        own as u64 + self.pending.bytes()
    }
}

impl Clone for Consumer {
    fn clone(&self) -> Self {
        Consumer {
            name: self.name.clone(),
            seen_ms: AtomicU64::new(self.seen_ms()),
            active_ms: self.active_ms,
            pending: self.pending.clone(),
        }
    }
}
