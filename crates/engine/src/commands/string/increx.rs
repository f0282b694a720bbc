//! `INCREX key [NX | XX] [BYINT increment | BYFLOAT increment] [LBOUND bound] [UBOUND bound]
//! [SATURATE] [EX s | PX ms | EXAT s | PXAT ms | PERSIST] [ENX]`
//!
//! Adds to the number at `key`, 0 where nothing is, within bounds, and sets or removes the TTL in
//! the same step. Answers the number and what was added in fact. Without `BYINT` or `BYFLOAT` it
//! adds 1. A sum beyond a bound, or beyond what the arithmetic holds, changes nothing (answer: the
//! old number and 0) or, with `SATURATE`, becomes the bound. `NX` adds only where nothing is, `XX`
//! only where something is (the same answer otherwise). Without an option the TTL stays; `ENX`
//! sets it only where there is none. An expiry in the past removes the key after the addition.
//! `BYFLOAT` computes and prints as [`super::incrbyfloat`]. O(1).
//!
//! Effect: `SET` of the number with `KEEPTTL` or the expiry as `PXAT`; `DEL` for one in the past.
//!
//! Redis's (8.8); `NX` and `XX` are Valkey's (9.2). In RESP3, fractions are doubles, which Redis
//! writes with more digits than a double has.

use super::super::generic::del;
use super::getex::Ttl;
use super::incrby;
use super::set;
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::expiry::ExpiryOption;
use crate::keys::string_of;
use crate::keyspace::{Expiry, Kind, NewValue};
use crate::notify::names::Events;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::long_double::LongDouble;
use crate::values::string;
use larder_codec::integer::{MAX_TEXT, format_i64, parse_i64_canonical};
use larder_resp::Protocol;

/// What is known of `INCREX`.
pub const SPEC: Spec = Spec {
    name: "increx",
    syntax: "key [NX | XX] [BYFLOAT increment | BYINT increment] [LBOUND lowerbound] \
             [UBOUND upperbound] [SATURATE] [EX seconds | PX milliseconds | EXAT \
             unix-time-seconds | PXAT unix-time-milliseconds | PERSIST] [ENX]",
    summary: "Adds to the numeric value of a key within bounds and sets its expiration.",
    since: "8.8.0",
    group: Group::String,
    complexity: "O(1)",
    arity: -2,
    flags: flag::WRITE | flag::DENYOOM | flag::FAST,
    keys: &[KeySpec::one(1, key::RW | key::ACCESS | key::UPDATE)],
    events: Events::named(incrby::SPEC.name),
    ..Spec::BASE
};

/// `INCREX`
#[derive(Debug, Clone)]
pub struct IncrEx<'a> {
    /// The key.
    pub key: &'a [u8],
    /// Where it adds.
    pub condition: Condition,
    /// What it adds, and the bounds.
    pub step: Step,
    /// Stop at a bound instead of before it.
    pub saturate: bool,
    /// What becomes of the TTL.
    pub ttl: Ttl,
    /// Set the TTL only where there is none.
    pub only_without_ttl: bool,
}

/// Where `INCREX` adds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// Everywhere.
    Always,
    /// `NX`: where nothing is.
    Missing,
    /// `XX`: where something is.
    Present,
}

/// What `INCREX` adds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// An integer.
    Int(Bounded<i64>),
    /// A fraction.
    Float(Bounded<LongDouble>),
}

/// An increment and the bounds of the sum, those of the type where none were given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounded<T> {
    /// What to add.
    pub by: T,
    /// The least sum.
    pub least: T,
    /// The greatest sum.
    pub greatest: T,
}

impl<'a> Command<'a> for IncrEx<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let key = args.word()?;
        let mut condition = Condition::Always;
        let (mut expiry, mut persist, mut enx) = (ExpiryOption::default(), false, false);
        let (mut saturate, mut given) = (false, Given::default());
        while args.left() > 0 {
            if condition != Condition::Present && args.keyword("NX") {
                condition = Condition::Missing;
            } else if condition != Condition::Missing && args.keyword("XX") {
                condition = Condition::Present;
            } else if args.keyword("SATURATE") {
                saturate = true;
            } else if !persist && args.keyword("ENX") {
                enx = true;
            } else if !(enx || expiry.is_given()) && args.keyword("PERSIST") {
                persist = true;
            } else if !given.take(args) && (persist || !expiry.take(args)) {
                return Err(Error::Syntax);
            }
        }
        let step = given.step()?;
        if enx && !expiry.is_given() {
            return Err(Error::text("ERR ENX flag requires an expiration"));
        }
        let ttl = match expiry.read(SPEC.name)? {
            Some(expiry) => Ttl::Set(expiry),
            None if persist => Ttl::Persist,
            None => Ttl::Keep,
        };
        Ok(IncrEx { key, condition, step, saturate, ttl, only_without_ttl: enx })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key);
        match self.condition {
            Condition::Always => {}
            Condition::Missing => drop(words.keyword("NX")),
            Condition::Present => drop(words.keyword("XX")),
        }
        match &self.step {
            Step::Int(step) => {
                words.keyword("BYINT").int(step.by);
                words.keyword("LBOUND").int(step.least).keyword("UBOUND").int(step.greatest);
            }
            Step::Float(step) => {
                words.keyword("BYFLOAT").push(step.by.exact_text().as_bytes());
                words.keyword("LBOUND").push(step.least.exact_text().as_bytes());
                words.keyword("UBOUND").push(step.greatest.exact_text().as_bytes());
            }
        }
        if self.saturate {
            words.keyword("SATURATE");
        }
        match &self.ttl {
            Ttl::Keep => {}
            Ttl::Persist => drop(words.keyword("PERSIST")),
            Ttl::Set(expiry) => expiry.words(words),
        }
        if self.only_without_ttl {
            words.keyword("ENX");
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
        let gate = ctx.keys.write(self.key);
        let old = string_of(gate.value())?;
        let may = match self.condition {
            Condition::Always => true,
            Condition::Missing => old.is_none(),
            Condition::Present => old.is_some(),
        };
        match &self.step {
            Step::Int(step) => {
                let old = string::int_of(old)?;
                let sum = if may { step.sum(old, self.saturate)? } else { None };
                let (new, added) = sum.unwrap_or((old, 0));
                if sum.is_some() {
                    let mut digits = [0; MAX_TEXT];
                    self.put(ctx, format_i64(new, &mut digits), deadline_ms);
                }
                reply.array(2);
                reply.int(new);
                reply.int(added);
            }
            Step::Float(step) => {
                let old = float_of(old)?;
                let sum = if may { step.sum(old, self.saturate)? } else { None };
                let (new, added) = sum.unwrap_or((old, LongDouble::ZERO));
                if sum.is_some() {
                    self.put(ctx, &new.text(), deadline_ms);
                }
                reply.array(2);
                answer(new, reply);
                answer(added, reply);
            }
        }
        Ok(())
    }
}

impl IncrEx<'_> {
    fn put(&self, ctx: &mut Ctx<'_, '_>, number: &[u8], deadline_ms: Option<u64>) {
        let mut gate = ctx.keys.write(self.key);
        let keeps = self.only_without_ttl && gate.deadline_ms().is_some();
        let value = NewValue::Bytes(Kind::String, number);
        match deadline_ms.filter(|_| !keeps) {
            Some(deadline_ms) if deadline_ms <= gate.now_ms() => {
                if gate.remove() {
                    ctx.keys.effect(&del::SPEC, &[self.key]);
                }
            }
            Some(deadline_ms) => {
                gate.put(value, Expiry::AtMs(deadline_ms));
                ctx.keys.effect_set(self.key, number, deadline_ms);
            }
            None if self.ttl == Ttl::Persist => {
                gate.put(value, Expiry::Clear);
                ctx.keys.effect(&set::SPEC, &[self.key, number]);
            }
            None => {
                gate.put(value, Expiry::Keep);
                ctx.keys.effect(&set::SPEC, &[self.key, number, b"KEEPTTL"]);
            }
        }
    }
}

impl Bounded<i64> {
    /// The sum and what was added to reach it; `None` where it is out of bounds.
    fn sum(&self, old: i64, saturate: bool) -> Result<Option<(i64, i64)>, Error> {
        let (least, greatest) = (i128::from(self.least), i128::from(self.greatest));
        let sum = i128::from(old) + i128::from(self.by);
        let new = sum.clamp(least, greatest);
        if new != sum && !saturate {
            return Ok(None);
        }
        // Between the bounds, hence of 64 bits.
        let added = i64::try_from(new - i128::from(old));
        let added = added.map_err(|_| Error::text("ERR applied increment would overflow"))?;
        Ok(Some((new as i64, added)))
    }
}

impl Bounded<LongDouble> {
    /// The sum and what was added to reach it; `None` where it is out of bounds.
    fn sum(
        &self,
        old: LongDouble,
        saturate: bool,
    ) -> Result<Option<(LongDouble, LongDouble)>, Error> {
        let sum = old.add_finite(self.by);
        let new = sum.clamp(self.least, self.greatest);
        if !saturate && (new != sum || !sum.is_finite()) {
            return Ok(None);
        }
        let added = new.minus(old).filter(|added| added.is_finite());
        let added = added.ok_or(Error::text("ERR applied increment would be Infinity"))?;
        Ok(Some((new, added)))
    }
}

/// The words that say what to add, unread until all options are known.
#[derive(Default)]
struct Given<'a> {
    int: Option<&'a [u8]>,
    float: Option<&'a [u8]>,
    least: Option<&'a [u8]>,
    greatest: Option<&'a [u8]>,
}

impl<'a> Given<'a> {
    /// Takes an option with its number, if one stands next.
    fn take(&mut self, args: &mut Args<'a>) -> bool {
        if args.left() < 2 {
            return false;
        }
        let place = if self.float.is_none() && args.keyword("BYINT") {
            &mut self.int
        } else if self.int.is_none() && args.keyword("BYFLOAT") {
            &mut self.float
        } else if args.keyword("LBOUND") {
            &mut self.least
        } else if args.keyword("UBOUND") {
            &mut self.greatest
        } else {
            return false;
        };
        *place = args.word().ok();
        true
    }

    fn step(&self) -> Result<Step, Error> {
        let Some(by) = self.float else {
            let read = |word: Option<&[u8]>, missing, error: &'static str| match word {
                Some(word) => parse_i64_canonical(word).ok_or(Error::text(error)),
                None => Ok(missing),
            };
            return Ok(Step::Int(ordered(Bounded {
                by: read(self.int, 1, "ERR Increment is not an integer or out of range")?,
                least: read(self.least, i64::MIN, "ERR LBOUND is not an integer or out of range")?,
                greatest: read(
                    self.greatest,
                    i64::MAX,
                    "ERR UBOUND is not an integer or out of range",
                )?,
            })?));
        };
        let by = LongDouble::parse(by).ok_or(Error::text("ERR Increment is not a valid float"))?;
        if !by.is_finite() {
            return Err(Error::text("ERR BYFLOAT increment cannot be Infinity"));
        }
        let read = |word: Option<&[u8]>, missing, error: &'static str| match word {
            Some(word) => LongDouble::parse(word).ok_or(Error::text(error)),
            None => Ok(missing),
        };
        let (least, greatest) = (LongDouble::MAX.negated(), LongDouble::MAX);
        Ok(Step::Float(ordered(Bounded {
            by,
            least: read(self.least, least, "ERR LBOUND is not a valid float")?,
            greatest: read(self.greatest, greatest, "ERR UBOUND is not a valid float")?,
        })?))
    }
}

fn ordered<T: PartialOrd>(step: Bounded<T>) -> Result<Bounded<T>, Error> {
    if step.least > step.greatest {
        return Err(Error::text("ERR LBOUND can't be greater than UBOUND"));
    }
    Ok(step)
}

fn float_of(value: Option<&[u8]>) -> Result<LongDouble, Error> {
    let Some(text) = value else { return Ok(LongDouble::ZERO) };
    let number = LongDouble::parse(text).ok_or(Error::NotFloat)?;
    if !number.is_finite() {
        return Err(Error::text("ERR value cannot be Infinity"));
    }
    Ok(number)
}

fn answer(number: LongDouble, reply: &mut dyn Reply) {
    match reply.protocol() {
        Protocol::Resp3 => reply.double(number.to_f64()),
        Protocol::Resp2 => reply.bulk(&number.text()),
    }
}
