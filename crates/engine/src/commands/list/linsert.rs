//! `LINSERT key BEFORE | AFTER pivot element`
//!
//! Adds an element next to the first one, from the head, that equals `pivot`. Answers the length
//! afterwards, -1 where no element is the pivot, 0 where there is no list. O(N) to the pivot.
//!
//! Effect: the command.

use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::list::{self, End, Limits, Sought, list_of};
use std::ops::ControlFlow;

/// What is known of `LINSERT`.
pub const SPEC: Spec = Spec {
    name: "linsert",
    syntax: "key <BEFORE | AFTER> pivot element",
    summary: "Adds an element before or after another one of a list.",
    since: "2.2.0",
    group: Group::List,
    complexity: "O(N), N being the elements up to the pivot",
    arity: 5,
    flags: flag::WRITE | flag::DENYOOM,
    keys: &[KeySpec::one(1, key::RW | key::INSERT)],
    ..Spec::BASE
};

/// `LINSERT`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LInsert<'a> {
    /// The key.
    pub key: &'a [u8],
    /// Behind the pivot instead of before it.
    pub after: bool,
    /// The element that marks the place.
    pub pivot: &'a [u8],
    /// The element to add.
    pub element: &'a [u8],
}

impl<'a> Command<'a> for LInsert<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let key = args.word()?;
        let after = args.keyword("AFTER");
        if !after && !args.keyword("BEFORE") {
            return Err(Error::Syntax);
        }
        Ok(LInsert { key, after, pivot: args.word()?, element: args.word()? })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key).keyword(if self.after { "AFTER" } else { "BEFORE" });
        words.push(self.pivot).push(self.element);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let limits = Limits::of(ctx.config());
        let mut gate = ctx.keys.write(self.key);
        let Some(held) = list_of(gate.value())? else {
            reply.int(0);
            return Ok(());
        };
        let (len, mut pivot) = (held.len(), None);
        held.find(0, End::Tail, &Sought::new(self.pivot), |index| {
            pivot = Some(index);
            ControlFlow::Break(())
        });
        let Some(pivot) = pivot else {
            reply.int(-1);
            return Ok(());
        };
        list::insert(&mut gate, pivot + usize::from(self.after), self.element, &limits);
        reply.int(len as i64 + 1);
        Ok(())
    }
}
