//! What is kept of the suites: the reference's counts, and the names of what has passed once.
//!
//! `tests/conformance/reference.toml` says how many tests of a unit the suite's own server passes
//! and in how many seconds; `passed-SUITE.txt` is the ratchet: what stands there must pass. Both
//! are written only by the runs that measure them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::suite::Suite;

/// What the suite's own server does in a unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize)]
pub(super) struct Reference {
    pub(super) passed: usize,
    pub(super) seconds: u64,
}

/// The references of all units of all suites.
#[derive(Debug, Default, PartialEq, Deserialize, Serialize)]
pub(super) struct References {
    #[serde(flatten)]
    suites: BTreeMap<String, BTreeMap<String, Reference>>,
}

const REMARK: &str = "# How many tests of each unit the suite's own server passes, and in how many \
                      seconds.\n# Written by `cargo xtask conformance SUITE --server PATH --write`.\n\n";

impl References {
    pub(super) fn read(root: &Path) -> Result<References> {
        let path = Self::path(root);
        let text = fs::read_to_string(&path).unwrap_or_default();
        toml::from_str(&text).with_context(|| path.display().to_string())
    }

    pub(super) fn write(&self, root: &Path) -> Result<()> {
        let mut text = REMARK.to_owned();
        for (suite, units) in &self.suites {
            text += &format!("[{suite}]\n");
            for (unit, Reference { passed, seconds }) in units {
                text += &format!("{unit:?} = {{ passed = {passed}, seconds = {seconds} }}\n");
            }
            text += "\n";
        }
        Ok(fs::write(Self::path(root), text.trim_end().to_owned() + "\n")?)
    }

    pub(super) fn of(&self, suite: Suite, unit: &str) -> Option<Reference> {
        self.suites.get(suite.name())?.get(unit).copied()
    }

    pub(super) fn set(&mut self, suite: Suite, unit: &str, reference: Reference) {
        let units = self.suites.entry(suite.name().to_owned()).or_default();
        units.insert(unit.to_owned(), reference);
    }

    fn path(root: &Path) -> PathBuf {
        root.join("tests/conformance/reference.toml")
    }
}

/// The names that have passed, by unit, sorted; a name may stand several times.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Passed {
    units: BTreeMap<String, Vec<String>>,
}

impl Passed {
    /// What has passed of a suite; nothing where no file is.
    pub(super) fn read(root: &Path, suite: Suite) -> Passed {
        Self::parse(&fs::read_to_string(Self::path(root, suite)).unwrap_or_default())
    }

    pub(super) fn write(&self, root: &Path, suite: Suite) -> Result<()> {
        Ok(fs::write(Self::path(root, suite), self.text())?)
    }

    /// What stands there of a unit and is not among `passed`.
    pub(super) fn lost(&self, unit: &str, passed: &[String]) -> Vec<String> {
        let mut left: Vec<&String> = passed.iter().collect();
        let mut lost = Vec::new();
        for name in self.units.get(unit).into_iter().flatten() {
            match left.iter().position(|passed| *passed == name) {
                Some(at) => {
                    left.swap_remove(at);
                }
                None => lost.push(name.clone()),
            }
        }
        lost
    }

    /// Whether anything of a unit has passed.
    pub(super) fn knows(&self, unit: &str) -> bool {
        self.units.contains_key(unit)
    }

    pub(super) fn set(&mut self, unit: &str, mut passed: Vec<String>) {
        passed.sort();
        match passed.is_empty() {
            true => self.units.remove(unit),
            false => self.units.insert(unit.to_owned(), passed),
        };
    }

    fn parse(text: &str) -> Passed {
        let mut passed = Passed::default();
        let mut unit = String::new();
        for line in text.lines().filter(|line| !line.is_empty()) {
            match line.strip_prefix("== ") {
                Some(name) => name.clone_into(&mut unit),
                None => passed.units.entry(unit.clone()).or_default().push(line.to_owned()),
            }
        }
        passed
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for (unit, names) in &self.units {
            text += &format!("== {unit}\n{}\n\n", names.join("\n"));
        }
        text.trim_end().to_owned() + "\n"
    }

    fn path(root: &Path, suite: Suite) -> PathBuf {
        root.join(format!("tests/conformance/passed-{}.txt", suite.name()))
    }
}

/// What both hold, each name as often as in the one that has it less often.
pub(super) fn common(one: &[String], other: &[String]) -> Vec<String> {
    let mut left: Vec<&String> = other.iter().collect();
    let mut common = Vec::new();
    for name in one {
        if let Some(at) = left.iter().position(|other| *other == name) {
            left.swap_remove(at);
            common.push(name.clone());
        }
    }
    common
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn the_ratchet_names_what_is_lost() {
        let mut passed = Passed::default();
        passed.set("unit/x", names(&["b", "a", "a"]));
        passed.set("unit/y", names(&["c"]));
        passed.set("unit/z", Vec::new());
        assert_eq!(passed.text(), "== unit/x\na\na\nb\n\n== unit/y\nc\n");
        assert_eq!(Passed::parse(&passed.text()), passed);
        assert_eq!(passed.lost("unit/x", &names(&["a", "b", "d"])), ["a"]);
        assert!(passed.lost("unit/y", &names(&["c"])).is_empty());
        assert!(passed.lost("unit/new", &[]).is_empty());
    }

    #[test]
    fn what_is_common_counts_names() {
        assert_eq!(common(&names(&["a", "a", "b"]), &names(&["a", "b", "c"])), ["a", "b"]);
    }
}
