//! `HGETDEL key FIELDS numfields field [field ...]`
//!
//! Answers the values of fields, null for a missing one, and removes them, and the key with the last.
//! An error for another type. O(1) a field for a table, O(n) for a listpack.
//!
//! Effect: `HDEL` of the fields that were there.

use super::field_words::{FieldsOf, WRONG_COUNT, effect_removed};
use super::hdel;
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::notify::names::Events;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::hash::{self, HashGate};

/// What is known of `HGETDEL`.
pub const SPEC: Spec = Spec {
    name: "hgetdel",
    syntax: "key FIELDS numfields field [field ...]",
    summary: "Returns the values of fields of a hash and removes them.",
    since: "8.0.0",
    group: Group::Hash,
    complexity: "O(N) in the fields",
    arity: -5,
    flags: flag::WRITE | flag::FAST,
    keys: &[KeySpec::one(1, key::RW | key::ACCESS | key::DELETE)],
    events: Events::named(hdel::SPEC.name),
    ..Spec::BASE
};

/// `HGETDEL`
#[derive(Debug, Clone)]
pub struct HgetDel<'a>(pub FieldsOf<'a>);

impl<'a> Command<'a> for HgetDel<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        FieldsOf::parse(args, WRONG_COUNT).map(HgetDel)
    }

    fn words(&self, words: &mut Words<'_>) {
        self.0.words(words);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.0.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let FieldsOf { key, fields } = self.0;
        let mut gate = HashGate::open(ctx.keys, key)?;
        let mut removed = Vec::new();
        reply.array(fields.len());
        for &field in fields {
            match gate.hash().and_then(|hash| hash.get(field)) {
                Some(held) => hash::answer(held.value, reply),
                None => {
                    reply.null();
                    continue;
                }
            }
            gate.remove(&[field], |_| ());
            removed.push(field);
        }
        effect_removed(ctx.keys, key, &removed);
        Ok(())
    }
}
