//! `HPTTL key FIELDS numfields field [field ...]`
//!
//! Answers for each field the milliseconds until it expires; -1 where it does not, -2 where it is
//! not there. An error for another type. O(1) a field for a table, O(n) for a listpack.
//!
//! Effect: none.

use super::super::generic::deadline::Told;
use super::field_words::FieldsOf;
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};

/// What is known of `HPTTL`.
pub const SPEC: Spec = Spec {
    name: "hpttl",
    syntax: "key FIELDS numfields field [field ...]",
    summary: "Tells the milliseconds until fields of a hash expire.",
    since: "7.4.0",
    group: Group::Hash,
    complexity: "O(N) in the fields",
    arity: -5,
    flags: flag::READONLY | flag::FAST,
    keys: &[KeySpec::one(1, key::RO | key::ACCESS)],
    ..Spec::BASE
};

/// `HPTTL`
#[derive(Debug, Clone)]
pub struct HpTtl<'a>(pub FieldsOf<'a>);

impl<'a> Command<'a> for HpTtl<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        FieldsOf::parse(args, Error::Syntax).map(HpTtl)
    }

    fn words(&self, words: &mut Words<'_>) {
        self.0.words(words);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.0.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        self.0.tell(Told::Milliseconds, ctx, reply)
    }
}
