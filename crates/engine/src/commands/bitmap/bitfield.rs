//! `BITFIELD key [GET encoding offset | [OVERFLOW <WRAP | SAT | FAIL>] <SET encoding offset value |
//! INCRBY encoding offset increment> ...]`, and `BITFIELD_RO` with `GET` only
//!
//! Reads and writes integers of any width in the string at `key`, in the order of the words;
//! answers an array of what `GET` and `SET` found, what `INCRBY` made, and null for what `OVERFLOW
//! FAIL` refused. An offset of `#n` is the n-th integer of that width. A write lets the string grow
//! by zeros, also one that is refused then. Errors for another type, and for an offset above
//! `proto-max-bulk-len`. Keeps the TTL. O(1) an operation.
//!
//! Effect: the command, unless it changed nothing.

use super::{BAD_OFFSET, check_offset, offset_of, setbit};
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::keys::string_of;
use crate::keyspace::Gate;
use crate::notify::names::Events;
use crate::reply::Reply;
use crate::spec::{Group, KeyFlags, KeySpec, Spec, flag, key};
use crate::values::bits::field::{Encoding, Overflow};

/// What is known of `BITFIELD`.
pub const SPEC: Spec = Spec {
    name: "bitfield",
    syntax: "key [GET encoding offset | [OVERFLOW <WRAP | SAT | FAIL>] \
             <SET encoding offset value | INCRBY encoding offset increment> ...]",
    summary: "Performs arbitrary bitfield integer operations on strings.",
    since: "3.2.0",
    group: Group::Bitmap,
    complexity: "O(1) for each operation",
    arity: -2,
    flags: flag::WRITE | flag::DENYOOM,
    keys: &[KeySpec::one(1, key::RW | key::ACCESS | key::UPDATE | key::VARIABLE_FLAGS)],
    events: Events::named(setbit::SPEC.name),
    key_use: Some(key_use),
    ..Spec::BASE
};

/// What is known of `BITFIELD_RO`.
pub const SPEC_RO: Spec = Spec {
    name: "bitfield_ro",
    syntax: "key [GET encoding offset [GET encoding offset ...]]",
    summary: "Performs arbitrary read-only bitfield integer operations on strings.",
    since: "6.0.0",
    flags: flag::READONLY | flag::FAST,
    keys: &[KeySpec::one(1, key::RO | key::ACCESS)],
    key_use: None,
    ..SPEC
};

/// Without `SET` and `INCRBY` it only reads.
fn key_use(words: &[&[u8]]) -> KeyFlags {
    let writes =
        |word: &&[u8]| [SET, ADD].iter().any(|action| word.eq_ignore_ascii_case(action.as_bytes()));
    if words.iter().skip(2).any(writes) {
        key::RW | key::ACCESS | key::UPDATE
    } else {
        key::RO | key::ACCESS
    }
}

/// The words of what is done with an integer.
const GET: &str = "GET";
const SET: &str = "SET";
const ADD: &str = "INCRBY";

/// One integer, and what is done with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operation {
    /// Its width and sign.
    pub encoding: Encoding,
    /// Its first bit.
    pub offset: u64,
    /// What is done.
    pub action: Action,
}

/// What is done with an integer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It is read.
    Get,
    /// It becomes this.
    Set(i64, Overflow),
    /// This is added to it.
    Add(i64, Overflow),
}

/// `BITFIELD`, or `BITFIELD_RO`.
#[derive(Debug, Clone)]
pub struct Fields<'a, const READ_ONLY: bool> {
    /// The key.
    pub key: &'a [u8],
    /// What is done, in this order.
    pub operations: Vec<Operation>,
}

/// `BITFIELD`
pub type BitField<'a> = Fields<'a, false>;
/// `BITFIELD_RO`
pub type BitFieldRo<'a> = Fields<'a, true>;

impl<'a, const READ_ONLY: bool> Command<'a> for Fields<'a, READ_ONLY> {
    const SPEC: &'static Spec = if READ_ONLY { &SPEC_RO } else { &SPEC };

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let mut fields = Fields { key: args.word()?, operations: Vec::new() };
        let mut overflow = Overflow::Wrap;
        while args.left() > 0 {
            if args.left() > 1 && args.keyword("OVERFLOW") {
                overflow = overflow_of(args)?;
            } else {
                fields.operations.push(operation_of(args, overflow)?);
            }
        }
        if READ_ONLY && fields.operations.iter().any(|operation| operation.action != Action::Get) {
            return Err(Error::text("ERR BITFIELD_RO only supports the GET subcommand"));
        }
        Ok(fields)
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key);
        let mut overflow = Overflow::Wrap;
        for Operation { encoding, offset, action } in &self.operations {
            let (name, value) = match *action {
                Action::Get => (GET, None),
                Action::Set(value, how) => (SET, Some((value, how))),
                Action::Add(value, how) => (ADD, Some((value, how))),
            };
            if let Some((_, how)) = value.filter(|(_, how)| *how != overflow) {
                words.keyword("OVERFLOW").keyword(name_of(how));
                overflow = how;
            }
            words.keyword(name).push(encoding.to_string().as_bytes()).int(offset.cast_signed());
            if let Some((value, _)) = value {
                words.int(value);
            }
        }
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        for operation in &self.operations {
            check_offset(operation.offset, ctx.config())?;
        }
        let written = self.operations.iter().filter(|operation| operation.action != Action::Get);
        let end = written.map(|operation| operation.offset + operation.encoding.bits()).max();
        let Some(end) = end else {
            let bytes = string_of(ctx.keys.read(self.key))?.unwrap_or_default();
            reply.array(self.operations.len());
            for Operation { encoding, offset, .. } in &self.operations {
                reply.int(encoding.get(bytes, *offset));
            }
            return Ok(());
        };
        let mut gate = ctx.keys.write(self.key);
        let len = end.div_ceil(8) as usize;
        if string_of(gate.value())?.is_none_or(|bytes| bytes.len() < len) {
            gate.edit_bytes(len, |_| {});
        }
        reply.array(self.operations.len());
        for operation in &self.operations {
            match operation.perform(&mut gate)? {
                Some(value) => reply.int(value),
                None => reply.null(),
            }
        }
        Ok(())
    }
}

impl Operation {
    /// Does it in the key's string, which is long enough to write to; what is answered.
    fn perform(&self, gate: &mut Gate<'_>) -> Result<Option<i64>, Error> {
        let Operation { encoding, offset, action } = *self;
        let bytes = string_of(gate.value())?.unwrap_or_default();
        let old = encoding.get(bytes, offset);
        let fitting = match action {
            Action::Get => return Ok(Some(old)),
            Action::Set(value, how) => encoding.fit(encoding.given(value), how),
            Action::Add(by, how) => encoding.fit(i128::from(old) + i128::from(by), how),
        };
        let Some(new) = fitting else { return Ok(None) };
        if new != old {
            gate.edit_bytes(0, |bytes| encoding.set(bytes, offset, new));
        }
        Ok(Some(if matches!(action, Action::Set(..)) { old } else { new }))
    }
}

const OVERFLOWS: [(&str, Overflow); 3] =
    [("WRAP", Overflow::Wrap), ("SAT", Overflow::Saturate), ("FAIL", Overflow::Fail)];

fn name_of(overflow: Overflow) -> &'static str {
    OVERFLOWS.iter().find(|(_, how)| *how == overflow).map_or("", |(name, _)| *name)
}

fn overflow_of(args: &mut Args<'_>) -> Result<Overflow, Error> {
    let known = OVERFLOWS.iter().find(|(name, _)| args.keyword(name));
    known.map(|(_, how)| *how).ok_or(Error::text("ERR Invalid OVERFLOW type specified"))
}

fn operation_of(args: &mut Args<'_>, overflow: Overflow) -> Result<Operation, Error> {
    let make: fn(i64, Overflow) -> Action = if args.left() > 2 && args.keyword(GET) {
        |_, _| Action::Get
    } else if args.left() > 3 && args.keyword(SET) {
        Action::Set
    } else if args.left() > 3 && args.keyword(ADD) {
        Action::Add
    } else {
        return Err(Error::Syntax);
    };
    let encoding = Encoding::parse(args.word()?).ok_or(Error::text(
        "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but \
         i64 is.",
    ))?;
    let offset = match args.word()? {
        [b'#', nth @ ..] => offset_of(nth)?.checked_mul(encoding.bits()),
        word => Some(offset_of(word)?),
    };
    let offset = offset.filter(|offset| i64::try_from(*offset).is_ok()).ok_or(BAD_OFFSET)?;
    let action = make(0, overflow);
    let value = if action == Action::Get { 0 } else { args.int()? };
    Ok(Operation { encoding, offset, action: make(value, overflow) })
}
