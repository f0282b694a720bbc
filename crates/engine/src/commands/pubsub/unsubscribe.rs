//! `UNSUBSCRIBE [channel ...]` · `PUNSUBSCRIBE [pattern ...]` · `SUNSUBSCRIBE [shardchannel ...]`
//!
//! Messages of these channels, or of all of that kind, do not reach the session any more. Answers a
//! confirmation for each name, or one without a name when there was nothing to end. O(subscribers)
//! for each name. No effect.

use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::session::SessionState;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use hashbrown::HashSet;

/// What is known of `UNSUBSCRIBE`.
pub const SPEC: Spec = Spec {
    name: "unsubscribe",
    syntax: "[channel [channel ...]]",
    summary: "Stops listening to messages posted to channels.",
    since: "2.0.0",
    group: Group::Pubsub,
    complexity: "O(N) where N is the number of channels to unsubscribe.",
    arity: -1,
    flags: flag::PUBSUB | flag::NOSCRIPT | flag::LOADING | flag::STALE | flag::WHILE_SUBSCRIBED,
    ..Spec::BASE
};

/// What is known of `PUNSUBSCRIBE`.
pub const SPEC_PATTERN: Spec = Spec {
    name: "punsubscribe",
    syntax: "[pattern [pattern ...]]",
    summary: "Stops listening to messages published to channels that match one or more patterns.",
    complexity: "O(N) where N is the number of patterns to unsubscribe.",
    ..SPEC
};

/// What is known of `SUNSUBSCRIBE`.
pub const SPEC_SHARDED: Spec = Spec {
    name: "sunsubscribe",
    syntax: "[shardchannel [shardchannel ...]]",
    summary: "Stops listening to messages posted to shard channels.",
    since: "7.0.0",
    complexity: "O(N) where N is the number of shard channels to unsubscribe.",
    keys: &[KeySpec::rest(1, key::NOT_KEY)],
    ..SPEC
};

/// What a subscription is to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Channel,
    Pattern,
    Sharded,
}

impl Kind {
    /// The session's subscriptions of this kind.
    pub(super) fn set(self, session: &mut SessionState) -> &mut HashSet<Box<[u8]>> {
        match self {
            Kind::Channel => &mut session.channels,
            Kind::Pattern => &mut session.patterns,
            Kind::Sharded => &mut session.sharded,
        }
    }
}

/// Confirms that a subscription began or ended: a push that is sent even where replies are not.
pub(super) fn confirm(
    session: &mut SessionState,
    kind: Kind,
    spec: &Spec,
    name: Option<&[u8]>,
    reply: &mut dyn Reply,
) {
    let count = match kind {
        Kind::Channel | Kind::Pattern => session.channels.len() + session.patterns.len(),
        Kind::Sharded => session.sharded.len(),
    };
    session.reply_anyway = true;
    reply.push(3);
    reply.bulk(spec.name.as_bytes());
    reply.bulk_or_null(name);
    reply.int(count as i64);
}

macro_rules! unsubscribe {
    ($type:ident, $spec:ident, $kind:expr, $keyed:literal, $doc:literal) => {
        #[doc = $doc]
        #[derive(Debug, Clone)]
        pub struct $type<'a> {
            /// Channels or patterns; none means all of this kind.
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
                unsubscribe(ctx, $kind, Self::SPEC, self.names, reply);
                Ok(())
            }
        }
    };
}

unsubscribe!(Unsubscribe, SPEC, Kind::Channel, false, "`UNSUBSCRIBE`");
unsubscribe!(PUnsubscribe, SPEC_PATTERN, Kind::Pattern, false, "`PUNSUBSCRIBE`");
unsubscribe!(SUnsubscribe, SPEC_SHARDED, Kind::Sharded, true, "`SUNSUBSCRIBE`");

fn unsubscribe(
    ctx: &mut Ctx<'_, '_>,
    kind: Kind,
    spec: &Spec,
    names: &[&[u8]],
    reply: &mut dyn Reply,
) {
    let pubsub = &ctx.engine.pubsub;
    let all: Vec<Box<[u8]>> = match names {
        [] => kind.set(ctx.session).iter().cloned().collect(),
        names => names.iter().map(|&name| name.into()).collect(),
    };
    for name in &all {
        let id = ctx.session.client.id;
        if kind.set(ctx.session).remove(name) {
            match kind {
                Kind::Channel => pubsub.channels.unsubscribe(name, id),
                Kind::Pattern => pubsub.unsubscribe_pattern(name, id),
                Kind::Sharded => pubsub.sharded.unsubscribe(name, id),
            }
        }
        confirm(ctx.session, kind, spec, Some(name), reply);
    }
    if all.is_empty() {
        confirm(ctx.session, kind, spec, None, reply);
    }
    ctx.session.note_subscriptions();
}
