//! `SET key value [NX | XX | IFEQ old] [GET] [EX s | PX ms | EXAT s | PXAT ms | KEEPTTL]`
//!
//! Sets the string at `key`, whatever was there. `NX` only where nothing is, `XX` only where
//! something is, `IFEQ` only where the string `old` is. Without an expiry or `KEEPTTL` the key
//! loses its TTL. Answers OK, or null when the condition did not hold; with `GET` the old string,
//! whether it sets or not. O(1) plus the copy of the value.
//!
//! Effect: the command without conditions and with the expiry as `PXAT`; with an expiry in the
//! past, `DEL` of what was there.
//!
//! `IFEQ` is Valkey's (8.1; with `GET` since 9.0). Redis 7.2 does not know it.

use super::super::generic::del;
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::expiry::{ExpiryArg, ExpiryOption};
use crate::keys::string_of;
use crate::keyspace::{Expiry, Gate, Kind, NewValue};
use crate::reply::Reply;
use crate::spec::{Group, KeyFlags, KeySpec, Spec, flag, key};

/// What is known of `SET`.
pub const SPEC: Spec = Spec {
    name: "set",
    syntax: "key value [NX | XX | IFEQ comparison-value] [GET] [EX seconds | PX milliseconds | \
             EXAT unix-time-seconds | PXAT unix-time-milliseconds | KEEPTTL]",
    summary: "Sets the string value of a key, ignoring its type. The key is created if it \
              doesn't exist.",
    group: Group::String,
    complexity: "O(1)",
    arity: -3,
    flags: flag::WRITE | flag::DENYOOM,
    keys: &[KeySpec::one(1, key::RW | key::ACCESS | key::UPDATE | key::VARIABLE_FLAGS)],
    key_use: Some(key_use),
    ..Spec::BASE
};

/// With `GET` it reads what it overwrites.
fn key_use(words: &[&[u8]]) -> KeyFlags {
    let gets = words.iter().skip(3).any(|word| word.eq_ignore_ascii_case(b"GET"));
    if gets { key::RW | key::ACCESS | key::UPDATE } else { key::OW | key::UPDATE }
}

/// When `SET` sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Condition<'a> {
    /// Always.
    #[default]
    Always,
    /// `NX`: where nothing is.
    Missing,
    /// `XX`: where something is.
    Present,
    /// `IFEQ`: where this string is.
    Equals(&'a [u8]),
}

/// `SET`
#[derive(Debug, Clone)]
pub struct Set<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The value.
    pub value: &'a [u8],
    /// When it sets.
    pub condition: Condition<'a>,
    /// Answer the old string.
    pub get: bool,
    /// What becomes of the TTL.
    pub expiry: Option<ExpiryArg>,
    /// Keep the TTL.
    pub keep_ttl: bool,
}

impl<'a> Set<'a> {
    /// `SET key value`
    pub fn new(key: &'a [u8], value: &'a [u8]) -> Self {
        let condition = Condition::Always;
        Set { key, value, condition, get: false, expiry: None, keep_ttl: false }
    }

    fn holds(&self, gate: &Gate<'_>) -> Result<bool, Error> {
        Ok(match self.condition {
            Condition::Always => true,
            Condition::Missing => !gate.exists(),
            Condition::Present => gate.exists(),
            Condition::Equals(wanted) => string_of(gate.value())? == Some(wanted),
        })
    }
}

impl<'a> Command<'a> for Set<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let mut set = Set::new(args.word()?, args.word()?);
        let mut expiry = ExpiryOption::default();
        while args.left() > 0 {
            let condition = set.condition;
            let takes = |allowed| condition == Condition::Always || condition == allowed;
            if takes(Condition::Missing) && args.keyword("NX") {
                set.condition = Condition::Missing;
            } else if takes(Condition::Present) && args.keyword("XX") {
                set.condition = Condition::Present;
            } else if condition == Condition::Always && args.left() > 1 && args.keyword("IFEQ") {
                set.condition = Condition::Equals(args.word()?);
            } else if args.keyword("GET") {
                set.get = true;
            } else if !expiry.is_given() && args.keyword("KEEPTTL") {
                set.keep_ttl = true;
            } else if set.keep_ttl || !expiry.take(args) {
                return Err(Error::Syntax);
            }
        }
        set.expiry = expiry.read(SPEC.name)?;
        Ok(set)
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key).push(self.value);
        match self.condition {
            Condition::Always => {}
            Condition::Missing => drop(words.keyword("NX")),
            Condition::Present => drop(words.keyword("XX")),
            Condition::Equals(old) => drop(words.keyword("IFEQ").push(old)),
        }
        if self.get {
            words.keyword("GET");
        }
        if self.keep_ttl {
            words.keyword("KEEPTTL");
        }
        if let Some(expiry) = &self.expiry {
            expiry.words(words);
        }
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let deadline_ms = match &self.expiry {
            Some(expiry) => Some(expiry.deadline_ms(ctx.keys.clock_ms(), SPEC.name)?),
            None => None,
        };
        if self.get {
            reply.bulk_or_null(string_of(ctx.keys.read(self.key))?);
        }
        let mut gate = ctx.keys.write(self.key);
        if !self.holds(&gate)? {
            if !self.get {
                reply.null();
            }
            return Ok(());
        }
        let value = NewValue::Bytes(Kind::String, self.value);
        match deadline_ms {
            Some(deadline_ms) if deadline_ms <= gate.now_ms() => {
                if gate.remove() {
                    ctx.keys.effect(&del::SPEC, &[self.key]);
                }
            }
            Some(deadline_ms) => {
                gate.put(value, Expiry::AtMs(deadline_ms));
                ctx.keys.effect_set(self.key, self.value, deadline_ms);
            }
            None => {
                gate.put(value, if self.keep_ttl { Expiry::Keep } else { Expiry::Clear });
                if self.get || self.condition != Condition::Always {
                    let ttl: &[&[u8]] = if self.keep_ttl { &[b"KEEPTTL"] } else { &[] };
                    ctx.keys.effect(&SPEC, &[&[self.key, self.value], ttl].concat());
                }
            }
        }
        if !self.get {
            reply.ok();
        }
        Ok(())
    }
}
