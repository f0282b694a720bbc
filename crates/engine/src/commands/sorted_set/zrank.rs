//! `ZRANK key member [WITHSCORE]`, `ZREVRANK`
//!
//! Answers how many members stand before one, counted from the least (`ZRANK`) or from the
//! greatest (`ZREVRANK`); with the score if wanted. Null where there is none. O(log n).
//!
//! Effect: none.

use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::sorted::sorted_of;

const BASE: Spec = Spec {
    syntax: "key member [WITHSCORE]",
    since: "2.0.0",
    group: Group::SortedSet,
    complexity: "O(log(N))",
    arity: -3,
    flags: flag::READONLY | flag::FAST,
    keys: &[KeySpec::one(1, key::RO | key::ACCESS)],
    ..Spec::BASE
};

/// What is known of `ZRANK`.
pub const SPEC_ZRANK: Spec = Spec {
    name: "zrank",
    summary: "Answers the rank of a member of a sorted set, counted from the least.",
    ..BASE
};

/// What is known of `ZREVRANK`.
pub const SPEC_ZREVRANK: Spec = Spec {
    name: "zrevrank",
    summary: "Answers the rank of a member of a sorted set, counted from the greatest.",
    ..BASE
};

/// `ZRANK` or, from the end, `ZREVRANK`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rank<'a, const REV: bool> {
    /// The key.
    pub key: &'a [u8],
    /// The member.
    pub member: &'a [u8],
    /// Answer the score, too.
    pub with_score: bool,
}

/// `ZRANK`
pub type Zrank<'a> = Rank<'a, false>;
/// `ZREVRANK`
pub type Zrevrank<'a> = Rank<'a, true>;

impl<'a, const REV: bool> Command<'a> for Rank<'a, REV> {
    const SPEC: &'static Spec = if REV { &SPEC_ZREVRANK } else { &SPEC_ZRANK };

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let (key, member) = (args.word()?, args.word()?);
        if args.left() > 1 {
            return Err(Error::Arity(Self::SPEC.name.into()));
        }
        Ok(Rank { key, member, with_score: args.keyword("WITHSCORE") })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key).push(self.member);
        if self.with_score {
            words.keyword("WITHSCORE");
        }
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let set = sorted_of(ctx.keys.read(self.key))?;
        let found = set.and_then(|set| Some((set.rank(self.member)?, set.len())));
        let Some(((rank, score), len)) = found else {
            if self.with_score {
                reply.null_array();
            } else {
                reply.null();
            }
            return Ok(());
        };
        let rank = if REV { len - 1 - rank } else { rank };
        if self.with_score {
            reply.array(2);
        }
        reply.int(rank as i64);
        if self.with_score {
            reply.double(score);
        }
        Ok(())
    }
}
