//! `XAUTOCLAIM key group consumer min-idle-time start [COUNT count] [JUSTID]`
//!
//! Walks a group's pending entries from an ID on and makes up to `count` (100 unless given) of
//! those a consumer's that have been pending for `min-idle-time` milliseconds; looks at ten times
//! as many at most. Answers where the next walk begins (0-0 at the end), the entries (with
//! `JUSTID` their IDs), and the IDs of entries that are gone and pending no longer. The consumer
//! is made if there is none. O(log n + entries looked at).
//!
//! Effects: as [`super::xclaim`].

use super::claiming::{CONSUMER_MADE, Party};
use super::{no_group, parse_start, push_id, reply_entry, reply_id};
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::keys::Keys;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::stream::{Delivery, Id, stream_of};

/// What is known of `XAUTOCLAIM`.
pub const SPEC: Spec = Spec {
    name: "xautoclaim",
    syntax: "key group consumer min-idle-time start [COUNT count] [JUSTID]",
    summary: "Changes, or acquires, ownership of messages in a consumer group, as if the messages \
              were delivered to as consumer group member.",
    since: "6.2.0",
    group: Group::Stream,
    complexity: "O(1) if COUNT is small.",
    arity: -6,
    flags: flag::WRITE | flag::FAST,
    keys: &[KeySpec::one(1, key::RW | key::DELETE)],
    tips: &["nondeterministic_output"],
    events: CONSUMER_MADE,
    ..Spec::BASE
};

/// Entries that are looked at for each that may be claimed.
const ATTEMPTS: u64 = 10;

/// The largest count: what Redis can make room for.
const MAX_COUNT: u64 = i64::MAX as u64 / 16;

/// Entries that are claimed unless it is said how many.
const COUNT: u64 = 100;

/// `XAUTOCLAIM`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct XAutoClaim<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The group.
    pub group: &'a [u8],
    /// The consumer.
    pub consumer: &'a [u8],
    /// How long entries must have been pending, in milliseconds.
    pub min_idle_ms: u64,
    /// Where the walk begins.
    pub start: Id,
    /// Most entries to claim.
    pub count: u64,
    /// Only IDs are answered, and it does not count as a delivery.
    pub just_id: bool,
}

/// What a walk has found.
#[derive(Debug, Default)]
struct Found {
    claims: Vec<(Id, Delivery)>,
    gone: Vec<Id>,
    /// Where the next walk begins.
    next: Id,
}

impl<'a> Command<'a> for XAutoClaim<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        const IDLE: Error = Error::text("ERR Invalid min-idle-time argument for XAUTOCLAIM");
        const RANGE: Error = Error::text("ERR COUNT must be > 0");
        let (key, group, consumer) = (args.word()?, args.word()?, args.word()?);
        let min_idle_ms = super::parse_from_zero(args, IDLE)?;
        let start = parse_start(args)?;
        let (mut count, mut just_id) = (COUNT, false);
        while args.left() > 0 {
            if args.left() > 1 && args.keyword("COUNT") {
                count = args.count_or(RANGE)?;
                if !(1..=MAX_COUNT).contains(&count) {
                    return Err(RANGE);
                }
            } else if args.keyword("JUSTID") {
                just_id = true;
            } else {
                return Err(Error::Syntax);
            }
        }
        Ok(XAutoClaim { key, group, consumer, min_idle_ms, start, count, just_id })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key).push(self.group).push(self.consumer);
        push_id(words.int(self.min_idle_ms.cast_signed()), self.start);
        words.keyword("COUNT").int(self.count.cast_signed());
        if self.just_id {
            words.keyword("JUSTID");
        }
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let XAutoClaim { key, group, consumer, .. } = *self;
        let stream = stream_of(ctx.keys.read(key))?;
        if stream.is_none_or(|stream| stream.group(group).is_none()) {
            return Err(no_group(key, group));
        }
        ctx.keys.no_effect();
        let party = Party { key, group, consumer };
        let Some(number) = party.enter(ctx.keys) else { return Err(no_group(key, group)) };
        let found = self.walk(ctx.keys, party, number);
        self.answer(ctx.keys, party, &found, reply);
        party.settle(ctx.keys, number, &found.claims, &found.gone);
        Ok(())
    }
}

impl XAutoClaim<'_> {
    fn walk(&self, keys: &Keys<'_>, party: Party<'_>, consumer: u64) -> Found {
        let mut found = Found::default();
        let Some((stream, group)) = party.group_in(keys) else { return found };
        let at_ms = keys.now_ms();
        let mut pending = group.pending_from(self.start);
        let (mut attempts, mut left) = (self.count * ATTEMPTS, self.count);
        while attempts > 0
            && left > 0
            && let Some((id, before)) = pending.next()
        {
            attempts -= 1;
            if stream.entries().get(id).is_none() {
                found.gone.push(id);
                left -= 1;
            } else if self.min_idle_ms == 0
                || at_ms.saturating_sub(before.at_ms) >= self.min_idle_ms
            {
                let count = before.count.saturating_add(u64::from(!self.just_id));
                found.claims.push((id, Delivery { consumer, at_ms, count }));
                left -= 1;
            }
        }
        found.next = pending.next().map_or(Id::MIN, |(id, _)| id);
        found
    }

    fn answer(&self, keys: &Keys<'_>, party: Party<'_>, found: &Found, reply: &mut dyn Reply) {
        reply.array(3);
        reply_id(reply, found.next);
        reply.array(found.claims.len());
        let stream = party.group_in(keys).map(|(stream, _)| stream);
        for &(id, _) in &found.claims {
            match stream.and_then(|stream| stream.entries().get(id)) {
                Some(entry) if !self.just_id => reply_entry(reply, &entry),
                _ => reply_id(reply, id),
            }
        }
        reply.array(found.gone.len());
        found.gone.iter().for_each(|id| reply_id(reply, *id));
    }
}
