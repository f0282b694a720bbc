//! `BITOP <AND | OR | XOR | NOT> destkey key [key ...]`
//!
//! Stores at `destkey` the strings of the keys combined bit by bit, shorter ones filled up with
//! zeros, whatever was there and without a TTL; answers the length. Where every string is empty
//! or missing, `destkey` is removed. O(bytes of all strings).
//!
//! Effect: the command, unless nothing was stored where nothing was.

use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::commands::string::set;
use crate::error::Error;
use crate::keys::string_of;
use crate::keyspace::Expiry;
use crate::notify::names::Events;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::bits::operation::{Operation, combine};
use crate::values::string;

/// What is known of `BITOP`.
pub const SPEC: Spec = Spec {
    name: "bitop",
    syntax: "<AND | OR | XOR | NOT> destkey key [key ...]",
    summary: "Performs bitwise operations on multiple strings, and stores the result.",
    since: "2.6.0",
    group: Group::Bitmap,
    complexity: "O(N) in the bytes of all strings",
    arity: -4,
    flags: flag::WRITE | flag::DENYOOM,
    keys: &[KeySpec::one(2, key::OW | key::UPDATE), KeySpec::rest(3, key::RO | key::ACCESS)],
    events: Events::named(set::SPEC.name),
    ..Spec::BASE
};

const OPERATIONS: [(&str, Operation); 4] = [
    ("AND", Operation::And),
    ("OR", Operation::Or),
    ("XOR", Operation::Xor),
    ("NOT", Operation::Not),
];

/// `BITOP`
#[derive(Debug, Clone)]
pub struct BitOp<'a> {
    /// How the strings are combined.
    pub operation: Operation,
    /// Where the result goes.
    pub destination: &'a [u8],
    /// The strings' keys; only one for [`Operation::Not`].
    pub keys: &'a [&'a [u8]],
}

impl<'a> Command<'a> for BitOp<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let operation = OPERATIONS.iter().find(|(name, _)| args.keyword(name));
        let operation = operation.map(|(_, operation)| *operation).ok_or(Error::Syntax)?;
        let (destination, keys) = (args.word()?, args.rest());
        if operation == Operation::Not && keys.len() != 1 {
            return Err(Error::text("ERR BITOP NOT must be called with a single source key."));
        }
        Ok(BitOp { operation, destination, keys })
    }

    fn words(&self, words: &mut Words<'_>) {
        for (name, operation) in OPERATIONS {
            if operation == self.operation {
                words.keyword(name);
            }
        }
        words.push(self.destination).all(self.keys);
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.destination);
        self.keys.iter().for_each(|key| visit(key));
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let mut strings = Vec::with_capacity(self.keys.len());
        for key in self.keys {
            strings.push(string_of(ctx.keys.read(key))?.unwrap_or_default());
        }
        let result = combine(self.operation, &strings);
        reply.int(result.len() as i64);
        let mut gate = ctx.keys.write(self.destination);
        if result.is_empty() {
            gate.remove();
        } else {
            string::put_raw(&mut gate, result, Expiry::Clear);
        }
        Ok(())
    }
}
