//! `BLPOP key [key ...] timeout`, `BRPOP`
//!
//! Takes the first (`BLPOP`) or last (`BRPOP`) element of the first of several lists that is
//! there; where none is, waits until one is, or until `timeout` seconds have passed (0: for ever).
//! Answers key and element, a null array when the time is up. Inside MULTI it does not wait. A key
//! that is tried and holds something else is an error. O(keys).
//!
//! Effect: `LPOP` or `RPOP` of the key.
//!
//! This file is the pattern of a blocking command: the command and its [`Waiting`] do the same
//! thing through one function ([`take_first`]), the command on borrowed words, the waiter on its
//! own copy of the keys.

use super::{Form, Timeout, lpop, lpush, take_first};
use crate::args::Args;
use crate::blocking::Waiting;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::keys::Keys;
use crate::keyspace::Type;
use crate::notify::names::Events;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::sync::Mutex;
use crate::values::list::{self, End, Limits};

const BASE: Spec = Spec {
    syntax: "key [key ...] timeout",
    since: "2.0.0",
    group: Group::List,
    complexity: "O(N) in the number of keys",
    arity: -3,
    flags: flag::WRITE | flag::BLOCKING,
    keys: &[KeySpec::range(1, -2, 1, key::RW | key::ACCESS | key::DELETE)],
    ..Spec::BASE
};

/// What is known of `BLPOP`.
pub const SPEC_BLPOP: Spec = Spec {
    name: "blpop",
    summary: "Removes and answers the first element of a list, waiting for one if need be.",
    events: Events::named(lpop::SPEC_LPOP.name),
    ..BASE
};

/// What is known of `BRPOP`.
pub const SPEC_BRPOP: Spec = Spec {
    name: "brpop",
    summary: "Removes and answers the last element of a list, waiting for one if need be.",
    events: Events::named(lpop::SPEC_RPOP.name),
    ..BASE
};

/// `BLPOP` or, at the tail, `BRPOP`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BPop<'a, const TAIL: bool> {
    /// The keys, in the order in which they are tried.
    pub keys: &'a [&'a [u8]],
    /// How long it waits.
    pub timeout: Timeout,
}

/// `BLPOP`
pub type BLPop<'a> = BPop<'a, false>;
/// `BRPOP`
pub type BRPop<'a> = BPop<'a, true>;

impl<'a, const TAIL: bool> Command<'a> for BPop<'a, TAIL> {
    const SPEC: &'static Spec = if TAIL { &SPEC_BRPOP } else { &SPEC_BLPOP };

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let keys = args.words(args.left().saturating_sub(1))?;
        Ok(BPop { keys, timeout: Timeout::parse(args)? })
    }

    fn words(&self, words: &mut Words<'_>) {
        self.timeout.words(words.all(self.keys));
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        self.keys.iter().for_each(|key| visit(key));
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let end = if TAIL { End::Tail } else { End::Head };
        take_or_wait(ctx, self.keys, end, Form::Pair, self.timeout, reply)
    }
}

/// Takes from the first of the lists that is there, or waits for one.
pub(super) fn take_or_wait(
    ctx: &mut Ctx<'_, '_>,
    keys: &[&[u8]],
    end: End,
    form: Form,
    timeout: Timeout,
    reply: &mut dyn Reply,
) -> Result<(), Error> {
    let timeout_ms = timeout.ms(ctx.keys.now_ms())?;
    if take_first(ctx.keys, keys.iter().copied(), end, form, reply, |_, _| {})? {
        return Ok(());
    }
    if !ctx.may_block {
        reply.null_array();
        return Ok(());
    }
    let keys = keys.iter().map(|&key| key.into()).collect();
    ctx.wait_for(Box::new(Taker { keys, end, form, taken: Mutex::default() }), timeout_ms);
    Ok(())
}

/// Waits for elements to take away.
struct Taker {
    keys: Box<[Box<[u8]>]>,
    end: End,
    form: Form,
    /// What `serve` took, in that order, each with the number of its key.
    taken: Mutex<Vec<(usize, Vec<u8>)>>,
}

impl Waiting for Taker {
    fn keys(&self) -> &[Box<[u8]>] {
        &self.keys
    }

    fn is_ready(&self, keys: &Keys<'_>, key: &[u8]) -> bool {
        keys.type_of(key) == Some(Type::List)
    }

    fn serve(&self, keys: &mut Keys<'_>, reply: &mut dyn Reply) {
        let mut taken = self.taken.lock();
        let candidates = self.keys.iter().map(AsRef::as_ref);
        let done = take_first(keys, candidates, self.end, self.form, reply, |key, element| {
            taken.push((key, element.to_vec()));
        });
        match done {
            Ok(true) => {}
            Ok(false) => reply.null_array(),
            Err(error) => reply.error(&error),
        }
    }

    fn time_out(&self, reply: &mut dyn Reply) {
        reply.null_array();
    }

    /// Back at their end, in their old order; nowhere if the key has become something else. A
    /// list that has gone meanwhile comes back without its TTL.
    fn give_back(&self, keys: &mut Keys<'_>) {
        let taken = std::mem::take(&mut *self.taken.lock());
        let Some(&(index, _)) = taken.first() else { return };
        let key = &self.keys[index];
        let mut words: Vec<&[u8]> = taken.iter().rev().map(|(_, element)| &**element).collect();
        let limits = Limits::of(keys.config());
        if list::push(&mut keys.write(key), self.end, &words, &limits).is_ok() {
            words.insert(0, key);
            keys.effect(lpush::spec(self.end), &words);
        }
    }
}
