//! `XINFO CONSUMERS key group`
//!
//! The consumers of a group: name, number of pending entries, milliseconds since it last asked for
//! anything and since it last got anything (-1: never). O(consumers).

use super::{ABOUT_STREAM, Args, Command, Ctx, Error, Reply, Spec, Words};
use super::{no_group_of_key, since, stream_at};

/// What is known of `XINFO CONSUMERS`.
pub(super) const CONSUMERS: Spec = Spec {
    name: "consumers",
    syntax: "key group",
    summary: "Returns a list of the consumers in a consumer group.",
    arity: 4,
    tips: &["nondeterministic_output"],
    ..ABOUT_STREAM
};

/// `XINFO CONSUMERS`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consumers<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The group.
    pub group: &'a [u8],
}

impl<'a> Command<'a> for Consumers<'a> {
    const SPEC: &'static Spec = &CONSUMERS;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(Consumers { key: args.word()?, group: args.word()? })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key).push(self.group);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let now_ms = ctx.keys.now_ms();
        let group = stream_at(ctx, self.key)?.group(self.group);
        let group = group.ok_or_else(|| no_group_of_key(self.key, self.group))?;
        reply.array(group.consumer_count());
        for (_, consumer) in group.consumers() {
            reply.map(4);
            reply.bulk(b"name");
            reply.bulk(consumer.name());
            reply.bulk(b"pending");
            reply.int(consumer.pending_count() as i64);
            reply.bulk(b"idle");
            reply.int(since(consumer.seen_ms(), now_ms));
            reply.bulk(b"inactive");
            reply.int(consumer.active_ms().map_or(-1, |active_ms| since(active_ms, now_ms)));
        }
        Ok(())
    }
}
