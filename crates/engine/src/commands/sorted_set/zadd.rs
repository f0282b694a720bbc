//! `ZADD key [NX | XX] [GT | LT] [CH] [INCR] score member [score member ...]`
//!
//! Sets scores of members; who is not there is added. `NX` only adds, `XX` only changes, `GT` and
//! `LT` change only upwards or downwards (and add). Answers how many were added; with `CH`, how
//! many were added or changed. `INCR` adds the score to that of the one member and answers the new
//! one, null where a condition forbids it. O(log n) a member.
//!
//! Effect: the command.

use super::zincrby;
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::notify::names::{Events, Told};
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::sorted::{self, Put, Putting, Rules, score};
use larder_resp::format_double;
use smallvec::SmallVec;

/// What is known of `ZADD`.
pub const SPEC: Spec = Spec {
    name: "zadd",
    syntax: "key [NX | XX] [GT | LT] [CH] [INCR] score member [score member ...]",
    summary: "Adds members to a sorted set, or changes their scores.",
    since: "1.2.0",
    group: Group::SortedSet,
    complexity: "O(log(N)) a member",
    arity: -4,
    flags: flag::WRITE | flag::DENYOOM | flag::FAST,
    keys: &[KeySpec::one(1, key::RW | key::UPDATE)],
    events: Events::told(&[Told::by_option(OPTIONS, "zadd")]),
    ..Spec::BASE
};

/// The options, with what they make of the event's name.
const OPTIONS: &[(&str, Option<&str>)] = &[
    ("nx", None),
    ("xx", None),
    ("gt", None),
    ("lt", None),
    ("ch", None),
    ("incr", Some(zincrby::EVENT)),
];

/// `ZADD`
#[derive(Debug, Clone, PartialEq)]
pub struct Zadd<'a> {
    /// The key.
    pub key: &'a [u8],
    /// Which scores are set, and how.
    pub putting: Putting,
    /// Answer how many were changed, too.
    pub changed: bool,
    /// Scores and members; one if scores are added up.
    pub pairs: SmallVec<[(f64, &'a [u8]); 2]>,
}

const NEW_OR_OLD: Error = Error::text("ERR XX and NX options at the same time are not compatible");
const CONTRARY: Error =
    Error::text("ERR GT, LT, and/or NX options at the same time are not compatible");
const ONE_INCREMENT: Error =
    Error::text("ERR INCR option supports a single increment-element pair");

impl<'a> Zadd<'a> {
    /// `ZADD key score member`
    pub fn new(key: &'a [u8], score: f64, member: &'a [u8]) -> Self {
        let pairs = SmallVec::from_iter([(score, member)]);
        Zadd { key, putting: Putting::default(), changed: false, pairs }
    }

    fn answer(&self, put: Put, reply: &mut dyn Reply) {
        if self.putting.increment {
            match put.score {
                Some(score) => reply.double(score),
                None => reply.null(),
            }
        } else {
            let changed = if self.changed { put.updated } else { 0 };
            reply.int((put.added + changed) as i64);
        }
    }
}

impl<'a> Command<'a> for Zadd<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let key = args.word()?;
        let (mut putting, mut changed) = (Putting::default(), false);
        // No option begins as a number does.
        while args.peek().is_some_and(|word| word.first().is_some_and(u8::is_ascii_alphabetic)) {
            if args.keyword("NX") {
                putting.only_new = true;
            } else if args.keyword("XX") {
                putting.only_old = true;
            } else if args.keyword("GT") {
                putting.only_greater = true;
            } else if args.keyword("LT") {
                putting.only_less = true;
            } else if args.keyword("CH") {
                changed = true;
            } else if args.keyword("INCR") {
                putting.increment = true;
            } else {
                break;
            }
        }
        let pairs = args.rest();
        if pairs.is_empty() || !pairs.len().is_multiple_of(2) {
            return Err(Error::Syntax);
        }
        let Putting { only_new, only_old, only_greater, only_less, increment } = putting;
        if only_new && only_old {
            return Err(NEW_OR_OLD);
        }
        if only_greater && (only_new || only_less) || only_less && only_new {
            return Err(CONTRARY);
        }
        if increment && pairs.len() > 2 {
            return Err(ONE_INCREMENT);
        }
        let pair = |pair: &[&'a [u8]]| {
            score::parse(pair[0]).map(|score| (score, pair[1])).ok_or(Error::NotFloat)
        };
        let pairs = pairs.chunks_exact(2).map(pair).collect::<Result<_, _>>()?;
        Ok(Zadd { key, putting, changed, pairs })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key);
        let Putting { only_new, only_old, only_greater, only_less, increment } = self.putting;
        let options = [
            (only_new, "NX"),
            (only_old, "XX"),
            (only_greater, "GT"),
            (only_less, "LT"),
            (self.changed, "CH"),
            (increment, "INCR"),
        ];
        for (_, word) in options.iter().filter(|(on, _)| *on) {
            words.keyword(word);
        }
        for (score, member) in &self.pairs {
            words.push(format_double(*score).as_bytes()).push(member);
        }
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let rules = Rules::of(ctx.keys);
        let put = sorted::put(&mut ctx.keys.write(self.key), &self.pairs, self.putting, &rules)?;
        self.answer(put, reply);
        Ok(())
    }
}
