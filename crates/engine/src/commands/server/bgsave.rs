//! `BGSAVE [SCHEDULE | CANCEL]`
//!
//! Marks the keyspace as it is, answers, and saves that in a thread of its own. `SCHEDULE` begins
//! once the log's rewrite is done that is running; `CANCEL` gives up a save that is running or
//! scheduled. Holds all locks for the mark. O(shards).

use super::save;
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::durability::BackgroundSave;
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, Spec, acl, flag};

/// What is known of `BGSAVE`.
pub const SPEC: Spec = Spec {
    name: "bgsave",
    syntax: "[SCHEDULE | CANCEL]",
    summary: "Asynchronously saves the database(s) to disk.",
    group: Group::Server,
    complexity: "O(N) in the number of shards",
    arity: -1,
    flags: flag::ADMIN | flag::NOSCRIPT | flag::NO_ASYNC_LOADING | flag::ALL_SHARDS,
    acl: acl::DANGEROUS,
    ..Spec::BASE
};

/// `BGSAVE`
#[derive(Debug, Clone, Copy, Default)]
pub struct BgSave {
    /// What is asked for.
    pub how: BackgroundSave,
}

impl<'a> Command<'a> for BgSave {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let how = match args.left() {
            0 => BackgroundSave::Now,
            1 if args.keyword("SCHEDULE") => BackgroundSave::Schedule,
            1 if args.keyword("CANCEL") => BackgroundSave::Cancel,
            _ => return Err(Error::Syntax),
        };
        Ok(BgSave { how })
    }

    fn words(&self, words: &mut Words<'_>) {
        match self.how {
            BackgroundSave::Now => {}
            BackgroundSave::Schedule => drop(words.keyword("SCHEDULE")),
            BackgroundSave::Cancel => drop(words.keyword("CANCEL")),
        }
    }

    fn keys(&self, _: &mut dyn FnMut(&'a [u8])) {}

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let durability = ctx.engine.durability().ok_or(save::FAILED)?;
        let (engine, keys) = (ctx.engine, &mut *ctx.keys);
        let said = durability.save_in_background(self.how, &mut || keys.begin_snapshot(engine))?;
        reply.simple(said);
        Ok(())
    }
}
