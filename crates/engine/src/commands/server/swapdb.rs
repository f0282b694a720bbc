//! `SWAPDB index1 index2`
//!
//! Exchanges two databases: whoever has selected one sees the keys of the other at once, and those
//! who wait for keys there are served. O(shards, watched keys and waiters).
//!
//! Effect: the command, when one of them has a key.

use crate::args::{Args, database_of};
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, Spec, acl, flag};

/// What is known of `SWAPDB`.
pub const SPEC: Spec = Spec {
    name: "swapdb",
    syntax: "index1 index2",
    summary: "Exchanges two databases.",
    since: "4.0.0",
    group: Group::Server,
    complexity: "O(N) in the number of shards, watched keys and waiting clients",
    arity: 3,
    flags: flag::WRITE | flag::FAST | flag::ALL_SHARDS,
    acl: acl::KEYSPACE | acl::DANGEROUS,
    ..Spec::BASE
};

/// `SWAPDB`
#[derive(Debug, Clone)]
pub struct SwapDb {
    /// One database.
    pub one: u8,
    /// The other.
    pub other: u8,
}

impl<'a> Command<'a> for SwapDb {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let mut index = |error: &'static str| {
            let number = args.int_or(Error::text(error))?;
            i32::try_from(number).map_err(|_| Error::text(error))
        };
        let one = index("ERR invalid first DB index")?;
        let other = index("ERR invalid second DB index")?;
        Ok(SwapDb { one: database_of(one)?, other: database_of(other)? })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.int(i64::from(self.one)).int(i64::from(self.other));
    }

    fn keys(&self, _: &mut dyn FnMut(&'a [u8])) {}

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        ctx.check_database(self.one.max(self.other))?;
        ctx.keys.swap_databases(self.one, self.other);
        reply.ok();
        Ok(())
    }
}
