//! `XRANGE key start end [COUNT count]`, `XREVRANGE key end start [COUNT count]`
//!
//! The entries from one ID to another, up to `count`, as an array of ID and fields; from the last
//! to the first for `XREVRANGE`. `-` and `+` are the ends, `(` excludes an ID, milliseconds alone
//! mean all of that millisecond. A `COUNT` of 0 answers a null array. O(log n + entries).

use super::{parse_end, parse_from_zero, parse_start, push_id, reply_entry, reply_range};
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::stream::{Id, stream_of};

/// What is known of `XRANGE`.
pub const SPEC_XRANGE: Spec = Spec {
    name: "xrange",
    syntax: "key start end [COUNT count]",
    summary: "Returns the messages from a stream within a range of IDs.",
    since: "5.0.0",
    group: Group::Stream,
    complexity: "O(N) with N being the number of elements being returned. If N is constant (e.g. \
                 always asking for the first 10 elements with COUNT), you can consider it O(1).",
    arity: -4,
    flags: flag::READONLY,
    keys: &[KeySpec::one(1, key::RO | key::ACCESS)],
    ..Spec::BASE
};

/// What is known of `XREVRANGE`.
pub const SPEC_XREVRANGE: Spec = Spec {
    name: "xrevrange",
    syntax: "key end start [COUNT count]",
    summary: "Returns the messages from a stream within a range of IDs in reverse order.",
    ..SPEC_XRANGE
};

/// `XRANGE` or, from the last entry to the first, `XREVRANGE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ranging<'a, const BACK: bool> {
    /// The key.
    pub key: &'a [u8],
    /// The smallest ID.
    pub from: Id,
    /// The largest ID.
    pub to: Id,
    /// Most entries.
    pub count: Option<u64>,
}

/// `XRANGE`
pub type XRange<'a> = Ranging<'a, false>;
/// `XREVRANGE`
pub type XRevRange<'a> = Ranging<'a, true>;

impl<'a, const BACK: bool> Command<'a> for Ranging<'a, BACK> {
    const SPEC: &'static Spec = if BACK { &SPEC_XREVRANGE } else { &SPEC_XRANGE };

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let key = args.word()?;
        let ends = args.words(2)?;
        let (start, end) = if BACK { (&ends[1..], &ends[..1]) } else { ends.split_at(1) };
        let (from, to) = (parse_start(&mut Args::new(start))?, parse_end(&mut Args::new(end))?);
        let mut count = None;
        while args.left() > 1 && args.keyword("COUNT") {
            count = Some(parse_from_zero(args, Error::NotInteger)?);
        }
        Ok(Ranging { key, from, to, count })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key);
        let ends = if BACK { [self.to, self.from] } else { [self.from, self.to] };
        ends.into_iter().for_each(|id| push_id(words, id));
        if let Some(count) = self.count {
            words.keyword("COUNT").int(count.cast_signed());
        }
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let Ranging { key, from, to, count } = *self;
        let Some(stream) = stream_of(ctx.keys.read(key))? else {
            reply.array(0);
            return Ok(());
        };
        let entries = stream.entries();
        match count {
            Some(0) => reply.null_array(),
            _ if BACK => {
                let count = entries.count(from, to, count.unwrap_or(0)) as usize;
                reply.array(count);
                let range = entries.range_back(from, to).take(count);
                range.for_each(|entry| reply_entry(reply, &entry));
            }
            _ => reply_range(reply, entries, (from, to), count.unwrap_or(0)),
        }
        Ok(())
    }
}
