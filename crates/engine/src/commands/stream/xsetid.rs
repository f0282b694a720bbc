//! `XSETID key last-id [ENTRIESADDED entries-added] [MAXDELETEDID max-deleted-id]`
//!
//! Sets the figures that a stream keeps beside its entries: the last ID, how many were ever added,
//! the largest that was deleted. O(1).

use super::{parse_id, push_id};
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::stream::{self, Entries, Figures, Id, stream_of};

/// What is known of `XSETID`.
pub const SPEC: Spec = Spec {
    name: "xsetid",
    syntax: "key last-id [ENTRIESADDED entries-added] [MAXDELETEDID max-deleted-id]",
    summary: "An internal command for replicating stream values.",
    since: "5.0.0",
    group: Group::Stream,
    arity: -3,
    flags: flag::WRITE | flag::DENYOOM | flag::FAST,
    keys: &[KeySpec::one(1, key::RW | key::UPDATE)],
    ..Spec::BASE
};

/// `XSETID`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct XSetId<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The last ID.
    pub last_id: Id,
    /// How many entries were ever added.
    pub entries_added: Option<u64>,
    /// The largest ID that was deleted; 0-0 leaves it.
    pub max_deleted_id: Id,
}

impl<'a> Command<'a> for XSetId<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let (key, last_id) = (args.word()?, parse_id(args.word()?, 0)?);
        let mut command = XSetId { key, last_id, entries_added: None, max_deleted_id: Id::MIN };
        while args.left() > 1 {
            if args.keyword("ENTRIESADDED") {
                let added = u64::try_from(args.int()?);
                let added = added.map_err(|_| Error::text("ERR entries_added must be positive"))?;
                command.entries_added = Some(added);
            } else if args.keyword("MAXDELETEDID") {
                command.max_deleted_id = parse_id(args.word()?, 0)?;
                if last_id < command.max_deleted_id {
                    return Err(BELOW_GIVEN);
                }
            } else {
                return Err(Error::Syntax);
            }
        }
        Ok(command)
    }

    fn words(&self, words: &mut Words<'_>) {
        push_id(words.push(self.key), self.last_id);
        if let Some(added) = self.entries_added {
            words.keyword("ENTRIESADDED").int(added.cast_signed());
        }
        if self.max_deleted_id != Id::MIN {
            push_id(words.keyword("MAXDELETEDID"), self.max_deleted_id);
        }
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let mut gate = ctx.keys.write(self.key);
        let stream = stream_of(gate.value())?.ok_or(Error::NoSuchKey)?;
        self.check(stream.entries())?;
        let mut figures = Figures { last_id: self.last_id, ..stream.entries().figures() };
        if let Some(added) = self.entries_added {
            figures.entries_added = added;
        }
        if self.max_deleted_id != Id::MIN {
            figures.max_deleted_id = self.max_deleted_id;
        }
        stream::edit(&mut gate, |stream| stream.entries_mut().set_figures(figures));
        reply.ok();
        Ok(())
    }
}

impl XSetId<'_> {
    fn check(&self, entries: &Entries) -> Result<(), Error> {
        if self.last_id < entries.figures().max_deleted_id {
            return Err(BELOW_DELETED);
        }
        if entries.last().is_some_and(|last| self.last_id < last.id) {
            return Err(BELOW_TOP);
        }
        if self.entries_added.is_some_and(|added| added < entries.len()) {
            return Err(TOO_FEW);
        }
        Ok(())
    }
}

const BELOW_GIVEN: Error =
    Error::text("ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id");
const BELOW_DELETED: Error =
    Error::text("ERR The ID specified in XSETID is smaller than current max_deleted_entry_id");
const BELOW_TOP: Error =
    Error::text("ERR The ID specified in XSETID is smaller than the target stream top item");
const TOO_FEW: Error = Error::text(
    "ERR The entries_added specified in XSETID is smaller than the target stream length",
);
