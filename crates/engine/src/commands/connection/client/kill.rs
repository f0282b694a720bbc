//! `CLIENT KILL addr:port` · `CLIENT KILL filter value [filter value ...]`
//!
//! Ends connections. The old form answers OK or an error, the new one how many it ended. A client
//! that ends itself still gets its answer. O(clients).

use super::filter::Filter;
use super::{ADMIN, KILL_SYNTAX, SUB};
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::session::Flow;
use crate::spec::Spec;

/// What is known of `CLIENT KILL`.
pub const SPEC_KILL: Spec = Spec {
    name: "kill",
    syntax: KILL_SYNTAX,
    summary: "Terminates open connections.",
    since: "2.4.0",
    complexity: "O(N) where N is the number of client connections",
    arity: -3,
    flags: ADMIN,
    ..SUB
};

/// `CLIENT KILL`
#[derive(Debug, Clone)]
pub enum Kill<'a> {
    /// The old form: the client of this address.
    Address(&'a [u8]),
    /// The new form: all clients that fit.
    Matching(Filter<'a>),
}

impl<'a> Command<'a> for Kill<'a> {
    const SPEC: &'static Spec = &SPEC_KILL;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        if args.left() == 1 {
            return Ok(Kill::Address(args.word()?));
        }
        let bad_id = Error::text("ERR client-id should be greater than 0");
        let mut filter = Filter::parse(args, &bad_id)?;
        filter.skip_me.get_or_insert(true);
        Ok(Kill::Matching(filter))
    }

    fn words(&self, words: &mut Words<'_>) {
        match self {
            Kill::Address(address) => {
                words.push(address);
            }
            Kill::Matching(filter) => filter.words(words),
        }
    }

    fn keys(&self, _: &mut dyn FnMut(&'a [u8])) {}

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let me = ctx.session.client.id;
        let now_ms = ctx.keys.now_ms();
        let all = ctx.engine.clients.all();
        let (filter, first_only) = match self {
            Kill::Address(address) => (&Filter::of_address(address), true),
            Kill::Matching(filter) => (filter, false),
        };
        let fits = all.iter().filter(|client| filter.fits(client, me, now_ms));
        let killed: Vec<_> = fits.take(if first_only { 1 } else { usize::MAX }).collect();
        for client in &killed {
            if client.id == me {
                ctx.session.flow = Some(Flow::Close);
            } else {
                ctx.engine.clients.kill(client);
            }
        }
        match (first_only, killed.len()) {
            (true, 0) => return Err(Error::text("ERR No such client")),
            (true, _) => reply.ok(),
            (false, count) => reply.int(count as i64),
        }
        Ok(())
    }
}
