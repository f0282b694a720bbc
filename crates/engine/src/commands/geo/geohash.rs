//! `GEOHASH key [member [member ...]]`
//!
//! Answers the places of members as standard geohashes of eleven letters, of which the last is
//! always `0`; null for a missing one. O(1) a member, O(members) of a small set.
//!
//! Effect: none.

use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::geo::{Point, cell};
use crate::values::sorted::sorted_of;

/// What is known of `GEOHASH`.
pub const SPEC: Spec = Spec {
    name: "geohash",
    syntax: "key [member [member ...]]",
    summary: "Returns members from a geospatial index as geohash strings.",
    since: "3.2.0",
    group: Group::Geo,
    complexity: "O(1) for each member requested",
    arity: -2,
    flags: flag::READONLY,
    keys: &[KeySpec::one(1, key::RO | key::ACCESS)],
    ..Spec::BASE
};

/// `GEOHASH`
#[derive(Debug, Clone)]
pub struct GeoHash<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The members.
    pub members: &'a [&'a [u8]],
}

impl<'a> Command<'a> for GeoHash<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(GeoHash { key: args.word()?, members: args.rest() })
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
                Some(score) => reply.bulk(&cell::text(&Point::of_score(score))),
                None => reply.null(),
            }
        }
        Ok(())
    }
}
