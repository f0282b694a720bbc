//! `MSETNX key value [key value ...]`
//!
//! Sets several strings in one step if none of the keys is there; answers 1, or 0 when nothing
//! was set. O(keys) plus the copies of the values.
//!
//! Effect: the command.

use super::mset::{pairs, put_all};
use super::set;
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::notify::names::Events;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};

/// What is known of `MSETNX`.
pub const SPEC: Spec = Spec {
    name: "msetnx",
    syntax: "key value [key value ...]",
    summary: "Sets several keys to string values in one step if none of them exists.",
    since: "1.0.1",
    group: Group::String,
    complexity: "O(N) in the number of keys",
    arity: -3,
    flags: flag::WRITE | flag::DENYOOM,
    keys: &[KeySpec::range(1, -1, 2, key::OW | key::INSERT)],
    events: Events::named(set::SPEC.name),
    ..Spec::BASE
};

/// `MSETNX`
#[derive(Debug, Clone)]
pub struct MSetNx<'a> {
    /// Keys and values in turn.
    pub pairs: &'a [&'a [u8]],
}

impl<'a> Command<'a> for MSetNx<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(MSetNx { pairs: pairs(args, SPEC.name)? })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.all(self.pairs);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        self.pairs.iter().step_by(2).for_each(|key| visit(key));
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let taken = self.pairs.iter().step_by(2).any(|key| ctx.keys.exists(key));
        if !taken {
            put_all(ctx, self.pairs);
        }
        reply.int((!taken).into());
        Ok(())
    }
}
