//! `COMMAND GETKEYS command [arg ...]` · `COMMAND GETKEYSANDFLAGS command [arg ...]`
//!
//! The keys of a request, as its command's SPEC finds them. O(words).

use super::SUB;
use super::info::uses;
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::commands::resolve;
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{KeyFlags, Spec, flag, key};

/// What is known of `COMMAND GETKEYS`.
pub(super) const SPEC_GETKEYS: Spec = Spec {
    name: "getkeys",
    syntax: "command [arg [arg ...]]",
    summary: "Extracts the key names from an arbitrary command.",
    since: "2.8.13",
    complexity: "O(N) where N is the number of arguments to the command",
    arity: -3,
    tips: &[],
    ..SUB
};

/// What is known of `COMMAND GETKEYSANDFLAGS`.
pub(super) const SPEC_GETKEYSANDFLAGS: Spec = Spec {
    name: "getkeysandflags",
    summary: "Extracts the key names and access flags for an arbitrary command.",
    since: "7.0.0",
    ..SPEC_GETKEYS
};

macro_rules! getkeys {
    ($type:ident, $spec:ident, $answer:expr, $doc:literal) => {
        #[doc = $doc]
        #[derive(Debug, Clone)]
        pub struct $type<'a> {
            /// The words of the request.
            pub request: &'a [&'a [u8]],
        }

        impl<'a> Command<'a> for $type<'a> {
            const SPEC: &'static Spec = &$spec;

            fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
                Ok($type { request: args.rest() })
            }

            fn words(&self, words: &mut Words<'_>) {
                words.all(self.request);
            }

            fn keys(&self, _: &mut dyn FnMut(&'a [u8])) {}

            fn run(&self, _: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
                let answer: fn(&[u8], KeyFlags, &mut dyn Reply) = $answer;
                let keys = keys_of(self.request)?;
                reply.array(keys.len());
                keys.iter().for_each(|&(at, flags)| answer(self.request[at], flags, reply));
                Ok(())
            }
        }
    };
}

getkeys!(GetKeys, SPEC_GETKEYS, |key, _, reply| reply.bulk(key), "`COMMAND GETKEYS`");
getkeys!(
    GetKeysAndFlags,
    SPEC_GETKEYSANDFLAGS,
    |key, flags, reply| {
        let uses = uses(flags);
        reply.array(2);
        reply.bulk(key);
        reply.set(uses.len());
        uses.iter().for_each(|name| reply.simple(name));
    },
    "`COMMAND GETKEYSANDFLAGS`"
);

/// Places and uses of the keys among a request's words.
fn keys_of(request: &[&[u8]]) -> Result<Vec<(usize, KeyFlags)>, Error> {
    let Some(entry) = resolve(request) else {
        return Err(Error::text("ERR Invalid command specified"));
    };
    let spec = entry.spec;
    if spec.keys.iter().all(|keys| keys.flags & key::NOT_KEY != 0) {
        return Err(Error::text("ERR The command has no key arguments"));
    }
    if !spec.accepts(request.len()) {
        return Err(Error::text("ERR Invalid number of arguments specified for command"));
    }
    let key_use = spec.key_use.map(|key_use| key_use(request));
    let mut keys = Vec::new();
    let sensible = spec.each_key(request, |at, flags| {
        if flags & key::NOT_KEY == 0 {
            keys.push((at, key_use.unwrap_or(flags)));
        }
    });
    match !sensible || keys.is_empty() {
        false => Ok(keys),
        true if spec.has(flag::NO_MANDATORY_KEYS) => Ok(Vec::new()),
        true => Err(Error::text("ERR Invalid arguments specified for command")),
    }
}
