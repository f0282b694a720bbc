//! `GEORADIUS key longitude latitude radius unit [WITHCOORD] [WITHDIST] [WITHHASH]
//! [COUNT count [ANY]] [ASC | DESC] [STORE key | STOREDIST key]`, `GEORADIUSBYMEMBER` around a
//! member; `GEORADIUS_RO` and `GEORADIUSBYMEMBER_RO` without the last options
//!
//! The older forms of `GEOSEARCH` and, with `STORE` or `STOREDIST`, of `GEOSEARCHSTORE`; see there.
//!
//! Effect: the command, unless nothing was stored where nothing was.

use super::query::{Centre, Options, Query, circle, words_of_point};
use super::{point, unit_name};
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::notify::names::Events;
use crate::reply::Reply;
use crate::spec::{Begin, Find, Group, KeyFlags, KeySpec, Spec, flag, key};
use crate::values::geo::area::Form;
use larder_resp::format_double;

const SOURCE: KeySpec = KeySpec::one(1, key::RO | key::ACCESS);

/// What is known of `GEORADIUS`.
pub const SPEC: Spec = Spec {
    name: "georadius",
    syntax: "key longitude latitude radius <M | KM | FT | MI> [WITHCOORD] [WITHDIST] [WITHHASH] \
             [COUNT count [ANY]] [ASC | DESC] [STORE key | STOREDIST key]",
    summary: "Queries a geospatial index for members within a distance from a coordinate, \
              optionally stores the result.",
    since: "3.2.0",
    group: Group::Geo,
    complexity: "O(N+log(M)) in the members of nine cells around the area and of the index",
    arity: -6,
    flags: flag::WRITE | flag::DENYOOM,
    keys: &[SOURCE, stored("STORE", 6), stored("STOREDIST", 6)],
    find_keys: Some(|words, visit| find_keys(words, 6, visit)),
    events: Events::named("georadiusstore"),
    ..Spec::BASE
};

/// What is known of `GEORADIUS_RO`.
pub const SPEC_RO: Spec = Spec {
    name: "georadius_ro",
    syntax: "key longitude latitude radius <M | KM | FT | MI> [WITHCOORD] [WITHDIST] [WITHHASH] \
             [COUNT count [ANY]] [ASC | DESC]",
    summary: "Returns members from a geospatial index that are within a distance from a \
              coordinate.",
    since: "3.2.10",
    flags: flag::READONLY,
    keys: &[SOURCE],
    find_keys: None,
    ..SPEC
};

/// What is known of `GEORADIUSBYMEMBER`.
pub const SPEC_BY_MEMBER: Spec = Spec {
    name: "georadiusbymember",
    syntax: "key member radius <M | KM | FT | MI> [WITHCOORD] [WITHDIST] [WITHHASH] \
             [COUNT count [ANY]] [ASC | DESC] [STORE key | STOREDIST key]",
    summary: "Queries a geospatial index for members within a distance from a member, optionally \
              stores the result.",
    arity: -5,
    keys: &[SOURCE, stored("STORE", 5), stored("STOREDIST", 5)],
    find_keys: Some(|words, visit| find_keys(words, 5, visit)),
    ..SPEC
};

/// What is known of `GEORADIUSBYMEMBER_RO`.
pub const SPEC_BY_MEMBER_RO: Spec = Spec {
    name: "georadiusbymember_ro",
    syntax: "key member radius <M | KM | FT | MI> [WITHCOORD] [WITHDIST] [WITHHASH] \
             [COUNT count [ANY]] [ASC | DESC]",
    summary: "Returns members from a geospatial index that are within a distance from a member.",
    arity: -5,
    ..SPEC_RO
};

/// `GEORADIUS` and its kin: around a member or a place, with or without storing.
#[derive(Debug, Clone)]
pub struct Radius<'a, const BY_MEMBER: bool, const READ_ONLY: bool> {
    /// The key.
    pub key: &'a [u8],
    /// The search.
    pub query: Query<'a>,
    /// Where the result goes, if not to the caller, and whether with distances for scores.
    pub store: Option<(&'a [u8], bool)>,
}

/// `GEORADIUS`
pub type GeoRadius<'a> = Radius<'a, false, false>;
/// `GEORADIUS_RO`
pub type GeoRadiusRo<'a> = Radius<'a, false, true>;
/// `GEORADIUSBYMEMBER`
pub type GeoRadiusByMember<'a> = Radius<'a, true, false>;
/// `GEORADIUSBYMEMBER_RO`
pub type GeoRadiusByMemberRo<'a> = Radius<'a, true, true>;

impl<'a, const BY_MEMBER: bool, const READ_ONLY: bool> Command<'a>
    for Radius<'a, BY_MEMBER, READ_ONLY>
{
    const SPEC: &'static Spec = match (BY_MEMBER, READ_ONLY) {
        (false, false) => &SPEC,
        (false, true) => &SPEC_RO,
        (true, false) => &SPEC_BY_MEMBER,
        (true, true) => &SPEC_BY_MEMBER_RO,
    };

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let key = args.word()?;
        let centre =
            if BY_MEMBER { Centre::Member(args.word()?) } else { Centre::Point(point(args)?) };
        let shape = circle(args)?;
        let (mut options, mut store) = (Options::default(), None);
        while args.left() > 0 {
            if options.take(args)? {
            } else if !READ_ONLY && args.left() > 1 && args.keyword("STORE") {
                store = Some((args.word()?, false));
            } else if !READ_ONLY && args.left() > 1 && args.keyword("STOREDIST") {
                store = Some((args.word()?, true));
            } else {
                return Err(Error::Syntax);
            }
        }
        if store.is_some() {
            options.check_stored("STORE option in GEORADIUS")?;
        }
        Ok(Radius { key, query: options.query(centre, shape)?, store })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key);
        match self.query.centre {
            Centre::Member(member) => drop(words.push(member)),
            Centre::Point(point) => words_of_point(&point, words),
        }
        if let Form::Circle { radius } = self.query.shape.form {
            words.push(format_double(radius).as_bytes());
        }
        words.keyword(unit_name(self.query.shape.unit));
        self.query.words_of_options(words);
        if let Some((store, distances)) = self.store {
            words.keyword(if distances { "STOREDIST" } else { "STORE" }).push(store);
        }
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
        if let Some((store, _)) = self.store {
            visit(store);
        }
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        match self.store {
            None => self.query.answer(ctx.keys, self.key, reply),
            Some((store, distances)) => {
                self.query.store(ctx.keys, (self.key, store), distances, reply)
            }
        }
    }
}

/// The key behind an option.
const fn stored(option: &'static str, from: i32) -> KeySpec {
    KeySpec {
        flags: key::OW | key::UPDATE,
        begin: Begin::Keyword(option, from),
        find: Find::Range { last: 0, step: 1, limit: 0 },
    }
}

/// The key, and the one behind the last option that stores; options begin at word `from`.
fn find_keys(words: &[&[u8]], from: usize, visit: &mut dyn FnMut(usize, KeyFlags)) -> bool {
    let (mut at, mut store) = (from, None);
    while let Some(word) = words.get(at) {
        let is = |option: &str| word.eq_ignore_ascii_case(option.as_bytes());
        let stores = is("STORE") || is("STOREDIST");
        let has_more = at + 1 < words.len();
        if stores && has_more {
            store = Some(at + 1);
        }
        at += if has_more && (stores || is("COUNT")) { 2 } else { 1 };
    }
    if words.len() > 1 {
        visit(1, key::RO | key::ACCESS);
    }
    if let Some(store) = store {
        visit(store, key::OW | key::UPDATE);
    }
    true
}
