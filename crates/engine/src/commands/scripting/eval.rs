//! `EVAL script numkeys [key ...] [arg ...]` · `EVAL_RO …`
//!
//! Runs a Lua script under the locks of its keys and answers what it returns. It is one
//! transaction; a key that it did not name is locked when it turns to it. O(1) and what the script
//! does; a source that was sent before is not compiled again.
//!
//! Effect: those of the commands that it calls.

use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::scripts::run::{Call, Called, run};
use crate::scripts::{Known, Unknown, shebang};
use crate::spec::{Flags, Group, KeySpec, Spec, acl, flag, key};
use larder_lua::{Fault, sha1_hex};
use std::sync::Arc;

/// What is known of `EVAL`.
pub const SPEC: Spec = Spec {
    name: "eval",
    summary: "Executes a server-side Lua script.",
    since: "2.6.0",
    ..spec("script numkeys [key [key ...]] [arg [arg ...]]", false)
};

/// What is known of `EVAL_RO`.
pub const SPEC_RO: Spec = Spec {
    name: "eval_ro",
    summary: "Executes a read-only server-side Lua script.",
    since: "7.0.0",
    ..spec("script numkeys [key [key ...]] [arg [arg ...]]", true)
};

/// What commands that run a script have in common.
pub(super) const fn spec(syntax: &'static str, read_only: bool) -> Spec {
    const FLAGS: Flags = flag::NOSCRIPT
        | flag::STALE
        | flag::SKIP_MONITOR
        | flag::NO_MANDATORY_KEYS
        | flag::MOVABLE_KEYS
        | flag::SCRIPT;
    const KEYS: &[KeySpec] = &[KeySpec::numbered(2, key::RW | key::ACCESS | key::UPDATE)];
    const KEYS_RO: &[KeySpec] = &[KeySpec::numbered(2, key::RO | key::ACCESS)];
    Spec {
        syntax,
        group: Group::Scripting,
        complexity: "Depends on the script that is executed.",
        arity: -3,
        flags: FLAGS | if read_only { flag::READONLY } else { flag::MAY_REPLICATE },
        acl: acl::SCRIPTING,
        keys: if read_only { KEYS_RO } else { KEYS },
        ..Spec::BASE
    }
}

/// Keys and arguments of a script.
#[derive(Debug, Clone)]
pub struct Given<'a> {
    /// `KEYS`
    pub keys: &'a [&'a [u8]],
    /// `ARGV`
    pub args: &'a [&'a [u8]],
}

impl<'a> Given<'a> {
    pub(super) fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Given::counted(args.int()?, args)
    }

    /// The rest of a request behind its number of keys.
    pub(super) fn counted(count: i64, args: &mut Args<'a>) -> Result<Self, Error> {
        if count < 0 {
            return Err(Error::text("ERR Number of keys can't be negative"));
        }
        let count = usize::try_from(count).ok().filter(|&count| count <= args.left());
        let count =
            count.ok_or(Error::text("ERR Number of keys can't be greater than number of args"))?;
        let keys = args.words(count)?;
        let left = args.left();
        Ok(Given { keys, args: args.words(left)? })
    }

    /// A call of a command with these.
    pub(super) fn call(
        &self,
        called: Called<'a>,
        spec: &'static Spec,
        name: &'a [u8],
        read_only: bool,
    ) -> Call<'a> {
        Call { called, keys: self.keys, args: self.args, spec, name, read_only }
    }

    pub(super) fn words(&self, words: &mut Words<'_>) {
        words.int(self.keys.len() as i64).all(self.keys).all(self.args);
    }

    pub(super) fn visit_keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        self.keys.iter().for_each(|key| visit(key));
    }
}

macro_rules! eval {
    ($type:ident, $spec:ident, $read_only:literal, $doc:literal) => {
        #[doc = $doc]
        #[derive(Debug, Clone)]
        pub struct $type<'a> {
            /// The source.
            pub script: &'a [u8],
            /// Keys and arguments.
            pub given: Given<'a>,
        }

        impl<'a> Command<'a> for $type<'a> {
            const SPEC: &'static Spec = &$spec;

            fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
                Ok($type { script: args.word()?, given: Given::parse(args)? })
            }

            fn words(&self, words: &mut Words<'_>) {
                words.push(self.script);
                self.given.words(words);
            }

            fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
                self.given.visit_keys(visit);
            }

            fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
                let known = known_by_source(ctx, self.script, false)?;
                let call = self.given.call(Called::Script(&known), &$spec, self.script, $read_only);
                run(call, ctx, reply)
            }
        }
    };
}

eval!(Eval, SPEC, false, "`EVAL`");
eval!(EvalRo, SPEC_RO, true, "`EVAL_RO`");

/// The script of a source, compiled once and kept.
pub(super) fn known_by_source(
    ctx: &Ctx<'_, '_>,
    source: &[u8],
    for_ever: bool,
) -> Result<Arc<Known>, Error> {
    let scripts = &ctx.engine.scripts;
    if let Some(known) = scripts.find_source(source, for_ever) {
        return Ok(known);
    }
    let (flags, body) = shebang::of_script(source)?;
    let unknown = Unknown { sha: sha1_hex(source).into(), flags, body };
    scripts.keep(unknown, for_ever).map_err(|fault| {
        Error::owned(match fault {
            Fault::Syntax(text) => {
                format!("ERR Error compiling script (new function): {text}")
            }
            _ => "ERR Error compiling script (new function): not enough memory".to_owned(),
        })
    })
}
