//! `DEBUG subcommand …`
//!
//! What tests of clients and tools need to look behind commands, and no more. Refused unless
//! `enable-debug-command` admits it. Everything that is answered is true of this engine: where
//! Redis tells of a structure that is not here, what is here in its place is told, in Redis's
//! words as far as they fit.
//!
//! | subcommand | |
//! |---|---|
//! | `DIGEST`, `DIGEST-VALUE` | [`digest`]: equal data, equal digest, the same that Redis gives |
//! | `OBJECT`, `SDSLEN`, `LISTPACK`, `QUICKLIST` | [`object`]: how a value is held |
//! | `HTSTATS`, `HTSTATS-KEY` | [`tables`]: hash tables |
//! | `RELOAD`, `POPULATE` | [`reload`], [`populate`]: whole databases |
//! | `PROTOCOL` | [`protocol`]: a reply of each kind |
//! | `SLEEP` | the client's thread sleeps, and with it who shares it; linked, this client waits |
//!
//! Effects: none, but for keys that `RELOAD` finds due. O(1) or O(value); `DIGEST`, `RELOAD`,
//! `POPULATE` and `HTSTATS` hold all locks.

mod digest;
mod help;
mod object;
mod populate;
mod protocol;
mod reload;
mod tables;

pub use populate::Populate;
pub use reload::Reload;

use super::super::generic::object as object_command;
use super::super::subcommand_usage_error;
use crate::args::Args;
use crate::blocking::Waiting;
use crate::command::{Command, Ctx, Words};
use crate::config;
use crate::error::Error;
use crate::host::LogLevel;
use crate::keys::Keys;
use crate::keyspace::locks::ShardSet;
use crate::notify::names::Events;
use crate::reply::Reply;
use crate::spec::{Group, Spec, acl, flag};

/// What is known of `DEBUG`.
pub const SPEC: Spec = Spec {
    name: "debug",
    syntax: "<DIGEST | DIGEST-VALUE debugged [debugged ...] | ERROR message | \
             HTSTATS index [FULL] | HTSTATS-KEY debugged [FULL] | LISTPACK debugged | \
             LOG message | OBJECT debugged [FAST] | PAUSE-CRON <0 | 1> | POPULATE count [prefix [size]] | \
             PROTOCOL type | QUICKLIST debugged [level] | QUICKLIST-PACKED-THRESHOLD size | \
             RELOAD [MERGE] [NOFLUSH] [NOSAVE] | SDSLEN debugged | SET-ACTIVE-EXPIRE <0 | 1> | \
             SET-DISABLE-DENY-SCRIPTS <0 | 1> | SET-SKIP-CHECKSUM-VALIDATION <0 | 1> | SLEEP seconds | HELP>",
    summary: "A container for debugging commands.",
    group: Group::Server,
    complexity: "Depends on subcommand.",
    arity: -2,
    flags: flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE | flag::PROTECTED,
    acl: acl::DANGEROUS,
    more_shards: Some(shards),
    events: Events::NONE,
    ..Spec::BASE
};

/// `DEBUG`
#[derive(Debug, Clone, Copy)]
pub enum Debug<'a> {
    /// `DIGEST`: of everything.
    Digest,
    /// `DIGEST-VALUE`: of the values of some keys.
    DigestValue(&'a [&'a [u8]]),
    /// `ERROR`: an error of this text.
    Error(&'a [u8]),
    /// `HTSTATS`: the tables of a database.
    Tables {
        /// The database.
        db: u8,
        /// Accepted; all there is is told.
        full: bool,
    },
    /// `HTSTATS-KEY`: the table of a value.
    TableOf {
        /// Its key.
        key: &'a [u8],
        /// Accepted; all there is is told.
        full: bool,
    },
    /// `LISTPACK`: the elements of a small collection.
    ListPack(&'a [u8]),
    /// `LOG`: a line in the server's log.
    Log(&'a [u8]),
    /// `OBJECT`: how a value is held.
    Object {
        /// Its key.
        key: &'a [u8],
        /// Leave out what takes long to find.
        fast: bool,
    },
    /// `PAUSE-CRON`: whether nothing is done but what commands ask for.
    PausePeriodic(bool),
    /// `POPULATE`: keys to test with.
    Populate(Populate<'a>),
    /// `PROTOCOL`: a reply of a kind.
    Protocol(&'a [u8]),
    /// `QUICKLIST`: the nodes of a long list.
    QuickList {
        /// Its key.
        key: &'a [u8],
        /// With their elements, if not 0.
        level: Option<i64>,
    },
    /// `QUICKLIST-PACKED-THRESHOLD`: elements of so many bytes get a node of their own; 0 as the
    /// settings say.
    PackedThreshold(u64),
    /// `RELOAD`: everything out of memory and back.
    Reload(Reload),
    /// `SDSLEN`: lengths of a key and its string.
    Lengths(&'a [u8]),
    /// `SET-ACTIVE-EXPIRE`: whether keys that are due are removed before somebody asks for them.
    SetActiveExpire(bool),
    /// `SET-DISABLE-DENY-SCRIPTS`: whether scripts may call commands that are not for them.
    SetDisableDenyScripts(bool),
    /// `SET-SKIP-CHECKSUM-VALIDATION`: whether payloads are taken with any checksum.
    SkipChecksums(bool),
    /// `SLEEP`: this client waits.
    Sleep {
        /// So many milliseconds.
        ms: u64,
    },
    /// `HELP`
    Help,
}

impl<'a> Command<'a> for Debug<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let name = args.word()?;
        let lower = name.to_ascii_lowercase();
        let parsed = match (&lower[..], args.left()) {
            (b"digest", 0) => Debug::Digest,
            (b"digest-value", _) => Debug::DigestValue(args.rest()),
            (b"error", 1) => Debug::Error(args.word()?),
            (b"htstats", 1..) => {
                let db = args.int()?;
                let db = u8::try_from(db).ok().filter(|&db| usize::from(db) < DATABASES);
                Debug::Tables { db: db.ok_or(NO_DATABASE)?, full: option(args, "FULL")? }
            }
            (b"htstats-key", 1..) => {
                Debug::TableOf { key: args.word()?, full: option(args, "FULL")? }
            }
            (b"listpack", 1) => Debug::ListPack(args.word()?),
            (b"log", 1) => Debug::Log(args.word()?),
            (name, 1 | 2) if name == object_command::SPEC.name.as_bytes() => {
                Debug::Object { key: args.word()?, fast: option(args, "FAST")? }
            }
            (b"pause-cron", 1) => Debug::PausePeriodic(args.int()? != 0),
            (b"populate", 1..=3) => Debug::Populate(Populate::parse(args)?),
            (b"protocol", 1) => Debug::Protocol(args.word()?),
            (b"quicklist", 1 | 2) => {
                let key = args.word()?;
                let level = if args.left() > 0 { Some(args.int()?) } else { None };
                Debug::QuickList { key, level }
            }
            (b"quicklist-packed-threshold", 1) => {
                let size = config::memory(args.word()?).filter(|&size| size <= MAX_THRESHOLD);
                Debug::PackedThreshold(size.ok_or(BAD_THRESHOLD)?)
            }
            (b"reload", _) => Debug::Reload(Reload::parse(args)?),
            (b"sdslen", 1) => Debug::Lengths(args.word()?),
            (b"set-active-expire", 1) => Debug::SetActiveExpire(args.int()? != 0),
            (b"set-disable-deny-scripts", 1) => Debug::SetDisableDenyScripts(args.int()? != 0),
            (b"set-skip-checksum-validation", 1) => Debug::SkipChecksums(args.int()? != 0),
            (b"sleep", 1) => Debug::Sleep { ms: (args.float()? * 1000.0) as u64 },
            (b"help", 0) => Debug::Help,
            _ => return Err(subcommand_usage_error(&SPEC, name)),
        };
        Ok(parsed)
    }

    fn words(&self, words: &mut Words<'_>) {
        match self {
            Debug::Digest => drop(words.keyword("DIGEST")),
            Debug::DigestValue(keys) => drop(words.keyword("DIGEST-VALUE").all(keys)),
            Debug::Error(text) => drop(words.keyword("ERROR").push(text)),
            Debug::Tables { db, full } => {
                words.keyword("HTSTATS").int(i64::from(*db));
                write_option(*full, "FULL", words);
            }
            Debug::TableOf { key, full } => {
                words.keyword("HTSTATS-KEY").push(key);
                write_option(*full, "FULL", words);
            }
            Debug::ListPack(key) => drop(words.keyword("LISTPACK").push(key)),
            Debug::Log(text) => drop(words.keyword("LOG").push(text)),
            Debug::Object { key, fast } => {
                words.keyword(object_command::SPEC.name).push(key);
                write_option(*fast, "FAST", words);
            }
            Debug::PausePeriodic(on) => drop(words.keyword("PAUSE-CRON").int(i64::from(*on))),
            Debug::Populate(populate) => populate.words(words.keyword("POPULATE")),
            Debug::Protocol(name) => drop(words.keyword("PROTOCOL").push(name)),
            Debug::QuickList { key, level } => {
                words.keyword("QUICKLIST").push(key);
                if let Some(level) = level {
                    words.int(*level);
                }
            }
            Debug::PackedThreshold(size) => {
                words.keyword("QUICKLIST-PACKED-THRESHOLD").int(size.cast_signed());
            }
            Debug::Reload(reload) => reload.words(words.keyword("RELOAD")),
            Debug::Lengths(key) => drop(words.keyword("SDSLEN").push(key)),
            Debug::SetDisableDenyScripts(on) => {
                words.keyword("SET-DISABLE-DENY-SCRIPTS").int(i64::from(*on));
            }
            Debug::SetActiveExpire(on) => {
                words.keyword("SET-ACTIVE-EXPIRE").int(i64::from(*on));
            }
            Debug::SkipChecksums(on) => {
                words.keyword("SET-SKIP-CHECKSUM-VALIDATION").int(i64::from(*on));
            }
            Debug::Sleep { ms } => {
                words.keyword("SLEEP").push(format!("{}", *ms as f64 / 1000.0).as_bytes());
            }
            Debug::Help => drop(words.keyword("HELP")),
        }
    }

    fn keys(&self, _: &mut dyn FnMut(&'a [u8])) {}

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        match *self {
            Debug::Digest => reply.simple(&digest::of_everything(ctx.keys)),
            Debug::DigestValue(keys) => {
                reply.array(keys.len());
                keys.iter().for_each(|key| reply.simple(&digest::of_value(ctx.keys, key)));
            }
            Debug::Error(text) => {
                let line = String::from_utf8_lossy(text).replace(['\r', '\n'], " ");
                return Err(Error::owned(line));
            }
            Debug::Tables { db, .. } => {
                reply.verbatim(*b"txt", tables::of(ctx.keys, db).as_bytes());
            }

            Debug::TableOf { key, .. } => tables::of_value(ctx.keys, key, reply)?,
            Debug::ListPack(key) => object::list_pack(ctx, key, reply)?,
            Debug::Log(text) => {
                let text = String::from_utf8_lossy(text);
                ctx.engine.host().log(LogLevel::Warning, &format!("DEBUG LOG: {text}"));
                reply.ok();
            }
            Debug::Object { key, fast } => object::describe(ctx, key, fast, reply)?,
            Debug::PausePeriodic(on) => {
                ctx.engine.pause_periodic(on);
                reply.ok();
            }
            Debug::Populate(populate) => populate.run(ctx, reply),
            Debug::Protocol(name) => protocol::answer(name, reply)?,
            Debug::QuickList { key, level } => {
                object::quick_list(ctx.keys, key, level.is_some_and(|level| level != 0), reply)?;
            }
            Debug::PackedThreshold(size) => {
                ctx.config().set_large_element_bytes(size);
                reply.ok();
            }
            Debug::Reload(reload) => reload.run(ctx, reply)?,
            Debug::Lengths(key) => object::lengths(ctx.keys, key, reply)?,
            Debug::SetDisableDenyScripts(on) => {
                ctx.engine.scripts.allow_denied(on);
                reply.ok();
            }
            Debug::SetActiveExpire(on) => {
                ctx.engine.set_active_expire(on);
                reply.ok();
            }
            Debug::SkipChecksums(on) => {
                ctx.engine.set_checks_seals(!on);
                reply.ok();
            }
            Debug::Sleep { ms: 0 } => reply.ok(),
            // As in Redis, who shares the thread waits, too, and who needs the transaction's keys.
            Debug::Sleep { ms } if ctx.keys.sleep(ms) => reply.ok(),
            Debug::Sleep { ms } if ctx.may_block => ctx.wait_for(Box::new(Asleep), ms),
            Debug::Sleep { .. } => {
                return Err(Error::text("ERR DEBUG SLEEP is not allowed in transactions"));
            }
            Debug::Help => help::answer(reply),
        }
        Ok(())
    }
}

const DATABASES: usize = crate::keyspace::DATABASES;

/// The greatest size of an element that may be asked for.
const MAX_THRESHOLD: u64 = 4 << 30;

const NO_DATABASE: Error = Error::text("ERR Out of range database");

const BAD_THRESHOLD: Error =
    Error::text("ERR argument must be a memory value bigger than 1 and smaller than 4gb");

/// The shards of the keys that a request is about, or all.
fn shards(keys: &Keys<'_>, words: &[&[u8]]) -> ShardSet {
    let Some(name) = words.get(1) else { return ShardSet::None };
    let is = |names: &[&str]| names.iter().any(|n| name.eq_ignore_ascii_case(n.as_bytes()));
    let named = words.get(2..).unwrap_or_default();
    if is(&["digest", "reload", "htstats", "populate"]) {
        return ShardSet::All;
    }
    let about = if is(&["digest-value"]) {
        named
    } else if is(&[object_command::SPEC.name, "sdslen", "listpack", "quicklist", "htstats-key"]) {
        named.get(..1).unwrap_or_default()
    } else {
        &[]
    };
    let mut shards = ShardSet::None;
    about.iter().for_each(|key| shards.add(keys.shard_index(key)));
    shards
}

/// Takes a last word, which must be this one.
fn option(args: &mut Args<'_>, word: &str) -> Result<bool, Error> {
    let given = args.keyword(word);
    args.end().map(|()| given)
}

fn write_option(given: bool, word: &'static str, words: &mut Words<'_>) {
    if given {
        words.keyword(word);
    }
}

/// A wait for no key.
struct Asleep;

impl Waiting for Asleep {
    fn keys(&self) -> &[Box<[u8]>] {
        &[]
    }
    fn is_ready(&self, _: &Keys<'_>, _: &[u8]) -> bool {
        false
    }
    fn serve(&self, _: &mut Keys<'_>, _: &mut dyn Reply) {}
    fn time_out(&self, reply: &mut dyn Reply) {
        reply.ok();
    }
}
