//! `HPERSIST key FIELDS numfields field [field ...]`
//!
//! Removes the TTL of fields. Answers for each 1, -1 where it has none, -2 where it is not there.
//! An error for another type. O(1) a field.
//!
//! Effect: the command, for the fields that changed.

use super::field_words::{FieldsOf, WRONG_COUNT, effect};
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::hash::HashGate;

/// What is known of `HPERSIST`.
pub const SPEC: Spec = Spec {
    name: "hpersist",
    syntax: "key FIELDS numfields field [field ...]",
    summary: "Removes the TTL of fields of a hash.",
    since: "7.4.0",
    group: Group::Hash,
    complexity: "O(N) in the fields",
    arity: -5,
    flags: flag::WRITE | flag::FAST,
    keys: &[KeySpec::one(1, key::RW | key::UPDATE)],
    ..Spec::BASE
};

/// `HPERSIST`
#[derive(Debug, Clone)]
pub struct Hpersist<'a>(pub FieldsOf<'a>);

impl<'a> Command<'a> for Hpersist<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        FieldsOf::parse(args, WRONG_COUNT).map(Hpersist)
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
        gate.remove_due(fields.iter().copied());
        let mut changed = Vec::new();
        reply.array(fields.len());
        for &field in fields {
            let held = gate.hash().and_then(|hash| hash.get(field));
            match held.map(|held| held.deadline_ms) {
                None => reply.int(-2),
                Some(None) => reply.int(-1),
                Some(Some(_)) => {
                    gate.set_deadlines(&[field], None);
                    changed.push(field);
                    reply.int(1);
                }
            }
        }
        if !changed.is_empty() {
            effect(ctx.keys, &SPEC, key, &[], &changed, 1);
        }
        Ok(())
    }
}
