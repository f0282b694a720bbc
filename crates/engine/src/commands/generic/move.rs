//! `MOVE key db`
//!
//! Moves a key with its TTL to another database. Answers 1, or 0 when it is not there or the other
//! database has a key of that name. O(1).
//!
//! Effect: the command.

use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::notify::names::{Events, Told, When};
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, acl, flag, key};

/// What is known of `MOVE`.
pub const SPEC: Spec = Spec {
    name: "move",
    syntax: "key db",
    summary: "Moves a key to another database.",
    group: Group::Generic,
    complexity: "O(1)",
    arity: 3,
    flags: flag::WRITE | flag::FAST,
    acl: acl::KEYSPACE,
    keys: &[KeySpec::one(1, key::RW | key::ACCESS | key::UPDATE)],
    events: Events::told(&[
        Told::of(0, "move_from").when(When::Removed),
        Told::of(0, "move_to").when(When::Written),
    ]),
    ..Spec::BASE
};

/// `MOVE`
#[derive(Debug, Clone)]
pub struct Move<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The database that it moves to.
    pub db: u8,
}

impl<'a> Command<'a> for Move<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(Move { key: args.word()?, db: args.database()? })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key).int(i64::from(self.db));
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        ctx.check_database(self.db)?;
        if self.db == ctx.keys.db() {
            return Err(Error::SameObject);
        }
        let free = ctx.keys.peek(self.db, self.key).is_none();
        let taken = if free { ctx.keys.write(self.key).take() } else { None };
        let moved = taken.map(|(value, deadline_ms)| {
            ctx.keys.write_in(self.db, self.key).put_owned(value, deadline_ms);
        });
        reply.int(i64::from(moved.is_some()));
        Ok(())
    }
}
