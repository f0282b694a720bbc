//! `LPOP key [count]`, `RPOP`
//!
//! Removes the first (`LPOP`) or the last (`RPOP`) element of a list and answers it, null where
//! there is none; with a count, an array of up to so many. O(1) an element.
//!
//! Effect: the command.

use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::list::{self, End, Limits, list_of};

const BASE: Spec = Spec {
    syntax: "key [count]",
    group: Group::List,
    complexity: "O(1) an element",
    arity: -2,
    flags: flag::WRITE | flag::FAST,
    keys: &[KeySpec::one(1, key::RW | key::ACCESS | key::DELETE)],
    ..Spec::BASE
};

/// What is known of `LPOP`.
pub const SPEC_LPOP: Spec =
    Spec { name: "lpop", summary: "Removes and answers the first elements of a list.", ..BASE };

/// What is known of `RPOP`.
pub const SPEC_RPOP: Spec =
    Spec { name: "rpop", summary: "Removes and answers the last elements of a list.", ..BASE };

/// `LPOP` or, at the tail, `RPOP`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pop<'a, const TAIL: bool> {
    /// The key.
    pub key: &'a [u8],
    /// How many elements; one that stands alone if `None`.
    pub count: Option<usize>,
}

/// `LPOP`
pub type LPop<'a> = Pop<'a, false>;
/// `RPOP`
pub type RPop<'a> = Pop<'a, true>;

impl<'a, const TAIL: bool> Command<'a> for Pop<'a, TAIL> {
    const SPEC: &'static Spec = if TAIL { &SPEC_RPOP } else { &SPEC_LPOP };

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let key = args.word()?;
        let count = match args.left() {
            0 => None,
            1 => {
                let negative = Error::text("ERR value is out of range, must be positive");
                let count = args.count_or(negative)?;
                Some(usize::try_from(count).unwrap_or(usize::MAX))
            }
            _ => return Err(Error::Arity(Self::SPEC.name.into())),
        };
        Ok(Pop { key, count })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key);
        if let Some(count) = self.count {
            words.int(count as i64);
        }
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let limits = Limits::of(ctx.config());
        let end = if TAIL { End::Tail } else { End::Head };
        let mut gate = ctx.keys.write(self.key);
        let Some(held) = list_of(gate.value())? else {
            match self.count {
                None => reply.null(),
                Some(_) => reply.null_array(),
            }
            return Ok(());
        };
        let count = self.count.unwrap_or(1).min(held.len());
        if self.count.is_some() {
            reply.array(count);
        }
        held.each_of_end(end, count, |element| reply.bulk(element));
        if count > 0 {
            list::remove_at_end(&mut gate, end, count, &limits);
        }
        Ok(())
    }
}
