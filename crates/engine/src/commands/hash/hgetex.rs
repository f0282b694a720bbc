//! `HGETEX key [EX s | PX ms | EXAT s | PXAT ms | PERSIST] FIELDS numfields field [field ...]`
//!
//! Answers the values of fields, null for a missing one, and sets or removes their TTL; without an
//! option it is an HMGET. An expiry that has passed removes them. An error for another type, which
//! comes before one for the number. O(1) a field for a table, O(n) for a listpack.
//!
//! Effect: `HPEXPIREAT`, `HPERSIST` or `HDEL` of the fields that changed.

use super::field_words::{
    self, LateExpiry, after_options, effect, effect_deadline, effect_removed,
};
use super::{hdel, hexpire, hpersist, hpexpireat};
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::expiry::ExpiryOption;
use crate::notify::FIELDS_EXPIRED;
use crate::notify::names::{Effect, Events, Told, When};
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::hash::{self, HashGate};

/// What is known of `HGETEX`.
pub const SPEC: Spec = Spec {
    name: "hgetex",
    syntax: "key [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT \
             unix-time-milliseconds | PERSIST] FIELDS numfields field [field ...]",
    summary: "Returns the values of fields of a hash and sets or removes their TTL.",
    since: "8.0.0",
    group: Group::Hash,
    complexity: "O(N) in the fields",
    arity: -5,
    flags: flag::WRITE | flag::FAST,
    keys: &[KeySpec::one(1, key::RW | key::ACCESS | key::UPDATE)],
    events: Events::told(&[
        Told::of(0, FIELDS_EXPIRED).when(When::Always).where_effect(Effect::Is(hdel::SPEC.name)),
        Told::of(0, hpersist::SPEC.name).where_effect(Effect::Is(hpersist::SPEC.name)),
        Told::of(0, hexpire::SPEC.name).where_effect(Effect::Is(hpexpireat::SPEC.name)),
    ]),
    ..Spec::BASE
};

/// `HGETEX`
#[derive(Debug, Clone)]
pub struct HgetEx<'a> {
    /// The key.
    pub key: &'a [u8],
    /// What becomes of the TTL.
    pub ttl: Change<'a>,
    /// The fields.
    pub fields: &'a [&'a [u8]],
}

/// What becomes of the TTL of fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change<'a> {
    /// Nothing.
    Keep,
    /// It is removed.
    Persist,
    /// It is set.
    Set(LateExpiry<'a>),
}

impl<'a> Command<'a> for HgetEx<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let key = args.word()?;
        let (ttl, fields) = after_options(args, 1, |args| {
            let (mut expiry, mut persist) = (ExpiryOption::default(), false);
            while args.left() > 0 {
                if !expiry.is_given() && args.keyword("PERSIST") {
                    persist = true;
                } else if persist || !expiry.take(args) {
                    return Err(Error::Syntax);
                }
            }
            Ok(match LateExpiry::of(expiry) {
                Some(expiry) => Change::Set(expiry),
                None if persist => Change::Persist,
                None => Change::Keep,
            })
        })?;
        Ok(HgetEx { key, ttl, fields })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key);
        match &self.ttl {
            Change::Keep => {}
            Change::Persist => drop(words.keyword("PERSIST")),
            Change::Set(expiry) => expiry.words(words),
        }
        field_words::write(self.fields, 1, words);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        hash::read(ctx.keys, self.key)?;
        let now_ms = ctx.keys.now_ms();
        let deadline_ms = match &self.ttl {
            Change::Set(expiry) => Some(expiry.deadline_ms(now_ms, SPEC.name)?),
            Change::Keep | Change::Persist => None,
        };
        let mut gate = HashGate::open(ctx.keys, self.key)?;
        let mut changed = Vec::new();
        reply.array(self.fields.len());
        for &field in self.fields {
            let Some(held) = gate.hash().and_then(|hash| hash.get(field)) else {
                reply.null();
                continue;
            };
            let had_ttl = held.deadline_ms.is_some();
            hash::answer(held.value, reply);
            match deadline_ms {
                Some(deadline_ms) if deadline_ms <= now_ms => {
                    gate.remove(&[field], |_| ());
                }
                Some(_) => gate.set_deadlines(&[field], deadline_ms),
                None if self.ttl == Change::Persist && had_ttl => {
                    gate.set_deadlines(&[field], None);
                }
                None => continue,
            }
            changed.push(field);
        }
        match deadline_ms {
            Some(deadline_ms) if deadline_ms <= now_ms => {
                gate.count_expired(changed.len());
                effect_removed(ctx.keys, self.key, &changed);
            }
            Some(deadline_ms) => effect_deadline(ctx.keys, self.key, deadline_ms, &changed),
            None if changed.is_empty() => {}
            None => effect(ctx.keys, &hpersist::SPEC, self.key, &[], &changed, 1),
        }
        Ok(())
    }
}
