//! `SCAN cursor [MATCH pattern] [COUNT count] [TYPE type]`
//!
//! Walks over the database a piece at a time: answers the next cursor, 0 at the end, and keys.
//! What is there during the whole walk is answered at least once, whatever grows or shrinks
//! meanwhile. About `COUNT` keys are looked at (10), of which those that match are answered. A type
//! that there is not matches nothing. What is due among the keys looked at is removed. O(COUNT).
//!
//! A cursor is the place in a shard's table times the number of shards, plus the shard. A call
//! holds the cursor's shard, and the ones behind it only as far as it takes to meet `COUNT` keys.

use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::keys::Keys;
use crate::keyspace::Met;
use crate::keyspace::locks::ShardSet;
use crate::reply::Reply;
use crate::spec::{Group, Spec, acl, flag};
use larder_codec::glob::matches;

/// What is known of `SCAN`.
pub const SPEC: Spec = Spec {
    name: "scan",
    syntax: "cursor [MATCH pattern] [COUNT count] [TYPE type]",
    summary: "Iterates over the keys of the database.",
    since: "2.8.0",
    group: Group::Generic,
    complexity: "O(N) in COUNT",
    arity: -2,
    flags: flag::READONLY,
    acl: acl::KEYSPACE,
    more_shards: Some(|keys, words| {
        let scan = words.get(1..).and_then(|words| Scan::parse(&mut Args::new(words)).ok());
        scan.map_or(ShardSet::None, |scan| scan.shards(keys))
    }),
    tips: &["nondeterministic_output", "request_policy:special", "response_policy:special"],
    ..Spec::BASE
};

/// How many keys a call looks at unless told.
const DEFAULT_COUNT: u64 = 10;

/// `SCAN`
#[derive(Debug, Clone)]
pub struct Scan<'a> {
    /// 0, or what the call before answered.
    pub cursor: u64,
    /// Answer only keys that match.
    pub pattern: Option<&'a [u8]>,
    /// About how many keys to look at.
    pub count: Option<u64>,
    /// Answer only keys of this type.
    pub type_of: Option<&'a [u8]>,
}

impl<'a> Command<'a> for Scan<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let mut scan = Scan { cursor: args.cursor()?, pattern: None, count: None, type_of: None };
        while args.left() > 0 {
            if args.keyword("MATCH") {
                scan.pattern = Some(args.word()?);
            } else if args.keyword("COUNT") {
                let count = u64::try_from(args.int()?).ok().filter(|&count| count > 0);
                scan.count = Some(count.ok_or(Error::Syntax)?);
            } else if args.keyword("TYPE") {
                scan.type_of = Some(args.word()?);
            } else {
                return Err(Error::Syntax);
            }
        }
        Ok(scan)
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.cursor.to_string().as_bytes());
        if let Some(pattern) = self.pattern {
            words.keyword("MATCH").push(pattern);
        }
        if let Some(count) = self.count {
            words.keyword("COUNT").int(count.cast_signed());
        }
        if let Some(type_of) = self.type_of {
            words.keyword("TYPE").push(type_of);
        }
    }

    fn keys(&self, _: &mut dyn FnMut(&'a [u8])) {}

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let keys = &*ctx.keys;
        let (mut shard, mut place) = self.start(keys);
        let (mut met, mut found, mut due) = (0, Vec::new(), Vec::new());
        let cursor = loop {
            place = keys.scan_bucket(shard, place, |key| {
                met += 1;
                if self.is_wanted(key) {
                    let keys = if key.due { &mut due } else { &mut found };
                    keys.push(key.key.to_vec());
                }
            });
            shard += u16::from(place == 0);
            if shard == keys.shard_count() {
                break 0;
            }
            if met >= self.count() || !keys.holds(shard) {
                break place * u64::from(keys.shard_count()) + u64::from(shard);
            }
        };
        due.iter().for_each(|key| ctx.keys.remove_due(key));
        reply.array(2);
        reply.bulk(cursor.to_string().as_bytes());
        reply.array(found.len());
        found.iter().for_each(|key| reply.bulk(key));
        Ok(())
    }
}

impl Scan<'_> {
    fn count(&self) -> u64 {
        self.count.unwrap_or(DEFAULT_COUNT)
    }

    /// The cursor's shard and its place there.
    fn start(&self, keys: &Keys<'_>) -> (u16, u64) {
        let shards = u64::from(keys.shard_count());
        ((self.cursor % shards) as u16, self.cursor / shards)
    }

    /// The cursor's shard, and twice as many as are held while those have too few keys left.
    fn shards(&self, keys: &Keys<'_>) -> ShardSet {
        let (first, mut place) = self.start(keys);
        let mut set = ShardSet::One(first);
        let (mut next, mut left) = (first, 0);
        while next < keys.shard_count() && keys.holds(next) {
            left += keys.left_after(next, place);
            place = 0;
            next += 1;
        }
        if next > first && left < self.count() {
            let more = (next - first).min(keys.shard_count() - next);
            (next..next + more).for_each(|shard| set.add(shard));
        }
        set
    }

    /// Whether the type and the pattern are met; the key may be due.
    fn is_wanted(&self, met: Met<'_>) -> bool {
        let type_name = met.type_of.name().as_bytes();
        self.type_of.is_none_or(|name| name.eq_ignore_ascii_case(type_name))
            && self.pattern.is_none_or(|pattern| pattern == b"*" || matches(pattern, met.key))
    }
}
