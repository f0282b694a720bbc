//! `GEOSEARCHSTORE destination source <FROMMEMBER member | FROMLONLAT longitude latitude>
//! <BYRADIUS radius unit | BYBOX width height unit> [ASC | DESC] [COUNT count [ANY]] [STOREDIST]`
//!
//! Stores what `GEOSEARCH` finds, with its scores or its distances in the unit, whatever
//! `destination` held and without a TTL; nothing to store removes it. Answers the number of
//! members. Costs as `GEOSEARCH`, and O(log m) for each member stored.
//!
//! Effect: the command, unless nothing was stored where nothing was.

use super::query::Query;
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};

/// What is known of `GEOSEARCHSTORE`.
pub const SPEC: Spec = Spec {
    name: "geosearchstore",
    syntax: "destination source <FROMMEMBER member | FROMLONLAT longitude latitude> \
             <BYRADIUS radius <M | KM | FT | MI> | BYBOX width height <M | KM | FT | MI>> \
             [ASC | DESC] [COUNT count [ANY]] [STOREDIST]",
    summary: "Queries a geospatial index for members inside an area of a box or a circle, and \
              stores the result.",
    since: "6.2.0",
    group: Group::Geo,
    complexity: "O(N+log(M)) in the members of nine cells around the area and of the index",
    arity: -8,
    flags: flag::WRITE | flag::DENYOOM,
    keys: &[KeySpec::one(1, key::OW | key::UPDATE), KeySpec::one(2, key::RO | key::ACCESS)],
    ..Spec::BASE
};

/// `GEOSEARCHSTORE`
#[derive(Debug, Clone)]
pub struct GeoSearchStore<'a> {
    /// Where the result goes.
    pub destination: &'a [u8],
    /// The key that is searched.
    pub source: &'a [u8],
    /// The search.
    pub query: Query<'a>,
    /// Scores are distances, not places.
    pub distances: bool,
}

impl<'a> Command<'a> for GeoSearchStore<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let (destination, source) = (args.word()?, args.word()?);
        let mut distances = false;
        let query = Query::parse(args, Some(("GEOSEARCHSTORE", &mut distances)))?;
        Ok(GeoSearchStore { destination, source, query, distances })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.destination).push(self.source);
        self.query.words_of_place(words);
        self.query.words_of_options(words);
        if self.distances {
            words.keyword("STOREDIST");
        }
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.destination);
        visit(self.source);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let Self { source, destination, distances, .. } = *self;
        self.query.store(ctx.keys, (source, destination), distances, reply)
    }
}
