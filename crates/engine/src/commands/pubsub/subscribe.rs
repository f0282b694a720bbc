//! `SUBSCRIBE channel [channel ...]` · `PSUBSCRIBE pattern [pattern ...]` ·
//! `SSUBSCRIBE shardchannel [shardchannel ...]`
//!
//! Messages of these channels reach the session from now on. Answers a confirmation for each name,
//! with the number of the session's subscriptions of that kind (channels and patterns together).
//! O(1) for each name. No effect.

use super::unsubscribe::{Kind, confirm};
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};

/// What is known of `SUBSCRIBE`.
pub const SPEC: Spec = Spec {
    name: "subscribe",
    syntax: "channel [channel ...]",
    summary: "Listens for messages published to channels.",
    since: "2.0.0",
    group: Group::Pubsub,
    complexity: "O(N) where N is the number of channels to subscribe to.",
    arity: -2,
    flags: flag::PUBSUB | flag::NOSCRIPT | flag::LOADING | flag::STALE | flag::WHILE_SUBSCRIBED,
    ..Spec::BASE
};

/// What is known of `PSUBSCRIBE`.
pub const SPEC_PATTERN: Spec = Spec {
    name: "psubscribe",
    syntax: "pattern [pattern ...]",
    summary: "Listens for messages published to channels that match one or more patterns.",
    complexity: "O(N) where N is the number of patterns to subscribe to.",
    ..SPEC
};

/// What is known of `SSUBSCRIBE`.
pub const SPEC_SHARDED: Spec = Spec {
    name: "ssubscribe",
    syntax: "shardchannel [shardchannel ...]",
    summary: "Listens for messages published to shard channels.",
    since: "7.0.0",
    complexity: "O(N) where N is the number of shard channels to subscribe to.",
    keys: &[KeySpec::rest(1, key::NOT_KEY)],
    ..SPEC
};

macro_rules! subscribe {
    ($type:ident, $spec:ident, $kind:expr, $keyed:literal, $doc:literal) => {
        #[doc = $doc]
        #[derive(Debug, Clone)]
        pub struct $type<'a> {
            /// Channels or patterns.
            pub names: &'a [&'a [u8]],
        }

        impl<'a> Command<'a> for $type<'a> {
            const SPEC: &'static Spec = &$spec;

            fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
                Ok($type { names: args.rest() })
            }

            fn words(&self, words: &mut Words<'_>) {
                words.all(self.names);
            }

            fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
                if $keyed {
                    self.names.iter().for_each(|name| visit(name));
                }
            }

            fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
                subscribe(ctx, $kind, Self::SPEC, self.names, reply);
                Ok(())
            }
        }
    };
}

subscribe!(Subscribe, SPEC, Kind::Channel, false, "`SUBSCRIBE`");
subscribe!(PSubscribe, SPEC_PATTERN, Kind::Pattern, false, "`PSUBSCRIBE`");
subscribe!(SSubscribe, SPEC_SHARDED, Kind::Sharded, true, "`SSUBSCRIBE`");

fn subscribe(
    ctx: &mut Ctx<'_, '_>,
    kind: Kind,
    spec: &Spec,
    names: &[&[u8]],
    reply: &mut dyn Reply,
) {
    let pubsub = &ctx.engine.pubsub;
    for &name in names {
        let client = ctx.session.client.clone();
        if kind.set(ctx.session).insert(name.into()) {
            match kind {
                Kind::Channel => pubsub.channels.subscribe(name, client.id, &client.mailbox),
                Kind::Pattern => pubsub.subscribe_pattern(name, client.id, &client.mailbox),
                Kind::Sharded => pubsub.sharded.subscribe(name, client.id, &client.mailbox),
            }
        }
        confirm(ctx.session, kind, spec, Some(name), reply);
    }
    ctx.session.note_subscriptions();
}
