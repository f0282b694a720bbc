//! `MSET key value [key value ...]`
//!
//! Sets several strings in one step, whatever was there; the keys lose their TTLs. A key that is
//! named twice gets the last of its values. O(keys) plus the copies of the values.
//!
//! Effect: the command.

use super::set;
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::keyspace::{Expiry, Kind, NewValue};
use crate::notify::names::Events;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};

/// What is known of `MSET`.
pub const SPEC: Spec = Spec {
    name: "mset",
    syntax: "key value [key value ...]",
    summary: "Sets several keys to string values in one step.",
    since: "1.0.1",
    group: Group::String,
    complexity: "O(N) in the number of keys",
    arity: -3,
    flags: flag::WRITE | flag::DENYOOM,
    keys: &[KeySpec::range(1, -1, 2, key::OW | key::UPDATE)],
    tips: &["request_policy:multi_shard", "response_policy:all_succeeded"],
    events: Events::named(set::SPEC.name),
    ..Spec::BASE
};

/// `MSET`
#[derive(Debug, Clone)]
pub struct MSet<'a> {
    /// Keys and values in turn.
    pub pairs: &'a [&'a [u8]],
}

impl<'a> Command<'a> for MSet<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(MSet { pairs: pairs(args, SPEC.name)? })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.all(self.pairs);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        self.pairs.iter().step_by(2).for_each(|key| visit(key));
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        put_all(ctx, self.pairs);
        reply.ok();
        Ok(())
    }
}

/// The words of a command that takes pairs, all of them.
pub(super) fn pairs<'a>(
    args: &mut Args<'a>,
    command: &'static str,
) -> Result<&'a [&'a [u8]], Error> {
    let pairs = args.rest();
    if pairs.len().is_multiple_of(2) { Ok(pairs) } else { Err(Error::Arity(command.into())) }
}

/// Sets each key to its value.
pub(super) fn put_all(ctx: &mut Ctx<'_, '_>, pairs: &[&[u8]]) {
    for pair in pairs.chunks_exact(2) {
        ctx.keys.write(pair[0]).put(NewValue::Bytes(Kind::String, pair[1]), Expiry::Clear);
    }
}
