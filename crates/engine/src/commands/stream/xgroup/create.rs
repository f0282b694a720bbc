//! `XGROUP CREATE key group id | $ [MKSTREAM] [ENTRIESREAD entries-read]`
//!
//! Makes a group that has read up to an ID, or up to what is there now. `MKSTREAM` makes the
//! stream, too. O(log groups).
//!
//! Effect: itself with the ID.

use super::super::Late;
use super::{ABOUT_GROUP, NO_KEY, Position, effect, parse_entries_read, usage_error};
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::notify::names::Events;
use crate::reply::Reply;
use crate::spec::{KeySpec, Spec, flag, key};
use crate::values::stream::{self, Group, Stream, stream_of};

/// What is known of `XGROUP CREATE`.
pub(super) const CREATE: Spec = Spec {
    name: "create",
    syntax: "key group <id | $> [MKSTREAM] [ENTRIESREAD entries-read]",
    summary: "Creates a consumer group.",
    arity: -5,
    flags: flag::WRITE | flag::DENYOOM,
    keys: &[KeySpec::one(2, key::RW | key::INSERT)],
    events: Events::named("xgroup-create"),
    ..ABOUT_GROUP
};

/// `XGROUP CREATE`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Create<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The group.
    pub group: &'a [u8],
    /// How far it has read.
    pub position: Late<'a, Position>,
    /// Makes the stream if there is none.
    pub make_stream: bool,
    /// How many entries it has read, if that is known.
    pub entries_read: Option<u64>,
}

impl<'a> Command<'a> for Create<'a> {
    const SPEC: &'static Spec = &CREATE;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let (key, group, id) = (args.word()?, args.word()?, args.words(1)?);
        let (mut make_stream, mut entries_read) = (false, None);
        let options = args.left();
        while args.left() > 0 {
            if args.keyword("MKSTREAM") {
                make_stream = true;
            } else if args.left() > 1 && args.keyword("ENTRIESREAD") {
                entries_read = parse_entries_read(args)?;
            } else {
                return Err(usage_error(args));
            }
        }
        // Each once, which Redis tells by the number of words.
        if options > 3 {
            return Err(usage_error(args));
        }
        let position = Late::parse(&mut Args::new(id), Position::parse);
        Ok(Create { key, group, position, make_stream, entries_read })
    }

    fn words(&self, words: &mut Words<'_>) {
        self.position.words(words.push(self.key).push(self.group), Position::words);
        if self.make_stream {
            words.keyword("MKSTREAM");
        }
        if let Some(read) = self.entries_read {
            words.keyword("ENTRIESREAD").int(read.cast_signed());
        }
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let mut gate = ctx.keys.write(self.key);
        let stream = stream_of(gate.value())?;
        if stream.is_none() && !self.make_stream {
            return Err(NO_KEY);
        }
        let id = self.position.get()?.id(stream.map(Stream::entries));
        if stream.is_some_and(|stream| stream.group(self.group).is_some()) {
            return Err(Error::text("BUSYGROUP Consumer Group name already exists"));
        }
        let group = || Group::new(id, self.entries_read);
        if stream::edit(&mut gate, |stream| stream.add_group(self.group, group())).is_none() {
            let mut stream = Stream::default();
            stream.add_group(self.group, group());
            stream::put(&mut gate, stream);
        }
        reply.ok();
        let mut words = Words::new();
        let position = Late::Good(Position::Id(id));
        Create { position, ..self.clone() }.words(&mut words);
        effect(ctx.keys, &CREATE, &words.as_slices());
        Ok(())
    }
}
