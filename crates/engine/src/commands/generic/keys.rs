//! `KEYS pattern`
//!
//! Answers every key of the database that matches the pattern, in no order. O(keys), under all
//! locks: nobody else is served meanwhile, use `SCAN`.

use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, Spec, acl, flag};
use larder_codec::glob::matches;

/// What is known of `KEYS`.
pub const SPEC: Spec = Spec {
    name: "keys",
    syntax: "pattern",
    summary: "Lists the keys that match a pattern.",
    group: Group::Generic,
    complexity: "O(N) in the number of keys of the database, under all locks",
    arity: 2,
    flags: flag::READONLY | flag::ALL_SHARDS,
    acl: acl::KEYSPACE | acl::DANGEROUS,
    tips: &["request_policy:all_shards", "nondeterministic_output_order"],
    ..Spec::BASE
};

/// `KEYS`
#[derive(Debug, Clone)]
pub struct Keys<'a> {
    /// The pattern.
    pub pattern: &'a [u8],
}

impl<'a> Command<'a> for Keys<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(Keys { pattern: args.word()? })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.pattern);
    }

    fn keys(&self, _: &mut dyn FnMut(&'a [u8])) {}

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let every = self.pattern == b"*";
        let mut found = Vec::new();
        ctx.keys.each_key(|key| {
            if every || matches(self.pattern, key) {
                found.push(key.to_vec());
            }
        });
        reply.array(found.len());
        found.iter().for_each(|key| reply.bulk(key));
        Ok(())
    }
}
