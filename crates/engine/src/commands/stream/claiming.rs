//! What the commands share that change who has a pending entry: the effects that say it, the
//! consumer that asks.
//!
//! An effect names the consumer, the time of delivery and the number of deliveries outright
//! (`XCLAIM … TIME … RETRYCOUNT … FORCE JUSTID LASTID …`), so that it depends on nothing; one
//! stands for all entries that have these in common.

use super::{push_id, xack, xclaim, xgroup};
use crate::command::Words;
use crate::keys::Keys;
use crate::notify::names::{Events, Told};
use crate::values::stream::{self, Delivery, Group, Id, Stream, stream_of};

/// Of all that happens to pending entries, only a consumer that is made is told.
pub(super) const CONSUMER_MADE: Events = Events::told(&[Told::noted(0, xgroup::CONSUMER_MADE)]);

/// So that no effect has more words than a reader of the log accepts.
const IDS_AN_EFFECT: usize = 1024;

/// A group of a key's stream and one of its consumers, by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Party<'a> {
    pub(super) key: &'a [u8],
    pub(super) group: &'a [u8],
    pub(super) consumer: &'a [u8],
}

impl Party<'_> {
    /// The group, if it is there.
    pub(super) fn group_in<'k>(&self, keys: &'k Keys<'_>) -> Option<(&'k Stream, &'k Group)> {
        let stream = stream_of(keys.peek(keys.db(), self.key)).ok()??;
        Some((stream, stream.group(self.group)?))
    }

    /// Notes that the consumer asks for something; it is made if there is none. Its number.
    pub(super) fn enter(&self, keys: &mut Keys<'_>) -> Option<u64> {
        let now_ms = keys.now_ms();
        let (_, group) = self.group_in(keys)?;
        if let Some((number, consumer)) = group.consumer(self.consumer) {
            consumer.note_seen(now_ms);
            return Some(number);
        }
        let number = self.edit(keys, |group| group.add_consumer(self.consumer, now_ms));
        keys.note(self.key);
        let words = [self.key, self.group, self.consumer];
        xgroup::effect(keys, &xgroup::CREATECONSUMER, &words);
        number
    }

    /// Changes the group.
    pub(super) fn edit<R>(
        &self,
        keys: &mut Keys<'_>,
        edit: impl FnOnce(&mut Group) -> R,
    ) -> Option<R> {
        let mut gate = keys.write(self.key);
        stream::edit(&mut gate, |stream| stream.edit_group(self.group, |group, _| edit(group)))?
    }

    /// Gives entries to the consumer, with their records, takes others that are gone out of the
    /// pending ones, and names the effects.
    pub(super) fn settle(
        &self,
        keys: &mut Keys<'_>,
        consumer: u64,
        claims: &[(Id, Delivery)],
        gone: &[Id],
    ) {
        if claims.is_empty() && gone.is_empty() {
            return;
        }
        let now_ms = keys.now_ms();
        self.edit(keys, |group| {
            for &id in gone {
                group.acknowledge(id);
            }
            claims.iter().for_each(|(id, delivery)| group.deliver(*id, *delivery));
            if !claims.is_empty() {
                group.note_active(consumer, now_ms);
            }
        });
        self.effect_of_dropped(keys, gone);
        self.effect_of_claims(keys, claims);
    }

    /// Names the effect of entries that the consumer has got, with their records.
    pub(super) fn effect_of_claims(&self, keys: &mut Keys<'_>, claims: &[(Id, Delivery)]) {
        if !keys.names_effects() {
            return keys.no_effect();
        }
        let Some(last_id) = self.group_in(keys).map(|(_, group)| group.last_id()) else { return };
        let alike = |one: &(Id, Delivery), other: &(Id, Delivery)| one.1 == other.1;
        for run in claims.chunk_by(alike).flat_map(|run| run.chunks(IDS_AN_EFFECT)) {
            let (_, Delivery { at_ms, count, .. }) = run[0];
            let mut words = Words::new();
            words.push(self.key).push(self.group).push(self.consumer).int(0);
            run.iter().for_each(|(id, _)| push_id(&mut words, *id));
            words.keyword("TIME").int(at_ms.cast_signed());
            words.keyword("RETRYCOUNT").int(count.cast_signed());
            words.keyword("FORCE").keyword("JUSTID");
            push_id(words.keyword("LASTID"), last_id);
            keys.effect(&xclaim::SPEC, &words.as_slices());
        }
    }

    /// Names the effect of entries that are pending no longer.
    fn effect_of_dropped(&self, keys: &mut Keys<'_>, ids: &[Id]) {
        if !keys.names_effects() {
            return keys.no_effect();
        }
        for ids in ids.chunks(IDS_AN_EFFECT) {
            let mut words = Words::new();
            words.push(self.key).push(self.group);
            super::push_ids(ids, &mut words);
            keys.effect(&xack::SPEC, &words.as_slices());
        }
    }

    /// Names the effect of how far the group has read.
    pub(super) fn effect_of_position(&self, keys: &mut Keys<'_>) {
        let Some((_, group)) = self.group_in(keys) else { return };
        let (last_id, read) = (group.last_id(), group.entries_read());
        let mut words = Words::new();
        push_id(words.push(self.key).push(self.group), last_id);
        words.keyword("ENTRIESREAD").int(read.map_or(-1, u64::cast_signed));
        xgroup::effect(keys, &xgroup::SETID, &words.as_slices());
    }
}
