//! `DEBUG POPULATE count [prefix [size]]`: string keys to test with.

use crate::args::Args;
use crate::command::{Ctx, Words};
use crate::error::Error;
use crate::keyspace::{Expiry, Kind, NewValue};
use crate::reply::Reply;

/// What `POPULATE` makes.
#[derive(Debug, Clone, Copy)]
pub struct Populate<'a> {
    /// So many keys.
    pub count: u64,
    /// What their names begin with; `key` if it is not said.
    pub prefix: Option<&'a [u8]>,
    /// Bytes of each value, cut or filled up with zeros; as long as it is if it is not said.
    pub size: Option<u64>,
}

const OUT_OF_RANGE: Error = Error::text("ERR value is out of range, must be positive");

impl<'a> Populate<'a> {
    pub(super) fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let positive = |value: i64| u64::try_from(value).map_err(|_| OUT_OF_RANGE);
        let count = positive(args.int()?)?;
        let prefix = if args.left() > 0 { Some(args.word()?) } else { None };
        let size = if args.left() > 0 { Some(positive(args.int()?)?) } else { None };
        Ok(Populate { count, prefix, size })
    }

    pub(super) fn words(&self, words: &mut Words<'_>) {
        words.int(self.count.cast_signed());
        if let Some(prefix) = self.prefix {
            words.push(prefix);
            if let Some(size) = self.size {
                words.int(size.cast_signed());
            }
        }
    }

    pub(super) fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) {
        let prefix = self.prefix.unwrap_or(b"key");
        for number in 0..self.count {
            let key = [prefix, format!(":{number}").as_bytes()].concat();
            let mut value = format!("value:{number}").into_bytes();
            match self.size.and_then(|size| usize::try_from(size).ok()) {
                None | Some(0) => {}
                Some(size) => value.resize(size, 0),
            }
            let mut gate = ctx.keys.write(&key);
            if !gate.exists() {
                gate.put(NewValue::Bytes(Kind::String, &value), Expiry::Clear);
            }
        }
        ctx.keys.no_effect();
        reply.ok();
    }
}
