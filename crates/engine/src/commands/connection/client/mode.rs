//! `CLIENT NO-EVICT ON|OFF` · `CLIENT NO-TOUCH ON|OFF` · `CLIENT REPLY ON|OFF|SKIP`
//!
//! How this connection is treated: whether it may be closed when clients take too much memory,
//! whether its reads keep keys fresh, whether it gets replies. O(1).

use super::{ADMIN, SUB};
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::session::ReplyMode;
use crate::spec::Spec;
use std::sync::atomic::Ordering;

/// What is known of `CLIENT NO-EVICT`.
pub const SPEC_NO_EVICT: Spec = Spec {
    name: "no-evict",
    syntax: "<ON | OFF>",
    summary: "Sets the client eviction mode of the connection.",
    since: "7.0.0",
    arity: 3,
    flags: ADMIN,
    ..SUB
};

/// What is known of `CLIENT NO-TOUCH`.
pub const SPEC_NO_TOUCH: Spec = Spec {
    name: "no-touch",
    syntax: "<ON | OFF>",
    summary: "Controls whether commands sent by the client affect the LRU/LFU of accessed keys.",
    since: "7.2.0",
    arity: 3,
    ..SUB
};

/// What is known of `CLIENT REPLY`.
pub const SPEC_REPLY: Spec = Spec {
    name: "reply",
    syntax: "<ON | OFF | SKIP>",
    summary: "Instructs the server whether to reply to commands.",
    since: "3.2.0",
    arity: 3,
    ..SUB
};

macro_rules! switch {
    ($type:ident, $spec:ident, $fact:ident, $doc:literal) => {
        #[doc = $doc]
        #[derive(Debug, Clone, Copy)]
        pub struct $type {
            /// On or off.
            pub on: bool,
        }

        impl<'a> Command<'a> for $type {
            const SPEC: &'static Spec = &$spec;

            fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
                Ok($type { on: on_or_off(args)? })
            }

            fn words(&self, words: &mut Words<'_>) {
                words.keyword(if self.on { "ON" } else { "OFF" });
            }

            fn keys(&self, _: &mut dyn FnMut(&'a [u8])) {}

            fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
                ctx.session.client.facts.$fact.store(self.on, Ordering::Relaxed);
                reply.ok();
                Ok(())
            }
        }
    };
}

switch!(NoEvict, SPEC_NO_EVICT, no_evict, "`CLIENT NO-EVICT`");
switch!(NoTouch, SPEC_NO_TOUCH, no_touch, "`CLIENT NO-TOUCH`");

fn on_or_off(args: &mut Args<'_>) -> Result<bool, Error> {
    if args.keyword("ON") {
        Ok(true)
    } else if args.keyword("OFF") {
        Ok(false)
    } else {
        Err(Error::Syntax)
    }
}

/// `CLIENT REPLY`
#[derive(Debug, Clone, Copy)]
pub struct Replies {
    /// Which replies are sent from now on.
    pub mode: ReplyMode,
}

impl<'a> Command<'a> for Replies {
    const SPEC: &'static Spec = &SPEC_REPLY;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let mode = match args {
            _ if args.keyword("ON") => ReplyMode::On,
            _ if args.keyword("OFF") => ReplyMode::Off,
            _ if args.keyword("SKIP") => ReplyMode::SkipNext,
            _ => return Err(Error::Syntax),
        };
        Ok(Replies { mode })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.keyword(match self.mode {
            ReplyMode::On => "ON",
            ReplyMode::Off => "OFF",
            ReplyMode::SkipNext | ReplyMode::Skip => "SKIP",
        });
    }

    fn keys(&self, _: &mut dyn FnMut(&'a [u8])) {}

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        match (self.mode, ctx.session.reply_mode) {
            (ReplyMode::SkipNext, ReplyMode::Off) => {}
            (mode, _) => ctx.session.reply_mode = mode,
        }
        if self.mode == ReplyMode::On {
            reply.ok();
        }
        Ok(())
    }
}
