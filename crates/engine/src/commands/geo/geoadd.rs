//! `GEOADD key [NX | XX] [CH] longitude latitude member [longitude latitude member ...]`
//!
//! Adds members with their places to a sorted set, `NX` only those that are not there, `XX` only
//! those that are; answers how many were added, with `CH` how many were added or moved. An error
//! for another type, and for a place beyond 180 degrees east or west or 85.05112878 north or south.
//! O(log n) a member.
//!
//! Effect: the command, unless it changed nothing.

use super::point;
use super::query::words_of_point;
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::commands::sorted_set::zadd;
use crate::error::Error;
use crate::notify::names::Events;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::geo::Point;
use crate::values::sorted::{self, Putting, Rules};

/// What is known of `GEOADD`.
pub const SPEC: Spec = Spec {
    name: "geoadd",
    syntax: "key [NX | XX] [CH] longitude latitude member [longitude latitude member ...]",
    summary: "Adds one or more members to a geospatial index. The key is created if it doesn't \
              exist.",
    since: "3.2.0",
    group: Group::Geo,
    complexity: "O(log(N)) for each member added",
    arity: -5,
    flags: flag::WRITE | flag::DENYOOM,
    keys: &[KeySpec::one(1, key::RW | key::UPDATE)],
    events: Events::named(zadd::SPEC.name),
    ..Spec::BASE
};

/// `GEOADD`
#[derive(Debug, Clone)]
pub struct GeoAdd<'a> {
    /// The key.
    pub key: &'a [u8],
    /// Only members that are not there.
    pub only_new: bool,
    /// Only members that are.
    pub only_old: bool,
    /// Answer how many were added or moved.
    pub changed: bool,
    /// The members and where they are.
    pub members: Vec<(Point, &'a [u8])>,
}

impl<'a> Command<'a> for GeoAdd<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let key = args.word()?;
        let (mut only_new, mut only_old, mut changed) = (false, false, false);
        loop {
            if args.keyword("NX") {
                only_new = true;
            } else if args.keyword("XX") {
                only_old = true;
            } else if args.keyword("CH") {
                changed = true;
            } else {
                break;
            }
        }
        if args.left() == 0 || !args.left().is_multiple_of(3) || only_new && only_old {
            return Err(Error::Syntax);
        }
        let mut members = Vec::with_capacity(args.left() / 3);
        while args.left() > 0 {
            members.push((point(args)?, args.word()?));
        }
        Ok(GeoAdd { key, only_new, only_old, changed, members })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key);
        let options = [(self.only_new, "NX"), (self.only_old, "XX"), (self.changed, "CH")];
        for (_, word) in options.iter().filter(|(on, _)| *on) {
            words.keyword(word);
        }
        for (point, member) in &self.members {
            words_of_point(point, words);
            words.push(member);
        }
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let Self { only_new, only_old, .. } = *self;
        let putting = Putting { only_new, only_old, ..Putting::default() };
        let pairs = self.members.iter().map(|(point, member)| (point.score(), *member));
        let pairs: Vec<(f64, &[u8])> = pairs.collect();
        let rules = Rules::of(ctx.keys);
        let put = sorted::put(&mut ctx.keys.write(self.key), &pairs, putting, &rules)?;
        let updated = if self.changed { put.updated } else { 0 };
        reply.int((put.added + updated) as i64);
        Ok(())
    }
}
