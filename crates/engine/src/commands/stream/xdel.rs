//! `XDEL key id [id ...]`
//!
//! Deletes entries by their IDs and answers how many were there. A stream stays though it is
//! empty. O(log n) for each.

use super::{Late, parse_ids, push_ids};
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::stream::{self, Id, stream_of};

/// What is known of `XDEL`.
pub const SPEC: Spec = Spec {
    name: "xdel",
    syntax: "key id [id ...]",
    summary: "Returns the number of messages after removing them from a stream.",
    since: "5.0.0",
    group: Group::Stream,
    complexity: "O(1) for each single item to delete in the stream, regardless of the stream \
                 size.",
    arity: -3,
    flags: flag::WRITE | flag::FAST,
    keys: &[KeySpec::one(1, key::RW | key::DELETE)],
    ..Spec::BASE
};

/// `XDEL`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct XDel<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The entries.
    pub ids: Late<'a, Vec<Id>>,
}

impl<'a> Command<'a> for XDel<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(XDel { key: args.word()?, ids: Late::parse(args, parse_ids) })
    }

    fn words(&self, words: &mut Words<'_>) {
        self.ids.words(words.push(self.key), |ids, words| push_ids(ids, words));
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let mut gate = ctx.keys.write(self.key);
        let deleted = match stream_of(gate.value())? {
            None => None,
            Some(stream) => {
                let ids = self.ids.get()?;
                let found = ids.iter().any(|id| stream.entries().get(*id).is_some());
                found.then_some(ids)
            }
        };
        let deleted = deleted.and_then(|ids| {
            stream::edit(&mut gate, |stream| {
                ids.iter().filter(|id| stream.entries_mut().delete(**id)).count()
            })
        });
        reply.int(deleted.unwrap_or(0) as i64);
        Ok(())
    }
}
