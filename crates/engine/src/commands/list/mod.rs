//! Commands of the group `list`, and what several of them share: arguments, taking elements from
//! the first list that has some, moving one from list to list.
//!
//! Blocking commands and their waiters do the same things through the same functions here; see
//! [`blpop`] for the pattern.

pub mod blmove;
pub mod blmpop;
pub mod blpop;
pub mod lindex;
pub mod linsert;
pub mod llen;
pub mod lmove;
pub mod lmpop;
pub mod lpop;
pub mod lpos;
pub mod lpush;
pub mod lrange;
pub mod lrem;
pub mod lset;
pub mod ltrim;
mod timeout;

pub use timeout::Timeout;

use crate::args::Args;
use crate::command::Words;
use crate::error::Error;
use crate::keys::Keys;
use crate::keyspace::Type;
use crate::notify::names::{Events, Told};
use crate::reply::Reply;
use crate::spec::Spec;
use crate::values::list::{self, End, Limits, list_of};
use larder_codec::integer::format_i64;
use smallvec::SmallVec;

/// An index whose sense is checked only after the key was looked at, as Redis does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Index(Option<i64>);

impl Index {
    /// An index from the head, or from the tail if it is negative.
    pub fn new(index: i64) -> Self {
        Index(Some(index))
    }

    fn parse(args: &mut Args<'_>) -> Result<Self, Error> {
        args.word().map(|word| Index(larder_codec::integer::parse_i64_canonical(word)))
    }

    fn words(self, words: &mut Words<'_>) {
        match self.0 {
            Some(index) => words.int(index),
            None => words.keyword(""),
        };
    }

    fn get(self) -> Result<i64, Error> {
        self.0.ok_or(Error::NotInteger)
    }
}

/// `LEFT` or `RIGHT`.
fn parse_end(args: &mut Args<'_>) -> Result<End, Error> {
    if args.keyword("LEFT") {
        Ok(End::Head)
    } else if args.keyword("RIGHT") {
        Ok(End::Tail)
    } else {
        Err(Error::Syntax)
    }
}

fn end_word(end: End) -> &'static str {
    match end {
        End::Head => "LEFT",
        End::Tail => "RIGHT",
    }
}

/// The command that pops at an end.
fn pop_spec(end: End) -> &'static Spec {
    match end {
        End::Head => &lpop::SPEC_LPOP,
        End::Tail => &lpop::SPEC_RPOP,
    }
}

/// An integer of all but the smallest, as `LREM` and `LPOS` take it.
fn parse_symmetric(args: &mut Args<'_>) -> Result<i64, Error> {
    match args.int()? {
        i64::MIN => Err(Error::text(
            "ERR value is out of range, value must between -9223372036854775807 and \
             9223372036854775807",
        )),
        value => Ok(value),
    }
}

/// `numkeys key [key ...] LEFT | RIGHT [COUNT count]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Popping<'a> {
    /// The keys, in the order in which they are tried.
    pub keys: &'a [&'a [u8]],
    /// At which end.
    pub end: End,
    /// How many elements at most.
    pub count: usize,
}

impl<'a> Popping<'a> {
    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        const KEYS: Error = Error::text("ERR numkeys should be greater than 0");
        const COUNT: Error = Error::text("ERR count should be greater than 0");
        let positive = |number: u64, error| if number == 0 { Err(error) } else { Ok(number) };
        let keys = positive(args.count_or(KEYS)?, KEYS)?;
        let keys = args.words(usize::try_from(keys).unwrap_or(usize::MAX))?;
        let end = parse_end(args)?;
        let mut count = 1;
        if args.keyword("COUNT") {
            count = positive(args.count_or(COUNT)?, COUNT)?;
        }
        args.end()?;
        Ok(Popping { keys, end, count: usize::try_from(count).unwrap_or(usize::MAX) })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.int(self.keys.len() as i64).all(self.keys).keyword(end_word(self.end));
        if self.count != 1 {
            words.keyword("COUNT").int(self.count as i64);
        }
    }
}

/// How elements that were taken are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Key and element.
    Pair,
    /// Key and an array of up to so many elements.
    Several(usize),
}

/// The events of commands whose option names the end that they take from.
const POPS: Events = Events::told(&[Told::by_option(
    &[("left", Some(lpop::SPEC_LPOP.name)), ("right", Some(lpop::SPEC_RPOP.name))],
    "",
)]);

/// Takes elements from the first of the keys that has a list, answers them, and names the effect;
/// whether there was one. Keys before it that hold something else are an error. `taken` hears the
/// elements, each with the number of its key.
fn take_first<'k>(
    keys: &mut Keys<'_>,
    candidates: impl Iterator<Item = &'k [u8]>,
    end: End,
    form: Form,
    reply: &mut dyn Reply,
    mut taken: impl FnMut(usize, &[u8]),
) -> Result<bool, Error> {
    let limits = Limits::of(keys.config());
    for (index, key) in candidates.enumerate() {
        let mut gate = keys.write(key);
        let Some(list) = list_of(gate.value())? else { continue };
        let count = match form {
            Form::Pair => 1,
            Form::Several(most) => most.min(list.len()),
        };
        reply.array(2);
        reply.bulk(key);
        if let Form::Several(_) = form {
            reply.array(count);
        }
        list.each_of_end(end, count, |element| {
            reply.bulk(element);
            taken(index, element);
        });
        list::remove_at_end(&mut gate, end, count, &limits);
        name_pop(keys, key, end, form, count);
        return Ok(true);
    }
    Ok(false)
}

fn name_pop(keys: &mut Keys<'_>, key: &[u8], end: End, form: Form, count: usize) {
    match form {
        Form::Pair => keys.effect(pop_spec(end), &[key]),
        Form::Several(_) => {
            let mut digits = [0; larder_codec::integer::MAX_TEXT];
            keys.effect(pop_spec(end), &[key, format_i64(count as i64, &mut digits)]);
        }
    }
}

/// Two lists and their ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Path<'a> {
    source: &'a [u8],
    destination: &'a [u8],
    from: End,
    to: End,
}

impl Path<'_> {
    /// Moves one element and answers it; `false` when the source is not there.
    fn go(&self, keys: &mut Keys<'_>, reply: &mut dyn Reply) -> Result<bool, Error> {
        let limits = Limits::of(keys.config());
        let target = keys.type_of(self.destination);
        let mut element: SmallVec<[u8; 128]> = SmallVec::new();
        let mut source = keys.write(self.source);
        let Some(list) = list_of(source.value())? else { return Ok(false) };
        if target.is_some_and(|target| target != Type::List) {
            return Err(Error::WrongType);
        }
        list.each_of_end(self.from, 1, |bytes| element.extend_from_slice(bytes));
        if self.source == self.destination {
            list::rotate(&mut source, self.from, self.to, &element, &limits);
        } else {
            list::remove_at_end(&mut source, self.from, 1, &limits);
            list::push(&mut keys.write(self.destination), self.to, &[&element], &limits)?;
        }
        reply.bulk(&element);
        Ok(true)
    }
}
