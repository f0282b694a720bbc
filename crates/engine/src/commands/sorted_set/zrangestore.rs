//! `ZRANGESTORE destination source start stop [BYSCORE | BYLEX] [REV] [LIMIT offset count]`
//!
//! Stores what `ZRANGE` answers, whatever `destination` held and without a TTL; nothing to store
//! removes it. Answers the number of members. O(log n + members stored × log of them).
//!
//! Effect: the command, unless nothing was stored where nothing was.

use super::query::{Fixed, Query};
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::sorted::{Collected, Rules, sorted_of};

/// What is known of `ZRANGESTORE`.
pub const SPEC: Spec = Spec {
    name: "zrangestore",
    syntax: "destination source start stop [BYSCORE | BYLEX] [REV] [LIMIT offset count]",
    summary: "Stores the members of a range of a sorted set in a key.",
    since: "6.2.0",
    group: Group::SortedSet,
    complexity: "O(log(N)+M*log(M)) for M members stored",
    arity: -5,
    flags: flag::WRITE | flag::DENYOOM,
    keys: &[KeySpec::one(1, key::OW | key::UPDATE), KeySpec::one(2, key::RO | key::ACCESS)],
    ..Spec::BASE
};

const FIXED: Fixed = Fixed::Nothing { scores: false };

/// `ZRANGESTORE`
#[derive(Debug, Clone, PartialEq)]
pub struct Zrangestore<'a> {
    /// Where the range goes.
    pub destination: &'a [u8],
    /// Where it comes from.
    pub source: &'a [u8],
    /// The range.
    pub query: Query<'a>,
}

impl<'a> Command<'a> for Zrangestore<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let (destination, source) = (args.word()?, args.word()?);
        Ok(Zrangestore { destination, source, query: Query::parse(args, FIXED)? })
    }

    fn words(&self, words: &mut Words<'_>) {
        self.query.words(words.push(self.destination).push(self.source), FIXED);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.destination);
        visit(self.source);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let mut result = Collected::default();
        if let Some(set) = sorted_of(ctx.keys.read(self.source))? {
            let elements = set.range(self.query.ranks(&set), false);
            elements.for_each(|element| result.push(element.member, element.score));
        }
        let rules = Rules::of(ctx.keys);
        result.put(&mut ctx.keys.write(self.destination), &rules);
        reply.int(result.len() as i64);
        Ok(())
    }
}
