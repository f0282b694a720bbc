//! `SUNION key [key ...]`
//!
//! Answers the members that are in any of the sets. O(all members).
//!
//! Effect: none.

use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::set::{self, Operation};

/// What is known of `SUNION`.
pub const SPEC: Spec = Spec {
    name: "sunion",
    syntax: "key [key ...]",
    summary: "Returns the union of multiple sets.",
    group: Group::Set,
    complexity: "O(N) in the number of all members",
    arity: -2,
    flags: flag::READONLY,
    keys: &[KeySpec::rest(1, key::RO | key::ACCESS)],
    tips: &["nondeterministic_output_order"],
    ..Spec::BASE
};

/// `SUNION`
#[derive(Debug, Clone)]
pub struct Sunion<'a> {
    /// The keys.
    pub keys: &'a [&'a [u8]],
}

impl<'a> Command<'a> for Sunion<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(Sunion { keys: args.rest() })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.all(self.keys);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        self.keys.iter().for_each(|key| visit(key));
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let result = set::combine(ctx.keys, self.keys, Operation::Union)?;
        reply.set(result.as_set().len());
        result.as_set().iter().for_each(|member| member.answer(reply));
        Ok(())
    }
}
