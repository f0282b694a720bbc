//! `GEOSEARCH key <FROMMEMBER member | FROMLONLAT longitude latitude> <BYRADIUS radius unit |
//! BYBOX width height unit> [ASC | DESC] [COUNT count [ANY]] [WITHCOORD] [WITHDIST] [WITHHASH]`
//!
//! Answers the members within a circle or a box around a member or a place: the nearest first, the
//! farthest, or as they are found; not more than `COUNT`, the nearest unless `ANY` will do. With
//! options each is an array of the member, its distance in the unit, its score and its place.
//! A missing key has no members, a missing member of one that is there is an error. O(log n) and
//! the members in up to nine cells of the map.
//!
//! Effect: none.

use super::query::Query;
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};

/// What is known of `GEOSEARCH`.
pub const SPEC: Spec = Spec {
    name: "geosearch",
    syntax: "key <FROMMEMBER member | FROMLONLAT longitude latitude> \
             <BYRADIUS radius <M | KM | FT | MI> | BYBOX width height <M | KM | FT | MI>> \
             [ASC | DESC] [COUNT count [ANY]] [WITHCOORD] [WITHDIST] [WITHHASH]",
    summary: "Queries a geospatial index for members inside an area of a box or a circle.",
    since: "6.2.0",
    group: Group::Geo,
    complexity: "O(N+log(M)) in the members of nine cells around the area and of the index",
    arity: -7,
    flags: flag::READONLY,
    keys: &[KeySpec::one(1, key::RO | key::ACCESS)],
    ..Spec::BASE
};

/// `GEOSEARCH`
#[derive(Debug, Clone)]
pub struct GeoSearch<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The search.
    pub query: Query<'a>,
}

impl<'a> Command<'a> for GeoSearch<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(GeoSearch { key: args.word()?, query: Query::parse(args, None)? })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key);
        self.query.words_of_place(words);
        self.query.words_of_options(words);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        self.query.answer(ctx.keys, self.key, reply)
    }
}
