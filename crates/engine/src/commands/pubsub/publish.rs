//! `PUBLISH channel message` · `SPUBLISH shardchannel message`
//!
//! Sends a message to who is subscribed to the channel, or to a pattern that matches it; shard
//! channels are a namespace of their own, without patterns. Answers how many that were, by
//! subscription. O(subscribers + patterns). No effect in the log: messages are not kept.

use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};

/// What is known of `PUBLISH`.
pub const SPEC: Spec = Spec {
    name: "publish",
    syntax: "channel message",
    summary: "Posts a message to a channel.",
    since: "2.0.0",
    group: Group::Pubsub,
    complexity: "O(N+M) where N is the number of clients subscribed to the receiving channel and M \
                 is the total number of subscribed patterns (by any client).",
    arity: 3,
    flags: flag::PUBSUB | flag::LOADING | flag::STALE | flag::FAST | flag::MAY_REPLICATE,
    ..Spec::BASE
};

/// What is known of `SPUBLISH`.
pub const SPEC_SHARDED: Spec = Spec {
    name: "spublish",
    syntax: "shardchannel message",
    summary: "Post a message to a shard channel",
    since: "7.0.0",
    complexity: "O(N) where N is the number of clients subscribed to the receiving shard channel.",
    keys: &[KeySpec::one(1, key::NOT_KEY)],
    ..SPEC
};

/// `PUBLISH`
#[derive(Debug, Clone)]
pub struct Publish<'a> {
    /// The channel.
    pub channel: &'a [u8],
    /// The message.
    pub message: &'a [u8],
}

impl<'a> Command<'a> for Publish<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(Publish { channel: args.word()?, message: args.word()? })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.channel).push(self.message);
    }

    fn keys(&self, _: &mut dyn FnMut(&'a [u8])) {}

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let receivers = ctx.engine.pubsub.publish(self.channel, self.message);
        reply.int(receivers as i64);
        Ok(())
    }
}

/// `SPUBLISH`
#[derive(Debug, Clone)]
pub struct SPublish<'a> {
    /// The shard channel.
    pub channel: &'a [u8],
    /// The message.
    pub message: &'a [u8],
}

impl<'a> Command<'a> for SPublish<'a> {
    const SPEC: &'static Spec = &SPEC_SHARDED;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(SPublish { channel: args.word()?, message: args.word()? })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.channel).push(self.message);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.channel);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let receivers = ctx.engine.pubsub.publish_sharded(self.channel, self.message);
        reply.int(receivers as i64);
        Ok(())
    }
}
