//! `HPEXPIREAT key unix-time-milliseconds [NX | XX | GT | LT] FIELDS numfields field [field ...]`
//!
//! Lets fields expire at a Unix time in milliseconds. `NX` only where a field has no TTL, `XX` only
//! where it has one, `GT` and `LT` only where that is shorter or longer; no TTL counts as the longest.
//! Answers for each field 1, or 0 when a condition did not hold, -2 where it is not there, 2 when
//! the time has passed, which removes it. An error for another type. O(1) a field.
//!
//! Effect: `HPEXPIREAT` without conditions, or `HDEL`, of the fields that changed.

use super::field_words::{DEADLINE_EVENTS, FieldDeadline};
use super::hexpire;
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::expiry::Unit;
use crate::notify::names::Events;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};

/// What is known of `HPEXPIREAT`.
pub const SPEC: Spec = Spec {
    name: "hpexpireat",
    syntax: "key unix-time-milliseconds [NX | XX | GT | LT] FIELDS numfields field [field ...]",
    summary: "Sets the Unix time in milliseconds at which fields of a hash expire.",
    since: "7.4.0",
    group: Group::Hash,
    complexity: "O(N) in the fields",
    arity: -6,
    flags: flag::WRITE | flag::FAST,
    keys: &[KeySpec::one(1, key::RW | key::UPDATE)],
    events: Events { name: Some(hexpire::SPEC.name), ..DEADLINE_EVENTS },
    ..Spec::BASE
};

/// `HPEXPIREAT`
#[derive(Debug, Clone)]
pub struct HpExpireAt<'a>(pub FieldDeadline<'a>);

impl<'a> Command<'a> for HpExpireAt<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        FieldDeadline::parse(args).map(HpExpireAt)
    }

    fn words(&self, words: &mut Words<'_>) {
        self.0.words(words);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.0.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        self.0.run(Unit::UnixMilliseconds, SPEC.name, ctx, reply)
    }
}
