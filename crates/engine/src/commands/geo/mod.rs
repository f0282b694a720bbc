//! Geo commands: sorted sets whose scores are places. What they do is in [`crate::values::geo`];
//! what the searches share is in [`query`].

pub mod geoadd;
pub mod geodist;
pub mod geohash;
pub mod geopos;
pub mod georadius;
pub mod geosearch;
pub mod geosearchstore;
mod query;

pub use query::{Centre, Count, Query};

use crate::args::Args;
use crate::error::Error;
use crate::reply::Reply;
use crate::values::geo::{Point, Unit, coordinate_text};
use crate::values::sorted::score;

/// Reads a number; what else stands there is this error.
fn number(args: &mut Args<'_>, error: Error) -> Result<f64, Error> {
    score::parse(args.word()?).ok_or(error)
}

/// Reads longitude and latitude.
fn point(args: &mut Args<'_>) -> Result<Point, Error> {
    let longitude = number(args, Error::NotFloat)?;
    let latitude = number(args, Error::NotFloat)?;
    Point::new(longitude, latitude).ok_or_else(|| {
        Error::owned(format!("ERR invalid longitude,latitude pair {longitude:.6},{latitude:.6}"))
    })
}

/// Reads a unit of length.
fn unit(args: &mut Args<'_>) -> Result<Unit, Error> {
    let known = Unit::ALL.iter().find(|(name, _)| args.keyword(name));
    known
        .map(|(_, unit)| *unit)
        .ok_or(Error::text("ERR unsupported unit provided. please use M, KM, FT, MI"))
}

fn unit_name(unit: Unit) -> &'static str {
    Unit::ALL.iter().find(|(_, other)| *other == unit).map_or("", |(name, _)| *name)
}

/// Answers longitude and latitude.
fn answer_point(point: &Point, reply: &mut dyn Reply) {
    reply.array(2);
    reply.double_text(&coordinate_text(point.longitude));
    reply.double_text(&coordinate_text(point.latitude));
}
