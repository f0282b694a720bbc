//! `XGROUP CREATECONSUMER key group consumer`, `XGROUP DELCONSUMER key group consumer`
//!
//! Makes a consumer, and answers whether there was none: O(log consumers). Removes one with what
//! is pending for it, and answers how much that was: O(pending entries).

use super::{ABOUT_GROUP, check_group, effect, stream_in};
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::notify::names::Events;
use crate::reply::Reply;
use crate::spec::{KeySpec, Spec, flag, key};
use crate::values::stream;

/// What is known of `XGROUP CREATECONSUMER`.
pub(in crate::commands::stream) const CREATECONSUMER: Spec = Spec {
    name: "createconsumer",
    summary: "Creates a consumer in a consumer group.",
    since: "6.2.0",
    flags: flag::WRITE | flag::DENYOOM,
    keys: &[KeySpec::one(2, key::RW | key::INSERT)],
    events: Events::named(CONSUMER_MADE),
    ..ABOUT_CONSUMER
};

/// What keyspace notifications call a consumer that is made.
pub(in crate::commands::stream) const CONSUMER_MADE: &str = "xgroup-createconsumer";

/// What is known of `XGROUP DELCONSUMER`.
pub(super) const DELCONSUMER: Spec = Spec {
    name: "delconsumer",
    summary: "Deletes a consumer from a consumer group.",
    events: Events::named("xgroup-delconsumer"),
    ..ABOUT_CONSUMER
};

const ABOUT_CONSUMER: Spec = Spec { syntax: "key group consumer", arity: 5, ..ABOUT_GROUP };

/// A consumer by its names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsumerChange<'a, const DELETE: bool> {
    /// The key.
    pub key: &'a [u8],
    /// The group.
    pub group: &'a [u8],
    /// The consumer.
    pub consumer: &'a [u8],
}

/// `XGROUP CREATECONSUMER`
pub type CreateConsumer<'a> = ConsumerChange<'a, false>;
/// `XGROUP DELCONSUMER`
pub type DelConsumer<'a> = ConsumerChange<'a, true>;

impl<'a, const DELETE: bool> Command<'a> for ConsumerChange<'a, DELETE> {
    const SPEC: &'static Spec = if DELETE { &DELCONSUMER } else { &CREATECONSUMER };

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(ConsumerChange { key: args.word()?, group: args.word()?, consumer: args.word()? })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key).push(self.group).push(self.consumer);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let ConsumerChange { key, group, consumer } = *self;
        let now_ms = ctx.keys.now_ms();
        let mut gate = ctx.keys.write(key);
        let stream = stream_in(&gate)?;
        check_group(stream, key, group)?;
        let is_there = stream.group(group).is_some_and(|group| group.consumer(consumer).is_some());
        if is_there != DELETE {
            reply.int(0);
            return Ok(());
        }
        let answer = stream::edit(&mut gate, |stream| {
            stream.edit_group(group, |group, _| {
                if DELETE {
                    return group.remove_consumer(consumer).unwrap_or(0) as i64;
                }
                group.add_consumer(consumer, now_ms);
                1
            })
        });
        reply.int(answer.flatten().unwrap_or(0));
        effect(ctx.keys, Self::SPEC, &[key, group, consumer]);
        Ok(())
    }
}
