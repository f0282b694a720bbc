//! `LMOVE source destination LEFT | RIGHT LEFT | RIGHT`, `RPOPLPUSH source destination`
//!
//! Takes an element from one end of `source` and adds it at an end of `destination`, which may be
//! the same list. `RPOPLPUSH` is `LMOVE … RIGHT LEFT`. Answers the element, null where there is no
//! source. O(1).
//!
//! Effect: the command.

use super::lpop::{SPEC_LPOP, SPEC_RPOP};
use super::lpush::{SPEC_LPUSH, SPEC_RPUSH};
use super::{Path, end_word, parse_end};
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::notify::names::{Events, Told};
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::list::End;

/// How commands that move an element use their keys.
pub(super) const KEYS: &[KeySpec] =
    &[KeySpec::one(1, key::RW | key::ACCESS | key::DELETE), KeySpec::one(2, key::RW | key::INSERT)];

/// The events of commands that name both ends: an element is added before it is taken.
pub(super) const MOVES: Events = Events::told(&[
    Told::by_word(1, 4, &[("left", Some(SPEC_LPUSH.name)), ("right", Some(SPEC_RPUSH.name))]),
    Told::by_word(0, 3, &[("left", Some(SPEC_LPOP.name)), ("right", Some(SPEC_RPOP.name))]),
]);

/// The events of commands from the tail to the head.
pub(super) const TAIL_TO_HEAD: Events =
    Events::told(&[Told::of(1, SPEC_LPUSH.name), Told::of(0, SPEC_RPOP.name)]);

/// What is known of `LMOVE`.
pub const SPEC_LMOVE: Spec = Spec {
    name: "lmove",
    syntax: "source destination <LEFT | RIGHT> <LEFT | RIGHT>",
    summary: "Moves an element from one end of a list to an end of another.",
    since: "6.2.0",
    group: Group::List,
    arity: 5,
    flags: flag::WRITE | flag::DENYOOM,
    keys: KEYS,
    events: MOVES,
    ..Spec::BASE
};

/// What is known of `RPOPLPUSH`.
pub const SPEC_RPOPLPUSH: Spec = Spec {
    name: "rpoplpush",
    syntax: "source destination",
    summary: "Moves the last element of a list to the head of another.",
    since: "1.2.0",
    arity: 3,
    events: TAIL_TO_HEAD,
    ..SPEC_LMOVE
};

/// `LMOVE`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LMove<'a> {
    /// The list to take from.
    pub source: &'a [u8],
    /// The list to add to.
    pub destination: &'a [u8],
    /// The end to take from.
    pub from: End,
    /// The end to add at.
    pub to: End,
}

/// `RPOPLPUSH`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RPopLPush<'a> {
    /// The list to take from.
    pub source: &'a [u8],
    /// The list to add to.
    pub destination: &'a [u8],
}

impl<'a> Command<'a> for LMove<'a> {
    const SPEC: &'static Spec = &SPEC_LMOVE;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let (source, destination) = (args.word()?, args.word()?);
        Ok(LMove { source, destination, from: parse_end(args)?, to: parse_end(args)? })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.source).push(self.destination);
        words.keyword(end_word(self.from)).keyword(end_word(self.to));
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.source);
        visit(self.destination);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let LMove { source, destination, from, to } = *self;
        if !(Path { source, destination, from, to }).go(ctx.keys, reply)? {
            reply.null();
        }
        Ok(())
    }
}

impl<'a> Command<'a> for RPopLPush<'a> {
    const SPEC: &'static Spec = &SPEC_RPOPLPUSH;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(RPopLPush { source: args.word()?, destination: args.word()? })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.source).push(self.destination);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.source);
        visit(self.destination);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let RPopLPush { source, destination } = *self;
        LMove { source, destination, from: End::Tail, to: End::Head }.run(ctx, reply)
    }
}
