//! `HRANDFIELD key [count [WITHVALUES]]`
//!
//! Answers a random field of a hash, or null where nothing is; with `count`, an array of up to so
//! many different ones; with a negative count, of exactly so many, repetitions allowed. With
//! `WITHVALUES` each comes with its value, in RESP3 as an array of two. O(count) for a table,
//! O(fields) more for a listpack.
//!
//! Effect: none.

use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::hash;
use larder_codec::listpack::Entry;
use larder_resp::Protocol;

/// What is known of `HRANDFIELD`.
pub const SPEC: Spec = Spec {
    name: "hrandfield",
    syntax: "key [count [WITHVALUES]]",
    summary: "Returns one or more random fields of a hash.",
    since: "6.2.0",
    group: Group::Hash,
    complexity: "O(N) in the count",
    arity: -2,
    flags: flag::READONLY,
    keys: &[KeySpec::one(1, key::RO | key::ACCESS)],
    tips: &["nondeterministic_output"],
    ..Spec::BASE
};

/// `HRANDFIELD`
#[derive(Debug, Clone)]
pub struct Hrandfield<'a> {
    /// The key.
    pub key: &'a [u8],
    /// How many, to be answered as an array; negative: with repetitions.
    pub count: Option<i64>,
    /// Answer the values, too.
    pub with_values: bool,
}

impl<'a> Command<'a> for Hrandfield<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let mut random = Hrandfield { key: args.word()?, count: None, with_values: false };
        if args.left() == 0 {
            return Ok(random);
        }
        let count = args.int()?;
        if count == i64::MIN {
            return Err(OUT_OF_RANGE);
        }
        random.with_values = args.keyword("WITHVALUES");
        if args.left() == 0 && random.with_values && count.unsigned_abs() > MOST_WITH_VALUES {
            return Err(Error::text("ERR value is out of range"));
        }
        random.count = Some(count);
        Ok(random)
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key);
        if let Some(count) = self.count {
            words.int(count);
        }
        if self.with_values {
            words.keyword("WITHVALUES");
        }
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let mut rng = hash::generator(ctx.keys);
        let hash = hash::read(ctx.keys, self.key)?;
        match (hash, self.count) {
            (None, None) => reply.null(),
            (None, Some(_)) | (_, Some(0)) => reply.array(0),
            (Some(hash), None) => match hash.random(&mut rng) {
                Some((field, _)) => hash::answer(field, reply),
                None => reply.null(),
            },
            (Some(hash), Some(count)) if count < 0 => {
                let count = usize::try_from(count.unsigned_abs()).map_err(|_| OUT_OF_RANGE)?;
                self.announce(count, reply);
                let mut left = count;
                while left > 0 && !reply.is_full() {
                    hash.random(&mut rng).into_iter().for_each(|pair| self.answer(pair, reply));
                    left -= 1;
                }
            }
            (Some(hash), Some(count)) => {
                let count = usize::try_from(count).unwrap_or(usize::MAX);
                let pairs = hash.distinct(count, &mut rng);
                self.announce(pairs.len(), reply);
                pairs.into_iter().for_each(|pair| self.answer(pair, reply));
            }
        }
        Ok(())
    }
}

impl Hrandfield<'_> {
    fn announce(&self, count: usize, reply: &mut dyn Reply) {
        let flat = self.with_values && reply.protocol() == Protocol::Resp2;
        reply.array(if flat { count * 2 } else { count });
    }

    fn answer(&self, (field, value): (Entry<'_>, Entry<'_>), reply: &mut dyn Reply) {
        if self.with_values && reply.protocol() == Protocol::Resp3 {
            reply.array(2);
        }
        hash::answer(field, reply);
        if self.with_values {
            hash::answer(value, reply);
        }
    }
}

/// The greatest count, in either direction, that may be asked for with values.
const MOST_WITH_VALUES: u64 = i64::MAX.unsigned_abs() / 2;

const OUT_OF_RANGE: Error = Error::text(
    "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807",
);
