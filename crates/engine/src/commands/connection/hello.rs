//! `HELLO [protover [AUTH username password] [SETNAME clientname]]`
//!
//! Chooses the protocol, and on the way lets the session in and names it; answers facts about the
//! server as a map. All or nothing. O(1). No effect.

use super::auth;
use super::client::name::{self, Names};
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::commands::server::info;
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, Spec, acl, flag};
use larder_resp::Protocol;

/// What is known of `HELLO`.
pub const SPEC: Spec = Spec {
    name: "hello",
    syntax: "[protover [AUTH username password] [SETNAME clientname]]",
    summary: "Handshakes with the Redis server.",
    since: "6.0.0",
    group: Group::Connection,
    arity: -1,
    flags: flag::NOSCRIPT
        | flag::LOADING
        | flag::STALE
        | flag::FAST
        | flag::NO_AUTH
        | flag::ALLOW_BUSY,
    acl: acl::CONNECTION,
    ..Spec::BASE
};

/// `HELLO`
#[derive(Debug, Clone, Default)]
pub struct Hello<'a> {
    /// The protocol from now on.
    pub protocol: Option<Protocol>,
    /// User and password.
    pub auth: Option<(&'a [u8], &'a [u8])>,
    /// The client's name.
    pub name: Option<&'a [u8]>,
    /// Place of the password among the words.
    secret: u16,
}

impl<'a> Command<'a> for Hello<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let mut hello = Hello::default();
        if args.left() == 0 {
            return Ok(hello);
        }
        let version =
            args.int_or(Error::text("ERR Protocol version is not an integer or out of range"))?;
        hello.protocol = Some(match version {
            2 => Protocol::Resp2,
            3 => Protocol::Resp3,
            _ => return Err(Error::text("NOPROTO unsupported protocol version")),
        });
        let mut at = 2;
        while let Some(option) = args.peek() {
            if args.left() >= 3 && args.keyword(auth::SPEC.name) {
                hello.auth = Some((args.word()?, args.word()?));
                hello.secret = at + 2;
                at += 3;
            } else if args.left() >= 2 && args.keyword("SETNAME") {
                hello.name = Some(args.word()?);
                at += 2;
            } else {
                return Err(Error::owned(format!(
                    "ERR Syntax error in HELLO option '{}'",
                    String::from_utf8_lossy(option)
                )));
            }
        }
        Ok(hello)
    }

    fn words(&self, words: &mut Words<'_>) {
        if let Some(protocol) = self.protocol {
            words.int(if protocol == Protocol::Resp3 { 3 } else { 2 });
        }
        if let Some((user, password)) = self.auth {
            words.keyword(auth::SPEC.name).push(user).push(password);
        }
        if let Some(name) = self.name {
            words.keyword("SETNAME").push(name);
        }
    }

    fn keys(&self, _: &mut dyn FnMut(&'a [u8])) {}

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        if self.auth.is_some() {
            ctx.session.redacted.extend([self.secret - 1, self.secret]);
        }
        let name = self.name.map(|name| name::checked(name, Names::Client)).transpose()?;
        if let Some((user, password)) = self.auth {
            auth::check(ctx.config(), user, password)?;
            ctx.session.authenticated = true;
        }
        if !ctx.session.authenticated && ctx.config().has_password() {
            return Err(Error::text(
                "NOAUTH HELLO must be called with the client already authenticated, otherwise the \
                 HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client \
                 and select the RESP protocol version at the same time",
            ));
        }
        if let Some(name) = name {
            ctx.session.client.names.lock().name = name;
        }
        if let Some(protocol) = self.protocol {
            ctx.session.set_protocol(protocol);
            reply.switch(protocol);
        }
        introduce(ctx, reply);
        Ok(())
    }
}

fn introduce(ctx: &Ctx<'_, '_>, reply: &mut dyn Reply) {
    let texts = |reply: &mut dyn Reply, name: &str, value: &str| {
        reply.bulk(name.as_bytes());
        reply.bulk(value.as_bytes());
    };
    reply.map(7);
    texts(reply, "server", "redis");
    texts(reply, "version", info::REDIS_VERSION);
    reply.bulk(b"proto");
    reply.int(if ctx.session.protocol == Protocol::Resp3 { 3 } else { 2 });
    reply.bulk(b"id");
    reply.int(ctx.session.client.id as i64);
    texts(reply, "mode", info::REDIS_MODE);
    texts(reply, "role", info::ROLE);
    reply.bulk(b"modules");
    reply.array(0);
}
