//! `SETBIT key offset value`
//!
//! Sets or clears a bit of the string at `key`, which grows by zeros to reach it; answers the bit
//! before. An error for another type, for a bit that is neither 0 nor 1, and for an offset above
//! `proto-max-bulk-len`. Keeps the TTL. O(1) but for the growth; a string of up to 8 KiB moves
//! when it grows.
//!
//! Effect: the command, unless the bit was there and the same.

use super::{check_offset, offset_of};
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::bits;

/// What is known of `SETBIT`.
pub const SPEC: Spec = Spec {
    name: "setbit",
    syntax: "key offset value",
    summary: "Sets or clears the bit at offset of the string value. Creates the key if it doesn't \
              exist.",
    since: "2.2.0",
    group: Group::Bitmap,
    arity: 4,
    flags: flag::WRITE | flag::DENYOOM,
    keys: &[KeySpec::one(1, key::RW | key::ACCESS | key::UPDATE)],
    ..Spec::BASE
};

/// `SETBIT`
#[derive(Debug, Clone)]
pub struct SetBit<'a> {
    /// The key.
    pub key: &'a [u8],
    /// Which bit.
    pub offset: u64,
    /// What it shall be.
    pub on: bool,
}

impl<'a> Command<'a> for SetBit<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        const BAD_BIT: Error = Error::text("ERR bit is not an integer or out of range");
        let (key, offset) = (args.word()?, offset_of(args.word()?)?);
        let on = match args.int_or(BAD_BIT)? {
            0 => false,
            1 => true,
            _ => return Err(BAD_BIT),
        };
        Ok(SetBit { key, offset, on })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key).int(self.offset.cast_signed()).int(i64::from(self.on));
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        check_offset(self.offset, ctx.config())?;
        let was = bits::set(&mut ctx.keys.write(self.key), self.offset, self.on)?;
        reply.int(i64::from(was));
        Ok(())
    }
}
