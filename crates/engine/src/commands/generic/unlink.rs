//! `UNLINK key [key ...]`
//!
//! Removes keys; answers how many were there. O(keys). Values of more than a few parts are freed in
//! the background; `DEL` leaves only large ones to it.
//!
//! Effect: the command for the keys that were there.

use super::del;
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::notify::names::Events;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, acl, flag, key};

/// What is known of `UNLINK`.
pub const SPEC: Spec = Spec {
    name: "unlink",
    syntax: "key [key ...]",
    summary: "Deletes keys and leaves the freeing of their values for after.",
    group: Group::Generic,
    complexity: "O(N) in the number of keys; values are freed after the locks",
    arity: -2,
    since: "4.0.0",
    flags: flag::WRITE | flag::FAST,
    acl: acl::KEYSPACE,
    keys: &[KeySpec::rest(1, key::RM | key::DELETE)],
    tips: &["request_policy:multi_shard", "response_policy:agg_sum"],
    events: Events::named(del::SPEC.name),
    ..Spec::BASE
};

/// `UNLINK`
#[derive(Debug, Clone)]
pub struct Unlink<'a> {
    /// The keys.
    pub keys: &'a [&'a [u8]],
}

impl<'a> Command<'a> for Unlink<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(Unlink { keys: args.rest() })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.all(self.keys);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        self.keys.iter().for_each(|key| visit(key));
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let mut removed = Vec::with_capacity(self.keys.len());
        for key in self.keys {
            if ctx.keys.write(key).unlink() {
                removed.push(*key);
            }
        }
        reply.int(removed.len() as i64);
        if removed.len() < self.keys.len() && !removed.is_empty() {
            ctx.keys.effect(&SPEC, &removed);
        }
        Ok(())
    }
}
