//! `GEODIST key member1 member2 [M | KM | FT | MI]`
//!
//! Answers the distance between two members, in metres unless told, with four decimals; null where
//! one is missing. The earth counts as a sphere: up to 0.5 % off. O(1), O(members) of a small set.
//!
//! Effect: none.

use super::{unit, unit_name};
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::geo::{Point, Unit, distance_text};
use crate::values::sorted::sorted_of;

/// What is known of `GEODIST`.
pub const SPEC: Spec = Spec {
    name: "geodist",
    syntax: "key member1 member2 [M | KM | FT | MI]",
    summary: "Returns the distance between two members of a geospatial index.",
    since: "3.2.0",
    group: Group::Geo,
    complexity: "O(1)",
    arity: -4,
    flags: flag::READONLY,
    keys: &[KeySpec::one(1, key::RO | key::ACCESS)],
    ..Spec::BASE
};

/// `GEODIST`
#[derive(Debug, Clone)]
pub struct GeoDist<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The members.
    pub members: [&'a [u8]; 2],
    /// The unit of the answer.
    pub unit: Unit,
}

impl<'a> Command<'a> for GeoDist<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let (key, members) = (args.word()?, [args.word()?, args.word()?]);
        let unit = match args.left() {
            0 => Unit::Metre,
            1 => unit(args)?,
            _ => return Err(Error::Syntax),
        };
        Ok(GeoDist { key, members, unit })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key).all(&self.members);
        if self.unit != Unit::Metre {
            words.keyword(unit_name(self.unit));
        }
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let set = sorted_of(ctx.keys.read(self.key))?;
        let points = self.members.map(|member| set?.score(member).map(Point::of_score));
        let [Some(one), Some(other)] = points else {
            reply.null();
            return Ok(());
        };
        let distance = one.distance_to(&other) / self.unit.metres();
        reply.bulk(distance_text(distance).as_bytes());
        Ok(())
    }
}
