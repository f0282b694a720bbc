//! Shapes around a place, and the cells that cover them.

use super::cell::{Cell, Extent, STEP_MAX};
use super::{EARTH_RADIUS, Point, Unit, degrees, latitude_distance, radians};

/// Half the length of the map's equator, in metres.
const MAP_MAX: f64 = 20_037_726.37;

/// A shape around a place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shape {
    /// Its form.
    pub form: Form,
    /// The unit of its lengths.
    pub unit: Unit,
}

/// The form of a shape, in its unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Form {
    /// So far in every direction.
    Circle {
        /// The radius.
        radius: f64,
    },
    /// Half of this to each side.
    Box {
        /// From west to east.
        width: f64,
        /// From south to north.
        height: f64,
    },
}

impl Shape {
    /// The metres to a place if that lies within the shape around `centre`.
    pub fn distance(&self, centre: &Point, place: &Point) -> Option<f64> {
        let metres = self.unit.metres();
        match self.form {
            Form::Circle { radius } => {
                let distance = centre.distance_to(place);
                (distance <= radius * metres).then_some(distance)
            }
            Form::Box { width, height } => {
                let (width, height) = (width * metres, height * metres);
                if latitude_distance(place.latitude, centre.latitude) > height / 2.0 {
                    return None;
                }
                let across = Point { latitude: place.latitude, ..*centre };
                if place.distance_to(&across) > width / 2.0 {
                    return None;
                }
                Some(centre.distance_to(place))
            }
        }
    }

    /// What a map must show to show the shape.
    fn bounds(&self, centre: &Point) -> Extent {
        let (width, height) = match self.form {
            Form::Circle { radius } => (radius, radius),
            Form::Box { width, height } => (width / 2.0, height / 2.0),
        };
        let (width, height) = (self.unit.metres() * width, self.unit.metres() * height);
        let Point { longitude, latitude } = *centre;
        let up = degrees(height / EARTH_RADIUS);
        // Meridians are nearest to each other at the side of the pole.
        let polar = if latitude < 0.0 { latitude - up } else { latitude + up };
        let across = degrees(width / EARTH_RADIUS / radians(polar).cos());
        Extent {
            longitude: (longitude - across, longitude + across),
            latitude: (latitude - up, latitude + up),
        }
    }

    /// How many metres it reaches.
    fn reach(&self) -> f64 {
        let reach = match self.form {
            Form::Circle { radius } => radius,
            Form::Box { width, height } => {
                ((width / 2.0) * (width / 2.0) + (height / 2.0) * (height / 2.0)).sqrt()
            }
        };
        reach * self.unit.metres()
    }
}

/// Directions to the cells around one, east and north, in the order in which they are searched.
const AROUND: [(i8, i8); 8] =
    [(0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, 1), (1, -1), (-1, -1)];

/// The cells that cover a shape around a place, in the order in which they are searched; two that
/// follow each other may be the same, around a small map.
pub fn cells(centre: &Point, shape: &Shape) -> impl Iterator<Item = Cell> {
    let bounds = shape.bounds(centre);
    let mut step = step_for(shape.reach(), centre.latitude);
    let mut cell = Cell::around(centre, step);
    if step > 1 && !reaches(&cell, &bounds) {
        step -= 1;
        cell = Cell::around(centre, step);
    }
    let own = cell.extent();
    let is_useful = move |(east, north): (i8, i8)| {
        // One that lies beyond the bounds on its side holds nothing of the shape.
        step < 2
            || !(north < 0 && own.latitude.0 < bounds.latitude.0
                || north > 0 && own.latitude.1 > bounds.latitude.1
                || east < 0 && own.longitude.0 < bounds.longitude.0
                || east > 0 && own.longitude.1 > bounds.longitude.1)
    };
    let around = AROUND.into_iter().filter(move |direction| is_useful(*direction));
    let around = around.map(move |(east, north)| cell.neighbour(east, north));
    std::iter::once(cell).chain(around)
}

/// Whether a cell and those around it reach the bounds on every side.
fn reaches(cell: &Cell, bounds: &Extent) -> bool {
    let extent = |east, north| cell.neighbour(east, north).extent();
    !(extent(0, 1).latitude.1 < bounds.latitude.1
        || extent(0, -1).latitude.0 > bounds.latitude.0
        || extent(1, 0).longitude.1 < bounds.longitude.1
        || extent(-1, 0).longitude.0 > bounds.longitude.0)
}

/// The halvings after which a cell is about as large as the shape reaches.
fn step_for(mut metres: f64, latitude: f64) -> u32 {
    if metres == 0.0 {
        return STEP_MAX;
    }
    let mut step = 1i32;
    while metres < MAP_MAX {
        metres *= 2.0;
        step += 1;
    }
    step -= 2;
    // The map is wider towards the poles.
    step -= i32::from(latitude.abs() > 66.0) + i32::from(latitude.abs() > 80.0);
    step.clamp(1, STEP_MAX as i32).unsigned_abs()
}
