//! Which clients `CLIENT LIST` and `CLIENT KILL` mean: conditions that all have to hold, some of
//! them also in the negative (`NOT-TYPE pubsub`). Redis 7.2's, `MAXAGE` of 7.4, and Valkey 9's.
//!
//! Numbers of clients are one condition, however often they are named.

use crate::args::Args;
use crate::clients::{Class, Client};
use crate::command::Words;
use crate::commands::connection::auth::DEFAULT_USER;
use crate::error::Error;
use crate::keyspace::DATABASES;
use larder_codec::integer::parse_i64_canonical;
use std::sync::atomic::Ordering;

/// Letters that can stand in the field `flags`.
const FLAGS: &[u8] = b"AbBcdeEiIMNOPrRStTuUx";

/// A type of clients, as `TYPE` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientType {
    /// Asks and reads.
    Normal,
    /// The link to a master.
    Master,
    /// A replica.
    Replica,
    /// Has subscriptions.
    PubSub,
}

impl ClientType {
    fn of_word(word: &[u8]) -> Result<Self, Error> {
        match word.to_ascii_lowercase().as_slice() {
            b"normal" => Ok(ClientType::Normal),
            b"master" | b"primary" => Ok(ClientType::Master),
            b"slave" | b"replica" => Ok(ClientType::Replica),
            b"pubsub" => Ok(ClientType::PubSub),
            _ => Err(refusal("Unknown client type", word)),
        }
    }

    fn word(self) -> &'static str {
        match self {
            ClientType::Normal => "NORMAL",
            ClientType::Master => "MASTER",
            ClientType::Replica => "REPLICA",
            ClientType::PubSub => "PUBSUB",
        }
    }

    fn is_of(self, client: &Client) -> bool {
        match self {
            ClientType::Normal => client.class() == Class::Normal,
            ClientType::PubSub => client.class() == Class::PubSub,
            ClientType::Master | ClientType::Replica => false,
        }
    }
}

/// Clients that are meant.
#[derive(Debug, Clone, Default)]
pub struct Filter<'a> {
    /// One of these, unless there are none.
    ids: Vec<u64>,
    /// None of these.
    other_ids: Vec<u64>,
    conditions: Vec<Condition<'a>>,
    /// Not the one who asks.
    pub(super) skip_me: Option<bool>,
}

#[derive(Debug, Clone)]
struct Condition<'a> {
    negated: bool,
    what: What<'a>,
}

#[derive(Debug, Clone)]
enum What<'a> {
    Type(ClientType),
    User(&'a [u8]),
    /// A field of the client's line.
    Field(Field, &'a [u8]),
    Flags(&'a [u8]),
    Db(u8),
    /// Seconds since it came, at least.
    MaxAge(u64),
    /// Seconds since it sent something, at least.
    Idle(u64),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Addr,
    Laddr,
    Ip,
    Name,
    LibName,
    LibVer,
}

impl Field {
    const ALL: [(Field, &'static str, &'static str); 6] = [
        (Field::Addr, "ADDR", "NOT-ADDR"),
        (Field::Laddr, "LADDR", "NOT-LADDR"),
        (Field::Ip, "IP", "NOT-IP"),
        (Field::Name, "NAME", "NOT-NAME"),
        (Field::LibName, "LIB-NAME", "NOT-LIB-NAME"),
        (Field::LibVer, "LIB-VER", "NOT-LIB-VER"),
    ];

    fn of(self, client: &Client) -> String {
        match self {
            Field::Addr => client.peer(),
            Field::Laddr => client.local(),
            Field::Ip => {
                let peer = client.peer();
                let ip = peer.rsplit_once(':').map_or(peer.as_str(), |(ip, _)| ip);
                ip.trim_start_matches('[').trim_end_matches(']').to_owned()
            }
            Field::Name => client.name(),
            Field::LibName => client.names.lock().lib_name.clone(),
            Field::LibVer => client.names.lock().lib_ver.clone(),
        }
    }
}

impl<'a> Filter<'a> {
    /// The old form of KILL: the client of this address, be it who asks.
    pub(super) fn of_address(address: &'a [u8]) -> Self {
        let what = What::Field(Field::Addr, address);
        let conditions = vec![Condition { negated: false, what }];
        Filter { conditions, skip_me: Some(false), ..Filter::default() }
    }

    /// Reads all words that are left; `bad_id` is what is said of a number that is none.
    ///
    /// # Errors
    /// The wire error for words that make no sense.
    pub(super) fn parse(args: &mut Args<'a>, bad_id: &Error) -> Result<Self, Error> {
        let mut filter = Filter::default();
        while args.left() > 0 {
            if args.left() == 1 {
                return Err(Error::Syntax);
            }
            filter.parse_option(args, bad_id)?;
        }
        Ok(filter)
    }

    fn parse_option(&mut self, args: &mut Args<'a>, bad_id: &Error) -> Result<(), Error> {
        for (word, negated) in [("ID", false), ("NOT-ID", true)] {
            if args.keyword(word) {
                let ids = if negated { &mut self.other_ids } else { &mut self.ids };
                return parse_ids(args, ids, bad_id);
            }
        }
        if args.keyword("SKIPME") {
            self.skip_me = Some(match args {
                _ if args.keyword("YES") => true,
                _ if args.keyword("NO") => false,
                _ => return Err(Error::Syntax),
            });
            return Ok(());
        }
        for (field, word, other) in Field::ALL {
            if let Some(negated) = named(args, word, other) {
                let what = What::Field(field, args.word()?);
                self.conditions.push(Condition { negated, what });
                return Ok(());
            }
        }
        let (negated, what) = parse_what(args)?;
        self.conditions.push(Condition { negated, what });
        Ok(())
    }

    /// The words of it.
    pub(super) fn words(&self, words: &mut Words<'_>) {
        for (word, ids) in [("ID", &self.ids), ("NOT-ID", &self.other_ids)] {
            if !ids.is_empty() {
                words.keyword(word);
                ids.iter().for_each(|id| {
                    words.int(id.cast_signed());
                });
            }
        }
        for Condition { negated, what } in &self.conditions {
            let option = |word, other| if *negated { other } else { word };
            match what {
                What::Type(of_type) => {
                    words.keyword(option("TYPE", "NOT-TYPE")).keyword(of_type.word())
                }
                What::User(user) => words.keyword(option("USER", "NOT-USER")).push(user),
                What::Field(field, value) => {
                    let names = Field::ALL.iter().find(|(other, ..)| other == field);
                    let (word, other) = names.map_or(("", ""), |(_, word, other)| (word, other));
                    words.keyword(option(word, other)).push(value)
                }
                What::Flags(flags) => words.keyword(option("FLAGS", "NOT-FLAGS")).push(flags),
                What::Db(db) => words.keyword(option("DB", "NOT-DB")).int((*db).into()),
                What::MaxAge(seconds) => words.keyword("MAXAGE").int(seconds.cast_signed()),
                What::Idle(seconds) => words.keyword("IDLE").int(seconds.cast_signed()),
            };
        }
        if let Some(skip_me) = self.skip_me {
            words.keyword("SKIPME").keyword(if skip_me { "YES" } else { "NO" });
        }
    }

    /// Whether a client is meant by the one who asks, the client `me`.
    pub(super) fn fits(&self, client: &Client, me: u64, now_ms: u64) -> bool {
        (self.ids.is_empty() || self.ids.contains(&client.id))
            && !self.other_ids.contains(&client.id)
            && !(client.id == me && self.skip_me == Some(true))
            && self
                .conditions
                .iter()
                .all(|Condition { negated, what }| what.holds(client, now_ms) != *negated)
    }
}

impl What<'_> {
    fn holds(&self, client: &Client, now_ms: u64) -> bool {
        let seconds_since = |since_ms: u64| now_ms.saturating_sub(since_ms) / 1000;
        match self {
            What::Type(of_type) => of_type.is_of(client),
            What::User(user) => *user == DEFAULT_USER.as_bytes(),
            What::Field(field, value) => field.of(client).as_bytes() == *value,
            What::Flags(flags) => {
                let shown = client.flags();
                flags.iter().all(|&flag| shown.as_bytes().contains(&flag))
            }
            What::Db(db) => client.facts.db.load(Ordering::Relaxed) == *db,
            What::MaxAge(seconds) => seconds_since(client.since_ms) >= *seconds,
            What::Idle(seconds) => {
                seconds_since(client.active_ms.load(Ordering::Relaxed)) >= *seconds
            }
        }
    }
}

/// An option that stands next: whether it is the negative one.
fn named(args: &mut Args<'_>, word: &'static str, other: &'static str) -> Option<bool> {
    if args.keyword(word) {
        Some(false)
    } else if args.keyword(other) {
        Some(true)
    } else {
        None
    }
}

/// Numbers of clients, as many as there are.
fn parse_ids(args: &mut Args<'_>, ids: &mut Vec<u64>, bad_id: &Error) -> Result<(), Error> {
    let before = ids.len();
    while let Some(id) = args.peek().and_then(parse_i64_canonical) {
        args.word()?;
        let id = u64::try_from(id).ok().filter(|&id| id > 0);
        ids.push(id.ok_or_else(|| bad_id.clone())?);
    }
    if ids.len() == before { Err(bad_id.clone()) } else { Ok(()) }
}

/// A condition with a grammar of its own, and whether it is meant in the negative.
fn parse_what<'a>(args: &mut Args<'a>) -> Result<(bool, What<'a>), Error> {
    if let Some(negated) = named(args, "TYPE", "NOT-TYPE") {
        return Ok((negated, What::Type(ClientType::of_word(args.word()?)?)));
    }
    if let Some(negated) = named(args, "USER", "NOT-USER") {
        let user = args.word()?;
        return match user == DEFAULT_USER.as_bytes() {
            true => Ok((negated, What::User(user))),
            false => Err(refusal("No such user", user)),
        };
    }
    if let Some(negated) = named(args, "FLAGS", "NOT-FLAGS") {
        let flags = args.word()?;
        if !flags.iter().all(|flag| FLAGS.contains(flag)) {
            let which = if negated { "NOT-FLAGS" } else { "provided" };
            let flags = String::from_utf8_lossy(flags);
            return Err(Error::owned(format!(
                "ERR Unknown flags found in the {which} filter: {flags}"
            )));
        }
        return Ok((negated, What::Flags(flags)));
    }
    if let Some(negated) = named(args, "DB", "NOT-DB") {
        let what = if negated { "NOT-DB" } else { "DB" };
        let number =
            args.int_or(Error::owned(format!("ERR {what} is not an integer or out of range")))?;
        let db = u8::try_from(number).ok().filter(|&db| usize::from(db) < DATABASES);
        let db = db.ok_or_else(|| {
            Error::owned(format!("ERR {what} number should be between 0 and {}", DATABASES - 1))
        })?;
        return Ok((negated, What::Db(db)));
    }
    if args.keyword("MAXAGE") {
        return Ok((false, What::MaxAge(seconds(args, "maxage")?)));
    }
    if args.keyword("IDLE") {
        return Ok((false, What::Idle(seconds(args, "idle")?)));
    }
    Err(Error::Syntax)
}

fn seconds(args: &mut Args<'_>, what: &str) -> Result<u64, Error> {
    let number =
        args.int_or(Error::owned(format!("ERR {what} is not an integer or out of range")))?;
    u64::try_from(number)
        .ok()
        .filter(|&seconds| seconds > 0)
        .ok_or_else(|| Error::owned(format!("ERR {what} should be greater than 0")))
}

fn refusal(what: &str, word: &[u8]) -> Error {
    Error::owned(format!("ERR {what} '{}'", String::from_utf8_lossy(word)))
}
