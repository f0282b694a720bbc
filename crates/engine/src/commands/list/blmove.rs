//! `BLMOVE source destination LEFT | RIGHT LEFT | RIGHT timeout`, `BRPOPLPUSH source destination
//! timeout`
//!
//! Moves an element as [`super::lmove`]; where there is no source, waits until there is, or until
//! `timeout` seconds have passed (0: for ever). Answers the element, a null array when the time is
//! up. Inside MULTI it does not wait and answers null. O(1).
//!
//! Effect: `LMOVE` or `RPOPLPUSH`. A caller that goes away while it is served loses nothing: the
//! element is in the destination.

use super::{Path, Timeout, end_word, lmove, parse_end};
use crate::args::Args;
use crate::blocking::Waiting;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::keys::Keys;
use crate::keyspace::Type;
use crate::reply::Reply;
use crate::spec::{Group, Spec, flag};
use crate::values::list::End;

/// What is known of `BLMOVE`.
pub const SPEC_BLMOVE: Spec = Spec {
    name: "blmove",
    syntax: "source destination <LEFT | RIGHT> <LEFT | RIGHT> timeout",
    summary: "Moves an element from one end of a list to an end of another, waiting for one if \
              need be.",
    since: "6.2.0",
    group: Group::List,
    arity: 6,
    flags: flag::WRITE | flag::DENYOOM | flag::BLOCKING,
    keys: lmove::KEYS,
    events: lmove::MOVES,
    ..Spec::BASE
};

/// What is known of `BRPOPLPUSH`.
pub const SPEC_BRPOPLPUSH: Spec = Spec {
    name: "brpoplpush",
    syntax: "source destination timeout",
    summary: "Moves the last element of a list to the head of another, waiting for one if need \
              be.",
    since: "2.2.0",
    arity: 4,
    events: lmove::TAIL_TO_HEAD,
    ..SPEC_BLMOVE
};

/// `BLMOVE`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BLMove<'a> {
    /// The list to take from.
    pub source: &'a [u8],
    /// The list to add to.
    pub destination: &'a [u8],
    /// The end to take from.
    pub from: End,
    /// The end to add at.
    pub to: End,
    /// How long it waits.
    pub timeout: Timeout,
}

/// `BRPOPLPUSH`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BRPopLPush<'a> {
    /// The list to take from.
    pub source: &'a [u8],
    /// The list to add to.
    pub destination: &'a [u8],
    /// How long it waits.
    pub timeout: Timeout,
}

impl<'a> Command<'a> for BLMove<'a> {
    const SPEC: &'static Spec = &SPEC_BLMOVE;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let (source, destination) = (args.word()?, args.word()?);
        let (from, to) = (parse_end(args)?, parse_end(args)?);
        Ok(BLMove { source, destination, from, to, timeout: Timeout::parse(args)? })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.source).push(self.destination);
        words.keyword(end_word(self.from)).keyword(end_word(self.to));
        self.timeout.words(words);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.source);
        visit(self.destination);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let BLMove { source, destination, from, to, timeout } = *self;
        go_or_wait(ctx, Path { source, destination, from, to }, Form::Ends, timeout, reply)
    }
}

impl<'a> Command<'a> for BRPopLPush<'a> {
    const SPEC: &'static Spec = &SPEC_BRPOPLPUSH;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let (source, destination) = (args.word()?, args.word()?);
        Ok(BRPopLPush { source, destination, timeout: Timeout::parse(args)? })
    }

    fn words(&self, words: &mut Words<'_>) {
        self.timeout.words(words.push(self.source).push(self.destination));
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.source);
        visit(self.destination);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let BRPopLPush { source, destination, timeout } = *self;
        let path = Path { source, destination, from: End::Tail, to: End::Head };
        go_or_wait(ctx, path, Form::Keys, timeout, reply)
    }
}

/// With which words the effect is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// `LMOVE` with both ends.
    Ends,
    /// `RPOPLPUSH`.
    Keys,
}

fn go_or_wait(
    ctx: &mut Ctx<'_, '_>,
    path: Path<'_>,
    form: Form,
    timeout: Timeout,
    reply: &mut dyn Reply,
) -> Result<(), Error> {
    let timeout_ms = timeout.ms(ctx.keys.now_ms())?;
    if go(ctx.keys, path, form, reply)? {
        return Ok(());
    }
    if !ctx.may_block {
        reply.null();
        return Ok(());
    }
    let keys = [path.source.into(), path.destination.into()];
    ctx.wait_for(Box::new(Mover { keys, from: path.from, to: path.to, form }), timeout_ms);
    Ok(())
}

/// Moves an element and names the effect; `false` when the source is not there.
fn go(
    keys: &mut Keys<'_>,
    path: Path<'_>,
    form: Form,
    reply: &mut dyn Reply,
) -> Result<bool, Error> {
    if !path.go(keys, reply)? {
        return Ok(false);
    }
    let Path { source, destination, from, to } = path;
    match form {
        Form::Ends => {
            let (from, to) = (end_word(from).as_bytes(), end_word(to).as_bytes());
            keys.effect(&lmove::SPEC_LMOVE, &[source, destination, from, to]);
        }
        Form::Keys => keys.effect(&lmove::SPEC_RPOPLPUSH, &[source, destination]),
    }
    Ok(true)
}

/// Waits for an element to move.
struct Mover {
    /// Source and destination.
    keys: [Box<[u8]>; 2],
    from: End,
    to: End,
    form: Form,
}

impl Waiting for Mover {
    fn keys(&self) -> &[Box<[u8]>] {
        &self.keys[..1]
    }

    fn other_keys(&self) -> &[Box<[u8]>] {
        &self.keys[1..]
    }

    fn is_ready(&self, keys: &Keys<'_>, key: &[u8]) -> bool {
        keys.type_of(key) == Some(Type::List)
    }

    fn serve(&self, keys: &mut Keys<'_>, reply: &mut dyn Reply) {
        let [source, destination] = &self.keys;
        let path = Path { source, destination, from: self.from, to: self.to };
        match go(keys, path, self.form, reply) {
            Ok(true) => {}
            Ok(false) => reply.null_array(),
            Err(error) => reply.error(&error),
        }
    }

    fn time_out(&self, reply: &mut dyn Reply) {
        reply.null_array();
    }
}
