//! `FUNCTION LIST [LIBRARYNAME pattern] [WITHCODE]`
//!
//! The libraries, a map each, with what they have registered and, if asked for, their sources.
//! O(functions).
//!
//! Effect: none.

use super::READS;
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::scripts::libraries::Library;
use crate::spec::Spec;
use larder_codec::glob;

/// What is known of it.
pub const LIST: Spec = Spec {
    name: "list",
    syntax: "[LIBRARYNAME library-name-pattern] [WITHCODE]",
    summary: "Returns information about all libraries.",
    complexity: "O(N) where N is the number of functions",
    arity: -2,
    tips: &["nondeterministic_output_order"],
    ..READS
};

const WITHCODE: &str = "WITHCODE";
const LIBRARYNAME: &str = "LIBRARYNAME";

/// `FUNCTION LIST`
#[derive(Debug, Clone)]
pub struct List<'a> {
    /// Only libraries whose names match.
    pub pattern: Option<&'a [u8]>,
    /// With sources.
    pub with_code: bool,
}

impl<'a> Command<'a> for List<'a> {
    const SPEC: &'static Spec = &LIST;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let mut list = List { pattern: None, with_code: false };
        while let Some(word) = args.peek() {
            if !list.with_code && args.keyword(WITHCODE) {
                list.with_code = true;
            } else if list.pattern.is_none() && args.keyword(LIBRARYNAME) {
                if args.left() == 0 {
                    return Err(Error::text("ERR library name argument was not given"));
                }
                list.pattern = Some(args.word()?);
            } else {
                let word = String::from_utf8_lossy(word);
                return Err(Error::owned(format!("ERR Unknown argument {word}")));
            }
        }
        Ok(list)
    }

    fn words(&self, words: &mut Words<'_>) {
        if let Some(pattern) = self.pattern {
            words.keyword(LIBRARYNAME).push(pattern);
        }
        if self.with_code {
            words.keyword(WITHCODE);
        }
    }

    fn keys(&self, _: &mut dyn FnMut(&'a [u8])) {}

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let libraries = ctx.engine.scripts.libraries.lock();
        let fits = |library: &&std::sync::Arc<Library>| {
            self.pattern.is_none_or(|it| glob::matches_ignore_case(it, library.name.as_bytes()))
        };
        reply.array(libraries.iter().filter(fits).count());
        for library in libraries.iter().filter(fits) {
            describe(library, self.with_code, reply);
        }
        Ok(())
    }
}

fn describe(library: &Library, with_code: bool, reply: &mut dyn Reply) {
    reply.map(if with_code { 4 } else { 3 });
    reply.bulk(b"library_name");
    reply.bulk(library.name.as_bytes());
    reply.bulk(b"engine");
    reply.bulk(b"LUA");
    reply.bulk(b"functions");
    reply.array(library.functions.len());
    for function in &library.functions {
        reply.map(3);
        reply.bulk(b"name");
        reply.bulk(function.name.as_bytes());
        reply.bulk(b"description");
        reply.bulk_or_null(function.description.as_deref());
        reply.bulk(b"flags");
        reply.set(function.flags.names().count());
        function.flags.names().for_each(|name| reply.simple(name));
    }
    if with_code {
        reply.bulk(b"library_code");
        reply.bulk(&library.code);
    }
}
