//! Bitmap commands, and how they read offsets. What they do is in [`crate::values::bits`].

pub mod bitcount;
pub mod bitfield;
pub mod bitop;
pub mod bitpos;
pub mod getbit;
pub mod setbit;

use crate::args::Args;
use crate::command::Words;
use crate::config::Config;
use crate::error::Error;
use crate::values::bits::{Range, Unit};
use crate::values::string;
use larder_codec::integer::parse_i64_canonical;

const BAD_OFFSET: Error = Error::text("ERR bit offset is not an integer or out of range");

/// Reads the offset of a bit.
fn offset_of(word: &[u8]) -> Result<u64, Error> {
    let offset = parse_i64_canonical(word).and_then(|offset| u64::try_from(offset).ok());
    offset.ok_or(BAD_OFFSET)
}

/// Checks that the settings allow a string that reaches to the offset.
fn check_offset(offset: u64, config: &Config) -> Result<(), Error> {
    if offset / 8 < string::max_len(config) { Ok(()) } else { Err(BAD_OFFSET) }
}

/// Takes `BYTE` or `BIT`.
fn unit(args: &mut Args<'_>) -> Result<Unit, Error> {
    if args.keyword("BIT") {
        Ok(Unit::Bit)
    } else if args.keyword("BYTE") {
        Ok(Unit::Byte)
    } else {
        Err(Error::Syntax)
    }
}

fn range_words(range: &Range, words: &mut Words<'_>) {
    words.int(range.start);
    if let Some(end) = range.end {
        words.int(end);
        if range.unit == Unit::Bit {
            words.keyword("BIT");
        }
    }
}
