//! `SINTER key [key ...]`
//!
//! Answers the members that are in all of the sets. O(members of the smallest × sets).
//!
//! Effect: none.

use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::set;

/// What is known of `SINTER`.
pub const SPEC: Spec = Spec {
    name: "sinter",
    syntax: "key [key ...]",
    summary: "Returns the intersect of multiple sets.",
    group: Group::Set,
    complexity: "O(N*M) for N members in the smallest of M sets",
    arity: -2,
    flags: flag::READONLY,
    keys: &[KeySpec::rest(1, key::RO | key::ACCESS)],
    tips: &["nondeterministic_output_order"],
    ..Spec::BASE
};

/// `SINTER`
#[derive(Debug, Clone)]
pub struct Sinter<'a> {
    /// The keys.
    pub keys: &'a [&'a [u8]],
}

impl<'a> Command<'a> for Sinter<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(Sinter { keys: args.rest() })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.all(self.keys);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        self.keys.iter().for_each(|key| visit(key));
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let mut common = Vec::new();
        set::each_common(ctx.keys, self.keys, |member| {
            common.push(member);
            true
        })?;
        reply.set(common.len());
        common.iter().for_each(|member| member.answer(reply));
        Ok(())
    }
}
