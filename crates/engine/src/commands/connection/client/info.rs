//! `CLIENT ID` · `CLIENT INFO` · `CLIENT LIST [filter value ...]`
//!
//! Facts about this client or about all that a filter means, one line each, in the order in which
//! they came. O(clients) for the list.

use super::super::super::nullary;
use super::filter::Filter;
use super::{ADMIN, LIST_SYNTAX, SUB};
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::Spec;

/// What is known of `CLIENT ID`.
pub const SPEC_ID: Spec = Spec {
    name: "id",
    summary: "Returns the unique client ID of the connection.",
    since: "5.0.0",
    ..SUB
};

/// What is known of `CLIENT INFO`.
pub const SPEC_INFO: Spec = Spec {
    name: "info",
    summary: "Returns information about the connection.",
    since: "6.2.0",
    tips: &["nondeterministic_output"],
    ..SUB
};

/// What is known of `CLIENT LIST`.
pub const SPEC_LIST: Spec = Spec {
    name: "list",
    syntax: LIST_SYNTAX,
    summary: "Lists open connections.",
    since: "2.4.0",
    complexity: "O(N) where N is the number of client connections",
    arity: -2,
    flags: ADMIN,
    tips: &["nondeterministic_output"],
    ..SUB
};

/// `CLIENT ID`
#[derive(Debug, Clone, Copy)]
pub struct Id;

nullary!(Id, SPEC_ID, |ctx, reply| {
    reply.int(ctx.session.client.id as i64);
    Ok(())
});

/// `CLIENT INFO`
#[derive(Debug, Clone, Copy)]
pub struct Info;

nullary!(Info, SPEC_INFO, |ctx, reply| {
    let line = ctx.session.client.line(ctx.keys.now_ms());
    reply.verbatim(*b"txt", format!("{line}\n").as_bytes());
    Ok(())
});

/// `CLIENT LIST`
#[derive(Debug, Clone, Default)]
pub struct List<'a> {
    /// Only these.
    pub filter: Filter<'a>,
}

impl<'a> Command<'a> for List<'a> {
    const SPEC: &'static Spec = &SPEC_LIST;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(List { filter: Filter::parse(args, &Error::text("ERR Invalid client ID"))? })
    }

    fn words(&self, words: &mut Words<'_>) {
        self.filter.words(words);
    }

    fn keys(&self, _: &mut dyn FnMut(&'a [u8])) {}

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let (me, now_ms) = (ctx.session.client.id, ctx.keys.now_ms());
        let all = ctx.engine.clients.all();
        let chosen = all.iter().filter(|client| self.filter.fits(client, me, now_ms));
        let text: String = chosen.map(|client| client.line(now_ms) + "\n").collect();
        reply.verbatim(*b"txt", text.as_bytes());
        Ok(())
    }
}
