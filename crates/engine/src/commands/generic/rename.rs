//! `RENAME key newkey`
//!
//! Gives a key another name; its TTL goes with it, and what had that name is gone. O(1); what is
//! replaced is freed after the locks.
//!
//! Effect: the command, unless both names are the same.

use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::notify::names::{Events, Told, When};
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, acl, flag, key};

/// The events of a key's move to another name.
pub(super) const MOVES: Events = Events::told(&[
    Told::of(0, "rename_from").when(When::Removed),
    Told::of(1, "rename_to").when(When::Written),
]);

/// What is known of `RENAME`.
pub const SPEC: Spec = Spec {
    name: "rename",
    syntax: "key newkey",
    summary: "Renames a key and overwrites the destination.",
    group: Group::Generic,
    complexity: "O(1)",
    arity: 3,
    flags: flag::WRITE,
    acl: acl::KEYSPACE,
    keys: &[
        KeySpec::one(1, key::RW | key::ACCESS | key::DELETE),
        KeySpec::one(2, key::OW | key::UPDATE),
    ],
    events: MOVES.renewing(),
    ..Spec::BASE
};

/// `RENAME`
#[derive(Debug, Clone)]
pub struct Rename<'a> {
    /// The key.
    pub key: &'a [u8],
    /// Its name afterwards.
    pub new_key: &'a [u8],
}

impl<'a> Command<'a> for Rename<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(Rename { key: args.word()?, new_key: args.word()? })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key).push(self.new_key);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
        visit(self.new_key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let mut gate = ctx.keys.write(self.key);
        if !gate.exists() {
            return Err(Error::NoSuchKey);
        }
        if self.key != self.new_key
            && let Some((value, deadline_ms)) = gate.take()
        {
            ctx.keys.write(self.new_key).put_owned(value, deadline_ms);
        }
        reply.ok();
        Ok(())
    }
}
