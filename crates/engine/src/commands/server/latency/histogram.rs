//! `LATENCY HISTOGRAM [command [command ...]]`
//!
//! Answers how long runs of commands took: of each command that ran, or of those that are named,
//! a container standing for its subcommands, the number of runs and how many took at most so many
//! microseconds, by powers of two. Unknown names are skipped. O(commands).

use super::SUB;
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::commands::{Known, all};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::Spec;
use crate::stats;

/// What is known of `LATENCY HISTOGRAM`.
pub(super) const HISTOGRAM: Spec = Spec {
    name: "histogram",
    syntax: "[command [command ...]]",
    summary: "Returns the cumulative distribution of latencies of a subset or all commands.",
    since: "7.0.0",
    complexity: "O(N) where N is the number of commands with latency information being retrieved.",
    arity: -2,
    ..SUB
};

/// `LATENCY HISTOGRAM`
#[derive(Debug, Clone)]
pub struct Histogram<'a> {
    /// The commands; none means all.
    pub commands: &'a [&'a [u8]],
}

impl<'a> Command<'a> for Histogram<'a> {
    const SPEC: &'static Spec = &HISTOGRAM;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(Histogram { commands: args.rest() })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.all(self.commands);
    }

    fn keys(&self, _: &mut dyn FnMut(&'a [u8])) {}

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let mut shown: Vec<(&Known, stats::Histogram)> = Vec::new();
        for (number, known) in all().iter().enumerate() {
            let durations = ctx.engine.stats().durations(number);
            if self.names(known) && durations.count() > 0 {
                shown.push((known, durations));
            }
        }
        reply.map(shown.len());
        for (known, durations) in shown {
            reply.bulk(known.name.as_bytes());
            reply.map(2);
            reply.bulk(b"calls");
            reply.int(durations.count().cast_signed());
            reply.bulk(b"histogram_usec");
            let steps = durations.by_powers();
            reply.map(steps.len());
            for (limit_us, count) in steps {
                reply.int(limit_us.cast_signed());
                reply.int(count.cast_signed());
            }
        }
        Ok(())
    }
}

impl Histogram<'_> {
    fn names(&self, known: &Known) -> bool {
        let container = known.name.split('|').next().unwrap_or_default();
        let is = |name: &&[u8]| {
            name.eq_ignore_ascii_case(known.name.as_bytes())
                || name.eq_ignore_ascii_case(container.as_bytes())
        };
        self.commands.is_empty() || self.commands.iter().any(is)
    }
}
