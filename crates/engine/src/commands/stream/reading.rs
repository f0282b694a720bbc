//! What `XREAD` and `XREADGROUP` share: their options, where to read from, how it is answered.

use super::{Late, parse_id, push_id, reply_range};
use crate::args::Args;
use crate::command::Words;
use crate::error::Error;
use crate::keys::Keys;
use crate::reply::Reply;
use crate::spec::{KeyFlags, key};
use crate::values::stream::{Id, stream_of};
use larder_resp::Protocol;
use smallvec::SmallVec;

/// Where reading begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    /// After this ID.
    After(Id),
    /// `$`: after what is there now.
    Now,
    /// `+`: the last entry.
    Last,
    /// `>`: what the group has not delivered yet.
    New,
}

impl From {
    fn parse(args: &mut Args<'_>, of_group: bool) -> Result<From, Error> {
        match (args.word()?, of_group) {
            (b"$", false) => Ok(From::Now),
            (b"+", false) => Ok(From::Last),
            (b">", true) => Ok(From::New),
            (b"$", true) => Err(Error::text(meaningless!("$"))),
            (b"+", true) => Err(Error::text(meaningless!("+"))),
            (b">", false) => Err(Error::text(
                "ERR The > ID can be specified only when calling XREADGROUP using the GROUP \
                 <group> <consumer> option.",
            )),
            (word, _) => Ok(match parse_id(word, 0)? {
                // To Redis the greatest id is the same as `>`.
                Id::MAX if of_group => From::New,
                id => From::After(id),
            }),
        }
    }

    fn words(&self, words: &mut Words<'_>) {
        match self {
            From::After(id) => push_id(words, *id),
            From::Now => drop(words.keyword("$")),
            From::Last => drop(words.keyword("+")),
            From::New => drop(words.keyword(">")),
        }
    }
}

macro_rules! meaningless {
    ($id:literal) => {
        concat!(
            "ERR The ",
            $id,
            " ID is meaningless in the context of XREADGROUP: you want to read the history of \
             this consumer by specifying a proper ID, or use the > ID to get new messages. The ",
            $id,
            " ID would just return an empty result set."
        )
    };
}
use meaningless;

/// Streams and where to read from in each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Streams<'a> {
    /// Milliseconds to wait, 0 for ever; `None` does not wait.
    pub block_ms: Option<u64>,
    /// Most entries of each stream; 0 for all.
    pub count: u64,
    /// The keys.
    pub keys: &'a [&'a [u8]],
    /// As many beginnings.
    pub from: Vec<Late<'a, From>>,
}

/// Options of consumer groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct GroupOptions<'a> {
    pub(super) group: Option<(&'a [u8], &'a [u8])>,
    pub(super) no_ack: bool,
}

impl<'a> Streams<'a> {
    /// Reads all options; those of groups only where they are admitted.
    pub(super) fn parse(
        args: &mut Args<'a>,
        name: &str,
        mut of_group: Option<&mut GroupOptions<'a>>,
    ) -> Result<Self, Error> {
        let (mut block_ms, mut count) = (None, 0);
        let is_group = of_group.is_some();
        while args.left() > 0 {
            let more = args.left() - 1;
            if more > 0 && args.keyword("BLOCK") {
                block_ms = Some(parse_milliseconds(args)?);
            } else if more > 0 && args.keyword("COUNT") {
                count = super::parse_from_zero(args, Error::NotInteger)?;
            } else if more > 0 && args.keyword("STREAMS") {
                let words = args.rest();
                if !words.len().is_multiple_of(2) {
                    return Err(unbalanced(name, if is_group { '>' } else { '$' }));
                }
                let (keys, ids) = words.split_at(words.len() / 2);
                let from = |id| Late::parse(&mut Args::new(id), |id| From::parse(id, is_group));
                let from = ids.chunks(1).map(from).collect();
                return Ok(Streams { block_ms, count, keys, from });
            } else if more > 1 && args.keyword("GROUP") {
                let Some(options) = &mut of_group else { return Err(only_of_group("GROUP")) };
                options.group = Some((args.word()?, args.word()?));
            } else if args.keyword("NOACK") {
                let Some(options) = &mut of_group else { return Err(only_of_group("NOACK")) };
                options.no_ack = true;
            } else {
                return Err(Error::Syntax);
            }
        }
        Err(Error::Syntax)
    }

    pub(super) fn words(&self, words: &mut Words<'_>) {
        if self.count != 0 {
            words.keyword("COUNT").int(self.count.cast_signed());
        }
        if let Some(block_ms) = self.block_ms {
            words.keyword("BLOCK").int(block_ms.cast_signed());
        }
        words.keyword("STREAMS").all(self.keys);
        self.from.iter().for_each(|from| from.words(words, From::words));
    }

    /// Milliseconds to wait, unless their end is beyond what a clock shows.
    pub(super) fn timeout_ms(&self, now_ms: u64) -> Result<Option<u64>, Error> {
        let most = i64::MAX.cast_unsigned().saturating_sub(now_ms);
        match self.block_ms {
            Some(ms) if ms > most => Err(Error::text("ERR timeout is out of range")),
            timeout_ms => Ok(timeout_ms),
        }
    }

    /// Keys for a waiter.
    pub(super) fn owned_keys(&self) -> Box<[Box<[u8]>]> {
        self.keys.iter().map(|&key| key.into()).collect()
    }
}

/// Visits the keys of such a request.
pub(super) fn find_keys(words: &[&[u8]], visit: &mut dyn FnMut(usize, KeyFlags)) -> bool {
    let is = |at: usize, word: &str| words[at].eq_ignore_ascii_case(word.as_bytes());
    let mut at = 1;
    while at < words.len() && !is(at, "STREAMS") {
        at += match () {
            () if is(at, "BLOCK") || is(at, "COUNT") => 2,
            () if is(at, "GROUP") => 3,
            () if is(at, "NOACK") => 1,
            () => return false,
        };
    }
    let count = words.len().saturating_sub(at + 1) / 2;
    (1..=count).for_each(|key| visit(at + key, key::RO | key::ACCESS));
    count > 0 && (words.len() - at - 1).is_multiple_of(2)
}

/// Answers entries of several streams, in each from an ID on, up to `most` of each (0: all).
pub(super) fn reply_streams(
    keys: &Keys<'_>,
    streams: &[(&[u8], Id)],
    most: u64,
    reply: &mut dyn Reply,
) {
    begin_streams(streams.len(), reply);
    for &(key, from) in streams {
        begin_stream(key, reply);
        match stream_of(keys.peek(keys.db(), key)) {
            Ok(Some(stream)) => reply_range(reply, stream.entries(), (from, Id::MAX), most),
            _ => reply.array(0),
        }
    }
}

/// Begins an answer about so many streams.
pub(super) fn begin_streams(count: usize, reply: &mut dyn Reply) {
    match reply.protocol() {
        Protocol::Resp2 => reply.array(count),
        Protocol::Resp3 => reply.map(count),
    }
}

/// Begins one stream's part of it; its entries follow.
pub(super) fn begin_stream(key: &[u8], reply: &mut dyn Reply) {
    if reply.protocol() == Protocol::Resp2 {
        reply.array(2);
    }
    reply.bulk(key);
}

/// A few of something, one for each stream.
pub(super) type Few<T> = SmallVec<[T; 4]>;

fn parse_milliseconds(args: &mut Args<'_>) -> Result<u64, Error> {
    let ms = args.int_or(Error::text("ERR timeout is not an integer or out of range"))?;
    u64::try_from(ms).map_err(|_| Error::text("ERR timeout is negative"))
}

fn unbalanced(name: &str, symbol: char) -> Error {
    Error::owned(format!(
        "ERR Unbalanced '{name}' list of streams: for each stream key an ID or '{symbol}' must be \
         specified.",
    ))
}

fn only_of_group(option: &str) -> Error {
    Error::owned(format!(
        "ERR The {option} option is only supported by XREADGROUP. You called XREAD instead.",
    ))
}
