//! `BITPOS key bit [start [end [BYTE | BIT]]]`
//!
//! Answers where the first bit that is 1, or 0, stands in the string at `key` or in a range of its
//! bytes or bits; -1 where there is none. Without an end, zeros are found behind the string, too;
//! a missing key is nothing but zeros. O(bytes of the range).
//!
//! Effect: none.

use super::{range_words, unit};
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::keys::string_of;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::bits::{self, Range, Unit};

/// What is known of `BITPOS`.
pub const SPEC: Spec = Spec {
    name: "bitpos",
    syntax: "key bit [start [end [BYTE | BIT]]]",
    summary: "Finds the first set (1) or clear (0) bit in a string.",
    since: "2.8.7",
    group: Group::Bitmap,
    complexity: "O(N) in the bytes of the range",
    arity: -3,
    flags: flag::READONLY,
    keys: &[KeySpec::one(1, key::RO | key::ACCESS)],
    ..Spec::BASE
};

/// `BITPOS`
#[derive(Debug, Clone)]
pub struct BitPos<'a> {
    /// The key.
    pub key: &'a [u8],
    /// Which bit to find.
    pub bit: bool,
    /// Where to look, if not everywhere.
    pub range: Option<Range>,
}

impl BitPos<'_> {
    fn find(&self, bytes: Option<&[u8]>) -> Option<u64> {
        let Some(bytes) = bytes else { return (!self.bit).then_some(0) };
        let all = Range { start: 0, end: None, unit: Unit::Byte };
        let range = self.range.unwrap_or(all);
        let bits = range.bits(bytes.len());
        let found = bits::find(bytes, bits.clone(), self.bit);
        let goes_on = range.end.is_none() && !self.bit && !bits.is_empty();
        found.or(goes_on.then_some(bits.end))
    }
}

impl<'a> Command<'a> for BitPos<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let key = args.word()?;
        let bit = match args.int()? {
            0 => false,
            1 => true,
            _ => return Err(Error::text("ERR The bit argument must be 1 or 0.")),
        };
        let mut end = None;
        let range = match args.left() {
            0 => None,
            given @ 1..=3 => {
                let start = args.int()?;
                if given >= 2 {
                    end = Some(args.word()?);
                }
                // The unit is read before the end.
                let unit = if given == 3 { unit(args)? } else { Unit::Byte };
                let end = end.map(|word| Args::new(&[word]).int()).transpose()?;
                Some(Range { start, end, unit })
            }
            _ => return Err(Error::Syntax),
        };
        Ok(BitPos { key, bit, range })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key).int(i64::from(self.bit));
        if let Some(range) = &self.range {
            range_words(range, words);
        }
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let found = self.find(string_of(ctx.keys.read(self.key))?);
        reply.int(found.map_or(-1, u64::cast_signed));
        Ok(())
    }
}
