//! `HSETEX key [NX | XX] [FNX | FXX] [EX s | PX ms | EXAT s | PXAT ms | KEEPTTL] FIELDS numfields
//! field value [field value ...]`
//!
//! Sets fields and their TTL; without an expiry or `KEEPTTL` they lose it. `NX` only where the key is
//! not there, `XX` only where it is, `FNX` only where none of the fields is, `FXX` only where all of
//! them are. Answers 1, or 0 when a condition did not hold. An expiry that has passed removes the
//! fields. An error for another type, which comes before one for the number. O(1) a field.
//!
//! Effect: the command without conditions and with the expiry as `PXAT`; `HSET` without one; `HDEL`
//! for an expiry that has passed.

use super::field_words::{self, LateExpiry, after_options, effect, effect_removed};
use super::{hdel, hexpire, hset};
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::expiry::{ExpiryOption, Unit};
use crate::keys::Keys;
use crate::notify::FIELDS_EXPIRED;
use crate::notify::names::{Effect, Events, From, Name, Told, When};
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::hash::{HashGate, Ttl};
use larder_codec::integer::{MAX_TEXT, format_i64};

/// What is known of `HSETEX`.
pub const SPEC: Spec = Spec {
    name: "hsetex",
    syntax: "key [NX | XX] [FNX | FXX] [EX seconds | PX milliseconds | EXAT unix-time-seconds | \
             PXAT unix-time-milliseconds | KEEPTTL] FIELDS numfields field value [field value ...]",
    summary: "Sets fields of a hash and their TTL.",
    since: "8.0.0",
    group: Group::Hash,
    complexity: "O(N) in the fields",
    arity: -6,
    flags: flag::WRITE | flag::DENYOOM | flag::FAST,
    keys: &[KeySpec::one(1, key::RW | key::INSERT)],
    events: Events::told(&[
        Told::of(0, hset::SPEC.name).when(When::Always),
        Told {
            role: Some(0),
            when: When::Always,
            name: Name::Chosen {
                from: From::AfterKeys,
                choices: &[
                    ("NX", None),
                    ("XX", None),
                    ("FNX", None),
                    ("FXX", None),
                    ("EX", Some(hexpire::SPEC.name)),
                    ("PX", Some(hexpire::SPEC.name)),
                    ("EXAT", Some(hexpire::SPEC.name)),
                    ("PXAT", Some(hexpire::SPEC.name)),
                ],
                otherwise: "",
            },
            effect: None,
        },
        Told::of(0, FIELDS_EXPIRED).when(When::Always).where_effect(Effect::Is(hdel::SPEC.name)),
    ]),
    ..Spec::BASE
};

/// `HSETEX`
#[derive(Debug, Clone)]
pub struct HsetEx<'a> {
    /// The key.
    pub key: &'a [u8],
    /// Whether the key must be there.
    pub key_exists: Option<bool>,
    /// Whether all fields must be there, or none.
    pub fields_exist: Option<bool>,
    /// What becomes of the TTL.
    pub expiry: Option<LateExpiry<'a>>,
    /// Keep the TTL.
    pub keep_ttl: bool,
    /// Fields and their values in turn.
    pub pairs: &'a [&'a [u8]],
}

impl<'a> Command<'a> for HsetEx<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let key = args.word()?;
        let (mut set, pairs) = after_options(args, 2, |args| HsetEx::options(key, args))?;
        set.pairs = pairs;
        Ok(set)
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key);
        let exist = |exist: Option<bool>, none, all| exist.map(|is| if is { all } else { none });
        let conditions =
            [exist(self.key_exists, "NX", "XX"), exist(self.fields_exist, "FNX", "FXX")];
        for condition in conditions.into_iter().flatten() {
            words.keyword(condition);
        }
        if self.keep_ttl {
            words.keyword("KEEPTTL");
        }
        if let Some(expiry) = &self.expiry {
            expiry.words(words);
        }
        field_words::write(self.pairs, 2, words);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let mut gate = HashGate::open(ctx.keys, self.key)?;
        if self.key_exists.is_some_and(|exists| gate.hash().is_some() != exists) {
            reply.int(0);
            return Ok(());
        }
        let now_ms = gate.now_ms();
        let deadline_ms = match &self.expiry {
            Some(expiry) => Some(expiry.deadline_ms(now_ms, SPEC.name)?),
            None => None,
        };
        let hash = gate.hash();
        let is_there = |field: &[u8]| hash.is_some_and(|hash| hash.contains(field));
        let fits = |exist| self.fields().all(|field| is_there(field) == exist);
        if !self.fields_exist.is_none_or(fits) {
            reply.int(0);
            return Ok(());
        }
        reply.int(1);
        match deadline_ms {
            Some(deadline_ms) if deadline_ms <= now_ms => {
                let mut removed: Vec<&[u8]> = self.fields().collect();
                gate.count_expired(removed.len());
                removed.retain(|field| gate.remove(&[field], |_| ()) > 0);
                effect_removed(ctx.keys, self.key, &removed);
            }
            Some(deadline_ms) => {
                gate.set_with(self.pairs, Ttl::AtMs(deadline_ms));
                effect_until(ctx.keys, self.key, deadline_ms, self.pairs);
            }
            None if self.keep_ttl => {
                gate.set_with(self.pairs, Ttl::Keep);
                effect(ctx.keys, &SPEC, self.key, &[b"KEEPTTL"], self.pairs, 2);
            }
            None => {
                gate.set(self.pairs);
                let head: &[&[u8]] = &[self.key];
                ctx.keys.effect(&hset::SPEC, &[head, self.pairs].concat());
            }
        }
        Ok(())
    }
}

impl<'a> HsetEx<'a> {
    fn options(key: &'a [u8], args: &mut Args<'a>) -> Result<Self, Error> {
        let (key_exists, fields_exist, expiry, pairs) = (None, None, None, &[][..]);
        let mut set = HsetEx { key, key_exists, fields_exist, expiry, keep_ttl: false, pairs };
        let mut expiry = ExpiryOption::default();
        while args.left() > 0 {
            if set.key_exists != Some(true) && args.keyword("NX") {
                set.key_exists = Some(false);
            } else if set.key_exists != Some(false) && args.keyword("XX") {
                set.key_exists = Some(true);
            } else if set.fields_exist != Some(true) && args.keyword("FNX") {
                set.fields_exist = Some(false);
            } else if set.fields_exist != Some(false) && args.keyword("FXX") {
                set.fields_exist = Some(true);
            } else if !expiry.is_given() && args.keyword("KEEPTTL") {
                set.keep_ttl = true;
            } else if set.keep_ttl || !expiry.take(args) {
                return Err(Error::Syntax);
            }
        }
        set.expiry = LateExpiry::of(expiry);
        Ok(set)
    }

    fn fields(&self) -> impl Iterator<Item = &'a [u8]> {
        self.pairs.iter().copied().step_by(2)
    }
}

/// Names the effect of fields that were set with a deadline.
pub(super) fn effect_until(keys: &mut Keys<'_>, key: &[u8], deadline_ms: u64, pairs: &[&[u8]]) {
    let mut digits = [0; MAX_TEXT];
    let at = format_i64(deadline_ms.cast_signed(), &mut digits);
    let unit = Unit::UnixMilliseconds.option().as_bytes();
    effect(keys, &SPEC, key, &[unit, at], pairs, 2);
}
