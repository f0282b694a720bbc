//! `ZRANDMEMBER key [count [WITHSCORES]]`
//!
//! Answers a random member of a sorted set, or null where nothing is; with `count`, an array of up
//! to so many different ones; with a negative count, of exactly so many, repetitions allowed. With
//! their scores if wanted: as pairs in RESP3. O(count log n), or O(n) of a small set or when most
//! members are wanted.
//!
//! Effect: none.

use super::query::answer_elements;
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::set;
use crate::values::sorted::{SortedRef, sorted_of};
use fastrand::Rng;
use larder_resp::Protocol;

/// What is known of `ZRANDMEMBER`.
pub const SPEC: Spec = Spec {
    name: "zrandmember",
    syntax: "key [count [WITHSCORES]]",
    summary: "Answers random members of a sorted set.",
    since: "6.2.0",
    group: Group::SortedSet,
    complexity: "O(M*log(N)) for M members answered",
    arity: -2,
    flags: flag::READONLY,
    keys: &[KeySpec::one(1, key::RO | key::ACCESS)],
    tips: &["nondeterministic_output"],
    ..Spec::BASE
};

/// `ZRANDMEMBER`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zrandmember<'a> {
    /// The key.
    pub key: &'a [u8],
    /// How many, to be answered as an array; negative: with repetitions.
    pub count: Option<i64>,
    /// Answer scores, too.
    pub with_scores: bool,
}

const OUT_OF_LONG: Error = Error::text(
    "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807",
);
const OUT_OF_RANGE: Error = Error::text("ERR value is out of range");

impl<'a> Command<'a> for Zrandmember<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let mut random = Zrandmember { key: args.word()?, count: None, with_scores: false };
        if args.left() == 0 {
            return Ok(random);
        }
        let count = args.int()?;
        if count == i64::MIN {
            return Err(OUT_OF_LONG);
        }
        random.count = Some(count);
        random.with_scores = args.keyword("WITHSCORES");
        args.end()?;
        if random.with_scores && count.unsigned_abs() > i64::MAX.unsigned_abs() / 2 {
            return Err(OUT_OF_RANGE);
        }
        Ok(random)
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key);
        if let Some(count) = self.count {
            words.int(count);
        }
        if self.with_scores {
            words.keyword("WITHSCORES");
        }
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let mut rng = set::generator(ctx.keys);
        let set = sorted_of(ctx.keys.read(self.key))?;
        match (set, self.count) {
            (None, None) => reply.null(),
            (None, Some(_)) | (_, Some(0)) => reply.array(0),
            (Some(set), None) => {
                set.random(&mut rng).iter().for_each(|element| element.member.answer(reply));
            }
            (Some(set), Some(count)) if count < 0 => {
                let count = usize::try_from(count.unsigned_abs()).map_err(|_| OUT_OF_RANGE)?;
                self.answer_repeating(&set, count, &mut rng, reply);
            }
            (Some(set), Some(count)) => {
                let count = usize::try_from(count).unwrap_or(usize::MAX);
                answer_elements(set.sample(count, &mut rng).into_iter(), self.with_scores, reply);
            }
        }
        Ok(())
    }
}

impl Zrandmember<'_> {
    /// One draw after the other: the count may be far beyond what memory holds at once.
    fn answer_repeating(
        &self,
        set: &SortedRef<'_>,
        count: usize,
        rng: &mut Rng,
        reply: &mut dyn Reply,
    ) {
        let pairs = self.with_scores && reply.protocol() == Protocol::Resp3;
        let words = if self.with_scores && !pairs { 2 } else { 1 };
        reply.array(count.saturating_mul(words));
        for _ in 0..count {
            let Some(element) = set.random(rng).filter(|_| !reply.is_full()) else { break };
            if pairs {
                reply.array(2);
            }
            element.member.answer(reply);
            if self.with_scores {
                reply.double(element.score);
            }
        }
    }
}
