//! `XACK key group id [id ...]`
//!
//! Takes entries out of those that are pending for a group, and answers how many were. 0 where
//! there is no such key or group. O(log n) for each.

use super::{Late, parse_ids, push_ids};
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::notify::names::Events;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::stream::{self, Id, stream_of};

/// What is known of `XACK`.
pub const SPEC: Spec = Spec {
    name: "xack",
    syntax: "key group id [id ...]",
    summary: "Returns the number of messages that were successfully acknowledged by the consumer \
              group member of a stream.",
    since: "5.0.0",
    group: Group::Stream,
    complexity: "O(1) for each message ID processed.",
    arity: -4,
    flags: flag::WRITE | flag::FAST,
    keys: &[KeySpec::one(1, key::RW | key::UPDATE)],
    events: Events::NONE,
    ..Spec::BASE
};

/// `XACK`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct XAck<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The group.
    pub group: &'a [u8],
    /// The entries.
    pub ids: Late<'a, Vec<Id>>,
}

impl<'a> Command<'a> for XAck<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let (key, group) = (args.word()?, args.word()?);
        Ok(XAck { key, group, ids: Late::parse(args, parse_ids) })
    }

    fn words(&self, words: &mut Words<'_>) {
        self.ids.words(words.push(self.key).push(self.group), |ids, words| push_ids(ids, words));
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let stream = stream_of(ctx.keys.read(self.key))?;
        let Some(group) = stream.and_then(|stream| stream.group(self.group)) else {
            reply.int(0);
            return Ok(());
        };
        let ids = self.ids.get()?;
        if !ids.iter().any(|id| group.delivery(*id).is_some()) {
            reply.int(0);
            return Ok(());
        }
        let mut gate = ctx.keys.write(self.key);
        let acknowledged = stream::edit(&mut gate, |stream| {
            stream.edit_group(self.group, |group, _| {
                ids.iter().filter(|id| group.acknowledge(**id)).count()
            })
        });
        reply.int(acknowledged.flatten().unwrap_or(0) as i64);
        Ok(())
    }
}
