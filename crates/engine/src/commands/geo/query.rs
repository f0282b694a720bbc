//! What the searches share: where, which shape, how many, in which order, and what is answered or
//! stored of each member found.

use super::{answer_point, number, point, unit, unit_name};
use crate::args::Args;
use crate::command::Words;
use crate::error::Error;
use crate::keys::Keys;
use crate::reply::Reply;
use crate::values::geo::area::{Form, Shape};
use crate::values::geo::search::{Match, search};
use crate::values::geo::{Point, bits_of_score, distance_text};
use crate::values::partial_sort::partial_sort;
use crate::values::sorted::{Collected, Rules, SortedRef, sorted_of};
use larder_resp::format_double;

/// Where the shape lies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Centre<'a> {
    /// Around a member.
    Member(&'a [u8]),
    /// Around a place.
    Point(Point),
}

/// How many members are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    /// At most so many, at least 1.
    pub most: u64,
    /// The first ones that are found, not the nearest.
    pub any: bool,
}

/// A search.
#[derive(Debug, Clone, PartialEq)]
pub struct Query<'a> {
    /// Where the shape lies.
    pub centre: Centre<'a>,
    /// The shape.
    pub shape: Shape,
    /// The nearest first, or the farthest; in no order if neither is named.
    pub ascending: Option<bool>,
    /// How many are wanted, if not all.
    pub count: Option<Count>,
    /// Answer where each member is.
    pub with_coordinates: bool,
    /// Answer how far it is.
    pub with_distance: bool,
    /// Answer its score.
    pub with_hash: bool,
}

/// The options of a search as they are read.
#[derive(Debug, Default)]
pub(super) struct Options {
    ascending: Option<bool>,
    most: Option<u64>,
    any: bool,
    with_coordinates: bool,
    with_distance: bool,
    with_hash: bool,
}

impl Options {
    /// Takes an option that every search has; `false` if the next word is none.
    pub(super) fn take(&mut self, args: &mut Args<'_>) -> Result<bool, Error> {
        if args.keyword("WITHDIST") {
            self.with_distance = true;
        } else if args.keyword("WITHHASH") {
            self.with_hash = true;
        } else if args.keyword("WITHCOORD") {
            self.with_coordinates = true;
        } else if args.keyword("ANY") {
            self.any = true;
        } else if args.keyword("ASC") {
            self.ascending = Some(true);
        } else if args.keyword("DESC") {
            self.ascending = Some(false);
        } else if args.left() > 1 && args.keyword("COUNT") {
            let most = u64::try_from(args.int()?).ok().filter(|&most| most > 0);
            self.most = Some(most.ok_or(Error::text("ERR COUNT must be > 0"))?);
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    /// Refuses what a stored result cannot have; `what` is stored.
    pub(super) fn check_stored(&self, what: &str) -> Result<(), Error> {
        if self.with_distance || self.with_hash || self.with_coordinates {
            return Err(Error::owned(format!(
                "ERR {what} is not compatible with WITHDIST, WITHHASH and WITHCOORD options"
            )));
        }
        Ok(())
    }

    /// The search with these options.
    pub(super) fn query<'a>(self, centre: Centre<'a>, shape: Shape) -> Result<Query<'a>, Error> {
        let Options { ascending, any, with_coordinates, with_distance, with_hash, .. } = self;
        if any && self.most.is_none() {
            return Err(Error::text("ERR the ANY argument requires COUNT argument"));
        }
        let count = self.most.map(|most| Count { most, any });
        Ok(Query { centre, shape, ascending, count, with_coordinates, with_distance, with_hash })
    }
}

/// Reads a radius and its unit.
pub(super) fn circle(args: &mut Args<'_>) -> Result<Shape, Error> {
    let radius = number(args, Error::text("ERR need numeric radius"))?;
    if radius < 0.0 {
        return Err(Error::text("ERR radius cannot be negative"));
    }
    Ok(Shape { form: Form::Circle { radius }, unit: unit(args)? })
}

fn rectangle(args: &mut Args<'_>) -> Result<Shape, Error> {
    let width = number(args, Error::text("ERR need numeric width"))?;
    let height = number(args, Error::text("ERR need numeric height"))?;
    if width < 0.0 || height < 0.0 {
        return Err(Error::text("ERR height or width cannot be negative"));
    }
    Ok(Shape { form: Form::Box { width, height }, unit: unit(args)? })
}

impl<'a> Query<'a> {
    /// Reads the words of a search that names centre and shape as options. `stored` says what is
    /// stored, if the result is, and whether `STOREDIST` was read.
    pub(super) fn parse(
        args: &mut Args<'a>,
        mut stored: Option<(&str, &mut bool)>,
    ) -> Result<Query<'a>, Error> {
        let (mut centre, mut shape, mut options) = (None, None, Options::default());
        while args.left() > 0 {
            let takes_member = !matches!(centre, Some(Centre::Point(_)));
            let takes_point = !matches!(centre, Some(Centre::Member(_)));
            let is_box = matches!(shape, Some(Shape { form: Form::Box { .. }, .. }));
            let is_circle = matches!(shape, Some(Shape { form: Form::Circle { .. }, .. }));
            if options.take(args)? {
            } else if takes_member && args.left() > 1 && args.keyword("FROMMEMBER") {
                centre = Some(Centre::Member(args.word()?));
            } else if takes_point && args.left() > 2 && args.keyword("FROMLONLAT") {
                centre = Some(Centre::Point(point(args)?));
            } else if !is_box && args.left() > 2 && args.keyword("BYRADIUS") {
                shape = Some(circle(args)?);
            } else if !is_circle && args.left() > 3 && args.keyword("BYBOX") {
                shape = Some(rectangle(args)?);
            } else if let Some((_, distances)) = &mut stored
                && args.keyword("STOREDIST")
            {
                **distances = true;
            } else {
                return Err(Error::Syntax);
            }
        }
        if let Some((what, _)) = stored {
            options.check_stored(what)?;
        }
        let missing = |what: &str| {
            let name = String::from_utf8_lossy(args.given_name());
            Error::owned(format!("ERR exactly one of {what} can be specified for {name}"))
        };
        let centre = centre.ok_or_else(|| missing("FROMMEMBER or FROMLONLAT"))?;
        let shape = shape.ok_or_else(|| missing("BYRADIUS and BYBOX"))?;
        options.query(centre, shape)
    }

    /// The words of centre and shape as options.
    pub(super) fn words_of_place(&self, words: &mut Words<'_>) {
        match self.centre {
            Centre::Member(member) => drop(words.keyword("FROMMEMBER").push(member)),
            Centre::Point(point) => words_of_point(&point, words.keyword("FROMLONLAT")),
        }
        let number = |words: &mut Words<'_>, value| {
            words.push(format_double(value).as_bytes());
        };
        match self.shape.form {
            Form::Circle { radius } => number(words.keyword("BYRADIUS"), radius),
            Form::Box { width, height } => {
                number(words.keyword("BYBOX"), width);
                number(words, height);
            }
        }
        words.keyword(unit_name(self.shape.unit));
    }

    /// The words of all other options.
    pub(super) fn words_of_options(&self, words: &mut Words<'_>) {
        if let Some(Count { most, any }) = self.count {
            words.keyword("COUNT").int(most.cast_signed());
            if any {
                words.keyword("ANY");
            }
        }
        if let Some(ascending) = self.ascending {
            words.keyword(if ascending { "ASC" } else { "DESC" });
        }
        let with = [
            (self.with_coordinates, "WITHCOORD"),
            (self.with_distance, "WITHDIST"),
            (self.with_hash, "WITHHASH"),
        ];
        for (_, word) in with.iter().filter(|(on, _)| *on) {
            words.keyword(word);
        }
    }

    /// Answers what is found in a key's set.
    pub(super) fn answer(
        &self,
        keys: &Keys<'_>,
        key: &[u8],
        reply: &mut dyn Reply,
    ) -> Result<(), Error> {
        let matches = match sorted_of(keys.read(key))? {
            Some(set) => self.find(set)?,
            None => Vec::new(),
        };
        let options = [self.with_distance, self.with_hash, self.with_coordinates];
        let options = options.into_iter().filter(|on| *on).count();
        reply.array(matches.len());
        for Match { member, score, point, distance } in &matches {
            if options > 0 {
                reply.array(options + 1);
            }
            member.answer(reply);
            if self.with_distance {
                reply.bulk(distance_text(distance / self.shape.unit.metres()).as_bytes());
            }
            if self.with_hash {
                reply.int(bits_of_score(*score).cast_signed());
            }
            if self.with_coordinates {
                answer_point(point, reply);
            }
        }
        Ok(())
    }

    /// Stores what is found in a key's set, with distances for scores if that is wanted, or
    /// removes the destination if there is nothing; answers how many were found.
    pub(super) fn store(
        &self,
        keys: &mut Keys<'_>,
        (key, destination): (&[u8], &[u8]),
        distances: bool,
        reply: &mut dyn Reply,
    ) -> Result<(), Error> {
        let mut result = Collected::default();
        if let Some(set) = sorted_of(keys.read(key))? {
            for Match { member, score, distance, .. } in self.find(set)? {
                let distance = distance / self.shape.unit.metres();
                result.push(member, if distances { distance } else { score });
            }
        }
        result.sort();
        let rules = Rules::of(keys);
        result.put(&mut keys.write(destination), &rules);
        reply.int(result.len() as i64);
        Ok(())
    }

    /// The members found, in order and as many as are wanted.
    fn find<'k>(&self, set: SortedRef<'k>) -> Result<Vec<Match<'k>>, Error> {
        let centre = match self.centre {
            Centre::Point(point) => point,
            Centre::Member(member) => Point::of_score(
                set.score(member)
                    .ok_or(Error::text("ERR could not decode requested zset member"))?,
            ),
        };
        let most = self.count.map(|count| usize::try_from(count.most).unwrap_or(usize::MAX));
        let any = self.count.is_some_and(|count| count.any);
        let limit = most.filter(|_| any).unwrap_or(0);
        let mut matches = search(set, &centre, &self.shape, limit);
        // What is counted is counted from the nearest.
        let ascending = self.ascending.or(self.count.filter(|count| !count.any).map(|_| true));
        if let Some(ascending) = ascending {
            let order = |a: &Match<'_>, b: &Match<'_>| {
                let order = a.distance.total_cmp(&b.distance);
                if ascending { order } else { order.reverse() }
            };
            match most.filter(|&most| most < matches.len()) {
                Some(most) => partial_sort(&mut matches, 0..most, order),
                None => matches.sort_by(order),
            }
        }
        matches.truncate(most.unwrap_or(usize::MAX));
        Ok(matches)
    }
}

pub(super) fn words_of_point(point: &Point, words: &mut Words<'_>) {
    words.push(format_double(point.longitude).as_bytes());
    words.push(format_double(point.latitude).as_bytes());
}
