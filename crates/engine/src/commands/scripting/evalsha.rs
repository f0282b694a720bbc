//! `EVALSHA sha1 numkeys [key ...] [arg ...]` · `EVALSHA_RO …`
//!
//! Runs a script that the server knows, by the SHA-1 of its source. O(1) and what the script does.
//!
//! Effect: those of the commands that it calls.

use super::eval::{Given, spec};
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::scripts::run::{Called, run};
use crate::spec::Spec;

/// What is known of `EVALSHA`.
pub const SPEC: Spec = Spec {
    name: "evalsha",
    summary: "Executes a server-side Lua script by SHA1 digest.",
    since: "2.6.0",
    ..spec("sha1 numkeys [key [key ...]] [arg [arg ...]]", false)
};

/// What is known of `EVALSHA_RO`.
pub const SPEC_RO: Spec = Spec {
    name: "evalsha_ro",
    summary: "Executes a read-only server-side Lua script by SHA1 digest.",
    since: "7.0.0",
    ..spec("sha1 numkeys [key [key ...]] [arg [arg ...]]", true)
};

macro_rules! evalsha {
    ($type:ident, $spec:ident, $read_only:literal, $doc:literal) => {
        #[doc = $doc]
        #[derive(Debug, Clone)]
        pub struct $type<'a> {
            /// SHA-1 of the source in hexadecimal digits.
            pub sha: &'a [u8],
            /// Keys and arguments.
            pub given: Given<'a>,
        }

        impl<'a> Command<'a> for $type<'a> {
            const SPEC: &'static Spec = &$spec;

            fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
                Ok($type { sha: args.word()?, given: Given::parse(args)? })
            }

            fn words(&self, words: &mut Words<'_>) {
                words.push(self.sha);
                self.given.words(words);
            }

            fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
                self.given.visit_keys(visit);
            }

            fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
                let known = ctx.engine.scripts.find(self.sha);
                let known =
                    known.ok_or(Error::text("NOSCRIPT No matching script. Please use EVAL."))?;
                let call = self.given.call(Called::Script(&known), &$spec, self.sha, $read_only);
                run(call, ctx, reply)
            }
        }
    };
}

evalsha!(EvalSha, SPEC, false, "`EVALSHA`");
evalsha!(EvalShaRo, SPEC_RO, true, "`EVALSHA_RO`");
