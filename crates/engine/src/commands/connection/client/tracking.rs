//! `CLIENT TRACKING ON|OFF …` · `CLIENT TRACKINGINFO` · `CLIENT GETREDIR` · `CLIENT CACHING YES|NO`
//!
//! Client-side caching: the session is told when keys that it has read change, or, with `BCAST`,
//! keys with one of its prefixes. What is told to whom: [`crate::tracking`]. O(1), with prefixes
//! O(prefixes). No effect.

use super::super::super::nullary;
use super::SUB;
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::mailbox::SessionId;
use crate::reply::Reply;
use crate::session::{SessionState, after};
use crate::spec::Spec;
use crate::tracking::{BCAST, BROKEN, NOLOOP, OPTIN, OPTOUT};
use std::ops::Bound;

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
#[derive(Debug, Clone, Default)]
pub struct Tracking<'a> {
    /// On, off, or neither: what that is stands here, to be refused after the options.
    pub switch: Switch<'a>,
    /// The clients that are to hear of it instead, as they were given.
    pub redirects: Vec<i64>,
    /// Only keys with these prefixes, for `BCAST`.
    pub prefixes: Vec<&'a [u8]>,
    /// Hear of all keys, or of those with a prefix, read or not.
    pub broadcast: bool,
    /// Only what is read after `CLIENT CACHING YES` is remembered.
    pub opt_in: bool,
    /// What is read after `CLIENT CACHING NO` is not remembered.
    pub opt_out: bool,
    /// Do not hear of the session's own changes.
    pub no_loop: bool,
}

/// The first word of `CLIENT TRACKING`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Switch<'a> {
    /// `ON`
    On,
    /// `OFF`
    #[default]
    Off,
    /// Something else.
    Other(&'a [u8]),
}

impl<'a> Command<'a> for Tracking<'a> {
    const SPEC: &'static Spec = &SPEC_TRACKING;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let switch = match args {
            _ if args.keyword("ON") => Switch::On,
            _ if args.keyword("OFF") => Switch::Off,
            _ => Switch::Other(args.word()?),
        };
        let mut tracking = Tracking { switch, ..Tracking::default() };
        while args.left() > 0 {
            if args.left() > 1 && args.keyword("REDIRECT") {
                tracking.redirects.push(args.int()?);
            } else if args.left() > 1 && args.keyword("PREFIX") {
                tracking.prefixes.push(args.word()?);
            } else if args.keyword("BCAST") {
                tracking.broadcast = true;
            } else if args.keyword("OPTIN") {
                tracking.opt_in = true;
            } else if args.keyword("OPTOUT") {
                tracking.opt_out = true;
            } else if args.keyword("NOLOOP") {
                tracking.no_loop = true;
            } else {
                return Err(Error::Syntax);
            }
        }
        Ok(tracking)
    }

    fn words(&self, words: &mut Words<'_>) {
        match self.switch {
            Switch::On => words.keyword("ON"),
            Switch::Off => words.keyword("OFF"),
            Switch::Other(word) => words.push(word),
        };
        for id in &self.redirects {
            words.keyword("REDIRECT").int(*id);
        }
        for prefix in &self.prefixes {
            words.keyword("PREFIX").push(prefix);
        }
        for (on, word) in [
            (self.broadcast, "BCAST"),
            (self.opt_in, "OPTIN"),
            (self.opt_out, "OPTOUT"),
            (self.no_loop, "NOLOOP"),
        ] {
            if on {
                words.keyword(word);
            }
        }
    }

    fn keys(&self, _: &mut dyn FnMut(&'a [u8])) {}

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let redirect = self.redirect(ctx)?;
        match self.switch {
            Switch::Other(_) => return Err(Error::Syntax),
            Switch::Off => ctx.session.end_tracking(ctx.engine),
            Switch::On => {
                self.check(ctx.session)?;
                let everything: &[&[u8]] = &[b""];
                let prefixes = match &self.prefixes[..] {
                    [] if self.broadcast => everything,
                    prefixes => prefixes,
                };
                ctx.session.track(ctx.engine, self.flags(), redirect, prefixes);
            }
        }
        reply.ok();
        Ok(())
    }
}

impl Tracking<'_> {
    /// The client that is to hear of it instead, 0 for none; it must be there.
    fn redirect(&self, ctx: &Ctx<'_, '_>) -> Result<SessionId, Error> {
        let mut redirect = 0;
        for &id in &self.redirects {
            if redirect != 0 {
                return Err(Error::text("ERR A client can only redirect to a single other client"));
            }
            let client = u64::try_from(id).ok().and_then(|id| ctx.engine.clients.get(id));
            redirect = client
                .map(|client| client.id)
                .ok_or(Error::text("ERR The client ID you want redirect to does not exist"))?;
        }
        Ok(redirect)
    }

    fn flags(&self) -> u8 {
        [
            (self.broadcast, BCAST),
            (self.opt_in, OPTIN),
            (self.opt_out, OPTOUT),
            (self.no_loop, NOLOOP),
        ]
        .into_iter()
        .map(|(on, flag)| if on { flag } else { 0 })
        .sum()
    }

    /// Whether the options go with each other and with how the session tracks already.
    fn check(&self, session: &SessionState) -> Result<(), Error> {
        let tracks = &session.client.tracks;
        if !self.broadcast && !self.prefixes.is_empty() {
            return Err(Error::text("ERR PREFIX option requires BCAST mode to be enabled"));
        }
        if tracks.is_on() && tracks.has(BCAST) != self.broadcast {
            return Err(Error::text(
                "ERR You can't switch BCAST mode on/off before disabling tracking for this \
                 client, and then re-enabling it with a different mode.",
            ));
        }
        if self.broadcast && (self.opt_in || self.opt_out) {
            return Err(Error::text("ERR OPTIN and OPTOUT are not compatible with BCAST"));
        }
        if self.opt_in && self.opt_out {
            return Err(Error::text("ERR You can't specify both OPTIN mode and OPTOUT mode"));
        }
        if (self.opt_in && tracks.has(OPTOUT)) || (self.opt_out && tracks.has(OPTIN)) {
            return Err(Error::text(
                "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this \
                 client, and then re-enabling it with a different mode.",
            ));
        }
        self.check_prefixes(session)
    }

    /// No prefix may begin with another one of the same session, for a key would be told twice.
    fn check_prefixes(&self, session: &SessionState) -> Result<(), Error> {
        let refuse = |prefix: &[u8], what: &str, other: &[u8]| {
            Err(Error::owned(format!(
                "ERR Prefix '{}' overlaps with {what} prefix '{}'. Prefixes for a single client \
                 must not overlap.",
                String::from_utf8_lossy(prefix),
                String::from_utf8_lossy(other),
            )))
        };
        // None of these overlap, so that only the neighbours in their order can overlap another.
        for &prefix in &self.prefixes {
            let range =
                |bounds: (Bound<&[u8]>, Bound<&[u8]>)| session.prefixes.range::<[u8], _>(bounds);
            let before = range((Bound::Unbounded, Bound::Included(prefix))).next_back();
            let after = range((Bound::Excluded(prefix), Bound::Unbounded)).next();
            let mut neighbours = before.into_iter().chain(after);
            if let Some(other) = neighbours.find(|other| overlap(prefix, other)) {
                return refuse(prefix, "an existing", other);
            }
        }
        let mut sorted: Vec<(usize, &[u8])> = self.prefixes.iter().copied().enumerate().collect();
        sorted.sort_by_key(|&(at, prefix)| (prefix, at));
        let pairs = sorted.windows(2).filter(|pair| overlap(pair[0].1, pair[1].1));
        let first = pairs.map(|pair| (pair[0].min(pair[1]), pair[0].max(pair[1]))).min();
        first.map_or(Ok(()), |((_, prefix), (_, other))| refuse(prefix, "another provided", other))
    }
}

fn overlap(one: &[u8], other: &[u8]) -> bool {
    one.starts_with(other) || other.starts_with(one)
}

/// `CLIENT TRACKINGINFO`
#[derive(Debug, Clone, Copy)]
pub struct TrackingInfo;

nullary!(TrackingInfo, SPEC_TRACKINGINFO, |ctx, reply| {
    let session = &*ctx.session;
    let tracks = &session.client.tracks;
    let has = |flag| tracks.has(flag);
    let flags: Vec<&str> = [
        (!tracks.is_on(), "off"),
        (tracks.is_on(), "on"),
        (has(BCAST), "bcast"),
        (has(OPTIN), "optin"),
        (has(OPTIN) && session.caching, "caching-yes"),
        (has(OPTOUT), "optout"),
        (has(OPTOUT) && session.caching, "caching-no"),
        (has(NOLOOP), "noloop"),
        (has(BROKEN), "broken_redirect"),
    ]
    .into_iter()
    .filter_map(|(on, name)| on.then_some(name))
    .collect();
    reply.map(3);
    reply.bulk(b"flags");
    reply.set(flags.len());
    flags.iter().for_each(|flag| reply.bulk(flag.as_bytes()));
    reply.bulk(b"redirect");
    reply.int(tracks.shown_redirect());
    reply.bulk(b"prefixes");
    reply.array(session.prefixes.len());
    session.prefixes.iter().for_each(|prefix| reply.bulk(prefix));
    Ok(())
});

/// `CLIENT GETREDIR`
#[derive(Debug, Clone, Copy)]
pub struct GetRedir;

nullary!(GetRedir, SPEC_GETREDIR, |ctx, reply| {
    reply.int(ctx.session.client.tracks.shown_redirect());
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

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let session = &mut *ctx.session;
        let tracks = &session.client.tracks;
        if !tracks.is_on() {
            return Err(Error::text(
                "ERR CLIENT CACHING can be called only when the client is in tracking mode with \
                 OPTIN or OPTOUT mode enabled",
            ));
        }
        let refusal = if self.word.eq_ignore_ascii_case(b"YES") {
            (!tracks.has(OPTIN)).then_some(Error::text(
                "ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.",
            ))
        } else if self.word.eq_ignore_ascii_case(b"NO") {
            (!tracks.has(OPTOUT)).then_some(Error::text(
                "ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.",
            ))
        } else {
            Some(Error::Syntax)
        };
        if let Some(refusal) = refusal {
            return Err(refusal);
        }
        session.caching = true;
        session.after |= after::CACHING;
        session.note_remembers();
        reply.ok();
        Ok(())
    }
}
