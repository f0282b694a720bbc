//! `PING [message]`
//!
//! Answers PONG, or the message; in RESP2 while subscribed an array, as messages are. O(1).

use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, Spec, acl, flag};
use larder_resp::Protocol;

/// What is known of `PING`.
pub const SPEC: Spec = Spec {
    name: "ping",
    syntax: "[message]",
    summary: "Returns the server's liveliness response.",
    group: Group::Connection,
    arity: -1,
    flags: flag::FAST | flag::WHILE_SUBSCRIBED,
    acl: acl::CONNECTION,
    tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
    ..Spec::BASE
};

/// `PING`
#[derive(Debug, Clone)]
pub struct Ping<'a> {
    /// What is answered.
    pub message: Option<&'a [u8]>,
}

impl<'a> Command<'a> for Ping<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let message = args.word().ok();
        match args.left() {
            0 => Ok(Ping { message }),
            _ => Err(Error::Arity(SPEC.name.into())),
        }
    }

    fn words(&self, words: &mut Words<'_>) {
        self.message.iter().for_each(|message| {
            words.push(message);
        });
    }

    fn keys(&self, _: &mut dyn FnMut(&'a [u8])) {}

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        if reply.protocol() == Protocol::Resp2 && ctx.session.subscriptions() > 0 {
            reply.array(2);
            reply.bulk(b"pong");
            reply.bulk(self.message.unwrap_or_default());
        } else {
            match self.message {
                Some(message) => reply.bulk(message),
                None => reply.simple("PONG"),
            }
        }
        Ok(())
    }
}
