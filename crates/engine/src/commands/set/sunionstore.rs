//! `SUNIONSTORE destination key [key ...]`
//!
//! Stores what `SUNION` answers, whatever `destination` held and without a TTL; nothing to store
//! removes it. Answers the number of members. Costs as `SUNION`.
//!
//! Effect: the command, unless nothing was stored where nothing was.

use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::set::{self, Operation};

/// What is known of `SUNIONSTORE`.
pub const SPEC: Spec = Spec {
    name: "sunionstore",
    syntax: "destination key [key ...]",
    summary: "Stores the union of multiple sets in a key.",
    group: Group::Set,
    complexity: "O(N) in the number of all members",
    arity: -3,
    flags: flag::WRITE | flag::DENYOOM,
    keys: &[KeySpec::one(1, key::OW | key::UPDATE), KeySpec::rest(2, key::RO | key::ACCESS)],
    ..Spec::BASE
};

/// `SUNIONSTORE`
#[derive(Debug, Clone)]
pub struct Sunionstore<'a> {
    /// Where the result goes.
    pub destination: &'a [u8],
    /// The keys.
    pub keys: &'a [&'a [u8]],
}

impl<'a> Command<'a> for Sunionstore<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(Sunionstore { destination: args.word()?, keys: args.rest() })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.destination).all(self.keys);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.destination);
        self.keys.iter().for_each(|key| visit(key));
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let Self { destination, keys } = self;
        let len = set::combine_and_store(ctx.keys, destination, keys, Operation::Union)?;
        reply.int(len as i64);
        Ok(())
    }
}
