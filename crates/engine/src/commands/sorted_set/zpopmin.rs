//! `ZPOPMIN key [count]`, `ZPOPMAX`
//!
//! Removes the least (`ZPOPMIN`) or the greatest (`ZPOPMAX`) member, or up to `count` of them, and
//! answers them with their scores: one after the other, in RESP3 with a count as pairs. O(log n +
//! count).
//!
//! Effect: the command.

use super::popping::{Side, answer_popped};
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::sorted::{self, sorted_of};

const BASE: Spec = Spec {
    syntax: "key [count]",
    since: "5.0.0",
    group: Group::SortedSet,
    complexity: "O(log(N)+M) for M members removed",
    arity: -2,
    flags: flag::WRITE | flag::FAST,
    keys: &[KeySpec::one(1, key::RW | key::ACCESS | key::DELETE)],
    ..Spec::BASE
};

/// What is known of `ZPOPMIN`.
pub const SPEC_ZPOPMIN: Spec = Spec {
    name: "zpopmin",
    summary: "Removes and answers the least members of a sorted set.",
    ..BASE
};

/// What is known of `ZPOPMAX`.
pub const SPEC_ZPOPMAX: Spec = Spec {
    name: "zpopmax",
    summary: "Removes and answers the greatest members of a sorted set.",
    ..BASE
};

/// The one that takes from a side.
pub(super) fn spec(side: Side) -> &'static Spec {
    match side {
        Side::Min => &SPEC_ZPOPMIN,
        Side::Max => &SPEC_ZPOPMAX,
    }
}

/// `ZPOPMIN` or, of the greatest, `ZPOPMAX`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zpop<'a, const MAX: bool> {
    /// The key.
    pub key: &'a [u8],
    /// How many members; one if `None`.
    pub count: Option<usize>,
}

/// `ZPOPMIN`
pub type Zpopmin<'a> = Zpop<'a, false>;
/// `ZPOPMAX`
pub type Zpopmax<'a> = Zpop<'a, true>;

impl<'a, const MAX: bool> Command<'a> for Zpop<'a, MAX> {
    const SPEC: &'static Spec = if MAX { &SPEC_ZPOPMAX } else { &SPEC_ZPOPMIN };

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        const NEGATIVE: Error = Error::text("ERR value is out of range, must be positive");
        let key = args.word()?;
        let count = match args.left() {
            0 => None,
            1 => Some(usize::try_from(args.count_or(NEGATIVE)?).unwrap_or(usize::MAX)),
            _ => return Err(Error::Syntax),
        };
        Ok(Zpop { key, count })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key);
        if let Some(count) = self.count {
            words.int(count as i64);
        }
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let side = if MAX { Side::Max } else { Side::Min };
        let mut gate = ctx.keys.write(self.key);
        let Some(set) = sorted_of(gate.value())? else {
            reply.array(0);
            return Ok(());
        };
        let ranks = side.ranks(&set, self.count.unwrap_or(1));
        answer_popped(&set, ranks.clone(), side, self.count.is_some(), reply);
        sorted::remove_ranks(&mut gate, ranks);
        Ok(())
    }
}
