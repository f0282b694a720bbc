//! `GEOPOS key [member [member ...]]`
//!
//! Answers longitude and latitude of members, as they are kept: a little off what was given; null
//! for a missing one. O(1) a member, O(members) of a small set.
//!
//! Effect: none.

use super::answer_point;
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::geo::Point;
use crate::values::sorted::sorted_of;

/// What is known of `GEOPOS`.
pub const SPEC: Spec = Spec {
    name: "geopos",
    syntax: "key [member [member ...]]",
    summary: "Returns the longitude and latitude of members from a geospatial index.",
    since: "3.2.0",
    group: Group::Geo,
    complexity: "O(1) for each member requested",
    arity: -2,
    flags: flag::READONLY,
    keys: &[KeySpec::one(1, key::RO | key::ACCESS)],
    ..Spec::BASE
};

/// `GEOPOS`
#[derive(Debug, Clone)]
pub struct GeoPos<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The members.
    pub members: &'a [&'a [u8]],
}

impl<'a> Command<'a> for GeoPos<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(GeoPos { key: args.word()?, members: args.rest() })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key).all(self.members);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let set = sorted_of(ctx.keys.read(self.key))?;
        reply.array(self.members.len());
        for member in self.members {
            match set.and_then(|set| set.score(member)) {
                Some(score) => answer_point(&Point::of_score(score), reply),
                None => reply.null_array(),
            }
        }
        Ok(())
    }
}
