//! `LPUSH key element [element ...]`, `RPUSH`, and `LPUSHX`, `RPUSHX`
//!
//! Adds elements to the list at `key`, each in turn at its head (`LPUSH`) or at its tail
//! (`RPUSH`); `LPUSHX` and `RPUSHX` only where a list is. Answers the length afterwards, 0 where
//! there was no list to add to. O(1) an element; a short list moves what lies behind the new
//! elements.
//!
//! Effect: the command.

use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::notify::names::Events;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::list::{self, End, Limits};

const BASE: Spec = Spec {
    syntax: "key element [element ...]",
    group: Group::List,
    complexity: "O(1) an element",
    arity: -3,
    flags: flag::WRITE | flag::DENYOOM | flag::FAST,
    keys: &[KeySpec::one(1, key::RW | key::INSERT)],
    ..Spec::BASE
};

/// What is known of `LPUSH`.
pub const SPEC_LPUSH: Spec = Spec {
    name: "lpush",
    summary: "Adds elements at the head of a list, making the list if there is none.",
    ..BASE
};

/// What is known of `RPUSH`.
pub const SPEC_RPUSH: Spec = Spec {
    name: "rpush",
    summary: "Adds elements at the tail of a list, making the list if there is none.",
    ..BASE
};

/// What is known of `LPUSHX`.
pub const SPEC_LPUSHX: Spec = Spec {
    name: "lpushx",
    summary: "Adds elements at the head of a list that is there.",
    events: Events::named(SPEC_LPUSH.name),
    since: "2.2.0",
    ..BASE
};

/// What is known of `RPUSHX`.
pub const SPEC_RPUSHX: Spec = Spec {
    name: "rpushx",
    summary: "Adds elements at the tail of a list that is there.",
    events: Events::named(SPEC_RPUSH.name),
    since: "2.2.0",
    ..BASE
};

/// `LPUSH` and its kin: at the tail or the head, only where a list is or anywhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Push<'a, const TAIL: bool, const EXISTING: bool> {
    /// The key.
    pub key: &'a [u8],
    /// The elements, at least one.
    pub elements: &'a [&'a [u8]],
}

/// `LPUSH`
pub type LPush<'a> = Push<'a, false, false>;
/// `RPUSH`
pub type RPush<'a> = Push<'a, true, false>;
/// `LPUSHX`
pub type LPushX<'a> = Push<'a, false, true>;
/// `RPUSHX`
pub type RPushX<'a> = Push<'a, true, true>;

/// The command that pushes at an end.
pub(super) fn spec(end: End) -> &'static Spec {
    match end {
        End::Head => &SPEC_LPUSH,
        End::Tail => &SPEC_RPUSH,
    }
}

impl<'a, const TAIL: bool, const EXISTING: bool> Command<'a> for Push<'a, TAIL, EXISTING> {
    const SPEC: &'static Spec = match (TAIL, EXISTING) {
        (false, false) => &SPEC_LPUSH,
        (true, false) => &SPEC_RPUSH,
        (false, true) => &SPEC_LPUSHX,
        (true, true) => &SPEC_RPUSHX,
    };

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(Push { key: args.word()?, elements: args.rest() })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key).all(self.elements);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let limits = Limits::of(ctx.config());
        let mut gate = ctx.keys.write(self.key);
        if EXISTING && !gate.exists() {
            reply.int(0);
            return Ok(());
        }
        let end = if TAIL { End::Tail } else { End::Head };
        let len = list::push(&mut gate, end, self.elements, &limits)?;
        reply.int(len as i64);
        Ok(())
    }
}
