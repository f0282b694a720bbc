//! Streams in the RDB form: their parts as [`larder_codec::rdb::stream`] has them, both ways.

use crate::values::stream::{ConsumerParts, Figures, Group, GroupParts, Id, Stream};
use larder_codec::Corrupt;
use larder_codec::rdb::stream as form;
use std::collections::HashMap;

/// The parts of a stream; the nodes are borrowed.
pub(super) fn parts_of(stream: &Stream) -> form::Stream<'_> {
    let (entries, figures) = (stream.entries(), stream.entries().figures());
    form::Stream {
        nodes: entries.nodes().map(|(id, lp)| (pair(id), lp.into())).collect(),
        length: entries.len(),
        last_id: pair(figures.last_id),
        first_id: pair(entries.first_id()),
        max_deleted_id: pair(figures.max_deleted_id),
        entries_added: figures.entries_added,
        groups: stream.groups().map(|(name, group)| group_parts_of(name, group)).collect(),
    }
}

/// The stream of some parts.
pub(super) fn of_parts(parts: &form::Stream<'_>) -> Result<Stream, Corrupt> {
    let figures = Figures {
        last_id: id(parts.last_id),
        max_deleted_id: id(parts.max_deleted_id),
        entries_added: parts.entries_added,
    };
    let groups: Vec<GroupParts> = parts.groups.iter().map(group_of_parts).collect();
    Stream::of_parts(parts.nodes.iter().map(|(node, lp)| (id(*node), lp)), figures, &groups)
}

fn group_parts_of<'s>(name: &'s [u8], group: &'s Group) -> form::Group<'s> {
    let places: HashMap<u64, usize> =
        group.consumers().enumerate().map(|(at, (number, _))| (number, at)).collect();
    let pending = group.pending().map(|(id, delivery)| form::Pending {
        id: pair(id),
        delivered_ms: delivery.at_ms.cast_signed(),
        deliveries: delivery.count,
        consumer: places.get(&delivery.consumer).copied().unwrap_or(usize::MAX),
    });
    let consumers = group.consumers().map(|(_, consumer)| form::Consumer {
        name: consumer.name().into(),
        seen_ms: consumer.seen_ms().cast_signed(),
        active_ms: consumer.active_ms().map_or(-1, u64::cast_signed),
    });
    form::Group {
        name: name.into(),
        last_id: pair(group.last_id()),
        entries_read: group.entries_read(),
        pending: pending.collect(),
        consumers: consumers.collect(),
    }
}

fn group_of_parts(parts: &form::Group<'_>) -> GroupParts {
    let ms = |ms: i64| u64::try_from(ms).unwrap_or(0);
    let mut consumers: Vec<ConsumerParts> = Vec::with_capacity(parts.consumers.len());
    consumers.extend(parts.consumers.iter().map(|consumer| ConsumerParts {
        name: consumer.name.to_vec(),
        seen_ms: ms(consumer.seen_ms),
        active_ms: u64::try_from(consumer.active_ms).ok(),
        pending: Vec::new(),
    }));
    for pending in &parts.pending {
        if let Some(consumer) = consumers.get_mut(pending.consumer) {
            consumer.pending.push(id(pending.id));
        }
    }
    let record = |own: &form::Pending| (id(own.id), ms(own.delivered_ms), own.deliveries);
    GroupParts {
        name: parts.name.to_vec(),
        last_id: id(parts.last_id),
        entries_read: parts.entries_read,
        pending: parts.pending.iter().map(record).collect(),
        consumers,
    }
}

fn pair(id: Id) -> form::Id {
    (id.ms, id.seq)
}

fn id((ms, seq): form::Id) -> Id {
    Id::new(ms, seq)
}
