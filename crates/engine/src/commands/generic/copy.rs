//! `COPY source destination [DB destination-db] [REPLACE]`
//!
//! Copies a value with its TTL to another key, or to another database; where that key is there,
//! only with `REPLACE`. Answers 1, or 0 when nothing was copied. O(value); a large string is shared
//! until one of the two changes.
//!
//! Effect: the command.

use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::notify::names::Events;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, acl, flag, key};

/// What is known of `COPY`.
pub const SPEC: Spec = Spec {
    name: "copy",
    syntax: "source destination [DB destination-db] [REPLACE]",
    summary: "Copies the value of a key to another key.",
    since: "6.2.0",
    group: Group::Generic,
    complexity: "O(N) in the size of the value; O(1) for a large string",
    arity: -3,
    flags: flag::WRITE | flag::DENYOOM,
    acl: acl::KEYSPACE,
    keys: &[KeySpec::one(1, key::RO | key::ACCESS), KeySpec::one(2, key::OW | key::UPDATE)],
    events: Events::named("copy_to").renewing(),
    ..Spec::BASE
};

/// `COPY`
#[derive(Debug, Clone)]
pub struct Copy<'a> {
    /// The key that is copied.
    pub source: &'a [u8],
    /// The key that gets the copy.
    pub destination: &'a [u8],
    /// The database of the copy, if another one.
    pub db: Option<u8>,
    /// Replace what is there.
    pub replace: bool,
}

impl<'a> Command<'a> for Copy<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let (source, destination) = (args.word()?, args.word()?);
        let mut copy = Copy { source, destination, db: None, replace: false };
        while args.left() > 0 {
            if args.keyword("REPLACE") {
                copy.replace = true;
            } else if args.keyword("DB") {
                copy.db = Some(args.database()?);
            } else {
                return Err(Error::Syntax);
            }
        }
        Ok(copy)
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.source).push(self.destination);
        if let Some(db) = self.db {
            words.keyword("DB").int(i64::from(db));
        }
        if self.replace {
            words.keyword("REPLACE");
        }
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.source);
        visit(self.destination);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let db = self.db.unwrap_or(ctx.keys.db());
        ctx.check_database(db)?;
        if db == ctx.keys.db() && self.source == self.destination {
            return Err(Error::SameObject);
        }
        let there = ctx.keys.read(self.source).is_some();
        if !there || (!self.replace && ctx.keys.peek(db, self.destination).is_some()) {
            reply.int(0);
            return Ok(());
        }
        let copied = ctx.keys.write(self.source).copy();
        let copied = copied.map(|(value, deadline_ms)| {
            ctx.keys.write_in(db, self.destination).put_owned(value, deadline_ms);
        });
        reply.int(i64::from(copied.is_some()));
        Ok(())
    }
}
