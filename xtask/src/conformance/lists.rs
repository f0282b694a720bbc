//! The lists of tests that do not count, each with its reason: `tests/conformance/*.toml`.
//!
//! `superseded` holds tests of behaviour that Redis 7.2 changed, with Valkey's answer as proof;
//! `not-applicable` what cannot apply; `waits-for` what another issue brings. It must not know how
//! they are run; that is `suite`.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use super::suite::Suite;

const LISTS: [&str; 3] = ["superseded", "not-applicable", "waits-for"];

/// All three lists.
pub(super) struct Lists {
    groups: Vec<Group>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    group: Vec<Group>,
}

/// Tests of one unit that share their reason.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    suite: String,
    unit: String,
    /// Names; none at all means the whole unit.
    #[serde(default)]
    tests: Vec<String>,
    reason: String,
    /// The issue that brings it; `waits-for` only.
    issue: Option<String>,
    /// What Valkey answers; `superseded` only.
    valkey: Option<String>,
    /// Running them would hold up or end the whole unit, or says nothing while others are listed.
    #[serde(default)]
    disturbs: bool,
}

impl Lists {
    /// Reads the lists.
    ///
    /// # Errors
    /// When one is malformed, or an entry lacks what its list asks for.
    pub(super) fn read(root: &Path) -> Result<Lists> {
        let mut groups = Vec::new();
        for list in LISTS {
            let path = root.join("tests/conformance").join(list).with_extension("toml");
            let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
            let file: File = toml::from_str(&text).with_context(|| path.display().to_string())?;
            for group in &file.group {
                check(list, group)?;
            }
            groups.extend(file.group);
        }
        Ok(Lists { groups })
    }

    /// The reason why a whole unit is left out.
    pub(super) fn whole(&self, suite: Suite, unit: &str) -> Option<&str> {
        let mut groups = self.of(suite, unit);
        groups.find(|group| group.tests.is_empty()).map(|group| group.reason.as_str())
    }

    /// The listed tests of a unit.
    pub(super) fn tests(&self, suite: Suite, unit: &str) -> Vec<String> {
        self.of(suite, unit).flat_map(|group| group.tests.iter().cloned()).collect()
    }

    /// The listed tests of a unit that cannot even be tried.
    pub(super) fn disturbing(&self, suite: Suite, unit: &str) -> Vec<String> {
        let groups = self.of(suite, unit).filter(|group| group.disturbs);
        groups.flat_map(|group| group.tests.iter().cloned()).collect()
    }

    /// Entries that name no unit of the suite.
    pub(super) fn strangers(&self, suite: Suite, units: &[String]) -> Vec<String> {
        let ours = self.groups.iter().filter(|group| group.suite == suite.name());
        let unknown = ours.filter(|group| !units.contains(&group.unit));
        unknown.map(|group| group.unit.clone()).collect()
    }

    fn of(&self, suite: Suite, unit: &str) -> impl Iterator<Item = &Group> {
        let ours = move |group: &&Group| group.suite == suite.name() && group.unit == unit;
        self.groups.iter().filter(ours)
    }
}

fn check(list: &str, group: &Group) -> Result<()> {
    let place = format!("{list}.toml, {}", group.unit);
    ensure!(!group.reason.is_empty(), "{place}: a reason is missing");
    ensure!(group.issue.is_some() == (list == "waits-for"), "{place}: `issue` is for waits-for");
    ensure!(group.valkey.is_some() == (list == "superseded"), "{place}: `valkey` is the proof");
    ensure!(["valkey", "redis"].contains(&group.suite.as_str()), "{place}: which suite?");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_list_asks_for_its_proof() {
        let file = "[[group]]\nsuite = \"redis\"\nunit = \"unit/x\"\ntests = [\"a\"]\n\
                    reason = \"7.2 answers so\"\n";
        let group = |more: &str| {
            let file: File = toml::from_str(&format!("{file}{more}")).unwrap();
            file.group.into_iter().next().unwrap()
        };
        assert!(check("not-applicable", &group("")).is_ok());
        assert!(check("superseded", &group("")).is_err());
        assert!(check("superseded", &group("valkey = \"-ERR\"\n")).is_ok());
        assert!(check("waits-for", &group("")).is_err());
        assert!(check("waits-for", &group("issue = \"scripting\"\n")).is_ok());
    }

    #[test]
    fn finds_what_belongs_to_a_unit() {
        let group = |tests: &[&str], disturbs| Group {
            suite: "valkey".to_owned(),
            unit: "unit/x".to_owned(),
            tests: tests.iter().map(|&name| name.to_owned()).collect(),
            reason: "because".to_owned(),
            issue: None,
            valkey: None,
            disturbs,
        };
        let lists = Lists { groups: vec![group(&["a"], false), group(&["b"], true)] };
        assert_eq!(lists.tests(Suite::Valkey, "unit/x"), ["a", "b"]);
        assert_eq!(lists.disturbing(Suite::Valkey, "unit/x"), ["b"]);
        assert!(lists.tests(Suite::Redis, "unit/x").is_empty());
        assert_eq!(lists.whole(Suite::Valkey, "unit/x"), None);
        let whole = Lists { groups: vec![group(&[], false)] };
        assert_eq!(whole.whole(Suite::Valkey, "unit/x"), Some("because"));
        assert_eq!(whole.strangers(Suite::Valkey, &["unit/y".to_owned()]), ["unit/x"]);
    }
}
