//! `DEL key [key ...]`
//!
//! Removes keys; answers how many were there. O(keys). Values are freed after the locks, large ones
//! in the background, others there as well if `lazyfree-lazy-user-del` says so.
//!
//! Effect: the command for the keys that were there.

use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::config::Id;
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
        let lazy = ctx.config().flag(Id::LazyfreeLazyUserDel);
        let mut removed = Vec::with_capacity(self.keys.len());
        for key in self.keys {
            let mut gate = ctx.keys.write(key);
            if if lazy { gate.unlink() } else { gate.remove() } {
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
