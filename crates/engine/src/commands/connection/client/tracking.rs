//! `CLIENT TRACKING ON|OFF …` · `CLIENT TRACKINGINFO` · `CLIENT GETREDIR` · `CLIENT CACHING YES|NO`
//!
//! Client-side caching is not there yet: it is off, and asking for it is refused with a sentence
//! that says so. O(1).

use super::super::super::nullary;
use super::SUB;
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::Spec;

/// What is known of `CLIENT TRACKING`.
pub const SPEC_TRACKING: Spec = Spec {
    name: "tracking",
    syntax: "<ON | OFF> [REDIRECT client-id] [PREFIX prefix [PREFIX prefix ...]] [BCAST] [OPTIN] \
             [OPTOUT] [NOLOOP]",
    summary: "Controls server-assisted client-side caching for the connection.",
    since: "6.0.0",
    arity: -3,
    ..SUB
};

/// What is known of `CLIENT TRACKINGINFO`.
pub const SPEC_TRACKINGINFO: Spec = Spec {
    name: "trackinginfo",
    summary: "Returns information about server-assisted client-side caching for the connection.",
    since: "6.2.0",
    ..SUB
};

/// What is known of `CLIENT GETREDIR`.
pub const SPEC_GETREDIR: Spec = Spec {
    name: "getredir",
    summary: "Returns the client ID to which the connection's tracking notifications are \
              redirected.",
    since: "6.0.0",
    ..SUB
};

/// What is known of `CLIENT CACHING`.
pub const SPEC_CACHING: Spec = Spec {
    name: "caching",
    syntax: "<YES | NO>",
    summary: "Instructs the server whether to track the keys in the next request.",
    since: "6.0.0",
    arity: 3,
    ..SUB
};

/// `CLIENT TRACKING`
#[derive(Debug, Clone)]
pub struct Tracking<'a> {
    /// On or off.
    pub on: bool,
    /// The options, as they were given.
    pub options: &'a [&'a [u8]],
}

impl<'a> Command<'a> for Tracking<'a> {
    const SPEC: &'static Spec = &SPEC_TRACKING;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let on = if args.keyword("ON") {
            true
        } else if args.keyword("OFF") {
            false
        } else {
            return Err(Error::Syntax);
        };
        Ok(Tracking { on, options: args.rest() })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.keyword(if self.on { "ON" } else { "OFF" }).all(self.options);
    }

    fn keys(&self, _: &mut dyn FnMut(&'a [u8])) {}

    fn run(&self, _: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        if self.on {
            return Err(Error::text(
                "ERR client-side caching is not supported by this version of Larder",
            ));
        }
        reply.ok();
        Ok(())
    }
}

/// `CLIENT TRACKINGINFO`
#[derive(Debug, Clone, Copy)]
pub struct TrackingInfo;

nullary!(TrackingInfo, SPEC_TRACKINGINFO, |_, reply| {
    reply.map(3);
    reply.bulk(b"flags");
    reply.set(1);
    reply.bulk(b"off");
    reply.bulk(b"redirect");
    reply.int(-1);
    reply.bulk(b"prefixes");
    reply.array(0);
    Ok(())
});

/// `CLIENT GETREDIR`
#[derive(Debug, Clone, Copy)]
pub struct GetRedir;

nullary!(GetRedir, SPEC_GETREDIR, |_, reply| {
    reply.int(-1);
    Ok(())
});

/// `CLIENT CACHING`
#[derive(Debug, Clone)]
pub struct Caching<'a> {
    /// `YES` or `NO`, as it was given.
    pub word: &'a [u8],
}

impl<'a> Command<'a> for Caching<'a> {
    const SPEC: &'static Spec = &SPEC_CACHING;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(Caching { word: args.word()? })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.word);
    }

    fn keys(&self, _: &mut dyn FnMut(&'a [u8])) {}

    fn run(&self, _: &mut Ctx<'_, '_>, _: &mut dyn Reply) -> Result<(), Error> {
        Err(Error::text(
            "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN \
             or OPTOUT mode enabled",
        ))
    }
}
