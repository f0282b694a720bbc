//! `LPOS key element [RANK rank] [COUNT num-matches] [MAXLEN len]`
//!
//! Answers the index of the first element that equals `element`, null where there is none. `RANK`
//! begins with the so-manyth match, from the tail if negative; with `COUNT` the answer is an array
//! of up to so many indexes (0: of all); `MAXLEN` looks at so many elements at most (0: at all).
//! O(N) in the elements that are looked at.

use super::parse_symmetric;
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::list::{End, ListRef, Sought, list_of};
use smallvec::SmallVec;
use std::ops::ControlFlow;

/// What is known of `LPOS`.
pub const SPEC: Spec = Spec {
    name: "lpos",
    syntax: "key element [RANK rank] [COUNT num-matches] [MAXLEN len]",
    summary: "Answers the indexes of elements of a list by their value.",
    since: "6.0.6",
    group: Group::List,
    complexity: "O(N) in the elements that are looked at",
    arity: -3,
    flags: flag::READONLY,
    keys: &[KeySpec::one(1, key::RO | key::ACCESS)],
    ..Spec::BASE
};

/// `LPOS`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LPos<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The element.
    pub element: &'a [u8],
    /// Which match to begin with, from 1; from the tail if negative.
    pub rank: i64,
    /// An array of so many indexes at most, all if 0; one index alone if `None`.
    pub count: Option<u64>,
    /// How many elements to look at, all if 0.
    pub max_len: u64,
}

impl<'a> Command<'a> for LPos<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let (key, element) = (args.word()?, args.word()?);
        let mut lpos = LPos { key, element, rank: 1, count: None, max_len: 0 };
        while args.left() >= 2 {
            if args.keyword("RANK") {
                lpos.rank = parse_symmetric(args)?;
                if lpos.rank == 0 {
                    return Err(RANK_ZERO);
                }
            } else if args.keyword("COUNT") {
                let negative = Error::text("ERR COUNT can't be negative");
                lpos.count = Some(args.count_or(negative)?);
            } else if args.keyword("MAXLEN") {
                lpos.max_len = args.count_or(Error::text("ERR MAXLEN can't be negative"))?;
            } else {
                return Err(Error::Syntax);
            }
        }
        Ok(lpos)
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key).push(self.element);
        if self.rank != 1 {
            words.keyword("RANK").int(self.rank);
        }
        if let Some(count) = self.count {
            words.keyword("COUNT").int(count as i64);
        }
        if self.max_len != 0 {
            words.keyword("MAXLEN").int(self.max_len as i64);
        }
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let list = list_of(ctx.keys.read(self.key))?;
        let found = list.map(|list| self.find(list)).unwrap_or_default();
        if self.count.is_some() {
            reply.array(found.len());
            found.iter().for_each(|&index| reply.int(index as i64));
        } else {
            match found.first() {
                Some(&index) => reply.int(index as i64),
                None => reply.null(),
            }
        }
        Ok(())
    }
}

impl LPos<'_> {
    fn find(&self, list: ListRef<'_>) -> SmallVec<[usize; 8]> {
        let mut found = SmallVec::new();
        let most = match self.count {
            None => 1,
            Some(0) => usize::MAX,
            Some(count) => usize::try_from(count).unwrap_or(usize::MAX),
        };
        let sought = Sought::new(self.element);
        let len = list.len();
        let (from, towards) = if self.rank > 0 { (0, End::Tail) } else { (len - 1, End::Head) };
        let mut looks = if self.max_len == 0 { u64::MAX } else { self.max_len };
        let mut skipped = self.rank.unsigned_abs() - 1;
        let mut index = from;
        list.walk(from, towards, |entry| {
            let here = index;
            index = if self.rank > 0 { index + 1 } else { index.wrapping_sub(1) };
            looks -= 1;
            if sought.is(&entry) {
                if skipped > 0 {
                    skipped -= 1;
                } else {
                    found.push(here);
                }
            }
            if found.len() == most || looks == 0 {
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        });
        found
    }
}

const RANK_ZERO: Error = Error::text(
    "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use \
     negative to start from the end of the list",
);
