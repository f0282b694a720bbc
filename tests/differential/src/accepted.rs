//! `tests/differential.toml`: differences from Valkey that are meant, with a reason each.
//!
//! It must not know how sequences are played.

use anyhow::{Context, Result, ensure};
use larder_codec::glob::matches;
use serde::Deserialize;

/// The accepted differences, in the order of the file.
#[derive(Debug, Default)]
pub(crate) struct Accepted(Vec<Entry>);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    accepted: Vec<Entry>,
}

/// Replies are globs over the notation of `.rtest` files.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// Names of commands, or of a container and its subcommand; what stands in the state after a
    /// sequence is named by the command that reads it.
    commands: Vec<String>,
    /// A glob that the request fits, in one line.
    #[serde(default = "anything")]
    request: String,
    #[serde(default = "anything")]
    larder: String,
    #[serde(default = "anything")]
    valkey: String,
    /// What Redis 7.0 answers, where it has not been out of step before.
    #[serde(default = "anything")]
    redis: String,
    /// Commands that all went before, names or globs.
    #[serde(default)]
    after: Vec<String>,
    /// Whether the keys differ from there on, so that nothing further can be compared.
    #[serde(default)]
    ends: bool,
    reason: String,
}

fn anything() -> String {
    "*".to_owned()
}

/// A difference as the table sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen<'s> {
    pub(crate) command: &'s str,
    pub(crate) request: &'s str,
    pub(crate) larder: &'s str,
    pub(crate) valkey: &'s str,
    /// Where there is one, and its keys are those of the others.
    pub(crate) redis: Option<&'s str>,
    /// Commands that went before.
    pub(crate) before: &'s [String],
}

/// What follows from an accepted difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// Which entry.
    pub(crate) entry: usize,
    /// Nothing further can be compared.
    pub(crate) ends: bool,
}

impl Accepted {
    /// Reads the file's content.
    ///
    /// # Errors
    /// With the entry that is malformed or has no reason.
    pub(crate) fn parse(text: &str) -> Result<Accepted> {
        let file: File = toml::from_str(text).context("tests/differential.toml")?;
        for entry in &file.accepted {
            let about = entry.commands.join(", ");
            ensure!(!about.is_empty(), "tests/differential.toml: an entry names no command");
            let reason = entry.reason.trim();
            ensure!(!reason.is_empty(), "tests/differential.toml: {about}: a reason is missing");
        }
        Ok(Accepted(file.accepted))
    }

    /// The entry that a difference fits.
    pub(crate) fn find(&self, seen: Seen<'_>) -> Option<Verdict> {
        let fits = |pattern: &str, text: &str| matches(pattern.as_bytes(), text.as_bytes());
        let found = self.0.iter().position(|entry| {
            entry.commands.iter().any(|name| fits(name, seen.command))
                && fits(&entry.request, seen.request)
                && fits(&entry.larder, seen.larder)
                && fits(&entry.valkey, seen.valkey)
                && entry.after.iter().all(|name| seen.before.iter().any(|other| fits(name, other)))
                && seen.redis.is_none_or(|redis| fits(&entry.redis, redis))
        });
        found.map(|entry| Verdict { entry, ends: self.0[entry].ends })
    }

    /// How often each entry was met, for the end of a run.
    pub(crate) fn describe(&self, met: &[u64]) -> Vec<String> {
        let count = |at: usize| met.get(at).copied().unwrap_or(0);
        let line = |(at, entry): (usize, &Entry)| {
            format!("{:>7} × {}: {}", count(at), entry.commands.join(", "), entry.reason)
        };
        self.0.iter().enumerate().map(line).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "[[accepted]]\ncommands = ['get', 'object *']\nvalkey = '-ERR*'\n\
                         ends = true\nreason = 'why'\n";

    fn seen<'s>(command: &'s str, valkey: &'s str) -> Seen<'s> {
        Seen { command, request: "GET k", larder: "nil", valkey, redis: None, before: &[] }
    }

    #[test]
    fn finds_what_fits_in_every_respect() {
        let accepted = Accepted::parse(TABLE).unwrap();
        let found = Some(Verdict { entry: 0, ends: true });
        assert_eq!(accepted.find(seen("get", "-ERR no")), found);
        assert_eq!(accepted.find(seen("object encoding", "-ERR no")), found);
        assert_eq!(accepted.find(seen("get", "nil")), None);
        assert_eq!(accepted.find(seen("set", "-ERR no")), None);
    }

    #[test]
    fn refuses_entries_that_say_nothing() {
        assert!(Accepted::parse(&TABLE.replace("'why'", "' '")).is_err());
        assert!(Accepted::parse(&TABLE.replace("['get', 'object *']", "[]")).is_err());
        assert!(Accepted::parse("[[accepted]]\ncommands = ['get']").is_err());
    }
}
