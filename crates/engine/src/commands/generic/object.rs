//! `OBJECT ENCODING | FREQ | IDLETIME | REFCOUNT key`, `OBJECT HELP`
//!
//! How a value is held, in Redis's names, and how often or how recently it was used. Null without
//! the key. Asking is no use of the key. O(1).
//!
//! Difference: `REFCOUNT` is always 1; small integers are not shared objects here.

use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::commands::{help, subcommand};
use crate::error::Error;
use crate::keyspace::{Kind, ValueRef};
use crate::reply::Reply;
use crate::spec::{Entry, Group, KeySpec, Spec, acl, flag, key};
use larder_codec::integer::parse_i64_canonical;

/// What is known of `OBJECT`.
pub const SPEC: Spec = Spec {
    name: "object",
    summary: "A container for commands that look at how values are held.",
    since: "2.2.3",
    group: Group::Generic,
    complexity: "Depends on subcommand.",
    arity: -2,
    subcommands: SUBCOMMANDS,
    ..Spec::BASE
};

const SUBCOMMANDS: &[Entry] = &[
    subcommand!(ENCODING, Encoding),
    subcommand!(FREQ, Freq),
    help::entry(&HELP),
    subcommand!(IDLETIME, IdleTime),
    subcommand!(REFCOUNT, RefCount),
];

const ENCODING: Spec =
    Spec { name: "encoding", summary: "Tells how the value of a key is held.", ..ABOUT_KEY };

const FREQ: Spec = Spec {
    name: "freq",
    summary: "Tells how often a key was used, as a logarithm.",
    since: "4.0.0",
    ..ABOUT_KEY
};

const IDLETIME: Spec =
    Spec { name: "idletime", summary: "Tells the seconds since a key was used.", ..ABOUT_KEY };

const REFCOUNT: Spec =
    Spec { name: "refcount", summary: "Tells how often a value is referred to.", ..ABOUT_KEY };

const HELP: Spec = help::spec(Group::Generic, "6.2.0", acl::KEYSPACE);

const ABOUT_KEY: Spec = Spec {
    syntax: "key",
    since: "2.2.3",
    group: Group::Generic,
    complexity: "O(1)",
    arity: 3,
    flags: flag::READONLY,
    acl: acl::KEYSPACE,
    keys: &[KeySpec::one(2, key::RO)],
    tips: &["nondeterministic_output"],
    ..Spec::BASE
};

/// The longest string that Redis keeps in one piece with its object.
const EMBEDDED_MAX: usize = 44;

/// Makes a subcommand that looks at a key: what it answers about the key's value.
macro_rules! subcommand_about_key {
    ($(#[$doc:meta])* $type:ident, $spec:expr, $answer:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone)]
        pub struct $type<'a> {
            /// The key.
            pub key: &'a [u8],
        }

        impl<'a> Command<'a> for $type<'a> {
            const SPEC: &'static Spec = &$spec;

            fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
                Ok($type { key: args.word()? })
            }

            fn words(&self, words: &mut Words<'_>) {
                words.push(self.key);
            }

            fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
                visit(self.key);
            }

            fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
                type Answer =
                    fn(ValueRef<'_>, &[u8], &Ctx<'_, '_>, &mut dyn Reply) -> Result<(), Error>;
                let answer: Answer = $answer;
                match ctx.keys.read_unheard(self.key) {
                    Some(value) => answer(value, self.key, ctx, reply),
                    None => {
                        reply.null();
                        Ok(())
                    }
                }
            }
        }
    };
}

subcommand_about_key!(
    /// `OBJECT ENCODING`
    Encoding,
    ENCODING,
    |value, _, _, reply| {
        reply.bulk(encoding_of(value).as_bytes());
        Ok(())
    }
);

subcommand_about_key!(
    /// `OBJECT FREQ`
    Freq,
    FREQ,
    |_, key, ctx, reply| {
        let frequency = ctx.keys.frequency(key).flatten().ok_or(NOT_COUNTED)?;
        reply.int(i64::from(frequency));
        Ok(())
    }
);

subcommand_about_key!(
    /// `OBJECT IDLETIME`
    IdleTime,
    IDLETIME,
    |_, key, ctx, reply| {
        let idle_seconds = ctx.keys.idle_seconds(key).flatten().ok_or(NOT_TIMED)?;
        reply.int(i64::from(idle_seconds));
        Ok(())
    }
);

subcommand_about_key!(
    /// `OBJECT REFCOUNT`
    RefCount,
    REFCOUNT,
    |_, _, _, reply| {
        reply.int(1);
        Ok(())
    }
);

const NOT_COUNTED: Error = Error::text(
    "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that \
     when switching between policies at runtime LRU and LFU data will take some time to adjust.",
);

const NOT_TIMED: Error = Error::text(
    "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when \
     switching between policies at runtime LRU and LFU data will take some time to adjust.",
);

/// Redis's name for how a value is held.
pub(crate) fn encoding_of(value: ValueRef<'_>) -> &'static str {
    match value {
        ValueRef::String(_, true) => "raw",
        ValueRef::String(bytes, false) if parse_i64_canonical(bytes).is_some() => "int",
        ValueRef::String(bytes, false) if bytes.len() <= EMBEDDED_MAX => "embstr",
        ValueRef::String(..) => "raw",
        ValueRef::Packed(kind, _) | ValueRef::Object(kind, _) => match kind {
            Kind::ListPack | Kind::SetPack | Kind::HashPack | Kind::SortedPack => "listpack",
            Kind::ListChunks => "quicklist",
            Kind::SetInts => "intset",
            Kind::SetTable | Kind::HashTable => "hashtable",
            Kind::SortedTree => "skiplist",
            Kind::Stream => "stream",
            Kind::String | Kind::RawString | Kind::SharedString => "raw",
        },
    }
}
