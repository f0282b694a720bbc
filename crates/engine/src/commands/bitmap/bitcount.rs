//! `BITCOUNT key [start end [BYTE | BIT]]`
//!
//! Answers how many bits of the string at `key` are set, in all of it or in a range of bytes or
//! bits; 0 for a missing key. O(bytes of the range).
//!
//! Effect: none.
//!
//! Valkey 8 and later take a start without an end; Redis 7.2 does not.

use super::{range_words, unit};
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::keys::string_of;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::bits::{self, Range, Unit};

/// What is known of `BITCOUNT`.
pub const SPEC: Spec = Spec {
    name: "bitcount",
    syntax: "key [start end [BYTE | BIT]]",
    summary: "Counts the number of set bits (population counting) in a string.",
    since: "2.6.0",
    group: Group::Bitmap,
    complexity: "O(N) in the bytes of the range",
    arity: -2,
    flags: flag::READONLY,
    keys: &[KeySpec::one(1, key::RO | key::ACCESS)],
    ..Spec::BASE
};

/// `BITCOUNT`
#[derive(Debug, Clone)]
pub struct BitCount<'a> {
    /// The key.
    pub key: &'a [u8],
    /// Where to count, if not everywhere.
    pub range: Option<Range>,
}

impl<'a> Command<'a> for BitCount<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let key = args.word()?;
        let range = match args.left() {
            0 => None,
            2 => Some(Range { start: args.int()?, end: Some(args.int()?), unit: Unit::Byte }),
            3 => Some(Range { start: args.int()?, end: Some(args.int()?), unit: unit(args)? }),
            _ => return Err(Error::Syntax),
        };
        Ok(BitCount { key, range })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key);
        if let Some(range) = &self.range {
            range_words(range, words);
        }
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let bytes = string_of(ctx.keys.read(self.key))?.unwrap_or_default();
        let all = Range { start: 0, end: None, unit: Unit::Byte };
        let range = self.range.unwrap_or(all);
        // BITPOS has no such rule: ends that both lie before the string are its first unit there.
        let count =
            if range.is_reversed() { 0 } else { bits::count(bytes, range.bits(bytes.len())) };
        reply.int(count.cast_signed());
        Ok(())
    }
}
