//! `XGROUP SETID key group id | $ [ENTRIESREAD entries-read]`
//!
//! Sets how far a group has read. O(log groups).
//!
//! Effect: itself with the ID.

use super::super::Late;
use super::{
    ABOUT_GROUP, Position, check_group, effect, parse_entries_read, stream_in, usage_error,
};
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::notify::names::Events;
use crate::reply::Reply;
use crate::spec::{KeySpec, Spec, key};
use crate::values::stream;

/// What is known of `XGROUP SETID`.
pub(in crate::commands::stream) const SETID: Spec = Spec {
    name: "setid",
    syntax: "key group <id | $> [ENTRIESREAD entries-read]",
    summary: "Sets the last-delivered ID of a consumer group.",
    arity: -5,
    keys: &[KeySpec::one(2, key::RW | key::UPDATE)],
    events: Events::named("xgroup-setid"),
    ..ABOUT_GROUP
};

/// `XGROUP SETID`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetId<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The group.
    pub group: &'a [u8],
    /// How far it has read.
    pub position: Late<'a, Position>,
    /// How many entries it has read, if that is known.
    pub entries_read: Option<u64>,
}

impl<'a> Command<'a> for SetId<'a> {
    const SPEC: &'static Spec = &SETID;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let (key, group, id) = (args.word()?, args.word()?, args.words(1)?);
        let mut entries_read = None;
        let options = args.left();
        while args.left() > 0 {
            if args.left() < 2 || !args.keyword("ENTRIESREAD") {
                return Err(usage_error(args));
            }
            entries_read = parse_entries_read(args)?;
        }
        if options > 2 {
            return Err(usage_error(args));
        }
        let position = Late::parse(&mut Args::new(id), Position::parse_any);
        Ok(SetId { key, group, position, entries_read })
    }

    fn words(&self, words: &mut Words<'_>) {
        self.position.words(words.push(self.key).push(self.group), Position::words);
        if let Some(read) = self.entries_read {
            words.keyword("ENTRIESREAD").int(read.cast_signed());
        }
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let mut gate = ctx.keys.write(self.key);
        let stream = stream_in(&gate)?;
        check_group(stream, self.key, self.group)?;
        let id = self.position.get()?.id(Some(stream.entries()));
        stream::edit(&mut gate, |stream| {
            stream.edit_group(self.group, |group, _| group.set_position(id, self.entries_read))
        });
        reply.ok();
        let mut words = Words::new();
        let position = Late::Good(Position::Id(id));
        SetId { position, ..self.clone() }.words(&mut words);
        effect(ctx.keys, &SETID, &words.as_slices());
        Ok(())
    }
}
