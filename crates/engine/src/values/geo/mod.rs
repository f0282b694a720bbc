//! Places on the earth, kept as scores of a sorted set.
//!
//! A member's score is the 52 bits of its geohash ([`cell`]), so that places near each other stand
//! near each other; [`area`] tells which ranges of scores cover a circle or a box, [`search`] finds
//! the members there. The numbers are Redis's to the last bit: the same constants, the same order
//! of operations. Knows no command.

pub mod area;
pub mod cell;
pub mod search;

use cell::{Cell, STEP_MAX};

/// The least and the greatest longitude, in degrees.
pub const LONGITUDES: (f64, f64) = (-180.0, 180.0);

/// The least and the greatest latitude, in degrees: those of the square map (EPSG:3857).
pub const LATITUDES: (f64, f64) = (-85.051_128_78, 85.051_128_78);

/// Half the way around the earth's middle circle over pi, in metres.
const EARTH_RADIUS: f64 = 6_372_797.560_856;

/// A radian has so many degrees' inverse.
const RADIANS_PER_DEGREE: f64 = std::f64::consts::PI / 180.0;

/// A place, in degrees.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// East of Greenwich.
    pub longitude: f64,
    /// North of the equator.
    pub latitude: f64,
}

impl Point {
    /// A place that can be kept.
    pub fn new(longitude: f64, latitude: f64) -> Option<Point> {
        let within =
            |value: f64, (least, greatest): (f64, f64)| !(value < least || value > greatest);
        let fits = within(longitude, LONGITUDES) && within(latitude, LATITUDES);
        fits.then_some(Point { longitude, latitude })
    }

    /// The middle of the cell that a score names.
    pub fn of_score(score: f64) -> Point {
        Cell { bits: bits_of_score(score), step: STEP_MAX }.middle()
    }

    /// The score that it is kept as.
    pub fn score(&self) -> f64 {
        Cell::around(self, STEP_MAX).bits as f64
    }

    /// Metres to another place on a sphere (haversine).
    pub fn distance_to(&self, other: &Point) -> f64 {
        let v = ((radians(other.longitude) - radians(self.longitude)) / 2.0).sin();
        if v == 0.0 {
            return latitude_distance(self.latitude, other.latitude);
        }
        let (here, there) = (radians(self.latitude), radians(other.latitude));
        let u = ((there - here) / 2.0).sin();
        let a = u * u + here.cos() * there.cos() * v * v;
        2.0 * EARTH_RADIUS * a.sqrt().asin()
    }
}

/// Metres between two latitudes.
fn latitude_distance(one: f64, other: f64) -> f64 {
    EARTH_RADIUS * (radians(other) - radians(one)).abs()
}

fn radians(degrees: f64) -> f64 {
    degrees * RADIANS_PER_DEGREE
}

fn degrees(radians: f64) -> f64 {
    radians / RADIANS_PER_DEGREE
}

/// The integer of a score; of one that is no place's, whatever x86 makes of it.
pub fn bits_of_score(score: f64) -> u64 {
    const TOO_GREAT: f64 = (1u64 << 63) as f64;
    if score < TOO_GREAT { (score as i64).cast_unsigned() } else { score as u64 }
}

/// A unit of length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unit {
    /// `M`
    #[default]
    Metre,
    /// `KM`
    Kilometre,
    /// `FT`
    Foot,
    /// `MI`
    Mile,
}

impl Unit {
    /// All units with their names.
    pub const ALL: [(&'static str, Unit); 4] =
        [("m", Unit::Metre), ("km", Unit::Kilometre), ("ft", Unit::Foot), ("mi", Unit::Mile)];

    /// Its length in metres.
    pub fn metres(self) -> f64 {
        match self {
            Unit::Metre => 1.0,
            Unit::Kilometre => 1000.0,
            Unit::Foot => 0.3048,
            Unit::Mile => 1609.34,
        }
    }
}

/// The text of a distance: four decimals.
pub fn distance_text(distance: f64) -> String {
    let units = (distance * 10_000.0).round_ties_even() as i64;
    let (whole, part) = (units.unsigned_abs() / 10_000, units.unsigned_abs() % 10_000);
    format!("{}{whole}.{part:04}", if units < 0 { "-" } else { "" })
}

/// The text of a coordinate: up to 17 decimals.
pub fn coordinate_text(degrees: f64) -> String {
    let mut text = format!("{degrees:.17}");
    text.truncate(text.trim_end_matches('0').trim_end_matches('.').len());
    if text == "-0" { "0".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_and_distances_are_those_of_the_documents() {
        let palermo = Point::new(13.361_389, 38.115_556).unwrap();
        let catania = Point::new(15.087_269, 37.502_669).unwrap();
        assert_eq!(palermo.score(), 3_479_099_956_230_698.0);
        let kept = [palermo, catania].map(|place| Point::of_score(place.score()));
        assert_eq!(coordinate_text(kept[0].longitude), "13.36138933897018433");
        assert_eq!(coordinate_text(kept[0].latitude), "38.11555639549629859");
        assert_eq!(distance_text(kept[0].distance_to(&kept[1])), "166274.1516");
    }

    #[test]
    fn texts_of_numbers() {
        assert_eq!(coordinate_text(-0.0), "0");
        assert_eq!(coordinate_text(100.0), "100");
        assert_eq!(coordinate_text(-0.5), "-0.5");
        assert_eq!(distance_text(0.0), "0.0000");
        assert_eq!(distance_text(0.000_04), "0.0000");
        assert_eq!(distance_text(1.5), "1.5000");
    }
}
