//! Members of a sorted set within a shape around a place.

use super::Point;
use super::area::{Shape, cells};
use super::cell::Cell;
use crate::values::set::Member;
use crate::values::sorted::{Element, ScoreEnd, ScoreRange, SortedRef};

/// A member within the shape.
#[derive(Debug, Clone, Copy)]
pub struct Match<'a> {
    /// The member.
    pub member: Member<'a>,
    /// Its score.
    pub score: f64,
    /// Where it is.
    pub point: Point,
    /// Metres to the centre.
    pub distance: f64,
}

/// The members within a shape around a place, in no order; not more than `limit` if that is not
/// 0. O(log n) a cell, of which there are nine, and O(members in them).
pub fn search<'a>(
    set: SortedRef<'a>,
    centre: &Point,
    shape: &Shape,
    limit: usize,
) -> Vec<Match<'a>> {
    let mut matches: Vec<Match<'a>> = Vec::new();
    let is_full = |matches: &Vec<_>| limit > 0 && matches.len() >= limit;
    // Cells around a small map meet themselves. Redis overlooks that of the first.
    let mut last: Option<Cell> = None;
    for (number, cell) in cells(centre, shape).enumerate() {
        if last == Some(cell) {
            continue;
        }
        if is_full(&matches) {
            break;
        }
        for element in members_of(set, &cell) {
            let point = Point::of_score(element.score);
            let Some(distance) = shape.distance(centre, &point) else { continue };
            let Element { member, score } = element;
            matches.push(Match { member, score, point, distance });
            if is_full(&matches) {
                break;
            }
        }
        last = (number > 0).then_some(cell);
    }
    matches
}

fn members_of<'a>(set: SortedRef<'a>, cell: &Cell) -> impl Iterator<Item = Element<'a>> {
    let (from, to) = cell.scores();
    let range = ScoreRange {
        min: ScoreEnd { score: from, open: false },
        max: ScoreEnd { score: to, open: true },
    };
    set.range(set.ranks_of_scores(&range), false)
}
