//! `XADD key [NOMKSTREAM] [MAXLEN | MINID [= | ~] threshold [LIMIT count]] * | id field value
//! [field value ...]`
//!
//! Adds an entry and answers its ID: the given one, or with `*` the time and a sequence number, or
//! with `ms-*` the next sequence number of that millisecond. `NOMKSTREAM` adds to a stream that is
//! there and answers null otherwise. Then trims. O(1) amortised, and O(entries that go).
//!
//! Effect: itself with the ID that the entry got and the trimming that was done.

use super::trim::{Options, Trim};
use super::{INVALID_ID, push_id, reply_id, xtrim};
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::notify::names::{Events, Told};
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::stream::{self, Id, Limits, MAX_BYTES, Written, stream_of};

/// What is known of `XADD`.
pub const SPEC: Spec = Spec {
    name: "xadd",
    syntax: "key [NOMKSTREAM] [<MAXLEN | MINID> [= | ~] threshold [LIMIT count]] <* | id> \
             field value [field value ...]",
    summary: "Appends a new message to a stream. Creates the key if it doesn't exist.",
    since: "5.0.0",
    group: Group::Stream,
    complexity: "O(1) when adding a new entry, O(N) when trimming where N being the number of \
                 entries evicted.",
    arity: -5,
    flags: flag::WRITE | flag::DENYOOM | flag::FAST,
    keys: &[KeySpec::one(1, key::RW | key::UPDATE)],
    tips: &["nondeterministic_output"],
    events: Events::told(&[Told::OWN_NAME, Told::noted(0, xtrim::SPEC.name)]),
    ..Spec::BASE
};

/// `XADD`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct XAdd<'a> {
    /// The key.
    pub key: &'a [u8],
    /// Only to a stream that is there.
    pub only_existing: bool,
    /// How to trim afterwards.
    pub trim: Option<Trim>,
    /// Which ID the entry gets.
    pub id: NewId,
    /// Fields and values in turn.
    pub pairs: &'a [&'a [u8]],
}

/// Which ID an entry gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NewId {
    /// The time and a sequence number.
    Auto,
    /// The next one of a millisecond.
    OfMs(u64),
    /// This one.
    Exactly(Id),
}

impl<'a> Command<'a> for XAdd<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let key = args.word()?;
        let (mut options, mut only_existing, mut id) = (Options::default(), false, None);
        while id.is_none()
            && let Some(word) = args.peek()
        {
            if word != b"*" && options.parse_one(args)? {
                continue;
            } else if args.keyword("NOMKSTREAM") {
                only_existing = true;
            } else {
                id = Some(NewId::parse(args.word()?)?);
            }
        }
        let trim = options.finish(false)?;
        let pairs = args.rest();
        let Some(id) = id.filter(|_| !pairs.is_empty() && pairs.len().is_multiple_of(2)) else {
            return Err(Error::Arity(SPEC.name.into()));
        };
        if id == NewId::Exactly(Id::MIN) {
            return Err(Error::text("ERR The ID specified in XADD must be greater than 0-0"));
        }
        Ok(XAdd { key, only_existing, trim, id, pairs })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key);
        if self.only_existing {
            words.keyword("NOMKSTREAM");
        }
        if let Some(trim) = &self.trim {
            trim.words(words);
        }
        match self.id {
            NewId::Auto => drop(words.keyword("*")),
            NewId::OfMs(ms) => drop(words.push(format!("{ms}-*").as_bytes())),
            NewId::Exactly(id) => push_id(words, id),
        }
        words.all(self.pairs);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let (limits, now_ms) = (Limits::of(ctx.config()), ctx.keys.now_ms());
        let mut gate = ctx.keys.write(self.key);
        let last_id = stream_of(gate.value())?.map(|stream| stream.entries().last_id());
        if last_id.is_none() && self.only_existing {
            reply.null();
            return Ok(());
        }
        let id = self.id.after(last_id.unwrap_or_default(), now_ms)?;
        if self.pairs.iter().map(|word| word.len()).sum::<usize>() > MAX_BYTES {
            return Err(Error::text("ERR Elements are too large to be stored"));
        }
        let trimming = self.trim.map(|trim| trim.trimming(limits));
        if stream::append(&mut gate, id, self.pairs, limits, trimming) > 0 {
            ctx.keys.note(self.key);
        }
        reply_id(reply, id);
        self.name_effect(ctx, id);
        Ok(())
    }
}

impl XAdd<'_> {
    fn name_effect(&self, ctx: &mut Ctx<'_, '_>, id: Id) {
        let said = NewId::Exactly(id) == self.id && self.trim.is_none_or(|trim| !trim.approximate);
        if said || !ctx.keys.names_effects() {
            return;
        }
        let stream = stream_of(ctx.keys.peek(ctx.keys.db(), self.key)).ok().flatten();
        let outcome = |trim: Trim| stream.map(|stream| trim.outcome(stream.entries()));
        let trim = self.trim.and_then(outcome);
        let mut words = Words::new();
        XAdd { id: NewId::Exactly(id), trim, ..self.clone() }.words(&mut words);
        ctx.keys.effect(&SPEC, &words.as_slices());
    }
}

impl NewId {
    fn parse(word: &[u8]) -> Result<NewId, Error> {
        if word == b"*" {
            return Ok(NewId::Auto);
        }
        Ok(match Written::parse(word).ok_or(INVALID_ID)? {
            Written::Full(id) => NewId::Exactly(id),
            Written::Ms(ms) => NewId::Exactly(Id::new(ms, 0)),
            Written::AnySeq(ms) => NewId::OfMs(ms),
        })
    }

    /// The ID of an entry after the last one.
    fn after(self, last: Id, now_ms: u64) -> Result<Id, Error> {
        let Some(next) = last.next() else {
            return Err(Error::text(
                "ERR The stream has exhausted the last possible ID, unable to add more items",
            ));
        };
        let id = match self {
            NewId::Auto if now_ms > last.ms => Id::new(now_ms, 0),
            NewId::Auto => next,
            NewId::OfMs(ms) if ms == last.ms && next.ms == ms => next,
            NewId::OfMs(ms) => Id::new(ms, 0),
            NewId::Exactly(id) => id,
        };
        if id > last { Ok(id) } else { Err(NOT_LARGER) }
    }
}

const NOT_LARGER: Error =
    Error::text("ERR The ID specified in XADD is equal or smaller than the target stream top item");
