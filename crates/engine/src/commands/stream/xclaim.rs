//! `XCLAIM key group consumer min-idle-time id [id ...] [IDLE ms] [TIME unix-time-milliseconds]
//! [RETRYCOUNT count] [FORCE] [JUSTID] [LASTID lastid]`
//!
//! Makes pending entries a consumer's, if they have been so for `min-idle-time` milliseconds, and
//! answers them (with `JUSTID` their IDs). `FORCE` makes entries pending that are not. Entries that
//! are gone are pending no longer. The consumer is made if there is none. O(log n) for each.
//!
//! Effects: `XGROUP CREATECONSUMER`, `XCLAIM` with time and number of deliveries, `XACK` of
//! entries that are gone.

use super::claiming::{CONSUMER_MADE, Party};
use super::{Late, no_group, parse_id, push_id, push_ids, reply_entry, reply_id};
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::keys::Keys;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::stream::{Delivery, Id, stream_of};

/// What is known of `XCLAIM`.
pub const SPEC: Spec = Spec {
    name: "xclaim",
    syntax: "key group consumer min-idle-time id [id ...] [IDLE ms] \
             [TIME unix-time-milliseconds] [RETRYCOUNT count] [FORCE] [JUSTID] [LASTID lastid]",
    summary: "Changes, or acquires, ownership of a message in a consumer group, as if the message \
              was delivered a consumer group member.",
    since: "5.0.0",
    group: Group::Stream,
    complexity: "O(log N) with N being the number of messages in the PEL of the consumer group.",
    arity: -6,
    flags: flag::WRITE | flag::FAST,
    keys: &[KeySpec::one(1, key::RW | key::UPDATE)],
    tips: &["nondeterministic_output"],
    events: CONSUMER_MADE,
    ..Spec::BASE
};

/// `XCLAIM`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct XClaim<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The group.
    pub group: &'a [u8],
    /// The consumer.
    pub consumer: &'a [u8],
    /// What it claims.
    pub claim: Late<'a, Claim>,
}

/// What a consumer claims, and what becomes of the records.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Claim {
    /// How long entries must have been pending, in milliseconds.
    pub min_idle_ms: u64,
    /// The entries.
    pub ids: Vec<Id>,
    /// When they count as delivered; now if nothing is said.
    pub at: Option<At>,
    /// How often they count as delivered; once more if nothing is said.
    pub count: Option<u64>,
    /// Also entries that are not pending.
    pub force: bool,
    /// Only IDs are answered, and it does not count as a delivery.
    pub just_id: bool,
    /// The group has read up to here at least.
    pub last_id: Id,
}

/// A time of delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// So many milliseconds ago.
    Idle(i64),
    /// A Unix time in milliseconds.
    Time(i64),
}

impl<'a> Command<'a> for XClaim<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let (key, group, consumer) = (args.word()?, args.word()?, args.word()?);
        Ok(XClaim { key, group, consumer, claim: Late::parse(args, Claim::parse) })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key).push(self.group).push(self.consumer);
        self.claim.words(words, Claim::words);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let XClaim { key, group, consumer, .. } = *self;
        let stream = stream_of(ctx.keys.read(key))?;
        if stream.is_none_or(|stream| stream.group(group).is_none()) {
            return Err(no_group(key, group));
        }
        let claim = self.claim.get()?;
        ctx.keys.no_effect();
        let party = Party { key, group, consumer };
        claim.perform(ctx.keys, party, reply);
        Ok(())
    }
}

impl Claim {
    fn parse(args: &mut Args<'_>) -> Result<Claim, Error> {
        const IDLE: Error = Error::text("ERR Invalid min-idle-time argument for XCLAIM");
        let min_idle_ms = super::parse_from_zero(args, IDLE)?;
        let mut claim = Claim { min_idle_ms, ..Claim::default() };
        while let Some(id) = args.peek().and_then(|word| Id::parse(word, 0)) {
            claim.ids.push(id);
            args.word()?;
        }
        while args.left() > 0 {
            claim.parse_option(args)?;
        }
        Ok(claim)
    }

    fn parse_option(&mut self, args: &mut Args<'_>) -> Result<(), Error> {
        let more = args.left() > 1;
        if args.keyword("FORCE") {
            self.force = true;
        } else if args.keyword("JUSTID") {
            self.just_id = true;
        } else if more && args.keyword("IDLE") {
            const IDLE: Error = Error::text("ERR Invalid IDLE option argument for XCLAIM");
            self.at = Some(At::Idle(args.int_or(IDLE)?));
        } else if more && args.keyword("TIME") {
            const TIME: Error = Error::text("ERR Invalid TIME option argument for XCLAIM");
            self.at = Some(At::Time(args.int_or(TIME)?));
        } else if more && args.keyword("RETRYCOUNT") {
            const COUNT: Error = Error::text("ERR Invalid RETRYCOUNT option argument for XCLAIM");
            self.count = u64::try_from(args.int_or(COUNT)?).ok();
        } else if more && args.keyword("LASTID") {
            self.last_id = parse_id(args.word()?, 0)?;
        } else {
            let option = String::from_utf8_lossy(args.word()?);
            return Err(Error::owned(format!("ERR Unrecognized XCLAIM option '{option}'")));
        }
        Ok(())
    }

    fn words(&self, words: &mut Words<'_>) {
        push_ids(&self.ids, words.int(self.min_idle_ms.cast_signed()));
        match self.at {
            Some(At::Idle(ms)) => drop(words.keyword("IDLE").int(ms)),
            Some(At::Time(ms)) => drop(words.keyword("TIME").int(ms)),
            None => {}
        }
        if let Some(count) = self.count {
            words.keyword("RETRYCOUNT").int(count.cast_signed());
        }
        if self.force {
            words.keyword("FORCE");
        }
        if self.just_id {
            words.keyword("JUSTID");
        }
        if self.last_id != Id::MIN {
            push_id(words.keyword("LASTID"), self.last_id);
        }
    }

    /// The time of delivery; one that cannot be is now.
    fn at_ms(&self, now_ms: u64) -> u64 {
        let at_ms = match self.at {
            None => return now_ms,
            Some(At::Idle(ms)) => now_ms.cast_signed().wrapping_sub(ms),
            Some(At::Time(ms)) => ms,
        };
        u64::try_from(at_ms).ok().filter(|&at_ms| at_ms <= now_ms).unwrap_or(now_ms)
    }

    /// Claims from a group that is there.
    fn perform(&self, keys: &mut Keys<'_>, party: Party<'_>, reply: &mut dyn Reply) {
        let Some((_, group)) = party.group_in(keys) else { return reply.array(0) };
        let read = group.entries_read();
        let moves = self.last_id > group.last_id();
        if moves {
            party.edit(keys, |group| group.set_position(self.last_id, read));
        }
        let Some(number) = party.enter(keys) else { return reply.array(0) };
        let (claims, gone) = self.select(keys, party, number);
        self.answer(keys, party, &claims, reply);
        party.settle(keys, number, &claims, &gone);
        if moves && claims.is_empty() {
            party.effect_of_position(keys);
        }
    }

    /// What can be claimed, with the records that it gets; and which entries are gone.
    fn select(
        &self,
        keys: &Keys<'_>,
        party: Party<'_>,
        consumer: u64,
    ) -> (Vec<(Id, Delivery)>, Vec<Id>) {
        let (mut claims, mut gone): (Vec<(Id, Delivery)>, Vec<Id>) = (Vec::new(), Vec::new());
        let Some((stream, group)) = party.group_in(keys) else { return (claims, gone) };
        let now_ms = keys.now_ms();
        let at_ms = self.at_ms(now_ms);
        for &id in &self.ids {
            let mut before = group.delivery(id);
            if stream.entries().get(id).is_none() {
                gone.extend(before.map(|_| id));
                continue;
            }
            // An ID that comes twice is claimed once more.
            if let Some((_, claimed)) = claims.iter().rev().find(|(claimed, _)| *claimed == id) {
                before = Some(*claimed);
            }
            let idle_ms = |before: Delivery| now_ms.saturating_sub(before.at_ms);
            let claimed = match before {
                None => self.force,
                Some(before) => self.min_idle_ms == 0 || idle_ms(before) >= self.min_idle_ms,
            };
            if claimed {
                let count = before.map_or(1, |before| before.count);
                let count = match self.count {
                    Some(count) => count,
                    None if self.just_id => count,
                    None => count.saturating_add(1),
                };
                claims.push((id, Delivery { consumer, at_ms, count }));
            }
        }
        (claims, gone)
    }

    fn answer(
        &self,
        keys: &Keys<'_>,
        party: Party<'_>,
        claims: &[(Id, Delivery)],
        reply: &mut dyn Reply,
    ) {
        reply.array(claims.len());
        let stream = party.group_in(keys).map(|(stream, _)| stream);
        for &(id, _) in claims {
            match stream.and_then(|stream| stream.entries().get(id)) {
                Some(entry) if !self.just_id => reply_entry(reply, &entry),
                _ => reply_id(reply, id),
            }
        }
    }
}
