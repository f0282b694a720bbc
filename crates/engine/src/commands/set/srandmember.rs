//! `SRANDMEMBER key [count]`
//!
//! Answers a random member of a set, or null where nothing is; with `count`, an array of up to so
//! many different ones; with a negative count, of exactly so many, repetitions allowed. O(count)
//! for a table, O(members) more for a packed set.
//!
//! Effect: none.

use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::set::{self, sample};

/// What is known of `SRANDMEMBER`.
pub const SPEC: Spec = Spec {
    name: "srandmember",
    syntax: "key [count]",
    summary: "Returns one or more random members from a set.",
    group: Group::Set,
    complexity: "O(1) without the count, otherwise O(N) in the count",
    arity: -2,
    flags: flag::READONLY,
    keys: &[KeySpec::one(1, key::RO | key::ACCESS)],
    tips: &["nondeterministic_output"],
    ..Spec::BASE
};

/// `SRANDMEMBER`
#[derive(Debug, Clone)]
pub struct Srandmember<'a> {
    /// The key.
    pub key: &'a [u8],
    /// How many, to be answered as an array; negative: with repetitions.
    pub count: Option<i64>,
}

impl<'a> Command<'a> for Srandmember<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let key = args.word()?;
        let count = match args.left() {
            0 => None,
            1 => Some(args.int()?),
            _ => return Err(Error::Syntax),
        };
        if count == Some(i64::MIN) {
            return Err(OUT_OF_RANGE);
        }
        Ok(Srandmember { key, count })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key);
        if let Some(count) = self.count {
            words.int(count);
        }
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let mut rng = set::generator(ctx.keys);
        let set = set::set_of(ctx.keys.read(self.key))?;
        match (set, self.count) {
            (None, None) => reply.null(),
            (None, Some(_)) | (_, Some(0)) => reply.array(0),
            (Some(set), None) => match set.random(&mut rng) {
                Some(member) => member.answer(reply),
                None => reply.null(),
            },
            (Some(set), Some(count)) if count < 0 => {
                let count = usize::try_from(count.unsigned_abs()).map_err(|_| OUT_OF_RANGE)?;
                reply.array(count);
                let mut left = count;
                while left > 0 && !reply.is_full() {
                    set.random(&mut rng).iter().for_each(|member| member.answer(reply));
                    left -= 1;
                }
            }
            (Some(set), Some(count)) => {
                let count = usize::try_from(count).unwrap_or(usize::MAX);
                let members = sample::distinct(set, count, &mut rng);
                reply.array(members.len());
                members.iter().for_each(|member| member.answer(reply));
            }
        }
        Ok(())
    }
}

const OUT_OF_RANGE: Error = Error::text(
    "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807",
);
