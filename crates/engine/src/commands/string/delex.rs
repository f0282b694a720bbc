//! `DELEX key [IFEQ value | IFNE value]`
//!
//! Removes `key` if the string at it is `value`, or is another one; answers 1, or 0 when nothing
//! was removed. A condition on another type is an error; without one, any type is removed.
//! O(value).
//!
//! Effect: `DEL` of the key.
//!
//! Redis's (8.4) and, with the condition required, Valkey's (9.2). Redis's conditions on digests
//! (`IFDEQ`, `IFDNE`) are a syntax error here.

use super::super::generic::del;
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::keys::string_of;
use crate::notify::names::Events;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};

/// What is known of `DELEX`.
pub const SPEC: Spec = Spec {
    name: "delex",
    syntax: "key [IFEQ comparison-value | IFNE comparison-value]",
    summary: "Deletes a key depending on its value.",
    since: "8.4.0",
    group: Group::String,
    complexity: "O(N) in the length of the value",
    arity: -2,
    flags: flag::WRITE | flag::FAST,
    keys: &[KeySpec::one(1, key::RW | key::DELETE | key::VARIABLE_FLAGS)],
    events: Events::named(del::SPEC.name),
    ..Spec::BASE
};

/// When a key is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition<'a> {
    /// Where it is there.
    Always,
    /// `IFEQ`: where this string is.
    Equals(&'a [u8]),
    /// `IFNE`: where another string is.
    Differs(&'a [u8]),
}

/// `DELEX`
#[derive(Debug, Clone)]
pub struct DelEx<'a> {
    /// The key.
    pub key: &'a [u8],
    /// When it removes.
    pub condition: Condition<'a>,
}

impl<'a> Command<'a> for DelEx<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let key = args.word()?;
        let condition = if args.left() == 0 {
            Condition::Always
        } else if args.keyword("IFEQ") {
            Condition::Equals(args.word()?)
        } else if args.keyword("IFNE") {
            Condition::Differs(args.word()?)
        } else {
            return Err(Error::Syntax);
        };
        Ok(DelEx { key, condition })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key);
        match self.condition {
            Condition::Always => {}
            Condition::Equals(value) => drop(words.keyword("IFEQ").push(value)),
            Condition::Differs(value) => drop(words.keyword("IFNE").push(value)),
        }
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        reply.int(remove_if(ctx, self.key, self.condition)?.into());
        Ok(())
    }
}

/// Removes a key under a condition; whether it was removed.
pub(super) fn remove_if(
    ctx: &mut Ctx<'_, '_>,
    key: &[u8],
    condition: Condition<'_>,
) -> Result<bool, Error> {
    let mut gate = ctx.keys.write(key);
    let holds = match condition {
        Condition::Always => gate.exists(),
        Condition::Equals(value) => string_of(gate.value())? == Some(value),
        Condition::Differs(value) => string_of(gate.value())?.is_some_and(|old| old != value),
    };
    if holds {
        gate.remove();
        ctx.keys.effect(&del::SPEC, &[key]);
    }
    Ok(holds)
}
