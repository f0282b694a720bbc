//! `MGET key [key ...]`
//!
//! Answers the strings at several keys, null for each that holds none (another type included).
//! O(keys) plus the copies of the values.

use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::keys::string_of;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};

/// What is known of `MGET`.
pub const SPEC: Spec = Spec {
    name: "mget",
    syntax: "key [key ...]",
    summary: "Returns the string values of several keys.",
    group: Group::String,
    complexity: "O(N) in the number of keys",
    arity: -2,
    flags: flag::READONLY | flag::FAST,
    keys: &[KeySpec::rest(1, key::RO | key::ACCESS)],
    tips: &["request_policy:multi_shard"],
    ..Spec::BASE
};

/// `MGET`
#[derive(Debug, Clone)]
pub struct MGet<'a> {
    /// The keys.
    pub keys: &'a [&'a [u8]],
}

impl<'a> Command<'a> for MGet<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(MGet { keys: args.rest() })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.all(self.keys);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        self.keys.iter().for_each(|key| visit(key));
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        reply.array(self.keys.len());
        for key in self.keys {
            reply.bulk_or_null(string_of(ctx.keys.read(key)).unwrap_or(None));
        }
        Ok(())
    }
}
