//! `XREAD [COUNT count] [BLOCK milliseconds] STREAMS key [key ...] id [id ...]`
//!
//! The entries of several streams that lie behind an ID each, up to `count` of each: a map from
//! key to entries (RESP2: an array of pairs). `$` is the last ID at the moment of asking, `+` asks
//! for the last entry. Where no stream has any: null, or with `BLOCK` it waits until one has, or
//! until so many milliseconds have passed (0: for ever). A waiter takes nothing away: one entry
//! serves all of them. Inside MULTI it does not wait. O(log n + entries) for each stream.

use super::reading::{Few, From, Streams, find_keys, reply_streams};
use crate::args::Args;
use crate::blocking::Waiting;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::keys::Keys;
use crate::reply::Reply;
use crate::spec::{Begin, Find, Group, KeySpec, Spec, flag, key};
use crate::values::stream::{Entries, Id, Stream, stream_of};

/// What is known of `XREAD`.
pub const SPEC: Spec = Spec {
    name: "xread",
    syntax: "[COUNT count] [BLOCK milliseconds] STREAMS key [key ...] id [id ...]",
    summary: "Returns messages from multiple streams with IDs greater than the ones requested. \
              Blocks until a message is available otherwise.",
    since: "5.0.0",
    group: Group::Stream,
    complexity: "O(M) for each stream with M being the number of elements returned",
    arity: -4,
    flags: flag::READONLY | flag::BLOCKING | flag::MOVABLE_KEYS,
    keys: &[KeySpec {
        flags: key::RO | key::ACCESS,
        begin: Begin::Keyword("STREAMS", 1),
        find: Find::Range { last: -1, step: 1, limit: 2 },
    }],
    find_keys: Some(find_keys),
    ..Spec::BASE
};

/// `XREAD`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct XRead<'a> {
    /// What to read.
    pub streams: Streams<'a>,
}

impl<'a> Command<'a> for XRead<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(XRead { streams: Streams::parse(args, SPEC.name, None)? })
    }

    fn words(&self, words: &mut Words<'_>) {
        self.streams.words(words);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        self.streams.keys.iter().for_each(|key| visit(key));
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let Streams { count, keys, ref from, .. } = self.streams;
        let timeout_ms = self.streams.timeout_ms(ctx.keys.now_ms())?;
        let mut behind = Few::new();
        for (&key, from) in keys.iter().zip(from) {
            let stream = stream_of(ctx.keys.read(key))?;
            behind.push(Behind::of(*from.get()?, stream.map(Stream::entries)));
        }
        if serve(ctx.keys, keys.iter().copied(), &behind, count, reply)? {
            return Ok(());
        }
        match timeout_ms {
            Some(timeout_ms) if ctx.may_block => {
                let keys = self.streams.owned_keys();
                ctx.wait_for(Box::new(Reader { keys, behind, count }), timeout_ms);
            }
            _ => reply.null_array(),
        }
        Ok(())
    }
}

/// What of a stream is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Behind {
    /// Everything behind an ID.
    Id(Id),
    /// The last entry.
    Last,
}

impl Behind {
    fn of(from: From, entries: Option<&Entries>) -> Behind {
        match from {
            From::After(id) => Behind::Id(id),
            From::Last => Behind::Last,
            From::Now | From::New => Behind::Id(entries.map_or(Id::MIN, Entries::last_id)),
        }
    }

    /// The first ID of what is read, if there is anything.
    fn first(self, entries: &Entries) -> Option<Id> {
        match self {
            Behind::Id(id) if entries.last_id() <= id => None,
            Behind::Id(id) => entries.last().and_then(|last| id.next().filter(|_| last.id > id)),
            Behind::Last => entries.last().map(|last| last.id),
        }
    }
}

/// Answers what there is; `false` if that is nothing.
fn serve<'k>(
    keys: &Keys<'_>,
    of: impl Iterator<Item = &'k [u8]>,
    behind: &[Behind],
    count: u64,
    reply: &mut dyn Reply,
) -> Result<bool, Error> {
    let mut streams: Few<(&[u8], Id)> = Few::new();
    for (key, behind) in of.zip(behind) {
        let stream = stream_of(keys.peek(keys.db(), key))?;
        let first = stream.and_then(|stream| behind.first(stream.entries()));
        streams.extend(first.map(|first| (key, first)));
    }
    if !streams.is_empty() {
        reply_streams(keys, &streams, count, reply);
    }
    Ok(!streams.is_empty())
}

/// Waits for entries.
struct Reader {
    keys: Box<[Box<[u8]>]>,
    behind: Few<Behind>,
    count: u64,
}

impl Waiting for Reader {
    fn keys(&self) -> &[Box<[u8]>] {
        &self.keys
    }

    fn is_ready(&self, keys: &Keys<'_>, key: &[u8]) -> bool {
        let Ok(Some(stream)) = stream_of(keys.peek(keys.db(), key)) else { return false };
        let own = self.keys.iter().zip(&self.behind).filter(|(own, _)| ***own == *key);
        own.map(|(_, behind)| behind).any(|behind| behind.first(stream.entries()).is_some())
    }

    fn serve(&self, keys: &mut Keys<'_>, reply: &mut dyn Reply) {
        let of = self.keys.iter().map(AsRef::as_ref);
        match serve(keys, of, &self.behind, self.count, reply) {
            Ok(true) => {}
            Ok(false) => reply.null_array(),
            Err(error) => reply.error(&error),
        }
    }

    fn time_out(&self, reply: &mut dyn Reply) {
        reply.null_array();
    }
}
