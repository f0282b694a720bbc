//! `MAXLEN | MINID [= | ~] threshold [LIMIT count]`, as `XADD` and `XTRIM` take it.

use super::{parse_id, push_id};
use crate::args::Args;
use crate::command::Words;
use crate::error::Error;
use crate::values::stream::{Entries, Id, Keep, Limits, Trimming};

/// How to trim a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trim {
    /// What stays.
    pub keep: Keep,
    /// Whole nodes only, and not too many at once.
    pub approximate: bool,
    /// Most entries to go, with `approximate`; 0 for no limit.
    pub limit: Option<u64>,
}

/// The options read so far.
#[derive(Debug, Default)]
pub(super) struct Options {
    keep: Option<(Keep, bool)>,
    limit: Option<u64>,
}

impl Options {
    /// Reads one of the options, if one comes next.
    pub(super) fn parse_one(&mut self, args: &mut Args<'_>) -> Result<bool, Error> {
        if args.left() < 2 {
            return Ok(false);
        }
        if args.keyword("MAXLEN") {
            let approximate = self.parse_operator(args)?;
            let most = u64::try_from(args.int()?).map_err(|_| NEGATIVE_MAXLEN)?;
            self.keep = Some((Keep::Newest(most), approximate));
        } else if args.keyword("MINID") {
            let approximate = self.parse_operator(args)?;
            self.keep = Some((Keep::From(parse_id(args.word()?, 0)?), approximate));
        } else if args.keyword("LIMIT") {
            self.limit = Some(u64::try_from(args.int()?).map_err(|_| NEGATIVE_LIMIT)?);
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    /// What they say together; nothing where they may say nothing.
    pub(super) fn finish(self, must_trim: bool) -> Result<Option<Trim>, Error> {
        let Some((keep, approximate)) = self.keep else {
            return match self.limit {
                Some(1..) => Err(LIMIT_WITHOUT_STRATEGY),
                _ if must_trim => Err(NO_STRATEGY),
                Some(_) => Err(LIMIT_OF_EXACT),
                None => Ok(None),
            };
        };
        if self.limit.is_some() && !approximate {
            return Err(LIMIT_OF_EXACT);
        }
        Ok(Some(Trim { keep, approximate, limit: self.limit }))
    }

    fn parse_operator(&self, args: &mut Args<'_>) -> Result<bool, Error> {
        if self.keep.is_some() {
            return Err(TWO_STRATEGIES);
        }
        if args.left() < 2 {
            return Ok(false);
        }
        let approximate = args.keyword("~");
        if !approximate {
            args.keyword("=");
        }
        Ok(approximate)
    }
}

impl Trim {
    pub(super) fn words(&self, words: &mut Words<'_>) {
        words.keyword(match self.keep {
            Keep::Newest(_) => "MAXLEN",
            Keep::From(_) => "MINID",
        });
        words.keyword(if self.approximate { "~" } else { "=" });
        match self.keep {
            Keep::Newest(most) => drop(words.int(most.cast_signed())),
            Keep::From(id) => push_id(words, id),
        }
        if let Some(limit) = self.limit {
            words.keyword("LIMIT").int(limit.cast_signed());
        }
    }

    /// The same for the stream, by its settings.
    pub(super) fn trimming(&self, limits: Limits) -> Trimming {
        let limit = match self.limit {
            None if self.approximate => limits.approximate(),
            limit => limit.unwrap_or(0),
        };
        Trimming { keep: self.keep, whole_nodes: self.approximate, limit }
    }

    /// What was done, said so that doing it again needs no luck: of a stream that was trimmed.
    pub(super) fn outcome(&self, entries: &Entries) -> Trim {
        if !self.approximate {
            return *self;
        }
        let keep = match self.keep {
            Keep::Newest(_) => Keep::Newest(entries.len()),
            Keep::From(_) => Keep::From(entries.first_id_of_all().unwrap_or(Id::MAX)),
        };
        Trim { keep, approximate: false, limit: None }
    }
}

const NEGATIVE_MAXLEN: Error = Error::text("ERR The MAXLEN argument must be >= 0.");
const NEGATIVE_LIMIT: Error = Error::text("ERR The LIMIT argument must be >= 0.");
const TWO_STRATEGIES: Error =
    Error::text("ERR syntax error, MAXLEN and MINID options at the same time are not compatible");
const LIMIT_WITHOUT_STRATEGY: Error =
    Error::text("ERR syntax error, LIMIT cannot be used without specifying a trimming strategy");
const NO_STRATEGY: Error =
    Error::text("ERR syntax error, XTRIM must be called with a trimming strategy");
const LIMIT_OF_EXACT: Error =
    Error::text("ERR syntax error, LIMIT cannot be used without the special ~ option");
