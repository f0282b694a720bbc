//! `FCALL function numkeys [key ...] [arg ...]` · `FCALL_RO …`
//!
//! Calls a function of a library under the locks of its keys and answers what it returns. O(1) and
//! what the function does; an interpreter that has not loaded the library does so first.
//!
//! Effect: those of the commands that it calls.

use super::eval::{Given, spec};
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::scripts::run::{Called, run};
use crate::spec::Spec;

/// What is known of `FCALL`.
pub const SPEC: Spec = Spec {
    name: "fcall",
    summary: "Invokes a function.",
    since: "7.0.0",
    complexity: "Depends on the function that is executed.",
    ..spec("function numkeys [key [key ...]] [arg [arg ...]]", false)
};

/// What is known of `FCALL_RO`.
pub const SPEC_RO: Spec = Spec {
    name: "fcall_ro",
    summary: "Invokes a read-only function.",
    since: "7.0.0",
    complexity: "Depends on the function that is executed.",
    ..spec("function numkeys [key [key ...]] [arg [arg ...]]", true)
};

macro_rules! fcall {
    ($type:ident, $spec:ident, $read_only:literal, $doc:literal) => {
        #[doc = $doc]
        #[derive(Debug, Clone)]
        pub struct $type<'a> {
            /// The function's name.
            pub function: &'a [u8],
            /// Keys and arguments.
            pub given: Given<'a>,
        }

        impl<'a> Command<'a> for $type<'a> {
            const SPEC: &'static Spec = &$spec;

            fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
                let function = args.word()?;
                let count = args.int_or(Error::text("ERR Bad number of keys provided"))?;
                Ok($type { function, given: Given::counted(count, args)? })
            }

            fn words(&self, words: &mut Words<'_>) {
                words.push(self.function);
                self.given.words(words);
            }

            fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
                self.given.visit_keys(visit);
            }

            fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
                let function = ctx.engine.scripts.libraries.lock().function(self.function);
                let function = function.ok_or(Error::text("ERR Function not found"))?;
                let called = Called::Function(&function);
                run(self.given.call(called, &$spec, self.function, $read_only), ctx, reply)
            }
        }
    };
}

fcall!(FCall, SPEC, false, "`FCALL`");
fcall!(FCallRo, SPEC_RO, true, "`FCALL_RO`");
