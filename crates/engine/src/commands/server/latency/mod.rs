//! `LATENCY LATEST` · `HISTORY event` · `GRAPH event` · `DOCTOR` · `RESET [event ...]` ·
//! `HISTOGRAM [command ...]` · `HELP`
//!
//! Moments that took longer than `latency-monitor-threshold` milliseconds. Three events are
//! watched: `command`, `fast-command`, and `expire-cycle` for the housekeeping. O(samples).
//! HISTOGRAM tells how long commands took, from `latency-tracking`: O(commands).

mod doctor;
mod graph;
mod histogram;

pub use doctor::Doctor;
pub use graph::Graph;
pub use histogram::Histogram;

use super::super::{help, nullary, subcommand};
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Entry, Group, Spec, acl, flag};

/// What is known of `LATENCY`.
pub const SPEC: Spec = Spec {
    name: "latency",
    summary: "A container for latency diagnostics commands.",
    since: "2.8.13",
    group: Group::Server,
    complexity: "Depends on subcommand.",
    arity: -2,
    subcommands: &[
        subcommand!(plain doctor::DOCTOR, Doctor),
        subcommand!(graph::GRAPH, Graph),
        HELP,
        subcommand!(histogram::HISTOGRAM, Histogram),
        subcommand!(SPEC_HISTORY, History),
        subcommand!(plain SPEC_LATEST, Latest),
        subcommand!(SPEC_RESET, Reset),
    ],
    ..Spec::BASE
};

const HELP: Entry = help::entry(&help::spec(Group::Server, "2.8.13", 0));

const SUB: Spec = Spec {
    since: "2.8.13",
    group: Group::Server,
    arity: 2,
    flags: flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE,
    acl: acl::DANGEROUS,
    tips: &["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"],
    ..Spec::BASE
};

/// What is known of `LATENCY HISTORY`.
pub const SPEC_HISTORY: Spec = Spec {
    name: "history",
    syntax: "event",
    summary: "Returns timestamp-latency samples for an event.",
    arity: 3,
    ..SUB
};

/// What is known of `LATENCY LATEST`.
pub const SPEC_LATEST: Spec =
    Spec { name: "latest", summary: "Returns the latest latency samples for all events.", ..SUB };

/// What is known of `LATENCY RESET`.
pub const SPEC_RESET: Spec = Spec {
    name: "reset",
    syntax: "[event [event ...]]",
    summary: "Resets the latency data for one or more events.",
    arity: -2,
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    ..SUB
};

/// `LATENCY HISTORY`
#[derive(Debug, Clone)]
pub struct History<'a> {
    /// The event.
    pub event: &'a [u8],
}

impl<'a> Command<'a> for History<'a> {
    const SPEC: &'static Spec = &SPEC_HISTORY;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(History { event: args.word()? })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.event);
    }

    fn keys(&self, _: &mut dyn FnMut(&'a [u8])) {}

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let series = ctx.engine.latency.series(self.event).unwrap_or_default();
        reply.array(series.samples.len());
        for (second, took_ms) in series.samples {
            reply.array(2);
            reply.int(second.cast_signed());
            reply.int(took_ms.cast_signed());
        }
        Ok(())
    }
}

/// `LATENCY LATEST`
#[derive(Debug, Clone, Copy)]
pub struct Latest;

nullary!(Latest, SPEC_LATEST, |ctx, reply| {
    let events = ctx.engine.latency.events();
    reply.array(events.len());
    for (event, series) in events {
        let (second, took_ms) = series.samples.back().copied().unwrap_or_default();
        let figures = [second, took_ms, series.max_ms, series.sum_ms, series.count];
        reply.array(1 + figures.len());
        reply.bulk(event.as_bytes());
        figures.iter().for_each(|n| reply.int(n.cast_signed()));
    }
    Ok(())
});

/// `LATENCY RESET`
#[derive(Debug, Clone)]
pub struct Reset<'a> {
    /// The events; none means all.
    pub events: &'a [&'a [u8]],
}

impl<'a> Command<'a> for Reset<'a> {
    const SPEC: &'static Spec = &SPEC_RESET;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(Reset { events: args.rest() })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.all(self.events);
    }

    fn keys(&self, _: &mut dyn FnMut(&'a [u8])) {}

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        reply.int(ctx.engine.latency.reset(self.events) as i64);
        Ok(())
    }
}
