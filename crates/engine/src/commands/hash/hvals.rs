//! `HVALS key`
//!
//! Answers the value of every field, in no order that a caller may rely on; nothing for a missing key. O(n).
//!
//! Effect: none.

use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::hash::{self, HashRef};

/// What is known of `HVALS`.
pub const SPEC: Spec = Spec {
    name: "hvals",
    syntax: "key",
    summary: "Returns all values of a hash.",
    since: "2.0.0",
    group: Group::Hash,
    complexity: "O(N) in the fields of the hash",
    arity: 2,
    flags: flag::READONLY,
    keys: &[KeySpec::one(1, key::RO | key::ACCESS)],
    tips: &["nondeterministic_output_order"],
    ..Spec::BASE
};

/// `HVALS`
#[derive(Debug, Clone)]
pub struct Hvals<'a> {
    /// The key.
    pub key: &'a [u8],
}

impl<'a> Command<'a> for Hvals<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(Hvals { key: args.word()? })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let hash = hash::read(ctx.keys, self.key)?;
        reply.array(hash.map_or(0, HashRef::len));
        for (_, value) in hash.into_iter().flat_map(HashRef::iter) {
            hash::answer(value, reply);
        }
        Ok(())
    }
}
