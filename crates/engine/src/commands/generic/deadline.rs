//! What EXPIRE, PEXPIRE, EXPIREAT and PEXPIREAT share, and what TTL, PTTL, EXPIRETIME and
//! PEXPIRETIME share; they differ in unit and in the moment that they count from.

use super::{del, pexpireat};
use crate::args::Args;
use crate::command::{Ctx, Words};
use crate::error::Error;
use crate::expiry::{ExpiryArg, Unit};
use crate::reply::Reply;
use larder_codec::integer::{MAX_TEXT, format_i64, parse_i64_canonical};

/// When a deadline is set; several may hold together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct When {
    /// `NX`: where the key has none.
    pub none: bool,
    /// `XX`: where it has one.
    pub some: bool,
    /// `GT`: where the one it has is earlier; none counts as the latest.
    pub later: bool,
    /// `LT`: where the one it has is later; none counts as the latest.
    pub earlier: bool,
}

/// The arguments of a command that sets a deadline.
#[derive(Debug, Clone)]
pub struct Deadline<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The time, in the command's unit.
    pub amount: i64,
    /// When it is set.
    pub when: When,
}

impl<'a> Deadline<'a> {
    pub(super) fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let (key, amount) = (args.word()?, args.word()?);
        let when = When::parse(args)?;
        let amount = parse_i64_canonical(amount).ok_or(Error::NotInteger)?;
        Ok(Deadline { key, amount, when })
    }

    pub(super) fn words(&self, words: &mut Words<'_>) {
        words.push(self.key).int(self.amount);
        self.when.words(words);
    }

    /// Sets the deadline; removes the key where that has passed. The effect is absolute.
    pub(super) fn run(
        &self,
        unit: Unit,
        command: &str,
        ctx: &mut Ctx<'_, '_>,
        reply: &mut dyn Reply,
    ) -> Result<(), Error> {
        let arg = ExpiryArg { unit, amount: self.amount };
        let deadline_ms = arg.deadline_ms(ctx.keys.clock_ms(), command)?;
        let mut gate = ctx.keys.write(self.key);
        if !gate.exists() || !self.when.holds(gate.deadline_ms(), deadline_ms) {
            reply.int(0);
            return Ok(());
        }
        reply.int(1);
        if deadline_ms <= gate.now_ms() {
            gate.remove_as_expired();
            ctx.keys.effect(&del::SPEC, &[self.key]);
            return Ok(());
        }
        gate.set_deadline(Some(deadline_ms));
        let mut digits = [0; MAX_TEXT];
        let at = format_i64(deadline_ms.cast_signed(), &mut digits);
        ctx.keys.effect(&pexpireat::SPEC, &[self.key, at]);
        Ok(())
    }
}

impl When {
    pub(in crate::commands) fn parse(args: &mut Args<'_>) -> Result<When, Error> {
        let mut when = When::default();
        while let Some(word) = args.peek() {
            if args.keyword("NX") {
                when.none = true;
            } else if args.keyword("XX") {
                when.some = true;
            } else if args.keyword("GT") {
                when.later = true;
            } else if args.keyword("LT") {
                when.earlier = true;
            } else {
                let word = String::from_utf8_lossy(word);
                return Err(Error::owned(format!("ERR Unsupported option {word}")));
            }
        }
        let When { none, some, later, earlier } = when;
        if none && (some || later || earlier) {
            return Err(Error::text(
                "ERR NX and XX, GT or LT options at the same time are not compatible",
            ));
        }
        if later && earlier {
            return Err(Error::text("ERR GT and LT options at the same time are not compatible"));
        }
        Ok(when)
    }

    pub(in crate::commands) fn words(self, words: &mut Words<'_>) {
        let When { none, some, later, earlier } = self;
        for (given, word) in [(none, "NX"), (some, "XX"), (later, "GT"), (earlier, "LT")] {
            if given {
                words.keyword(word);
            }
        }
    }

    /// Whether a deadline is set where the old one is this, or there is none.
    pub(in crate::commands) fn holds(self, old_ms: Option<u64>, deadline_ms: u64) -> bool {
        match old_ms {
            None => !self.some && !self.later,
            Some(old_ms) => {
                !self.none
                    && (!self.later || deadline_ms > old_ms)
                    && (!self.earlier || deadline_ms < old_ms)
            }
        }
    }
}

/// How a key's deadline is told.
#[derive(Debug, Clone, Copy)]
pub(in crate::commands) enum Told {
    /// What is left, in seconds, rounded.
    Seconds,
    /// What is left, in milliseconds.
    Milliseconds,
    /// Unix time in seconds, rounded.
    UnixSeconds,
    /// Unix time in milliseconds.
    UnixMilliseconds,
}

impl Told {
    /// Answers a key's deadline: -2 without the key, -1 without a deadline.
    pub(super) fn answer(self, key: &[u8], ctx: &Ctx<'_, '_>, reply: &mut dyn Reply) {
        let Some(deadline_ms) = ctx.keys.read_deadline_ms(key) else { return reply.int(-2) };
        let Some(deadline_ms) = deadline_ms else { return reply.int(-1) };
        reply.int(self.of(deadline_ms, ctx.keys.now_ms()));
    }

    /// What is told of a deadline that lies ahead.
    pub(in crate::commands) fn of(self, deadline_ms: u64, now_ms: u64) -> i64 {
        let left_ms = deadline_ms - now_ms;
        let rounded = |ms: u64| ms.saturating_add(500) / 1000;
        let told = match self {
            Told::Seconds => rounded(left_ms),
            Told::Milliseconds => left_ms,
            Told::UnixSeconds => rounded(deadline_ms),
            Told::UnixMilliseconds => deadline_ms,
        };
        told.cast_signed()
    }
}
