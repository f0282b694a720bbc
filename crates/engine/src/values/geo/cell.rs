//! Cells of the map: halves of halves, their bits interleaved, those of latitude the lower ones.

use super::{LATITUDES, LONGITUDES, Point};

/// Halvings of each side of the map in a score.
pub const STEP_MAX: u32 = 26;

/// Bits of longitude, and of latitude.
const LONGITUDE_BITS: u64 = 0xaaaa_aaaa_aaaa_aaaa;
const LATITUDE_BITS: u64 = !LONGITUDE_BITS;

/// Letters of five bits each.
const ALPHABET: &[u8; 32] = b"0123456789bcdefghjkmnpqrstuvwxyz";

/// A cell of the map after `step` halvings of each side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    /// Two bits a step.
    pub bits: u64,
    /// Halvings of each side.
    pub step: u32,
}

/// What a cell covers, in degrees.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Extent {
    /// From and to.
    pub longitude: (f64, f64),
    /// From and to.
    pub latitude: (f64, f64),
}

impl Cell {
    /// The cell around a place.
    pub fn around(point: &Point, step: u32) -> Cell {
        Cell::on_map(point, LATITUDES, step)
    }

    fn on_map(point: &Point, latitudes: (f64, f64), step: u32) -> Cell {
        let cells = (1u64 << step) as f64;
        let offset = |value: f64, (least, greatest): (f64, f64)| {
            ((value - least) / (greatest - least) * cells) as u32
        };
        let latitude = offset(point.latitude, latitudes);
        let longitude = offset(point.longitude, LONGITUDES);
        Cell { bits: spread(latitude) | spread(longitude) << 1, step }
    }

    /// What it covers.
    pub fn extent(&self) -> Extent {
        let cells = (1u64 << self.step) as f64;
        let side = |number: u32, (least, greatest): (f64, f64)| {
            let scale = greatest - least;
            let next = number.wrapping_add(1);
            (least + f64::from(number) / cells * scale, least + f64::from(next) / cells * scale)
        };
        Extent {
            longitude: side(gather(self.bits >> 1), LONGITUDES),
            latitude: side(gather(self.bits), LATITUDES),
        }
    }

    /// The place in its middle.
    pub fn middle(&self) -> Point {
        let Extent { longitude, latitude } = self.extent();
        let middle = |(from, to): (f64, f64)| (from + to) / 2.0;
        Point {
            longitude: middle(longitude).clamp(LONGITUDES.0, LONGITUDES.1),
            latitude: middle(latitude).clamp(LATITUDES.0, LATITUDES.1),
        }
    }

    /// The scores of the places in it: from the first to before the second.
    pub fn scores(&self) -> (f64, f64) {
        let shift = 2 * (STEP_MAX - self.step);
        ((self.bits << shift) as f64, (self.bits.wrapping_add(1) << shift) as f64)
    }

    /// The cell that lies so many cells to the east and to the north, around the map.
    pub fn neighbour(&self, east: i8, north: i8) -> Cell {
        let mask = u64::MAX >> (64 - 2 * self.step);
        let moved = |own: u64, other: u64, by: i8| {
            let bits = self.bits & own;
            // Ones between the own bits carry, or borrow, across them.
            match by {
                0 => bits,
                1.. => (bits | other & mask).wrapping_add(1) & own & mask,
                _ => bits.wrapping_sub(own & own.wrapping_neg()) & own & mask,
            }
        };
        let longitude = moved(LONGITUDE_BITS, LATITUDE_BITS, east);
        let latitude = moved(LATITUDE_BITS, LONGITUDE_BITS, north);
        Cell { bits: longitude | latitude, step: self.step }
    }
}

/// The eleven letters of the standard geohash of a place; the last one stands for bits that are
/// not kept.
pub fn text(point: &Point) -> [u8; 11] {
    let bits = Cell::on_map(point, (-90.0, 90.0), STEP_MAX).bits;
    let mut text = [ALPHABET[0]; 11];
    for (nth, letter) in text.iter_mut().take(10).enumerate() {
        *letter = ALPHABET[(bits >> (52 - 5 * (nth + 1)) & 31) as usize];
    }
    text
}

/// Puts a zero before each bit.
fn spread(bits: u32) -> u64 {
    let mut bits = u64::from(bits);
    bits = (bits | bits << 16) & 0x0000_ffff_0000_ffff;
    bits = (bits | bits << 8) & 0x00ff_00ff_00ff_00ff;
    bits = (bits | bits << 4) & 0x0f0f_0f0f_0f0f_0f0f;
    bits = (bits | bits << 2) & 0x3333_3333_3333_3333;
    (bits | bits << 1) & LATITUDE_BITS
}

/// Takes every other bit out, the lowest first.
fn gather(bits: u64) -> u32 {
    let mut bits = bits & LATITUDE_BITS;
    bits = (bits | bits >> 1) & 0x3333_3333_3333_3333;
    bits = (bits | bits >> 2) & 0x0f0f_0f0f_0f0f_0f0f;
    bits = (bits | bits >> 4) & 0x00ff_00ff_00ff_00ff;
    bits = (bits | bits >> 8) & 0x0000_ffff_0000_ffff;
    (bits | bits >> 16) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_that_were_spread_are_gathered() {
        let mut rng = fastrand::Rng::with_seed(1);
        for _ in 0..1000 {
            let bits = rng.u32(..);
            let spread = spread(bits);
            assert_eq!((gather(spread), gather(spread >> 1)), (bits, 0));
            assert!((0..32).all(|at| spread >> (2 * at) & 1 == u64::from(bits >> at & 1)));
        }
    }

    #[test]
    fn neighbours_are_one_cell_further_around_the_map() {
        let mut rng = fastrand::Rng::with_seed(2);
        for step in 1..=STEP_MAX {
            for _ in 0..50 {
                let side = 1i64 << step;
                let at = |longitude: i64, latitude: i64| {
                    let around = |value: i64| value.rem_euclid(side) as u32;
                    let bits = spread(around(latitude)) | spread(around(longitude)) << 1;
                    Cell { bits, step }
                };
                let edge = [0, side - 1, rng.i64(..side)];
                let (longitude, latitude) = (edge[rng.usize(..3)], edge[rng.usize(..3)]);
                for (east, north) in [(1, 0), (-1, 0), (0, 1), (0, -1), (1, -1), (-1, 1)] {
                    let next = at(longitude + i64::from(east), latitude + i64::from(north));
                    assert_eq!(at(longitude, latitude).neighbour(east, north), next);
                }
            }
        }
    }

    #[test]
    fn geohashes_are_the_standard_ones() {
        let point = Point { longitude: 13.361_389, latitude: 38.115_556 };
        assert_eq!(&text(&Point::of_score(point.score())), b"sqc8b49rny0");
    }
}
