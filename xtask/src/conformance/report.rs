//! The table of a run: what passed, failed and is missing in each unit, and every miss by name.
//!
//! It only counts and prints; what is kept is `kept`'s.

use super::kept::Reference;
use super::suite::{Outcome, Suite};

/// What is known of a unit before it is run.
#[derive(Default)]
pub(super) struct Expected {
    /// What its own server does.
    pub(super) reference: Option<Reference>,
    /// What it passes by name, where it was measured on this machine.
    pub(super) names: Vec<String>,
    /// What does not count.
    pub(super) listed: Vec<String>,
}

/// One unit's line.
pub(super) struct Row {
    unit: String,
    passed: usize,
    failed: Vec<(String, String)>,
    listed: usize,
    reference: Option<usize>,
    /// Names of what was not tried, where they are known.
    untried: Vec<String>,
    unstarted: usize,
    ended: Option<String>,
    seconds: f64,
}

/// The lines of a suite.
pub(super) struct Report {
    title: String,
    rows: Vec<Row>,
}

impl Row {
    pub(super) fn new(unit: String, outcome: &Outcome, expected: Expected) -> Row {
        let failed = outcome.failed.iter().map(|(name, _)| name);
        let seen: Vec<&String> =
            outcome.passed.iter().chain(failed).chain(&expected.listed).collect();
        let row = Row {
            unit,
            passed: outcome.passed.len(),
            failed: outcome.failed.clone(),
            listed: listed(&expected.listed, &outcome.skipped),
            reference: expected.reference.map(|reference| reference.passed),
            untried: expected.names.into_iter().filter(|name| !seen.contains(&name)).collect(),
            unstarted: outcome.unstarted,
            ended: outcome.ended.clone(),
            seconds: outcome.seconds,
        };
        println!("{}", row.line());
        row
    }

    /// What the reference passes and was not even tried here.
    fn missing(&self) -> usize {
        let seen = self.passed + self.failed.len() + self.listed;
        self.reference.unwrap_or(seen).saturating_sub(seen)
    }

    /// What ought to pass.
    fn expected(&self) -> usize {
        self.reference.unwrap_or(self.passed).saturating_sub(self.listed)
    }

    fn line(&self) -> String {
        let (failed, missing) = (self.failed.len(), self.missing());
        let expected = self.reference.map_or("?".to_owned(), |_| self.expected().to_string());
        let mut ended = self.ended.as_ref().map(|why| format!("  {why}")).unwrap_or_default();
        if self.unstarted > 0 {
            ended += &format!("  {} servers did not start", self.unstarted);
        }
        format!(
            "{:40} {:6} {failed:6} {missing:7} {:6} {expected:>8} {:7.1} s{ended}",
            self.unit, self.passed, self.listed, self.seconds
        )
    }
}

/// How many tests do not count: each listed one as often as it was skipped, or once if the suite
/// did not get that far.
fn listed(names: &[String], skipped: &[String]) -> usize {
    let times = |name: &String| skipped.iter().filter(|skipped| *skipped == name).count().max(1);
    names.iter().map(times).sum()
}

impl Report {
    pub(super) fn new(suite: Suite, what: &str) -> Report {
        let title = format!("{} {}'s suite, {what}", suite.name(), suite.version());
        Report { title, rows: Vec::new() }
    }

    pub(super) fn add(&mut self, row: Row) {
        self.rows.push(row);
    }

    pub(super) fn print(&self) {
        println!("\n{}\n", self.title);
        println!(
            "{:40} {:>6} {:>6} {:>7} {:>6} {:>8} {:>9}",
            "unit", "passed", "failed", "missing", "listed", "expected", "time"
        );
        for row in &self.rows {
            println!("{}", row.line());
        }
        println!("{}", self.sum());
        for row in &self.rows {
            for (name, reason) in &row.failed {
                println!("\n{}: {name}", row.unit);
                reason.lines().take(4).for_each(|line| println!("    {line}"));
            }
            for name in &row.untried {
                println!("\n{}: {name}\n    not tried", row.unit);
            }
        }
    }

    fn sum(&self) -> String {
        let sum = |count: fn(&Row) -> usize| self.rows.iter().map(count).sum::<usize>();
        let (passed, expected) = (sum(|row| row.passed), sum(Row::expected));
        // Settings may admit tests that the reference was not asked; they earn nothing elsewhere.
        let earned = sum(|row| row.passed.min(row.expected()));
        let seconds: f64 = self.rows.iter().map(|row| row.seconds).sum();
        let share = 100.0 * earned as f64 / expected.max(1) as f64;
        format!(
            "{:40} {passed:6} {:6} {:7} {:6} {expected:8} {seconds:7.1} s\n{share:.2} %",
            "all",
            sum(|row| row.failed.len()),
            sum(Row::missing),
            sum(|row| row.listed),
        )
    }
}
