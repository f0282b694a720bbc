//! `SELECT index`
//!
//! Commands of the session work on this database from now on; answers OK. O(1). No effect: effects
//! carry their database.

use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::keyspace::DATABASES;
use crate::reply::Reply;
use crate::spec::{Group, Spec, acl, flag};

/// What is known of `SELECT`.
pub const SPEC: Spec = Spec {
    name: "select",
    syntax: "index",
    summary: "Changes the selected database.",
    group: Group::Connection,
    arity: 2,
    flags: flag::LOADING | flag::STALE | flag::FAST,
    acl: acl::CONNECTION,
    ..Spec::BASE
};

/// `SELECT`
#[derive(Debug, Clone, Copy)]
pub struct Select {
    /// Number of the database.
    pub index: i64,
}

impl<'a> Command<'a> for Select {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(Select { index: args.int()? })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.int(self.index);
    }

    fn keys(&self, _: &mut dyn FnMut(&'a [u8])) {}

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let most = ctx.config().databases().min(DATABASES);
        let index = u8::try_from(self.index).ok().filter(|&index| usize::from(index) < most);
        let index = index.ok_or(Error::text("ERR DB index is out of range"))?;
        ctx.session.select(index);
        reply.ok();
        Ok(())
    }
}
