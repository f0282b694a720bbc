//! `LOLWUT [VERSION version] [shelves [jars]]`
//!
//! Answers a drawing of a larder, different each time, the version of Redis that is spoken, and
//! our own. O(shelves × jars).

use super::info::{LARDER_VERSION, REDIS_VERSION};
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Group, Spec, flag};

/// What is known of `LOLWUT`.
pub const SPEC: Spec = Spec {
    name: "lolwut",
    syntax: "[VERSION version]",
    summary: "Displays computer art and the Redis version",
    since: "5.0.0",
    group: Group::Server,
    arity: -1,
    flags: flag::READONLY | flag::FAST,
    ..Spec::BASE
};

/// Lines of a jar, with room for what is in it.
const JARS: [[&str; 4]; 6] = [
    [" .---. ", " |%%%| ", " |%%%| ", " '---' "],
    ["  ___  ", " (%%%) ", " (%%%) ", " `---' "],
    [" _|=|_ ", " |%%%| ", " |%%%| ", " |___| "],
    ["   _   ", "  / \\  ", " /%%%\\ ", " \\___/ "],
    ["       ", "  .-.  ", " (%%%) ", "  `-'  "],
    ["       ", "       ", "  ___  ", " |%%%| "],
];

/// What is in the jars.
const CONTENTS: [char; 8] = ['o', '.', ':', '*', '~', '@', '#', '%'];

const MAX_SHELVES: i64 = 16;
const MAX_JARS: i64 = 16;

/// `LOLWUT`
#[derive(Debug, Clone, Copy)]
pub struct Lolwut {
    /// Whose art is asked for; there is one.
    pub version: Option<i64>,
    /// Shelves, from 1 to 16.
    pub shelves: i64,
    /// Jars on each, from 1 to 16.
    pub jars: i64,
}

impl<'a> Command<'a> for Lolwut {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let version =
            if args.left() >= 2 && args.keyword("VERSION") { Some(args.int()?) } else { None };
        let mut size = |default: i64, most: i64| match args.left() {
            0 => Ok(default),
            _ => args.int().map(|n| n.clamp(1, most)),
        };
        let (shelves, jars) = (size(3, MAX_SHELVES)?, size(8, MAX_JARS)?);
        args.rest();
        Ok(Lolwut { version, shelves, jars })
    }

    fn words(&self, words: &mut Words<'_>) {
        self.version.iter().for_each(|version| {
            words.keyword("VERSION").int(*version);
        });
        words.int(self.shelves).int(self.jars);
    }

    fn keys(&self, _: &mut dyn FnMut(&'a [u8])) {}

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let mut text = String::new();
        for _ in 0..self.shelves {
            let jars: Vec<([&str; 4], char)> = (0..self.jars)
                .map(|_| {
                    let jar = JARS[ctx.keys.random(JARS.len() as u64) as usize];
                    (jar, CONTENTS[ctx.keys.random(CONTENTS.len() as u64) as usize])
                })
                .collect();
            for line in 0..4 {
                for (jar, content) in &jars {
                    text.push_str(&jar[line].replace('%', &content.to_string()));
                }
                text.truncate(text.trim_end_matches(' ').len());
                text.push('\n');
            }
            text.push_str(&"=".repeat(7 * self.jars as usize));
            text.push('\n');
        }
        text.push_str(&format!("\nRedis ver. {REDIS_VERSION}, by Larder {LARDER_VERSION}\n"));
        reply.verbatim(*b"txt", text.as_bytes());
        Ok(())
    }
}
