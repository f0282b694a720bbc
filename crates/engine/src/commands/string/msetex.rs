//! `MSETEX numkeys key value [key value ...] [NX | XX]
//! [EX s | PX ms | EXAT s | PXAT ms | KEEPTTL]`
//!
//! Sets several strings in one step with one expiry, whatever was there. `NX` only if none of the
//! keys is there, `XX` only if all are. Without an expiry or `KEEPTTL` the keys lose their TTLs.
//! Answers 1, or 0 when nothing was set. A key that is named twice gets the last of its values.
//! O(keys) plus the copies of the values.
//!
//! Effect: `MSET`; with an expiry or `KEEPTTL` a `SET` for each key, the expiry as `PXAT`; with an
//! expiry in the past, `DEL` of what was there.
//!
//! Redis's (8.4). Redis 7.2 does not know it, and so it is not its own effect.

use super::super::generic::del;
use super::increx::Condition;
use super::mset::{self, put_all};
use super::set;
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::expiry::{ExpiryArg, ExpiryOption};
use crate::keyspace::{Expiry, Kind, NewValue};
use crate::notify::names::Events;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};

/// What is known of `MSETEX`.
pub const SPEC: Spec = Spec {
    name: "msetex",
    syntax: "numkeys key value [key value ...] [NX | XX] [EX seconds | PX milliseconds | \
             EXAT unix-time-seconds | PXAT unix-time-milliseconds | KEEPTTL]",
    summary: "Sets several keys to string values in one step, with one expiration for all.",
    since: "8.4.0",
    group: Group::String,
    complexity: "O(N) in the number of keys",
    arity: -4,
    flags: flag::WRITE | flag::DENYOOM | flag::MOVABLE_KEYS,
    keys: &[KeySpec::numbered_by(1, 2, key::OW | key::UPDATE)],
    tips: &["request_policy:multi_shard", "response_policy:all_succeeded"],
    events: Events::named(set::SPEC.name),
    ..Spec::BASE
};

/// `MSETEX`
#[derive(Debug, Clone)]
pub struct MSetEx<'a> {
    /// Keys and values in turn.
    pub pairs: &'a [&'a [u8]],
    /// When it sets: of all keys or of none.
    pub condition: Condition,
    /// What becomes of the TTLs.
    pub expiry: Option<ExpiryArg>,
    /// Keep the TTLs.
    pub keep_ttl: bool,
}

impl<'a> MSetEx<'a> {
    fn each_key(&self) -> impl Iterator<Item = &'a [u8]> {
        self.pairs.iter().step_by(2).copied()
    }

    fn holds(&self, ctx: &Ctx<'_, '_>) -> bool {
        match self.condition {
            Condition::Always => true,
            Condition::Missing => !self.each_key().any(|key| ctx.keys.exists(key)),
            Condition::Present => self.each_key().all(|key| ctx.keys.exists(key)),
        }
    }
}

impl<'a> Command<'a> for MSetEx<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let count = args.int_or(NUMKEYS)?;
        let count = i32::try_from(count).ok().filter(|&count| count > 0).ok_or(NUMKEYS)?;
        let pairs = args.words(count as usize * 2).map_err(|_| Error::Syntax)?;
        let (mut condition, mut keep_ttl) = (Condition::Always, false);
        let mut expiry = ExpiryOption::default();
        while args.left() > 0 {
            if condition != Condition::Present && args.keyword("NX") {
                condition = Condition::Missing;
            } else if condition != Condition::Missing && args.keyword("XX") {
                condition = Condition::Present;
            } else if !expiry.is_given() && args.keyword("KEEPTTL") {
                keep_ttl = true;
            } else if keep_ttl || !expiry.take(args) {
                return Err(Error::Syntax);
            }
        }
        Ok(MSetEx { pairs, condition, expiry: expiry.read(SPEC.name)?, keep_ttl })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.int(self.pairs.len() as i64 / 2).all(self.pairs);
        match self.condition {
            Condition::Always => {}
            Condition::Missing => drop(words.keyword("NX")),
            Condition::Present => drop(words.keyword("XX")),
        }
        if self.keep_ttl {
            words.keyword("KEEPTTL");
        }
        if let Some(expiry) = &self.expiry {
            expiry.words(words);
        }
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        self.each_key().for_each(visit);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let deadline_ms = match &self.expiry {
            Some(expiry) => Some(expiry.deadline_ms(ctx.keys.clock_ms(), SPEC.name)?),
            None => None,
        };
        let holds = self.holds(ctx);
        if holds {
            match deadline_ms {
                Some(deadline_ms) if deadline_ms <= ctx.keys.now_ms() => remove_all(ctx, self),
                Some(deadline_ms) => put_all_until(ctx, self.pairs, deadline_ms),
                None if self.keep_ttl => put_all_keeping(ctx, self.pairs),
                None => {
                    put_all(ctx, self.pairs);
                    ctx.keys.effect(&mset::SPEC, self.pairs);
                }
            }
        }
        reply.int(holds.into());
        Ok(())
    }
}

fn remove_all(ctx: &mut Ctx<'_, '_>, command: &MSetEx<'_>) {
    for key in command.each_key() {
        if ctx.keys.write(key).remove() {
            ctx.keys.effect(&del::SPEC, &[key]);
        }
    }
}

fn put_all_until(ctx: &mut Ctx<'_, '_>, pairs: &[&[u8]], deadline_ms: u64) {
    for pair in pairs.chunks_exact(2) {
        let value = NewValue::Bytes(Kind::String, pair[1]);
        ctx.keys.write(pair[0]).put(value, Expiry::AtMs(deadline_ms));
        ctx.keys.effect_set(pair[0], pair[1], deadline_ms);
    }
}

fn put_all_keeping(ctx: &mut Ctx<'_, '_>, pairs: &[&[u8]]) {
    for pair in pairs.chunks_exact(2) {
        ctx.keys.write(pair[0]).put(NewValue::Bytes(Kind::String, pair[1]), Expiry::Keep);
        ctx.keys.effect(&set::SPEC, &[pair[0], pair[1], b"KEEPTTL"]);
    }
}

const NUMKEYS: Error = Error::text("ERR invalid numkeys value or out of range");
