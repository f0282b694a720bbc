//! `WATCH key [key ...]`
//!
//! Makes the next EXEC depend on these keys staying as they are; answers OK. O(1) for each key.
//! No effect, but keys that are due are removed first: their end is no change to who comes later.

use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, acl, flag, key};
use std::sync::atomic::Ordering;

/// What is known of `WATCH`.
pub const SPEC: Spec = Spec {
    name: "watch",
    syntax: "key [key ...]",
    summary: "Monitors changes to keys to determine the execution of a transaction.",
    since: "2.2.0",
    group: Group::Transactions,
    complexity: "O(1) for every key.",
    arity: -2,
    flags: flag::NOSCRIPT
        | flag::LOADING
        | flag::STALE
        | flag::FAST
        | flag::ALLOW_BUSY
        | flag::NOT_QUEUED,
    acl: acl::TRANSACTION,
    keys: &[KeySpec::rest(1, key::RO)],
    ..Spec::BASE
};

/// `WATCH`
#[derive(Debug, Clone)]
pub struct Watch<'a> {
    /// The keys.
    pub keys: &'a [&'a [u8]],
}

impl<'a> Command<'a> for Watch<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(Watch { keys: args.rest() })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.all(self.keys);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        self.keys.iter().for_each(|key| visit(key));
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let session = &mut *ctx.session;
        if session.multi.is_some() {
            return Err(Error::text("ERR WATCH inside MULTI is not allowed"));
        }
        let db = session.db;
        for &key in self.keys {
            if session.watched.insert((db, key.into())) {
                // Opening the gate removes a key that is due.
                ctx.keys.write(key);
                ctx.keys.shard_of(key).watched.add(db, key, &session.client.touched);
            }
        }
        session.client.facts.watching.store(session.watched.len() as u32, Ordering::Relaxed);
        reply.ok();
        Ok(())
    }
}
