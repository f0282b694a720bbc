//! `PUBSUB CHANNELS [pattern]` · `NUMPAT` · `NUMSUB [channel ...]` · `SHARDCHANNELS [pattern]` ·
//! `SHARDNUMSUB [shardchannel ...]` · `HELP`
//!
//! What is subscribed to, by anybody. O(channels) for the lists, O(1) for each channel named.

use super::super::{help, nullary, subcommand, subcommand_usage_error};
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::pubsub::Channels;
use crate::reply::Reply;
use crate::spec::{Entry, Group, Spec, flag};

/// What is known of `PUBSUB`.
pub const SPEC: Spec = Spec {
    name: "pubsub",
    summary: "A container for Pub/Sub commands.",
    since: "2.8.0",
    group: Group::Pubsub,
    complexity: "Depends on subcommand.",
    arity: -2,
    subcommands: &[
        subcommand!(SPEC_CHANNELS, ChannelList),
        subcommand!(plain SPEC_NUMPAT, NumPat),
        subcommand!(SPEC_NUMSUB, NumSub),
        subcommand!(SPEC_SHARDCHANNELS, ShardChannels),
        subcommand!(SPEC_SHARDNUMSUB, ShardNumSub),
        HELP,
    ],
    ..Spec::BASE
};

const HELP: Entry = help::entry(&help::spec(Group::Pubsub, "6.2.0", 0));

const SUB: Spec = Spec {
    since: "2.8.0",
    group: Group::Pubsub,
    arity: -2,
    flags: flag::PUBSUB | flag::LOADING | flag::STALE,
    ..Spec::BASE
};

/// What is known of `PUBSUB CHANNELS`.
pub const SPEC_CHANNELS: Spec = Spec {
    name: "channels",
    syntax: "[pattern]",
    summary: "Returns the active channels.",
    complexity: "O(N) where N is the number of active channels",
    ..SUB
};

/// What is known of `PUBSUB NUMPAT`.
pub const SPEC_NUMPAT: Spec = Spec {
    name: "numpat",
    summary: "Returns a count of unique pattern subscriptions.",
    arity: 2,
    ..SUB
};

/// What is known of `PUBSUB NUMSUB`.
pub const SPEC_NUMSUB: Spec = Spec {
    name: "numsub",
    syntax: "[channel [channel ...]]",
    summary: "Returns a count of subscribers to channels.",
    complexity: "O(N) where N is the number of requested channels",
    ..SUB
};

/// What is known of `PUBSUB SHARDCHANNELS`.
pub const SPEC_SHARDCHANNELS: Spec = Spec {
    name: "shardchannels",
    syntax: "[pattern]",
    summary: "Returns the active shard channels.",
    since: "7.0.0",
    complexity: "O(N) where N is the number of active shard channels",
    ..SUB
};

/// What is known of `PUBSUB SHARDNUMSUB`.
pub const SPEC_SHARDNUMSUB: Spec = Spec {
    name: "shardnumsub",
    syntax: "[shardchannel [shardchannel ...]]",
    summary: "Returns the count of subscribers of shard channels.",
    since: "7.0.0",
    complexity: "O(N) where N is the number of requested shard channels",
    ..SUB
};

/// `PUBSUB NUMPAT`
#[derive(Debug, Clone, Copy)]
pub struct NumPat;

nullary!(NumPat, SPEC_NUMPAT, |ctx, reply| {
    reply.int(ctx.engine.pubsub.patterns() as i64);
    Ok(())
});

macro_rules! list {
    ($type:ident, $spec:ident, $namespace:ident, $doc:literal) => {
        #[doc = $doc]
        #[derive(Debug, Clone)]
        pub struct $type<'a> {
            /// Only names that match.
            pub pattern: Option<&'a [u8]>,
        }

        impl<'a> Command<'a> for $type<'a> {
            const SPEC: &'static Spec = &$spec;

            fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
                let pattern = args.word().ok();
                match args.left() {
                    0 => Ok($type { pattern }),
                    _ => Err(subcommand_usage_error(&SPEC, args.given_name())),
                }
            }

            fn words(&self, words: &mut Words<'_>) {
                self.pattern.iter().for_each(|pattern| {
                    words.push(pattern);
                });
            }

            fn keys(&self, _: &mut dyn FnMut(&'a [u8])) {}

            fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
                let names = ctx.engine.pubsub.$namespace.matching(self.pattern);
                reply.array(names.len());
                names.iter().for_each(|name| reply.bulk(name));
                Ok(())
            }
        }
    };
}

list!(ChannelList, SPEC_CHANNELS, channels, "`PUBSUB CHANNELS`");
list!(ShardChannels, SPEC_SHARDCHANNELS, sharded, "`PUBSUB SHARDCHANNELS`");

macro_rules! count {
    ($type:ident, $spec:ident, $namespace:ident, $doc:literal) => {
        #[doc = $doc]
        #[derive(Debug, Clone)]
        pub struct $type<'a> {
            /// The channels.
            pub channels: &'a [&'a [u8]],
        }

        impl<'a> Command<'a> for $type<'a> {
            const SPEC: &'static Spec = &$spec;

            fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
                Ok($type { channels: args.rest() })
            }

            fn words(&self, words: &mut Words<'_>) {
                words.all(self.channels);
            }

            fn keys(&self, _: &mut dyn FnMut(&'a [u8])) {}

            fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
                count(&ctx.engine.pubsub.$namespace, self.channels, reply);
                Ok(())
            }
        }
    };
}

count!(NumSub, SPEC_NUMSUB, channels, "`PUBSUB NUMSUB`");
count!(ShardNumSub, SPEC_SHARDNUMSUB, sharded, "`PUBSUB SHARDNUMSUB`");

/// Channels and their subscribers in turn: an array even in RESP3.
fn count(namespace: &Channels, channels: &[&[u8]], reply: &mut dyn Reply) {
    reply.array(channels.len() * 2);
    for channel in channels {
        reply.bulk(channel);
        reply.int(namespace.hearers(channel) as i64);
    }
}
