//! `CLIENT ID` · `CLIENT INFO` · `CLIENT LIST [TYPE normal|master|replica|pubsub] [ID id ...]`
//!
//! Facts about this client or about all of them, one line each, in the order in which they came.
//! O(clients) for the list.

use super::super::super::nullary;
use super::{ADMIN, SUB};
use crate::args::Args;
use crate::clients::{Class, Client};
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::Spec;
use larder_codec::integer::parse_i64_canonical;

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
    syntax: "[TYPE <NORMAL | MASTER | REPLICA | PUBSUB>] [ID client-id [client-id ...]]",
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

/// A type of clients, as `TYPE` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientType {
    /// Asks and reads.
    Normal,
    /// The link to a master.
    Master,
    /// A replica.
    Replica,
    /// Has subscriptions.
    PubSub,
}

impl ClientType {
    /// Reads the word after `TYPE`.
    ///
    /// # Errors
    /// There is no such type.
    pub(super) fn parse(args: &mut Args<'_>) -> Result<Self, Error> {
        let word = args.word()?;
        match word.to_ascii_lowercase().as_slice() {
            b"normal" => Ok(ClientType::Normal),
            b"master" => Ok(ClientType::Master),
            b"slave" | b"replica" => Ok(ClientType::Replica),
            b"pubsub" => Ok(ClientType::PubSub),
            _ => Err(Error::owned(format!(
                "ERR Unknown client type '{}'",
                String::from_utf8_lossy(word)
            ))),
        }
    }

    /// The word for it.
    pub(super) fn word(self) -> &'static str {
        match self {
            ClientType::Normal => "NORMAL",
            ClientType::Master => "MASTER",
            ClientType::Replica => "REPLICA",
            ClientType::PubSub => "PUBSUB",
        }
    }

    /// Whether a client is of this type.
    pub(super) fn is_of(self, client: &Client) -> bool {
        match self {
            ClientType::Normal => client.class() == Class::Normal,
            ClientType::PubSub => client.class() == Class::PubSub,
            ClientType::Master | ClientType::Replica => false,
        }
    }
}

/// `CLIENT LIST`
#[derive(Debug, Clone, Default)]
pub struct List {
    /// Only clients of this type.
    pub of_type: Option<ClientType>,
    /// Only these.
    pub ids: Vec<u64>,
}

impl<'a> Command<'a> for List {
    const SPEC: &'static Spec = &SPEC_LIST;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let mut list = List::default();
        if args.left() == 2 && args.keyword("TYPE") {
            list.of_type = Some(ClientType::parse(args)?);
        } else if args.left() >= 2 && args.keyword("ID") {
            let id = |word: &&[u8]| {
                parse_i64_canonical(word).and_then(|id| u64::try_from(id).ok()).filter(|&id| id > 0)
            };
            let ids: Option<Vec<u64>> = args.rest().iter().map(id).collect();
            list.ids = ids.ok_or(Error::text("ERR Invalid client ID"))?;
        }
        Ok(list)
    }

    fn words(&self, words: &mut Words<'_>) {
        if let Some(of_type) = self.of_type {
            words.keyword("TYPE").keyword(of_type.word());
        }
        if !self.ids.is_empty() {
            words.keyword("ID");
            self.ids.iter().for_each(|id| {
                words.int(id.cast_signed());
            });
        }
    }

    fn keys(&self, _: &mut dyn FnMut(&'a [u8])) {}

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let clients = &ctx.engine.clients;
        let chosen = match &self.ids[..] {
            [] => clients.all(),
            ids => ids.iter().filter_map(|id| clients.get(*id)).collect(),
        };
        let now_ms = ctx.keys.now_ms();
        let text: String = chosen
            .iter()
            .filter(|client| self.of_type.is_none_or(|of_type| of_type.is_of(client)))
            .map(|client| client.line(now_ms) + "\n")
            .collect();
        reply.verbatim(*b"txt", text.as_bytes());
        Ok(())
    }
}
