//! `XINFO GROUPS key`
//!
//! The groups of a stream: name, number of consumers and of pending entries, how far it has read,
//! and how many entries it has not read yet, as far as that can be told. O(groups).

use super::{ABOUT_STREAM, Args, Command, Ctx, Error, Reply, Spec, Words};
use super::{reply_id, reply_progress, stream_at};

/// What is known of `XINFO GROUPS`.
pub(super) const GROUPS: Spec = Spec {
    name: "groups",
    summary: "Returns a list of the consumer groups of a stream.",
    ..ABOUT_STREAM
};

/// `XINFO GROUPS`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Groups<'a> {
    /// The key.
    pub key: &'a [u8],
}

impl<'a> Command<'a> for Groups<'a> {
    const SPEC: &'static Spec = &GROUPS;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(Groups { key: args.word()? })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let stream = stream_at(ctx, self.key)?;
        reply.array(stream.group_count());
        for (name, group) in stream.groups() {
            reply.map(6);
            reply.bulk(b"name");
            reply.bulk(name);
            reply.bulk(b"consumers");
            reply.int(group.consumer_count() as i64);
            reply.bulk(b"pending");
            reply.int(group.pending_count() as i64);
            reply.bulk(b"last-delivered-id");
            reply_id(reply, group.last_id());
            reply_progress(stream, group, reply);
        }
        Ok(())
    }
}
