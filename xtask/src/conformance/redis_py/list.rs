//! `tests/conformance/redis-py*.toml`: tests of redis-py that are known to fail, and why.
//!
//! It must not know how they are run.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

/// All of it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct List {
    #[serde(default)]
    group: Vec<Group>,
}

/// Tests that share their reason.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    /// `waits-for`, `not-applicable` or `superseded`.
    kind: String,
    /// Names as pytest gives them; one without brackets stands for all its parameters.
    tests: Vec<String>,
    reason: String,
    /// The issue that brings it; `waits-for` only.
    issue: Option<String>,
    /// 2 or 3 where only one protocol is meant.
    protocol: Option<u8>,
}

impl List {
    /// Reads the list.
    ///
    /// # Errors
    /// When it is malformed, or an entry lacks what its kind asks for.
    pub(super) fn read(root: &Path, name: &str) -> Result<List> {
        let path = root.join("tests/conformance").join(name);
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        List::parse(&text).with_context(|| name.to_owned())
    }

    /// Adds another list to this one.
    pub(super) fn add(&mut self, other: List) {
        self.group.extend(other.group);
    }

    fn parse(text: &str) -> Result<List> {
        let list: List = toml::from_str(text)?;
        for Group { kind, tests, reason, issue, .. } in &list.group {
            let place = format!("the group of {}", tests.first().map_or("", String::as_str));
            let kinds = ["waits-for", "not-applicable", "superseded"];
            ensure!(kinds.contains(&kind.as_str()), "{place}: kind is one of {}", kinds.join(", "));
            ensure!(!tests.is_empty(), "{place}: no test is named");
            ensure!(!reason.trim().is_empty(), "{place}: a reason is missing");
            ensure!(issue.is_some() == (kind == "waits-for"), "{place}: `issue` is for waits-for");
        }
        Ok(list)
    }

    /// The tests of a kind.
    pub(super) fn of_kind(&self, kind: &str) -> Vec<String> {
        let groups = self.group.iter().filter(|group| group.kind == kind);
        groups.flat_map(|group| group.tests.iter().cloned()).collect()
    }

    /// The kind of the entry that names a test.
    pub(super) fn find(&self, name: &str, protocol: u8) -> Option<&str> {
        let plain = name.split_once('[').map_or(name, |(plain, _)| plain);
        let names = |group: &&Group| {
            group.protocol.is_none_or(|only| only == protocol)
                && group.tests.iter().any(|test| test == name || test == plain)
        };
        self.group.iter().find(names).map(|group| group.kind.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "[[group]]\nkind = 'waits-for'\nissue = 'scripting'\nprotocol = 3\n\
                        tests = ['t.py::a', 't.py::b[x]']\nreason = 'why'\n";

    #[test]
    fn finds_tests_with_and_without_parameters() {
        let list = List::parse(GOOD).unwrap();
        assert_eq!(list.find("t.py::a[1]", 3), Some("waits-for"));
        assert_eq!(list.find("t.py::b[x]", 3), Some("waits-for"));
        assert_eq!(list.find("t.py::b[y]", 3), None);
        assert_eq!(list.find("t.py::a", 2), None);
    }

    #[test]
    fn asks_for_reasons() {
        assert!(List::parse(&GOOD.replace("'why'", "''")).is_err());
        assert!(List::parse(&GOOD.replace("'waits-for'", "'superseded'")).is_err());
        assert!(List::parse(&GOOD.replace("'waits-for'", "'no'")).is_err());
    }
}
