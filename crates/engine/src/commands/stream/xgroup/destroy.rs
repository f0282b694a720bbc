//! `XGROUP DESTROY key group`
//!
//! Removes a group with everything that is pending for it; whether it was there. Who waits as one
//! of its consumers hears that it is gone. O(1) under the locks, what it held is freed after them.

use super::{ABOUT_GROUP, effect, stream_in};
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::notify::names::Events;
use crate::reply::Reply;
use crate::spec::Spec;
use crate::values::stream;

/// What is known of `XGROUP DESTROY`.
pub(super) const DESTROY: Spec = Spec {
    name: "destroy",
    summary: "Destroys a consumer group.",
    events: Events::named("xgroup-destroy"),
    complexity: "O(N) where N is the number of entries in the group's pending entries list (PEL).",
    ..ABOUT_GROUP
};

/// `XGROUP DESTROY`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destroy<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The group.
    pub group: &'a [u8],
}

impl<'a> Command<'a> for Destroy<'a> {
    const SPEC: &'static Spec = &DESTROY;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(Destroy { key: args.word()?, group: args.word()? })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key).push(self.group);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let mut gate = ctx.keys.write(self.key);
        let is_there = stream_in(&gate)?.group(self.group).is_some();
        reply.int(i64::from(is_there));
        if is_there {
            stream::remove_group(&mut gate, self.group);
            effect(ctx.keys, &DESTROY, &[self.key, self.group]);
        }
        Ok(())
    }
}
