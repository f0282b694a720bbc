//! `HSCAN key cursor [MATCH pattern] [COUNT count] [NOVALUES]`
//!
//! Answers some fields with their values, without them with `NOVALUES`, and the cursor to go on
//! with, 0 at the end. What is in the hash all along is met at least once, whatever else comes and
//! goes. A packed hash comes whole. O(count).
//!
//! Effect: none. A word that makes no sense is refused also where nothing is.

use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, KeySpec, Spec, flag, key};
use crate::values::hash;
use larder_codec::glob::matches;
use larder_codec::integer::MAX_TEXT;

/// What is known of `HSCAN`.
pub const SPEC: Spec = Spec {
    name: "hscan",
    syntax: "key cursor [MATCH pattern] [COUNT count] [NOVALUES]",
    summary: "Iterates over fields and values of a hash.",
    since: "2.8.0",
    group: Group::Hash,
    complexity: "O(1) for every call, O(N) for a complete iteration",
    arity: -3,
    flags: flag::READONLY,
    keys: &[KeySpec::one(1, key::RO | key::ACCESS)],
    tips: &["nondeterministic_output"],
    ..Spec::BASE
};

/// `HSCAN`
#[derive(Debug, Clone)]
pub struct Hscan<'a> {
    /// The key.
    pub key: &'a [u8],
    /// 0, or what the call before answered.
    pub cursor: u64,
    /// Answer only fields that match.
    pub pattern: Option<&'a [u8]>,
    /// About how many fields to look at.
    pub count: Option<u64>,
    /// Answer fields only.
    pub no_values: bool,
}

/// How many fields a call looks at when it does not say.
const DEFAULT_COUNT: u64 = 10;

impl<'a> Command<'a> for Hscan<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let (key, cursor) = (args.word()?, args.cursor()?);
        let mut scan = Hscan { key, cursor, pattern: None, count: None, no_values: false };
        while args.left() > 0 {
            if args.keyword("MATCH") {
                scan.pattern = Some(args.word()?);
            } else if args.keyword("COUNT") {
                let count = u64::try_from(args.int()?).ok().filter(|&count| count > 0);
                scan.count = Some(count.ok_or(Error::Syntax)?);
            } else if args.keyword("NOVALUES") {
                scan.no_values = true;
            } else {
                return Err(Error::Syntax);
            }
        }
        Ok(scan)
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.key).push(self.cursor.to_string().as_bytes());
        if let Some(pattern) = self.pattern {
            words.keyword("MATCH").push(pattern);
        }
        if let Some(count) = self.count {
            words.keyword("COUNT").int(count.cast_signed());
        }
        if self.no_values {
            words.keyword("NOVALUES");
        }
    }

    fn keys(&self, visit: &mut dyn FnMut(&'a [u8])) {
        visit(self.key);
    }

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let mut found = Vec::new();
        let mut cursor = 0;
        if let Some(hash) = hash::read(ctx.keys, self.key)? {
            let pattern = self.pattern.filter(|&pattern| pattern != b"*");
            let count = self.count.unwrap_or(DEFAULT_COUNT);
            cursor = hash.scan(self.cursor, count, |field, value| {
                let is = |pattern| matches(pattern, field.as_bytes(&mut [0; MAX_TEXT]));
                if pattern.is_none_or(is) {
                    found.push((field, value));
                }
            });
        }
        reply.array(2);
        reply.bulk(cursor.to_string().as_bytes());
        reply.array(if self.no_values { found.len() } else { found.len() * 2 });
        for (field, value) in found {
            hash::answer(field, reply);
            if !self.no_values {
                hash::answer(value, reply);
            }
        }
        Ok(())
    }
}
