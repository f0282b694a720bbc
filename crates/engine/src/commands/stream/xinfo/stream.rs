//! `XINFO STREAM key [FULL [COUNT count]]`
//!
//! The figures of a stream with its first and last entry; with `FULL` also its first `count`
//! entries (10 unless given, 0 for all), and its groups and consumers with as many of their
//! pending entries. O(log n), and O(what is answered).
//!
//! Difference: there is no radix tree. `radix-tree-keys` are the nodes as in Redis,
//! `radix-tree-nodes` are they and the chunks of the directory above them.

use super::{ABOUT_STREAM, Args, Command, Ctx, Error, Late, Reply, Spec, Words};
use super::{SPEC, reply_entry, reply_id, reply_progress, stream_at, subcommand_usage_error};
use crate::values::stream::{Entries, Group, Id, Stream};

/// What is known of `XINFO STREAM`.
pub(super) const STREAM: Spec = Spec {
    name: "stream",
    syntax: "key [FULL [COUNT count]]",
    summary: "Returns information about a stream.",
    arity: -3,
    ..ABOUT_STREAM
};

/// Entries that `FULL` answers unless it is said how many.
const COUNT: u64 = 10;

/// `XINFO STREAM`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About<'a> {
    /// The key.
    pub key: &'a [u8],
    /// Entries and pending entries of each list to answer, 0 for all; `None` for none.
    pub full: Late<'a, Option<u64>>,
}

impl<'a> Command<'a> for About<'a> {
    const SPEC: &'static Spec = &STREAM;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let (key, name) = (args.word()?, args.given_name());
        let full = Late::parse(args, |args| match args.left() {
            0 => Ok(None),
            1 if args.keyword("FULL") => Ok(Some(COUNT)),
            3 if args.keyword("FULL") && args.keyword("COUNT") => {
                args.int().map(|count| Some(u64::try_from(count).unwrap_or(COUNT)))
            }
            _ => Err(subcommand_usage_error(&SPEC, name)),
        });
        Ok(About { key, full })
    }

    fn words(&self, words: &mut Words<'_>) {
        self.full.words(words.push(self.key), |full, words| {
            if let Some(count) = full {
                words.keyword("FULL").keyword("COUNT").int(count.cast_signed());
            }
        });
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let stream = stream_at(ctx, self.key)?;
        match *self.full.get()? {
            None => reply_short(stream, reply),
            Some(count) => reply_full(stream, count, reply),
        }
        Ok(())
    }
}

fn reply_short(stream: &Stream, reply: &mut dyn Reply) {
    let entries = stream.entries();
    reply.map(10);
    reply_figures(entries, reply);
    reply.bulk(b"groups");
    reply.int(stream.group_count() as i64);
    for (name, entry) in [("first-entry", entries.first()), ("last-entry", entries.last())] {
        reply.bulk(name.as_bytes());
        match entry {
            Some(entry) => reply_entry(reply, &entry),
            None => reply.null(),
        }
    }
}

/// Seven pairs.
fn reply_figures(entries: &Entries, reply: &mut dyn Reply) {
    let (nodes, chunks) = entries.node_counts();
    let figures = entries.figures();
    let number = |reply: &mut dyn Reply, name: &str, number: u64| {
        reply.bulk(name.as_bytes());
        reply.int(number.cast_signed());
    };
    let id = |reply: &mut dyn Reply, name: &str, id: Id| {
        reply.bulk(name.as_bytes());
        reply_id(reply, id);
    };
    number(reply, "length", entries.len());
    number(reply, "radix-tree-keys", nodes as u64);
    number(reply, "radix-tree-nodes", (nodes + chunks) as u64);
    id(reply, "last-generated-id", figures.last_id);
    id(reply, "max-deleted-entry-id", figures.max_deleted_id);
    number(reply, "entries-added", figures.entries_added);
    id(reply, "recorded-first-entry-id", entries.first_id());
}

fn reply_full(stream: &Stream, count: u64, reply: &mut dyn Reply) {
    reply.map(9);
    reply_figures(stream.entries(), reply);
    reply.bulk(b"entries");
    super::super::reply_range(reply, stream.entries(), (Id::MIN, Id::MAX), count);
    reply.bulk(b"groups");
    reply.array(stream.group_count());
    for (name, group) in stream.groups() {
        reply.map(7);
        reply.bulk(b"name");
        reply.bulk(name);
        reply.bulk(b"last-delivered-id");
        reply_id(reply, group.last_id());
        reply_progress(stream, group, reply);
        reply_pending(group, count, reply);
        reply_consumers(group, count, reply);
    }
}

fn reply_pending(group: &Group, count: u64, reply: &mut dyn Reply) {
    reply.bulk(b"pel-count");
    reply.int(group.pending_count() as i64);
    reply.bulk(b"pending");
    let shown = at_most(group.pending_count(), count);
    reply.array(shown);
    for (id, delivery) in group.pending().take(shown) {
        reply.array(4);
        reply_id(reply, id);
        let consumer = group.consumer_of(delivery.consumer);
        reply.bulk(consumer.map_or(b"", |consumer| consumer.name()));
        reply.int(delivery.at_ms.cast_signed());
        reply.int(delivery.count.cast_signed());
    }
}

fn reply_consumers(group: &Group, count: u64, reply: &mut dyn Reply) {
    reply.bulk(b"consumers");
    reply.array(group.consumer_count());
    for (_, consumer) in group.consumers() {
        reply.map(5);
        reply.bulk(b"name");
        reply.bulk(consumer.name());
        reply.bulk(b"seen-time");
        reply.int(consumer.seen_ms().cast_signed());
        reply.bulk(b"active-time");
        reply.int(consumer.active_ms().map_or(-1, u64::cast_signed));
        reply.bulk(b"pel-count");
        reply.int(consumer.pending_count() as i64);
        reply.bulk(b"pending");
        let shown = at_most(consumer.pending_count(), count);
        reply.array(shown);
        for id in consumer.pending().take(shown) {
            let delivery = group.delivery(id).unwrap_or_default();
            reply.array(3);
            reply_id(reply, id);
            reply.int(delivery.at_ms.cast_signed());
            reply.int(delivery.count.cast_signed());
        }
    }
}

fn at_most(len: usize, count: u64) -> usize {
    if count == 0 { len } else { len.min(usize::try_from(count).unwrap_or(usize::MAX)) }
}
