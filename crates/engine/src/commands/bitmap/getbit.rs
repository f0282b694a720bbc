//! `GETBIT key offset`
//!
//! Answers a bit of the string at `key`, 0 behind its end and for a missing key. An error for
//! another type and for an offset above `proto-max-bulk-len`. O(1).
//!
//! Effect: none.

use super::{check_offset, offset_of};
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::keys::string_of;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::bits;

/// What is known of `GETBIT`.
pub const SPEC: Spec = Spec {
    name: "getbit",
    syntax: "key offset",
    summary: "Returns a bit value by offset.",
    since: "2.2.0",
    group: Group::Bitmap,
    arity: 3,
    flags: flag::READONLY | flag::FAST,
    keys: &[KeySpec::one(1, key::RO | key::ACCESS)],
    ..Spec::BASE
};

/// `GETBIT`
#[derive(Debug, Clone)]
pub struct GetBit<'a> {
    /// The key.
    pub key: &'a [u8],
    /// Which bit.
    pub offset: u64,
}

impl<'a> Command<'a> for GetBit<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(GetBit { key: args.word()?, offset: offset_of(args.word()?)? })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key).int(self.offset.cast_signed());
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        check_offset(self.offset, ctx.config())?;
        let bytes = string_of(ctx.keys.read(self.key))?.unwrap_or_default();
        reply.int(i64::from(bits::get(bytes, self.offset)));
        Ok(())
    }
}
