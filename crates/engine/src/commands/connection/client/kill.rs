//! `CLIENT KILL addr:port` · `CLIENT KILL [ID id] [TYPE type] [USER name] [ADDR ip:port]
//! [LADDR ip:port] [SKIPME yes|no]`
//!
//! Ends connections. The old form answers OK or an error, the new one how many it ended. A client
//! that ends itself still gets its answer. O(clients).

use super::info::ClientType;
use super::{ADMIN, SUB};
use crate::args::Args;
use crate::clients::Client;
use crate::command::{Command, Ctx, Words};
use crate::commands::connection::auth::DEFAULT_USER;
use crate::error::Error;
use crate::reply::Reply;
use crate::session::Flow;
use crate::spec::Spec;

/// What is known of `CLIENT KILL`.
pub const SPEC_KILL: Spec = Spec {
    name: "kill",
    syntax: "<ip:port | [ID client-id] [TYPE <NORMAL | MASTER | SLAVE | REPLICA | PUBSUB>] \
             [USER username] [ADDR ip:port] [LADDR ip:port] [SKIPME <YES | NO>]>",
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

/// Which clients; what is not named does not matter.
#[derive(Debug, Clone, Default)]
pub struct Filter<'a> {
    /// Number.
    pub id: Option<u64>,
    /// Type.
    pub of_type: Option<ClientType>,
    /// User.
    pub user: Option<&'a [u8]>,
    /// The client's address.
    pub address: Option<&'a [u8]>,
    /// The address that it came to.
    pub local: Option<&'a [u8]>,
    /// Not the one who asks; so unless it says otherwise.
    pub skip_me: Option<bool>,
}

impl<'a> Command<'a> for Kill<'a> {
    const SPEC: &'static Spec = &SPEC_KILL;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        if args.left() == 1 {
            return Ok(Kill::Address(args.word()?));
        }
        let mut filter = Filter::default();
        while args.left() > 0 {
            if args.left() == 1 {
                return Err(Error::Syntax);
            }
            filter.parse_option(args)?;
        }
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
        let all = ctx.engine.clients.all();
        let (filter, first_only) = match self {
            Kill::Address(address) => {
                let address = Some(*address);
                (&Filter { address, skip_me: Some(false), ..Filter::default() }, true)
            }
            Kill::Matching(filter) => (filter, false),
        };
        let fits = all.iter().filter(|client| filter.fits(client, me));
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

impl<'a> Filter<'a> {
    fn parse_option(&mut self, args: &mut Args<'a>) -> Result<(), Error> {
        if args.keyword("ID") {
            let error = || Error::text("ERR client-id should be greater than 0");
            let id = args.int_or(error())?;
            self.id = Some(u64::try_from(id).ok().filter(|&id| id > 0).ok_or_else(error)?);
        } else if args.keyword("TYPE") {
            self.of_type = Some(ClientType::parse(args)?);
        } else if args.keyword("USER") {
            let user = args.word()?;
            if user != DEFAULT_USER.as_bytes() {
                let user = String::from_utf8_lossy(user);
                return Err(Error::owned(format!("ERR No such user '{user}'")));
            }
            self.user = Some(user);
        } else if args.keyword("ADDR") {
            self.address = Some(args.word()?);
        } else if args.keyword("LADDR") {
            self.local = Some(args.word()?);
        } else if args.keyword("SKIPME") {
            self.skip_me = Some(match args {
                _ if args.keyword("YES") => true,
                _ if args.keyword("NO") => false,
                _ => return Err(Error::Syntax),
            });
        } else {
            return Err(Error::Syntax);
        }
        Ok(())
    }

    fn words(&self, words: &mut Words<'_>) {
        if let Some(id) = self.id {
            words.keyword("ID").int(id.cast_signed());
        }
        if let Some(of_type) = self.of_type {
            words.keyword("TYPE").keyword(of_type.word());
        }
        let named = [("USER", self.user), ("ADDR", self.address), ("LADDR", self.local)];
        for (option, value) in named {
            if let Some(value) = value {
                words.keyword(option).push(value);
            }
        }
        if let Some(skip_me) = self.skip_me {
            words.keyword("SKIPME").keyword(if skip_me { "YES" } else { "NO" });
        }
    }

    fn fits(&self, client: &Client, me: u64) -> bool {
        let is = |wanted: Option<&[u8]>, text: &dyn Fn() -> String| {
            wanted.is_none_or(|wanted| text().as_bytes() == wanted)
        };
        self.id.is_none_or(|id| client.id == id)
            && self.of_type.is_none_or(|of_type| of_type.is_of(client))
            && is(self.address, &|| client.origin.peer())
            && is(self.local, &|| client.origin.local())
            && !(client.id == me && self.skip_me.unwrap_or(true))
    }
}
