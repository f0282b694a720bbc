//! `ASYNC` and `SYNC` of FLUSHALL and FLUSHDB.

use crate::args::Args;
use crate::command::Words;
use crate::config::{Config, Id};
use crate::keyspace::Freeing;

/// Takes the option, if it stands next.
pub(super) fn parse(args: &mut Args<'_>) -> Option<Freeing> {
    if args.keyword("ASYNC") {
        Some(Freeing::Async)
    } else {
        args.keyword("SYNC").then_some(Freeing::Sync)
    }
}

/// The option's word, if it was given.
pub(super) fn words(freeing: Option<Freeing>, words: &mut Words<'_>) {
    match freeing {
        Some(Freeing::Async) => drop(words.keyword("ASYNC")),
        Some(Freeing::Sync) => drop(words.keyword("SYNC")),
        None => {}
    }
}

/// What holds without the option.
pub(super) fn configured(config: &Config) -> Freeing {
    if config.flag(Id::LazyfreeLazyUserFlush) { Freeing::Async } else { Freeing::Sync }
}
