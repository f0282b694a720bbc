//! `XPENDING key group [[IDLE min-idle-time] start end count [consumer]]`
//!
//! What is pending for a group. Alone: how many entries, the first and the last ID, and how many
//! each consumer has (that has any): O(consumers). With a range: up to `count` entries, of one
//! consumer if it is named, that have been pending for `min-idle-time` milliseconds: ID, consumer,
//! milliseconds since the last delivery, number of deliveries. O(log n + entries looked at).

use super::{no_group, parse_end, parse_from_zero, parse_start, push_id, reply_id, since};
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{self, KeySpec, Spec, flag, key};
use crate::values::stream::{Delivery, Group, Id, stream_of};

/// What is known of `XPENDING`.
pub const SPEC: Spec = Spec {
    name: "xpending",
    syntax: "key group [[IDLE min-idle-time] start end count [consumer]]",
    summary: "Returns the information and entries from a stream consumer group's pending entries \
              list.",
    since: "5.0.0",
    group: spec::Group::Stream,
    complexity: "O(N) with N being the number of elements returned, so asking for a small fixed \
                 number of entries per call is O(1). O(M), where M is the total number of entries \
                 scanned when used with the IDLE filter. When the command returns just the \
                 summary and the list of consumers is small, it runs in O(1) time; otherwise, an \
                 additional O(N) time for iterating every consumer.",
    arity: -3,
    flags: flag::READONLY,
    keys: &[KeySpec::one(1, key::RO | key::ACCESS)],
    tips: &["nondeterministic_output"],
    ..Spec::BASE
};

/// `XPENDING`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct XPending<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The group.
    pub group: &'a [u8],
    /// Which entries; a summary of all if nothing is said.
    pub entries: Option<Which<'a>>,
}

/// Which of the pending entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Which<'a> {
    /// How long they have been pending at least, in milliseconds.
    pub min_idle_ms: i64,
    /// The smallest ID.
    pub from: Id,
    /// The largest ID.
    pub to: Id,
    /// Most entries.
    pub count: u64,
    /// Whose.
    pub consumer: Option<&'a [u8]>,
}

impl<'a> Command<'a> for XPending<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let (key, group) = (args.word()?, args.word()?);
        let entries = match args.left() {
            0 => None,
            3..=6 => Some(Which::parse(args)?),
            _ => return Err(Error::Syntax),
        };
        Ok(XPending { key, group, entries })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key).push(self.group);
        let Some(which) = &self.entries else { return };
        if which.min_idle_ms != 0 {
            words.keyword("IDLE").int(which.min_idle_ms);
        }
        push_id(words, which.from);
        push_id(words, which.to);
        words.int(which.count.cast_signed());
        if let Some(consumer) = which.consumer {
            words.push(consumer);
        }
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let stream = stream_of(ctx.keys.read(self.key))?;
        let group = stream.and_then(|stream| stream.group(self.group));
        let group = group.ok_or_else(|| no_group(self.key, self.group))?;
        match &self.entries {
            None => summarize(group, reply),
            Some(which) => which.answer(group, ctx.keys.now_ms(), reply),
        }
        Ok(())
    }
}

fn summarize(group: &Group, reply: &mut dyn Reply) {
    let mut pending = group.pending();
    reply.array(4);
    reply.int(group.pending_count() as i64);
    let Some((first, _)) = pending.next() else {
        reply.null();
        reply.null();
        return reply.null_array();
    };
    let last = pending.next_back().map_or(first, |(last, _)| last);
    reply_id(reply, first);
    reply_id(reply, last);
    let busy = || group.consumers().filter(|(_, consumer)| consumer.pending_count() > 0);
    reply.array(busy().count());
    for (_, consumer) in busy() {
        reply.array(2);
        reply.bulk(consumer.name());
        reply.bulk_int(consumer.pending_count() as i64);
    }
}

impl<'a> Which<'a> {
    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let mut min_idle_ms = 0;
        if args.keyword("IDLE") {
            min_idle_ms = args.int()?;
        }
        // The count is looked at before the IDs.
        let ends = args.words(2)?;
        let count = parse_from_zero(args, Error::NotInteger)?;
        let from = parse_start(&mut Args::new(&ends[..1]))?;
        let to = parse_end(&mut Args::new(&ends[1..]))?;
        let consumer = if args.left() > 0 { Some(args.word()?) } else { None };
        Ok(Which { min_idle_ms, from, to, count, consumer })
    }

    fn answer(&self, group: &Group, now_ms: u64, reply: &mut dyn Reply) {
        let most = usize::try_from(self.count).unwrap_or(usize::MAX);
        let fits = |(_, delivery): &(Id, Delivery)| {
            let idle_ms = now_ms.cast_signed().saturating_sub(delivery.at_ms.cast_signed());
            self.min_idle_ms == 0 || idle_ms >= self.min_idle_ms
        };
        let inside = |(id, _): &(Id, Delivery)| *id <= self.to;
        let found: Vec<(Id, Delivery)> = match self.consumer {
            None => {
                let pending = group.pending_from(self.from).take_while(inside);
                pending.filter(fits).take(most).collect()
            }
            Some(name) => {
                let consumer = group.consumer(name).map(|(_, consumer)| consumer);
                let ids = consumer.into_iter().flat_map(|own| own.pending_from(self.from));
                let pending = ids.filter_map(|id| Some((id, group.delivery(id)?)));
                pending.take_while(inside).filter(fits).take(most).collect()
            }
        };
        reply.array(found.len());
        for (id, delivery) in found {
            reply.array(4);
            reply_id(reply, id);
            let consumer = group.consumer_of(delivery.consumer);
            reply.bulk(consumer.map_or(b"", |consumer| consumer.name()));
            reply.int(since(delivery.at_ms, now_ms));
            reply.int(delivery.count.cast_signed());
        }
    }
}
