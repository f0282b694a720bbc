//! `DEL key [key ...]`
//!
//! Removes keys; answers how many were there. O(keys); large values are freed after the locks.
//!
//! Effect: the command for the keys that were there.

use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, acl, flag, key};

/// What is known of `DEL`.
pub const SPEC: Spec = Spec {
    name: "del",
    syntax: "key [key ...]",
    summary: "Deletes one or more keys.",
    group: Group::Generic,
    complexity: "O(N) in the number of keys; values are freed after the locks",
    arity: -2,
    flags: flag::WRITE,
    acl: acl::KEYSPACE,
    keys: &[KeySpec::rest(1, key::RM | key::DELETE)],
    tips: &["request_policy:multi_shard", "response_policy:agg_sum"],
    ..Spec::BASE
};

/// `DEL`
#[derive(Debug, Clone)]
pub struct Del<'a> {
    /// The keys.
    pub keys: &'a [&'a [u8]],
}

impl<'a> Command<'a> for Del<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(Del { keys: args.rest() })
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
            if ctx.keys.write(key).remove() {
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
