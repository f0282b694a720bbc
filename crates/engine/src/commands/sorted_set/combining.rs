//! `numkeys key [key ...] [WEIGHTS weight ...] [AGGREGATE SUM | MIN | MAX] [WITHSCORES]`: what
//! union, intersection and difference have in common. Knows no command; next:
//! [`crate::values::sorted::algebra`].

use super::query::answer_elements;
use crate::args::Args;
use crate::command::Words;
use crate::error::Error;
use crate::keys::Keys;
use crate::reply::Reply;
use crate::spec::Spec;
use crate::values::set::Member;
use crate::values::sorted::algebra::{self, Aggregate, Input, Source};
use crate::values::sorted::{Collected, Element, Rules, score};
use larder_resp::format_double;

const NOT_A_WEIGHT: Error = Error::text("ERR weight value is not a float");

/// What is done with several inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    Union,
    Intersection,
    Difference,
}

/// Inputs and how they are joined.
#[derive(Debug, Clone, PartialEq)]
pub struct Combining<'a> {
    /// The keys of sorted sets, or of sets, whose members have the score 1.
    pub keys: &'a [&'a [u8]],
    /// What the scores of each are multiplied by; empty for 1.
    pub weights: Vec<f64>,
    /// How the scores of a member are joined.
    pub aggregate: Aggregate,
    /// Answer scores, too.
    pub with_scores: bool,
}

impl<'a> Combining<'a> {
    /// Reads the words of a command of this kind; one that stores takes no `WITHSCORES`.
    pub(super) fn parse(
        args: &mut Args<'a>,
        operation: Operation,
        stores: bool,
        spec: &Spec,
    ) -> Result<Self, Error> {
        let keys = parse_keys(args, spec)?;
        let (weights, aggregate) = (Vec::new(), Aggregate::default());
        let mut combining = Combining { keys, weights, aggregate, with_scores: false };
        let joins = operation != Operation::Difference;
        while args.left() > 0 {
            if joins && args.left() > keys.len() && args.keyword("WEIGHTS") {
                let weight = |word: &&[u8]| score::parse(word).ok_or(NOT_A_WEIGHT);
                let words = args.words(keys.len())?;
                combining.weights = words.iter().map(weight).collect::<Result<_, _>>()?;
            } else if joins && args.left() > 1 && args.keyword("AGGREGATE") {
                combining.aggregate = parse_aggregate(args)?;
            } else if !stores && args.keyword("WITHSCORES") {
                combining.with_scores = true;
            } else {
                return Err(Error::Syntax);
            }
        }
        Ok(combining)
    }

    pub(super) fn words(&self, words: &mut Words<'_>) {
        words.int(self.keys.len() as i64).all(self.keys);
        if !self.weights.is_empty() {
            words.keyword("WEIGHTS");
            for weight in &self.weights {
                words.push(format_double(*weight).as_bytes());
            }
        }
        match self.aggregate {
            Aggregate::Sum => &mut *words,
            Aggregate::Min => words.keyword("AGGREGATE").keyword("MIN"),
            Aggregate::Max => words.keyword("AGGREGATE").keyword("MAX"),
        };
        if self.with_scores {
            words.keyword("WITHSCORES");
        }
    }

    /// The result of an operation.
    pub(super) fn combine(
        &self,
        keys: &Keys<'_>,
        operation: Operation,
    ) -> Result<Collected, Error> {
        let mut inputs = inputs(keys, self.keys)?;
        inputs.iter_mut().zip(&self.weights).for_each(|(input, weight)| input.weight = *weight);
        Ok(match operation {
            Operation::Union => algebra::unite(inputs, self.aggregate, &Rules::of(keys).hash),
            Operation::Intersection => algebra::intersect(inputs, self.aggregate),
            Operation::Difference => algebra::subtract(&inputs),
        })
    }

    /// Answers the result of an operation.
    pub(super) fn answer(
        &self,
        keys: &Keys<'_>,
        operation: Operation,
        reply: &mut dyn Reply,
    ) -> Result<(), Error> {
        let result = self.combine(keys, operation)?;
        let elements =
            result.iter().map(|key| Element { member: Member::Text(key.member), score: key.score });
        answer_elements(elements, self.with_scores, reply);
        Ok(())
    }

    /// Stores the result of an operation and answers how many members it has.
    pub(super) fn store(
        &self,
        keys: &mut Keys<'_>,
        operation: Operation,
        destination: &[u8],
        reply: &mut dyn Reply,
    ) -> Result<(), Error> {
        let result = self.combine(keys, operation)?;
        let rules = Rules::of(keys);
        result.put(&mut keys.write(destination), &rules);
        reply.int(result.len() as i64);
        Ok(())
    }
}

/// Reads the number of the keys and the keys.
pub(super) fn parse_keys<'a>(args: &mut Args<'a>, spec: &Spec) -> Result<&'a [&'a [u8]], Error> {
    let count = args.int()?;
    if count < 1 {
        let name = spec.name;
        let text = format!("ERR at least 1 input key is needed for '{name}' command");
        return Err(Error::owned(text));
    }
    args.words(usize::try_from(count).unwrap_or(usize::MAX))
}

/// The inputs of some keys, as a use of them, each with the weight 1.
pub(super) fn inputs<'k>(keys: &'k Keys<'_>, names: &[&[u8]]) -> Result<Vec<Input<'k>>, Error> {
    let input =
        |name: &&[u8]| Source::of(keys.read(name)).map(|source| Input { source, weight: 1.0 });
    names.iter().map(input).collect()
}

fn parse_aggregate(args: &mut Args<'_>) -> Result<Aggregate, Error> {
    if args.keyword("SUM") {
        Ok(Aggregate::Sum)
    } else if args.keyword("MIN") {
        Ok(Aggregate::Min)
    } else if args.keyword("MAX") {
        Ok(Aggregate::Max)
    } else {
        Err(Error::Syntax)
    }
}
