//! `INFO [section [section ...]]`
//!
//! Facts about the engine and, from its host, about the process around it; a line is there only if
//! it is true. `default` names the usual sections, `all` and `everything` all but those that must be
//! named. Holds all locks for a moment. O(shards + clients).

mod memory;
mod process;
mod stats;

use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::keyspace::shard::Shard;
use crate::reply::Reply;
use crate::spec::{Group, Spec, acl, flag};
use std::fmt::Write;

/// What is known of `INFO`.
pub const SPEC: Spec = Spec {
    name: "info",
    syntax: "[section [section ...]]",
    summary: "Returns information and statistics about the server.",
    group: Group::Server,
    complexity: "O(N) where N is the number of shards and clients",
    arity: -1,
    flags: flag::LOADING | flag::STALE | flag::ALL_SHARDS,
    acl: acl::DANGEROUS,
    tips: &["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
    ..Spec::BASE
};

/// The level of Redis that commands and replies are compatible with.
pub const REDIS_VERSION: &str = "7.2.4";

/// Our own version.
pub(crate) const LARDER_VERSION: &str = env!("CARGO_PKG_VERSION");

/// One store on its own, no cluster.
pub(crate) const REDIS_MODE: &str = "standalone";

/// Nobody is followed.
pub(crate) const ROLE: &str = "master";

/// A section: title, when it is shown, and its lines.
type Section = (&'static str, Shown, fn(&mut Ctx<'_, '_>, &mut Lines));

/// When a section is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    /// Unless others are named.
    Usually,
    /// With all of them.
    WithAll,
    /// Where it is named.
    Named,
}

const SECTIONS: [Section; 14] = [
    ("Server", Shown::Usually, process::server),
    ("Clients", Shown::Usually, process::clients),
    ("Memory", Shown::Usually, memory::memory),
    ("Persistence", Shown::Usually, process::persistence),
    ("Stats", Shown::Usually, stats::stats),
    ("Replication", Shown::Usually, process::replication),
    ("CPU", Shown::Usually, process::cpu),
    ("Modules", Shown::Usually, |_, _| {}),
    ("Commandstats", Shown::WithAll, stats::commands),
    ("Errorstats", Shown::Usually, stats::errors),
    ("Latencystats", Shown::WithAll, stats::durations),
    ("Cluster", Shown::Usually, |_, lines| lines.add("cluster_enabled", 0)),
    ("Keyspace", Shown::Usually, stats::keyspace),
    ("Debug", Shown::Named, stats::debug),
];

/// `INFO`
#[derive(Debug, Clone)]
pub struct Info<'a> {
    /// The sections; none means the usual ones.
    pub sections: &'a [&'a [u8]],
}

impl<'a> Command<'a> for Info<'a> {
    const SPEC: &'static Spec = &SPEC;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(Info { sections: args.rest() })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.all(self.sections);
    }

    fn keys(&self, _: &mut dyn FnMut(&'a [u8])) {}

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let mut text = String::new();
        for (title, shown, section) in SECTIONS {
            if !self.wants(title, shown) {
                continue;
            }
            let facts = ctx.engine.host().info(&title.to_ascii_lowercase());
            let mut lines = Lines { text: String::new(), facts };
            section(ctx, &mut lines);
            lines.add_facts();
            let gap = if text.is_empty() { "" } else { "\r\n" };
            text.push_str(&format!("{gap}# {title}\r\n{}", lines.text));
        }
        reply.verbatim(*b"txt", text.as_bytes());
        Ok(())
    }
}

impl Info<'_> {
    fn wants(&self, title: &str, shown: Shown) -> bool {
        let names = |words: &[&str]| {
            let is =
                |name: &&[u8]| words.iter().any(|word| name.eq_ignore_ascii_case(word.as_bytes()));
            self.sections.iter().any(is)
        };
        let usually = self.sections.is_empty() || names(&["default"]);
        names(&[title])
            || (shown == Shown::Usually && usually)
            || (shown != Shown::Named && names(&["all", "everything"]))
    }
}

/// The lines of a section.
pub(super) struct Lines {
    text: String,
    /// What the process around the engine tells of the section.
    facts: Vec<(&'static str, String)>,
}

impl Lines {
    fn add(&mut self, name: &str, value: impl std::fmt::Display) {
        // Writing to a string does not fail.
        let _ = write!(self.text, "{name}:{value}\r\n");
    }

    fn all<T: std::fmt::Display>(&mut self, lines: &[(&str, T)]) {
        lines.iter().for_each(|(name, value)| self.add(name, value));
    }

    fn bytes(&mut self, name: &str, bytes: u64) {
        self.add(name, bytes);
        self.add(&format!("{name}_human"), human(bytes));
    }

    /// A number that the process around the engine tells.
    fn fact(&self, name: &str) -> Option<u64> {
        let fact = self.facts.iter().find(|(other, _)| *other == name);
        fact.and_then(|(_, value)| value.parse().ok())
    }

    /// Adds what that process tells, but for what was used before.
    fn add_facts(&mut self) {
        for (name, value) in std::mem::take(&mut self.facts) {
            self.add(name, value);
        }
    }
}

/// The sum of a figure over all shards.
fn sum(ctx: &mut Ctx<'_, '_>, figure: impl Fn(&Shard) -> u64) -> u64 {
    ctx.keys.shards().map(|shard| figure(shard)).sum()
}

/// Bytes as people read them: `1.50M`.
fn human(bytes: u64) -> String {
    let units = ["B", "K", "M", "G", "T", "P"];
    let mut size = bytes as f64;
    let mut unit = 0;
    while size >= 1024.0 && unit < units.len() - 1 {
        size /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes}B") } else { format!("{size:.2}{}", units[unit]) }
}

#[cfg(test)]
mod tests {
    #[test]
    fn bytes_are_readable() {
        assert_eq!(super::human(1023), "1023B");
        assert_eq!(super::human(1536), "1.50K");
        assert_eq!(super::human(5 << 30), "5.00G");
    }
}
