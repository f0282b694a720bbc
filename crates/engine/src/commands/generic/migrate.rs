//! `MIGRATE host port <key | ""> destination-db timeout [COPY] [REPLACE]
//! [AUTH password | AUTH2 username password] [KEYS key …]`
//!
//! Hands keys over to another server: each is sent as [`super::restore`] takes it, and removed here
//! when the other has taken it, unless `COPY` is asked for. `NOKEY` where none of them is there. The
//! other's refusal is the reply, after all keys have been tried. A transfer that breaks off is
//! `IOERR`; what was taken until then is gone here. O(values), and the other server's time: its
//! keys' locks are held meanwhile, so that nothing changes between the copy and the removal.
//!
//! Effect: `DEL` of what was handed over. Where the process makes no connections (linked), no other
//! server is ever reached.

use super::{del, dump, restore};
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::commands::connection::{auth, select};
use crate::config::Id;
use crate::error::Error;
use crate::host::{Broken, Exchange, Exchanged};
use crate::reply::Reply;
use crate::spec::{Begin, Find, Group, KeyFlags, KeySpec, Spec, acl, flag, key};
use crate::values::dump::{Choice, payload};
use larder_resp::encode_request;
use std::ops::Range;

const USE: KeyFlags = key::RW | key::ACCESS | key::DELETE;

/// What is known of `MIGRATE`.
pub const SPEC: Spec = Spec {
    name: "migrate",
    syntax: "host port <key | \"\"> destination-db timeout [COPY] [REPLACE] \
             [AUTH password | AUTH2 username password] [KEYS key [key ...]]",
    summary: "Hands keys over to another server.",
    since: "2.6.0",
    group: Group::Generic,
    complexity: "O(N) in the size of the values, and the other server's time",
    arity: -6,
    flags: flag::WRITE | flag::MOVABLE_KEYS,
    acl: acl::KEYSPACE | acl::DANGEROUS,
    keys: &[
        KeySpec::one(3, USE),
        KeySpec {
            flags: USE | key::INCOMPLETE,
            begin: Begin::Keyword("KEYS", -2),
            find: Find::Range { last: -1, step: 1, limit: 0 },
        },
    ],
    find_keys: Some(find_keys),
    tips: &["nondeterministic_output"],
    ..Spec::BASE
};

/// The word with the only key, and the first behind the fixed ones.
const KEY: usize = 3;
const OPTIONS: usize = 6;

/// How long the other server may be silent if nothing sensible is asked for, in milliseconds.
const DEFAULT_TIMEOUT_MS: u64 = 1000;

const KEY_AND_KEYS: Error = Error::text(
    "ERR When using MIGRATE KEYS option, the key argument must be set to the empty string",
);

/// Who a connection logs in as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Login<'a> {
    /// Its name; the default user without one.
    pub user: Option<&'a [u8]>,
    /// Its password.
    pub password: &'a [u8],
}

/// `MIGRATE`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migrate<'a> {
    /// The other server's name or address.
    pub host: &'a [u8],
    /// Its port.
    pub port: &'a [u8],
    /// The keys.
    pub keys: Vec<&'a [u8]>,
    /// They were given with `KEYS`.
    pub listed: bool,
    /// The other's database.
    pub db: i64,
    /// How long the other may be silent, in milliseconds; 0 or less is a second.
    pub timeout: i64,
    /// Leave the keys here.
    pub copy: bool,
    /// Overwrite what is there.
    pub replace: bool,
    /// Log in first.
    pub login: Option<Login<'a>>,
    /// The words of the request that are its secrets.
    secrets: Range<u16>,
}

/// A key on its way.
struct Parcel<'a> {
    key: &'a [u8],
    ttl_ms: u64,
    payload: Vec<u8>,
}

impl<'a> Migrate<'a> {
    /// Reads an option; `at` is the place of its word in the request.
    fn parse_option(&mut self, args: &mut Args<'a>, at: u16) -> Result<(), Error> {
        if args.keyword("COPY") {
            self.copy = true;
        } else if args.keyword("REPLACE") {
            self.replace = true;
        } else if args.left() > 1 && args.keyword(auth::SPEC.name) {
            self.login = Some(Login { user: None, password: args.word()? });
            self.secrets = at + 1..at + 2;
        } else if args.left() > 2 && args.keyword("AUTH2") {
            self.login = Some(Login { user: Some(args.word()?), password: args.word()? });
            self.secrets = at + 1..at + 3;
        } else if args.keyword("KEYS") {
            if !self.keys[0].is_empty() {
                return Err(KEY_AND_KEYS);
            }
            self.keys = args.rest().to_vec();
            self.listed = true;
        } else {
            return Err(Error::Syntax);
        }
        Ok(())
    }

    /// Those of the keys that are there.
    fn pack(&self, ctx: &Ctx<'_, '_>) -> Result<Vec<Parcel<'a>>, Error> {
        let config = ctx.config();
        let (choice, compress) = (Choice::of(config), config.flag(Id::Rdbcompression));
        let mut parcels = Vec::new();
        for &key in &self.keys {
            let Some(value) = ctx.keys.read(key) else { continue };
            let payload = payload(value, choice, compress).ok_or(dump::NEWER_VERSION)?;
            let deadline_ms = ctx.keys.read_deadline_ms(key).flatten();
            let left = |at: u64| at.saturating_sub(ctx.keys.now_ms()).max(1);
            parcels.push(Parcel { key, ttl_ms: deadline_ms.map_or(0, left), payload });
        }
        Ok(parcels)
    }

    /// The bytes to send, and how many replies come before those about keys.
    fn requests(&self, parcels: &[Parcel<'_>]) -> (Vec<u8>, usize) {
        let mut out = Vec::new();
        let mut before = 1;
        if let Some(Login { user, password }) = self.login {
            let words: Vec<&[u8]> = [Some(auth::SPEC.name.as_bytes()), user, Some(password)]
                .into_iter()
                .flatten()
                .collect();
            encode_request(&mut out, &words);
            before += 1;
        }
        let db = self.db.to_string();
        encode_request(&mut out, &[select::SPEC.name, &db]);
        for parcel in parcels {
            let ttl = parcel.ttl_ms.to_string();
            let mut words: Vec<&[u8]> =
                vec![restore::SPEC.name.as_bytes(), parcel.key, ttl.as_bytes(), &parcel.payload];
            words.extend(self.replace.then_some(&b"REPLACE"[..]));
            encode_request(&mut out, &words);
        }
        (out, before)
    }

    /// Removes what the other server has taken.
    fn remove(&self, ctx: &mut Ctx<'_, '_>, taken: &[&[u8]]) {
        if self.copy || taken.is_empty() {
            return;
        }
        for key in taken {
            ctx.keys.write(key).remove();
        }
        ctx.keys.effect(&del::SPEC, taken);
    }
}

impl<'a> Command<'a> for Migrate<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let words = args.left() + 1;
        let (host, port, key) = (args.word()?, args.word()?, args.word()?);
        let (db, timeout) = (args.word()?, args.word()?);
        let mut migrate = Migrate {
            host,
            port,
            keys: vec![key],
            listed: false,
            db: 0,
            timeout: 0,
            copy: false,
            replace: false,
            login: None,
            secrets: 0..0,
        };
        while args.left() > 0 {
            let at = u16::try_from(words - args.left()).unwrap_or(u16::MAX - 3);
            migrate.parse_option(args, at)?;
        }
        migrate.timeout = Args::new(&[timeout]).int()?;
        migrate.db = Args::new(&[db]).int()?;
        Ok(migrate)
    }

    fn words(&self, words: &mut Words<'_>) {
        let single = if self.listed { &[][..] } else { self.keys[0] };
        words.push(self.host).push(self.port).push(single).int(self.db).int(self.timeout);
        if self.copy {
            words.keyword("COPY");
        }
        if self.replace {
            words.keyword("REPLACE");
        }
        match self.login {
            Some(Login { user: Some(user), password }) => {
                words.keyword("AUTH2").push(user).push(password);
            }
            Some(Login { user: None, password }) => {
                words.keyword(auth::SPEC.name).push(password);
            }
            None => {}
        }
        if self.listed {
            words.keyword("KEYS").all(&self.keys);
        }
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        self.keys.iter().for_each(|key| visit(key));
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        ctx.session.redacted.extend(self.secrets.clone());
        let parcels = self.pack(ctx)?;
        if parcels.is_empty() {
            ctx.keys.no_effect();
            reply.simple("NOKEY");
            return Ok(());
        }
        let (requests, before) = self.requests(&parcels);
        let timeout_ms = u64::try_from(self.timeout).ok().filter(|&ms| ms > 0);
        let Exchanged { replies, broken } = ctx.engine.host().exchange(&Exchange {
            host: self.host,
            port: self.port,
            timeout_ms: timeout_ms.unwrap_or(DEFAULT_TIMEOUT_MS),
            requests: &requests,
            replies: before + parcels.len(),
        });
        let (early, about_keys) = replies.split_at(before.min(replies.len()));
        let refused = replies.iter().find_map(|reply| reply.as_ref().err());
        let login_failed = early.iter().any(Result::is_err);
        let taken =
            parcels.iter().zip(about_keys).filter(|(_, reply)| reply.is_ok() && !login_failed);
        let taken: Vec<&[u8]> = taken.map(|(parcel, _)| parcel.key).collect();
        ctx.keys.no_effect();
        self.remove(ctx, &taken);
        match (refused, broken) {
            (Some(text), _) => {
                let text = format!("ERR Target instance replied with error: {text}");
                Err(Error::owned(text))
            }
            (None, Some(broken)) => Err(io_error(broken)),
            (None, None) => {
                reply.ok();
                Ok(())
            }
        }
    }
}

fn io_error(broken: Broken) -> Error {
    Error::text(match broken {
        Broken::Connecting => "IOERR error or timeout connecting to the client",
        Broken::Writing => "IOERR error or timeout writing to target instance",
        Broken::Reading => "IOERR error or timeout reading to target instance",
    })
}

/// The keys are behind `KEYS`, if the word that holds the only key otherwise is empty.
fn find_keys(words: &[&[u8]], visit: &mut dyn FnMut(usize, KeyFlags)) -> bool {
    let mut at = OPTIONS;
    while at < words.len() {
        let is = |name: &str| words[at].eq_ignore_ascii_case(name.as_bytes());
        if is("KEYS") && words[KEY].is_empty() {
            (at + 1..words.len()).for_each(|at| visit(at, USE));
            return true;
        }
        at += if is("AUTH2") {
            3
        } else if is(auth::SPEC.name) {
            2
        } else {
            1
        };
    }
    if words.len() > KEY {
        visit(KEY, USE);
    }
    true
}
