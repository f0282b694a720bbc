//! `GETEX key [EX s | PX ms | EXAT s | PXAT ms | PERSIST]`
//!
//! Answers the string at `key`, or null, and sets or removes the key's TTL; without an option it
//! is a GET. An expiry in the past removes the key. An error for another type. O(1) plus the copy
//! of the value.
//!
//! Effect: `PEXPIREAT` or `PERSIST`; `DEL` for an expiry in the past.

use super::super::generic::{del, persist, pexpireat};
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::expiry::{ExpiryArg, ExpiryOption};
use crate::keys::string_of;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use larder_codec::integer::{MAX_TEXT, format_i64};

/// What is known of `GETEX`.
pub const SPEC: Spec = Spec {
    name: "getex",
    syntax: "key [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT \
             unix-time-milliseconds | PERSIST]",
    summary: "Returns the string value of a key and sets or removes its expiration.",
    since: "6.2.0",
    group: Group::String,
    complexity: "O(1)",
    arity: -2,
    flags: flag::WRITE | flag::FAST,
    keys: &[KeySpec::one(1, key::RW | key::ACCESS | key::UPDATE)],
    ..Spec::BASE
};

/// What becomes of a TTL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ttl {
    /// Nothing.
    Keep,
    /// It is removed.
    Persist,
    /// It is set.
    Set(ExpiryArg),
}

/// `GETEX`
#[derive(Debug, Clone)]
pub struct GetEx<'a> {
    /// The key.
    pub key: &'a [u8],
    /// What becomes of the TTL.
    pub ttl: Ttl,
}

impl<'a> Command<'a> for GetEx<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let mut get = GetEx { key: args.word()?, ttl: Ttl::Keep };
        let mut expiry = ExpiryOption::default();
        while args.left() > 0 {
            if !expiry.is_given() && args.keyword("PERSIST") {
                get.ttl = Ttl::Persist;
            } else if get.ttl == Ttl::Persist || !expiry.take(args) {
                return Err(Error::Syntax);
            }
        }
        if let Some(expiry) = expiry.read(SPEC.name)? {
            get.ttl = Ttl::Set(expiry);
        }
        Ok(get)
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key);
        match &self.ttl {
            Ttl::Keep => {}
            Ttl::Persist => drop(words.keyword("PERSIST")),
            Ttl::Set(expiry) => expiry.words(words),
        }
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let deadline_ms = match &self.ttl {
            Ttl::Set(expiry) => Some(expiry.deadline_ms(ctx.keys.clock_ms(), SPEC.name)?),
            Ttl::Keep | Ttl::Persist => None,
        };
        reply.bulk_or_null(string_of(ctx.keys.read(self.key))?);
        if self.ttl == Ttl::Keep {
            return Ok(());
        }
        let mut gate = ctx.keys.write(self.key);
        if !gate.exists() {
            return Ok(());
        }
        match deadline_ms {
            Some(deadline_ms) if deadline_ms <= gate.now_ms() => {
                if gate.remove_as_expired() {
                    ctx.keys.effect(&del::SPEC, &[self.key]);
                }
            }
            Some(deadline_ms) => {
                gate.set_deadline(Some(deadline_ms));
                let mut digits = [0; MAX_TEXT];
                let at = format_i64(deadline_ms.cast_signed(), &mut digits);
                ctx.keys.effect(&pexpireat::SPEC, &[self.key, at]);
            }
            None => {
                if gate.deadline_ms().is_some() {
                    gate.set_deadline(None);
                    ctx.keys.effect(&persist::SPEC, &[self.key]);
                }
            }
        }
        Ok(())
    }
}
