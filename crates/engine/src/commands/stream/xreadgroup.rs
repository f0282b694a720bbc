//! `XREADGROUP GROUP group consumer [COUNT count] [BLOCK milliseconds] [NOACK] STREAMS key
//! [key ...] id [id ...]`
//!
//! Reads as a consumer of a group, from each of several streams up to `count` entries. With `>`:
//! entries that the group has delivered to nobody; they are then pending for this consumer, unless
//! `NOACK`. With an ID: what is pending for this consumer behind that, delivered once more; null
//! in place of the fields of an entry that is gone. The consumer is made if there is none.
//!
//! Answers and waits as [`super::xread`], served first come first served; a waiter whose key or
//! group goes away, or becomes something else, hears the error that the command would have given.
//! O(log n + entries) for each stream.
//!
//! Effects: `XGROUP CREATECONSUMER`, `XCLAIM` for what was delivered, `XGROUP SETID` with the
//! group's new position.

use super::claiming::{CONSUMER_MADE, Party};
use super::reading::{Few, From, GroupOptions, Streams, begin_stream, begin_streams, find_keys};
use super::{reply_entry, reply_id};
use crate::args::Args;
use crate::blocking::Waiting;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::keys::Keys;
use crate::reply::Reply;
use crate::spec::{Begin, Find, Group, KeySpec, Spec, flag, key};
use crate::values::stream::{self, Delivery, Id, Stream, stream_of};

/// What is known of `XREADGROUP`.
pub const SPEC: Spec = Spec {
    name: "xreadgroup",
    syntax: "GROUP group consumer [COUNT count] [BLOCK milliseconds] [NOACK] STREAMS key \
             [key ...] id [id ...]",
    summary: "Returns new or historical messages from a stream for a consumer in a group. Blocks \
              until a message is available otherwise.",
    since: "5.0.0",
    group: Group::Stream,
    complexity: "For each stream mentioned: O(M) with M being the number of elements returned. If \
                 M is constant (e.g. always asking for the first 10 elements with COUNT), you can \
                 consider it O(1).",
    arity: -7,
    flags: flag::WRITE | flag::BLOCKING | flag::MOVABLE_KEYS,
    keys: &[KeySpec {
        flags: key::RO | key::ACCESS,
        begin: Begin::Keyword("STREAMS", 4),
        find: Find::Range { last: -1, step: 1, limit: 2 },
    }],
    find_keys: Some(find_keys),
    events: CONSUMER_MADE,
    ..Spec::BASE
};

/// `XREADGROUP`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct XReadGroup<'a> {
    /// The group.
    pub group: &'a [u8],
    /// The consumer.
    pub consumer: &'a [u8],
    /// What is delivered does not become pending.
    pub no_ack: bool,
    /// What to read.
    pub streams: Streams<'a>,
}

impl<'a> Command<'a> for XReadGroup<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let mut options = GroupOptions::default();
        let streams = Streams::parse(args, SPEC.name, Some(&mut options))?;
        let Some((group, consumer)) = options.group else {
            return Err(Error::text("ERR Missing GROUP option for XREADGROUP"));
        };
        Ok(XReadGroup { group, consumer, no_ack: options.no_ack, streams })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.keyword("GROUP").push(self.group).push(self.consumer);
        if self.no_ack {
            words.keyword("NOACK");
        }
        self.streams.words(words);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        self.streams.keys.iter().for_each(|key| visit(key));
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let Streams { count, keys, ref from, .. } = self.streams;
        let XReadGroup { group, consumer, no_ack, .. } = *self;
        let timeout_ms = self.streams.timeout_ms(ctx.keys.now_ms())?;
        let mut places = Few::new();
        for (&key, from) in keys.iter().zip(from) {
            check(stream_of(ctx.keys.read(key))?, key, group)?;
            places.push((key, *from.get()?));
        }
        ctx.keys.no_effect();
        if (Reading { group, consumer, no_ack, count }).run(ctx.keys, &places, reply) {
            return Ok(());
        }
        match timeout_ms {
            Some(timeout_ms) if ctx.may_block => {
                let (keys, owned) = (self.streams.owned_keys(), [group.into(), consumer.into()]);
                let waiting = GroupReader { keys, names: owned, no_ack, count };
                ctx.wait_for(Box::new(waiting), timeout_ms);
            }
            _ => reply.null_array(),
        }
        Ok(())
    }
}

/// An error unless the stream has the group.
fn check(stream: Option<&Stream>, key: &[u8], group: &[u8]) -> Result<(), Error> {
    match stream.and_then(|stream| stream.group(group)) {
        Some(_) => Ok(()),
        None => Err(no_group(key, group)),
    }
}

fn no_group(key: &[u8], group: &[u8]) -> Error {
    let text = super::no_group(key, group);
    Error::owned(format!("{text} in XREADGROUP with GROUP option"))
}

/// Where what a group has not delivered begins, if there is anything.
fn new_from(stream: &Stream, group: &stream::Group) -> Option<Id> {
    let (entries, last_id) = (stream.entries(), group.last_id());
    if entries.last_id() <= last_id {
        return None;
    }
    last_id.next().filter(|from| entries.last().is_some_and(|last| last.id >= *from))
}

/// Reading as a consumer.
struct Reading<'r> {
    group: &'r [u8],
    consumer: &'r [u8],
    no_ack: bool,
    count: u64,
}

impl Reading<'_> {
    /// Reads from streams that all have the group; `false` if there was nothing to answer.
    fn run(&self, keys: &mut Keys<'_>, places: &[(&[u8], From)], reply: &mut dyn Reply) -> bool {
        let party = |key| Party { key, group: self.group, consumer: self.consumer };
        let has_any = |(at, &(key, from)): (usize, &(&[u8], From))| {
            from != From::New || self.has_new(keys, key, &places[..at])
        };
        let any: Few<bool> = places.iter().enumerate().map(has_any).collect();
        let answered = any.iter().filter(|&&any| any).count();
        if answered > 0 {
            begin_streams(answered, reply);
        }
        for (&(key, from), any) in places.iter().zip(any) {
            let party = party(key);
            let Some(number) = party.enter(keys) else { continue };
            if !any {
                continue;
            }
            begin_stream(key, reply);
            match from {
                From::After(id) => self.read_history(keys, party, number, id, reply),
                _ => self.read_new(keys, party, number, reply),
            }
        }
        answered > 0
    }

    /// Whether the group has anything to deliver, after it was read at some places.
    fn has_new(&self, keys: &Keys<'_>, key: &[u8], before: &[(&[u8], From)]) -> bool {
        let party = Party { key, group: self.group, consumer: self.consumer };
        let Some((stream, group)) = party.group_in(keys) else { return false };
        let Some(from) = new_from(stream, group) else { return false };
        let before = before.iter().filter(|place| **place == (key, From::New)).count() as u64;
        let taken = before.saturating_mul(self.count);
        before == 0 || self.count > 0 && stream.entries().count(from, Id::MAX, taken + 1) > taken
    }

    fn read_new(&self, keys: &mut Keys<'_>, party: Party<'_>, number: u64, reply: &mut dyn Reply) {
        let now_ms = keys.now_ms();
        let Some((stream, group)) = party.group_in(keys) else { return reply.array(0) };
        let entries = stream.entries();
        let Some(from) = new_from(stream, group) else { return reply.array(0) };
        let count = entries.count(from, Id::MAX, self.count) as usize;
        let mut ids: Vec<Id> = Vec::with_capacity(count);
        reply.array(count);
        for entry in entries.range(from, Id::MAX).take(count) {
            reply_entry(reply, &entry);
            ids.push(entry.id);
        }
        let delivery = Delivery { consumer: number, at_ms: now_ms, count: 1 };
        let mut gate = keys.write(party.key);
        stream::edit(&mut gate, |stream| {
            stream.edit_group(self.group, |group, entries| {
                for &id in &ids {
                    group.advance(id, entries);
                    if !self.no_ack {
                        group.deliver(id, delivery);
                    }
                }
                if !self.no_ack {
                    group.note_active(number, now_ms);
                }
            })
        });
        if !keys.names_effects() {
            return;
        }
        if !self.no_ack {
            let claims: Vec<(Id, Delivery)> = ids.iter().map(|&id| (id, delivery)).collect();
            party.effect_of_claims(keys, &claims);
        }
        party.effect_of_position(keys);
    }

    fn read_history(
        &self,
        keys: &mut Keys<'_>,
        party: Party<'_>,
        number: u64,
        after: Id,
        reply: &mut dyn Reply,
    ) {
        let now_ms = keys.now_ms();
        let found = party.group_in(keys).and_then(|(stream, group)| {
            Some((stream.entries(), group, group.consumer_of(number)?, after.next()?))
        });
        let Some((entries, group, consumer, from)) = found else { return reply.array(0) };
        let most = if self.count == 0 { usize::MAX } else { self.count as usize };
        let ids: Vec<Id> = consumer.pending_from(from).take(most).collect();
        let mut claims: Vec<(Id, Delivery)> = Vec::new();
        reply.array(ids.len());
        for id in ids {
            match entries.get(id) {
                Some(entry) => {
                    reply_entry(reply, &entry);
                    let count = group.delivery(id).map_or(0, |delivery| delivery.count);
                    let count = count.saturating_add(1);
                    claims.push((id, Delivery { consumer: number, at_ms: now_ms, count }));
                }
                None => {
                    reply.array(2);
                    reply_id(reply, id);
                    reply.null_array();
                }
            }
        }
        if claims.is_empty() {
            return;
        }
        party.edit(keys, |group| {
            claims.iter().for_each(|(id, delivery)| group.deliver(*id, *delivery));
        });
        party.effect_of_claims(keys, &claims);
    }
}

/// Waits for entries that its group has not delivered.
struct GroupReader {
    keys: Box<[Box<[u8]>]>,
    /// Of the group and of the consumer.
    names: [Box<[u8]>; 2],
    no_ack: bool,
    count: u64,
}

impl GroupReader {
    fn try_serve(&self, keys: &mut Keys<'_>, reply: &mut dyn Reply) -> Result<bool, Error> {
        let [group, consumer] = &self.names;
        let mut places = Few::new();
        for key in &self.keys {
            check(stream_of(keys.peek(keys.db(), key))?, key, group)?;
            places.push((&**key, From::New));
        }
        let (no_ack, count) = (self.no_ack, self.count);
        Ok(Reading { group, consumer, no_ack, count }.run(keys, &places, reply))
    }
}

impl Waiting for GroupReader {
    fn keys(&self) -> &[Box<[u8]>] {
        &self.keys
    }

    /// Also for an error.
    fn is_ready(&self, keys: &Keys<'_>, key: &[u8]) -> bool {
        let Ok(Some(stream)) = stream_of(keys.peek(keys.db(), key)) else { return true };
        let Some(group) = stream.group(&self.names[0]) else { return true };
        new_from(stream, group).is_some()
    }

    fn serve(&self, keys: &mut Keys<'_>, reply: &mut dyn Reply) {
        match self.try_serve(keys, reply) {
            Ok(true) => {}
            Ok(false) => reply.null_array(),
            Err(error) => reply.error(&error),
        }
    }

    fn time_out(&self, reply: &mut dyn Reply) {
        reply.null_array();
    }

    fn without(&self, key: &[u8]) -> Option<Error> {
        Some(no_group(key, &self.names[0]))
    }
}
