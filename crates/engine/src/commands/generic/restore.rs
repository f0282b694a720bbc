//! `RESTORE key ttl serialized-value [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]`
//!
//! Makes a key of what [`super::dump`] answered, here or in another server: Redis up to 7.4, Valkey
//! up to 9. The key must not be there, unless `REPLACE` allows it. A `ttl` above 0 is in
//! milliseconds from now, or with `ABSTTL` a Unix time; one that has passed makes no key. What the
//! settings keep of uses, `IDLETIME` or `FREQ` sets. Answers OK. O(value).
//!
//! The bytes are trusted in nothing: see [`larder_codec::rdb`].
//!
//! Effect: the command with `ABSTTL`; where the time has passed, `DEL` of what was replaced.

use super::del;
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::config::{Id, RdbVersionCheck};
use crate::error::Error;
use crate::keyspace::OwnedValue;
use crate::notify::names::Events;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, acl, flag, key};
use crate::values::dump::{Rules, read};
use larder_codec::integer::{MAX_TEXT, format_i64, parse_i64_canonical};
use larder_codec::rdb::{Leniency, Reader, open};

/// What is known of `RESTORE`.
pub const SPEC: Spec = Spec {
    name: "restore",
    syntax: "key ttl serialized-value [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]",
    summary: "Creates a key from the bytes of a value.",
    since: "2.6.0",
    group: Group::Generic,
    complexity: "O(N) in the size of the value, O(N*log(N)) for a sorted set",
    arity: -4,
    flags: flag::WRITE | flag::DENYOOM,
    acl: acl::KEYSPACE | acl::DANGEROUS,
    keys: &[KeySpec::one(1, key::OW | key::UPDATE)],
    events: Events::OWN_NAME.renewing(),
    ..Spec::BASE
};

/// What is told of a key's uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Uses {
    /// `IDLETIME`: seconds since the last.
    Idle(u64),
    /// `FREQ`: how often, as a logarithm.
    Frequency(u8),
}

/// `RESTORE`
#[derive(Debug, Clone)]
pub struct Restore<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The TTL in milliseconds as text, which is read after the key was looked at; 0 for none.
    pub ttl: &'a [u8],
    /// What `DUMP` answered.
    pub payload: &'a [u8],
    /// Replace what is there.
    pub replace: bool,
    /// The TTL is a Unix time.
    pub absolute: bool,
    /// What is told of its uses.
    pub uses: Option<Uses>,
}

impl<'a> Restore<'a> {
    /// `RESTORE key 0 payload`
    pub fn new(key: &'a [u8], payload: &'a [u8]) -> Self {
        Restore { key, ttl: b"0", payload, replace: false, absolute: false, uses: None }
    }

    fn parse_option(&mut self, args: &mut Args<'a>) -> Result<(), Error> {
        let takes_number = args.left() > 1;
        if args.keyword("REPLACE") {
            self.replace = true;
        } else if args.keyword("ABSTTL") {
            self.absolute = true;
        } else if takes_number
            && !matches!(self.uses, Some(Uses::Frequency(_)))
            && args.keyword("IDLETIME")
        {
            let idle = u64::try_from(args.int()?).map_err(|_| BAD_IDLETIME)?;
            self.uses = Some(Uses::Idle(idle));
        } else if takes_number && !matches!(self.uses, Some(Uses::Idle(_))) && args.keyword("FREQ")
        {
            let frequency = u8::try_from(args.int()?).map_err(|_| BAD_FREQUENCY)?;
            self.uses = Some(Uses::Frequency(frequency));
        } else {
            return Err(Error::Syntax);
        }
        Ok(())
    }

    /// The moment of expiry in Unix milliseconds, if there is one.
    fn deadline_ms(&self, now_ms: u64) -> Result<Option<u64>, Error> {
        let ttl = parse_i64_canonical(self.ttl).ok_or(Error::NotInteger)?;
        let ttl = u64::try_from(ttl).map_err(|_| BAD_TTL)?;
        let from_ms = if self.absolute { 0 } else { now_ms };
        Ok((ttl > 0).then(|| ttl.saturating_add(from_ms).min(i64::MAX.cast_unsigned())))
    }

    fn value(&self, ctx: &Ctx<'_, '_>) -> Result<OwnedValue, Error> {
        let leniency = Leniency {
            any_checksum: !ctx.engine.checks_seals(),
            any_version: ctx.config().int(Id::RdbVersionCheck) == RdbVersionCheck::Relaxed as i64,
        };
        let (bytes, version) = open(self.payload, leniency).ok_or(BAD_SEAL)?;
        let rules = Rules::new(ctx.config(), *ctx.engine.hash());
        read(&mut Reader::new(bytes), version, &rules).map_err(|_| BAD_FORMAT)
    }

    fn name_effect(&self, ctx: &mut Ctx<'_, '_>, deadline_ms: Option<u64>) {
        let mut digits = [0; MAX_TEXT];
        let at = format_i64(deadline_ms.unwrap_or(0).cast_signed(), &mut digits);
        let mut words = Words::new();
        Restore { ttl: at, absolute: deadline_ms.is_some(), ..self.clone() }.words(&mut words);
        ctx.keys.effect(&SPEC, &words.as_slices());
    }
}

const BUSY_KEY: Error = Error::text("BUSYKEY Target key name already exists.");
const BAD_IDLETIME: Error = Error::text("ERR Invalid IDLETIME value, must be >= 0");
const BAD_FREQUENCY: Error = Error::text("ERR Invalid FREQ value, must be >= 0 and <= 255");
const BAD_TTL: Error = Error::text("ERR Invalid TTL value, must be >= 0");
const BAD_SEAL: Error = Error::text("ERR DUMP payload version or checksum are wrong");
const BAD_FORMAT: Error = Error::text("ERR Bad data format");

impl<'a> Command<'a> for Restore<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let (key, ttl, payload) = (args.word()?, args.word()?, args.word()?);
        let mut restore = Restore { ttl, ..Restore::new(key, payload) };
        while args.left() > 0 {
            restore.parse_option(args)?;
        }
        Ok(restore)
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key).push(self.ttl).push(self.payload);
        if self.replace {
            words.keyword("REPLACE");
        }
        if self.absolute {
            words.keyword("ABSTTL");
        }
        match self.uses {
            Some(Uses::Idle(seconds)) => drop(words.keyword("IDLETIME").int(seconds.cast_signed())),
            Some(Uses::Frequency(count)) => drop(words.keyword("FREQ").int(i64::from(count))),
            None => {}
        }
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        if !self.replace && ctx.keys.exists(self.key) {
            return Err(BUSY_KEY);
        }
        let now_ms = ctx.keys.now_ms();
        let deadline_ms = self.deadline_ms(now_ms)?;
        let value = self.value(ctx)?;
        reply.ok();
        let mut gate = ctx.keys.write(self.key);
        let passed = deadline_ms.is_some_and(|deadline_ms| deadline_ms <= now_ms);
        let replaced = gate.remove();
        if passed {
            if replaced {
                ctx.keys.effect(&del::SPEC, &[self.key]);
            }
            return Ok(());
        }
        gate.put_owned(value, deadline_ms);
        match self.uses {
            Some(Uses::Idle(seconds)) => gate.set_idle(seconds),
            Some(Uses::Frequency(count)) => gate.set_frequency(count),
            None => {}
        }
        if deadline_ms.is_some() && !self.absolute {
            self.name_effect(ctx, deadline_ms);
        }
        Ok(())
    }
}
