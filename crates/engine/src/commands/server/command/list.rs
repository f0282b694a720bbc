//! `COMMAND LIST [FILTERBY MODULE name | ACLCAT category | PATTERN pattern]`
//!
//! The names of commands; a filter looks at subcommands, too.

use super::SUB;
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::commands::{Known, all};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::Spec;
use larder_codec::glob;

/// What is known of `COMMAND LIST`.
pub(super) const SPEC_LIST: Spec = Spec {
    name: "list",
    syntax: "[FILTERBY <MODULE module-name | ACLCAT category | PATTERN pattern>]",
    summary: "Returns a list of command names.",
    ..SUB
};

/// Which commands.
#[derive(Debug, Clone, Copy)]
pub enum Filter<'a> {
    /// Of this module: there are none.
    Module(&'a [u8]),
    /// Of this category.
    Category(&'a [u8]),
    /// Whose names match.
    Pattern(&'a [u8]),
}

/// `COMMAND LIST`
#[derive(Debug, Clone)]
pub struct List<'a> {
    /// All of them if there is no filter.
    pub filter: Option<Filter<'a>>,
}

impl<'a> Command<'a> for List<'a> {
    const SPEC: &'static Spec = &SPEC_LIST;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        if args.left() == 0 {
            return Ok(List { filter: None });
        }
        if args.left() != 3 || !args.keyword("FILTERBY") {
            return Err(Error::Syntax);
        }
        let filter = match args {
            _ if args.keyword("MODULE") => Filter::Module(args.word()?),
            _ if args.keyword("ACLCAT") => Filter::Category(args.word()?),
            _ if args.keyword("PATTERN") => Filter::Pattern(args.word()?),
            _ => return Err(Error::Syntax),
        };
        Ok(List { filter: Some(filter) })
    }

    fn words(&self, words: &mut Words<'_>) {
        if let Some(filter) = self.filter {
            words.keyword("FILTERBY");
            match filter {
                Filter::Module(name) => words.keyword("MODULE").push(name),
                Filter::Category(name) => words.keyword("ACLCAT").push(name),
                Filter::Pattern(pattern) => words.keyword("PATTERN").push(pattern),
            };
        }
    }

    fn keys(&self, _: &mut dyn FnMut(&'a [u8])) {}

    fn run(&self, _: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let found: Vec<&Known> = match self.filter {
            None => all().iter().collect(),
            Some(filter) => all().iter().filter(|known| filter.takes(known)).collect(),
        };
        reply.array(found.len());
        found.iter().for_each(|known| reply.bulk(known.name.as_bytes()));
        Ok(())
    }
}

impl Filter<'_> {
    fn takes(&self, known: &Known) -> bool {
        match self {
            Filter::Module(_) => false,
            Filter::Category(wanted) => known
                .entry
                .spec
                .categories()
                .iter()
                .any(|category| category.as_bytes()[1..].eq_ignore_ascii_case(wanted)),
            Filter::Pattern(pattern) => glob::matches_ignore_case(pattern, known.name.as_bytes()),
        }
    }
}
