//! `DUMP key`
//!
//! The key's value as bytes that [`super::restore`] takes, here and in other servers: the RDB form
//! with a version and a checksum. Null without the key. The TTL is not part of it. O(value).
//!
//! The version is 10, which Redis reads from 7.0 on and Valkey in all versions, unless the value
//! needs another: fields of a hash that expire exist in 12 (Redis 7.4) and in Valkey's 80 only, of
//! which 12 is taken. `rdb-save-version` chooses another one, and nothing is dropped for it: DUMP
//! fails where that version cannot hold the value.

use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::config::Id;
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, acl, flag, key};
use crate::values::dump::{Choice, payload};

/// What is known of `DUMP`.
pub const SPEC: Spec = Spec {
    name: "dump",
    syntax: "key",
    summary: "Returns the value of a key as bytes that can be restored.",
    since: "2.6.0",
    group: Group::Generic,
    complexity: "O(N) in the size of the value",
    arity: 2,
    flags: flag::READONLY,
    acl: acl::KEYSPACE,
    keys: &[KeySpec::one(1, key::RO | key::ACCESS)],
    tips: &["nondeterministic_output"],
    ..Spec::BASE
};

pub(super) const NEWER_VERSION: Error =
    Error::text("ERR rdb-save-version names a version that cannot hold fields which expire");

/// `DUMP`
#[derive(Debug, Clone)]
pub struct Dump<'a> {
    /// The key.
    pub key: &'a [u8],
}

impl<'a> Command<'a> for Dump<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(Dump { key: args.word()? })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let config = ctx.config();
        let compress = config.flag(Id::Rdbcompression);
        match ctx.keys.read(self.key) {
            Some(value) => {
                let payload = payload(value, Choice::of(config), compress);
                reply.bulk(&payload.ok_or(NEWER_VERSION)?);
            }
            None => reply.null(),
        }
        Ok(())
    }
}
