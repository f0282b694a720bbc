//! `tests/divergences.toml`: where Valkey's reply is known to differ from ours, with a reason each.
//!
//! It must not know how tests are played; `play` asks it step by step.

use std::collections::HashMap;

use anyhow::{Context, Result, anyhow, ensure};
use serde::Deserialize;

use crate::script::{Expected, Outcome, Script, Step, parse_expected};

/// The accepted differences, by file, test, step and its number among equal steps.
#[derive(Clone, Debug, Default)]
pub struct Divergences(HashMap<(String, String, String, usize), Vec<Expected>>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    divergence: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    file: String,
    test: String,
    step: String,
    #[serde(default = "first")]
    nth: usize,
    valkey: String,
    reason: String,
}

fn first() -> usize {
    1
}

impl Divergences {
    /// Reads the file's content; each entry must name a step of `scripts`.
    ///
    /// # Errors
    /// With the entry that is malformed, has no reason or names no step.
    pub fn parse(text: &str, scripts: &[Script]) -> Result<Divergences> {
        let file: File = toml::from_str(text).context("tests/divergences.toml")?;
        let mut known = HashMap::new();
        for entry in file.divergence {
            let at =
                format!("tests/divergences.toml: {} «{}» {}", entry.file, entry.test, entry.step);
            ensure!(!entry.reason.trim().is_empty(), "{at}: a reason is missing");
            entry.find(scripts).ok_or_else(|| anyhow!("{at}: there is no such step"))?;
            let lines = entry.lines().with_context(|| at.clone())?;
            let key = (entry.file, entry.test, entry.step, entry.nth);
            ensure!(known.insert(key, lines).is_none(), "{at}: listed twice");
        }
        Ok(Divergences(known))
    }

    /// Valkey's replies at a step, if they are known to differ.
    pub fn find(&self, file: &str, test: &str, step: &str, nth: usize) -> Option<&[Expected]> {
        let key = (file.to_owned(), test.to_owned(), step.to_owned(), nth);
        self.0.get(&key).map(Vec::as_slice)
    }
}

impl Entry {
    fn find<'s>(&self, scripts: &'s [Script]) -> Option<&'s Step> {
        let script = scripts.iter().find(|s| s.name == self.file)?;
        let test = script.tests.iter().find(|t| t.name == self.test)?;
        test.steps.iter().filter(|s| s.text == self.step).nth(self.nth.checked_sub(1)?)
    }

    fn lines(&self) -> Result<Vec<Expected>> {
        let lines = self.valkey.lines().filter(|line| !line.trim().is_empty());
        let lines: Vec<_> = lines.map(|l| parse_expected(0, l.trim())).collect::<Result<_>>()?;
        let replies = lines.iter().all(|l| matches!(l.outcome, Outcome::Reply(_)));
        ensure!(replies && !lines.is_empty(), "valkey must be a reply, or one on each line");
        Ok(lines)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(entry: &str) -> Result<Divergences> {
        let script = Script::parse("a/b.rtest", "== t\n> PING\n+PONG\n> PING\n+PONG", true);
        Divergences::parse(entry, &[script.unwrap()])
    }

    const GOOD: &str = "[[divergence]]\nfile = 'a/b.rtest'\ntest = 't'\nstep = '> PING'\n\
                        nth = 2\nvalkey = '-ERR no'\nreason = 'why'\n";

    #[test]
    fn finds_the_step_it_names() {
        let known = parse(GOOD).unwrap();
        assert!(known.find("a/b.rtest", "t", "> PING", 2).is_some());
        assert!(known.find("a/b.rtest", "t", "> PING", 1).is_none());
    }

    #[test]
    fn refuses_entries_that_name_nothing_or_say_nothing() {
        assert!(parse(&GOOD.replace("nth = 2", "nth = 3")).is_err());
        assert!(parse(&GOOD.replace("'t'", "'u'")).is_err());
        assert!(parse(&GOOD.replace("'why'", "' '")).is_err());
        assert!(parse(&GOOD.replace("-ERR no", "(blocks)")).is_err());
        assert!(parse(&format!("{GOOD}{GOOD}")).is_err());
        assert!(parse("[[divergence]]\nfile = 'x'\n").is_err());
    }
}
