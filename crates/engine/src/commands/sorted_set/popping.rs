//! Taking the least or the greatest members of the first sorted set that is there, and waiting
//! for one: what the commands that pop share. Knows no words of its own but `MIN` and `MAX`.

use super::{zadd, zpopmin};
use crate::args::Args;
use crate::blocking::Waiting;
use crate::command::{Ctx, Words};
use crate::commands::list::Timeout;
use crate::error::Error;
use crate::keys::Keys;
use crate::keyspace::Type;
use crate::notify::names::{Events, Told};
use crate::reply::Reply;
use crate::sync::Mutex;
use crate::values::sorted::{self, Putting, Rules, SortedRef, sorted_of};
use larder_codec::integer::{MAX_TEXT, format_i64};
use larder_resp::{Protocol, format_double};
use std::ops::Range;

/// Which members are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The least, `MIN`.
    Min,
    /// The greatest, `MAX`.
    Max,
}

impl Side {
    /// The ranks of the `count` outermost members.
    pub(super) fn ranks(self, set: &SortedRef<'_>, count: usize) -> Range<usize> {
        let (len, count) = (set.len(), count.min(set.len()));
        match self {
            Side::Min => 0..count,
            Side::Max => len - count..len,
        }
    }

    pub(super) fn is_backwards(self) -> bool {
        self == Side::Max
    }

    fn word(self) -> &'static str {
        match self {
            Side::Min => "MIN",
            Side::Max => "MAX",
        }
    }
}

/// `numkeys key [key ...] MIN | MAX [COUNT count]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Popping<'a> {
    /// The keys, in the order in which they are tried.
    pub keys: &'a [&'a [u8]],
    /// Which members.
    pub side: Side,
    /// How many at most.
    pub count: usize,
}

impl<'a> Popping<'a> {
    pub(super) fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        const KEYS: Error = Error::text("ERR numkeys should be greater than 0");
        const COUNT: Error = Error::text("ERR count should be greater than 0");
        let positive = |number: u64, error| if number == 0 { Err(error) } else { Ok(number) };
        let keys = positive(args.count_or(KEYS)?, KEYS)?;
        let keys = args.words(usize::try_from(keys).unwrap_or(usize::MAX))?;
        let side = if args.keyword("MIN") {
            Side::Min
        } else if args.keyword("MAX") {
            Side::Max
        } else {
            return Err(Error::Syntax);
        };
        let mut count = 1;
        if args.left() > 1 && args.keyword("COUNT") {
            count = positive(args.count_or(COUNT)?, COUNT)?;
        }
        args.end()?;
        Ok(Popping { keys, side, count: usize::try_from(count).unwrap_or(usize::MAX) })
    }

    pub(super) fn words(&self, words: &mut Words<'_>) {
        words.int(self.keys.len() as i64).all(self.keys).keyword(self.side.word());
        if self.count != 1 {
            words.keyword("COUNT").int(self.count as i64);
        }
    }
}

/// The events of commands whose option names the side that they take from.
pub(super) const POPS: Events = Events::told(&[Told::by_option(
    &[("min", Some(zpopmin::SPEC_ZPOPMIN.name)), ("max", Some(zpopmin::SPEC_ZPOPMAX.name))],
    "",
)]);

/// How members that were taken are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Key, member, score.
    Triple,
    /// Key, and an array of up to so many pairs.
    Several(usize),
}

/// Members that were taken out of a key, for who may have to give them back.
type Taken = Vec<(Vec<u8>, f64)>;

/// Takes members of the first of the keys that has a sorted set, answers them, and names the
/// effect; whether there was one. Keys before it that hold something else are an error. `taken`
/// hears the members, each with the number of its key.
pub(super) fn take_first<'k>(
    keys: &mut Keys<'_>,
    candidates: impl Iterator<Item = &'k [u8]>,
    side: Side,
    form: Form,
    reply: &mut dyn Reply,
    mut taken: impl FnMut(usize, &[u8], f64),
) -> Result<bool, Error> {
    for (index, key) in candidates.enumerate() {
        let mut gate = keys.write(key);
        let Some(set) = sorted_of(gate.value())? else { continue };
        let ranks = side.ranks(&set, if let Form::Several(most) = form { most } else { 1 });
        let count = ranks.len();
        reply.array(if form == Form::Triple { 3 } else { 2 });
        reply.bulk(key);
        if form != Form::Triple {
            reply.array(count);
        }
        for element in set.range(ranks.clone(), side.is_backwards()) {
            if form != Form::Triple {
                reply.array(2);
            }
            element.answer(reply);
            taken(index, element.member.text(&mut [0; MAX_TEXT]), element.score);
        }
        sorted::remove_ranks(&mut gate, ranks);
        name_pop(keys, key, side, form, count);
        return Ok(true);
    }
    Ok(false)
}

fn name_pop(keys: &mut Keys<'_>, key: &[u8], side: Side, form: Form, count: usize) {
    let spec = zpopmin::spec(side);
    match form {
        Form::Triple => keys.effect(spec, &[key]),
        Form::Several(_) => {
            keys.effect(spec, &[key, format_i64(count as i64, &mut [0; MAX_TEXT])]);
        }
    }
}

/// Takes from the first of the sorted sets that is there, or waits for one.
pub(super) fn take_or_wait(
    ctx: &mut Ctx<'_, '_>,
    keys: &[&[u8]],
    side: Side,
    form: Form,
    timeout: Timeout,
    reply: &mut dyn Reply,
) -> Result<(), Error> {
    let timeout_ms = timeout.ms(ctx.keys.now_ms())?;
    if take_first(ctx.keys, keys.iter().copied(), side, form, reply, |_, _, _| {})? {
        return Ok(());
    }
    if !ctx.may_block {
        reply.null_array();
        return Ok(());
    }
    let keys = keys.iter().map(|&key| key.into()).collect();
    let taken = Mutex::default();
    ctx.wait_for(Box::new(Taker { keys, side, form, taken }), timeout_ms);
    Ok(())
}

/// Answers what was taken of one key: pairs in RESP3 if a count was named, else one after the
/// other.
pub(super) fn answer_popped(
    set: &SortedRef<'_>,
    ranks: Range<usize>,
    side: Side,
    counted: bool,
    reply: &mut dyn Reply,
) {
    let pairs = counted && reply.protocol() == Protocol::Resp3;
    reply.array(if pairs { ranks.len() } else { 2 * ranks.len() });
    for element in set.range(ranks, side.is_backwards()) {
        if pairs {
            reply.array(2);
        }
        element.answer(reply);
    }
}

/// Waits for members to take away.
struct Taker {
    keys: Box<[Box<[u8]>]>,
    side: Side,
    form: Form,
    /// The number of the key, and what `serve` took out of it.
    taken: Mutex<(usize, Taken)>,
}

impl Waiting for Taker {
    fn keys(&self) -> &[Box<[u8]>] {
        &self.keys
    }

    fn is_ready(&self, keys: &Keys<'_>, key: &[u8]) -> bool {
        keys.type_of(key) == Some(Type::SortedSet)
    }

    fn serve(&self, keys: &mut Keys<'_>, reply: &mut dyn Reply) {
        let mut taken = self.taken.lock();
        let candidates = self.keys.iter().map(AsRef::as_ref);
        let note = |key: usize, member: &[u8], score: f64| {
            taken.0 = key;
            taken.1.push((member.to_vec(), score));
        };
        match take_first(keys, candidates, self.side, self.form, reply, note) {
            Ok(true) => {}
            Ok(false) => reply.null_array(),
            Err(error) => reply.error(&error),
        }
    }

    fn time_out(&self, reply: &mut dyn Reply) {
        reply.null_array();
    }

    /// Back with their scores; nowhere if the key has become something else. Members that have come
    /// again meanwhile keep their new scores; a sorted set that has gone comes back without its
    /// TTL.
    fn give_back(&self, keys: &mut Keys<'_>) {
        let (index, taken) = std::mem::take(&mut *self.taken.lock());
        if taken.is_empty() {
            return;
        }
        let key = &self.keys[index];
        let pairs: Vec<(f64, &[u8])> =
            taken.iter().map(|(member, score)| (*score, &**member)).collect();
        let rules = Rules::of(keys);
        let putting = Putting { only_new: true, ..Putting::default() };
        let put = sorted::put(&mut keys.write(key), &pairs, putting, &rules);
        if put.is_ok_and(|put| put.added > 0) {
            let texts: Vec<_> = pairs.iter().map(|(score, _)| format_double(*score)).collect();
            let mut words: Vec<&[u8]> = vec![key, b"NX"];
            for (text, (_, member)) in texts.iter().zip(&pairs) {
                words.extend([text.as_bytes(), member]);
            }
            keys.effect(&zadd::SPEC, &words);
        }
    }
}
