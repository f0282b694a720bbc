//! `SPOP key [count]`
//!
//! Takes a random member out of a set and answers it, or null where nothing is; with `count`,
//! answers a set of up to so many. O(count) for a table, O(members) for a packed set.
//!
//! Effect: `SREM` of what was taken, or `DEL` when a count emptied the set.

use super::super::generic::del;
use super::srem;
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::set::{self, Texts};

/// What is known of `SPOP`.
pub const SPEC: Spec = Spec {
    name: "spop",
    syntax: "key [count]",
    summary: "Returns one or more random members from a set after removing them. Deletes the \
              set if the last member was popped.",
    group: Group::Set,
    complexity: "O(1) without the count, otherwise O(N) in the count",
    arity: -2,
    flags: flag::WRITE | flag::FAST,
    keys: &[KeySpec::one(1, key::RW | key::ACCESS | key::DELETE)],
    tips: &["nondeterministic_output"],
    ..Spec::BASE
};

/// `SPOP`
#[derive(Debug, Clone)]
pub struct Spop<'a> {
    /// The key.
    pub key: &'a [u8],
    /// How many, to be answered as a set.
    pub count: Option<u64>,
}

impl<'a> Command<'a> for Spop<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let key = args.word()?;
        let count = match args.left() {
            0 => None,
            1 => Some(args.count_or(NEGATIVE_COUNT)?),
            _ => return Err(Error::Syntax),
        };
        Ok(Spop { key, count })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key);
        if let Some(count) = self.count {
            words.int(count.cast_signed());
        }
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let Some(count) = self.count else {
            let popped = set::pop(ctx.keys, self.key, 1)?;
            let member = popped.iter().next();
            if let Some(member) = member {
                ctx.keys.effect(&srem::SPEC, &[self.key, member]);
            }
            reply.bulk_or_null(member);
            return Ok(());
        };
        let popped = set::pop(ctx.keys, self.key, usize::try_from(count).unwrap_or(usize::MAX))?;
        if !popped.is_empty() {
            self.name_effects(ctx, &popped);
        }
        reply.set(popped.len());
        popped.iter().for_each(|member| reply.bulk(member));
        Ok(())
    }
}

impl Spop<'_> {
    fn name_effects(&self, ctx: &mut Ctx<'_, '_>, popped: &Texts) {
        if !ctx.keys.exists(self.key) {
            ctx.keys.effect(&del::SPEC, &[self.key]);
            return;
        }
        let members: Vec<&[u8]> = popped.iter().collect();
        for some in members.chunks(MEMBERS_AN_EFFECT) {
            ctx.keys.effect(&srem::SPEC, &[&[self.key], some].concat());
        }
    }
}

/// So that no effect has more words than a reader of the log accepts.
const MEMBERS_AN_EFFECT: usize = 1024;

const NEGATIVE_COUNT: Error = Error::text("ERR value is out of range, must be positive");
