//! A table of figures: as Markdown with ratios, and kept in `bench/RESULTS.md`.
//!
//! It must not know what was measured.

use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, Result};

use super::median;

/// Figures of several contenders over several rows, lower is better.
pub(super) struct Table {
    pub(super) title: &'static str,
    /// What was measured, and how, in a sentence or two.
    pub(super) about: String,
    /// The contenders' names with their versions.
    pub(super) contenders: Vec<String>,
    /// Whom `ratio` compares with Larder: these columns' best.
    pub(super) rivals: Vec<usize>,
    /// Larder's column, if it was measured.
    pub(super) larder: Option<usize>,
    pub(super) rows: Vec<Row>,
}

/// One thing that was measured.
pub(super) struct Row {
    pub(super) name: String,
    /// Every repetition's figure, by contender; empty where the contender cannot do it.
    pub(super) figures: Vec<Vec<f64>>,
    /// The greatest ratio that is good enough, if the row has a target of this kind.
    pub(super) target: Option<f64>,
}

impl Row {
    /// A row without figures.
    pub(super) fn new(name: &str, contenders: usize, target: Option<f64>) -> Row {
        Row { name: name.into(), figures: vec![Vec::new(); contenders], target }
    }
}

impl Table {
    /// The table in Markdown, with the facts above it.
    pub(super) fn markdown(&self, facts: &str) -> String {
        let mut text = format!("## {}\n\n{}\n\n{facts}\n\n", self.title, self.about);
        let names = self.contenders.join(" | ");
        let _ = writeln!(text, "| | {names} | ratio | target |");
        let _ = writeln!(text, "|---|{}---|---|", "---|".repeat(self.contenders.len()));
        for row in &self.rows {
            let figures: Vec<String> = row.figures.iter().map(|f| figure(median(f))).collect();
            let target = row.target.map_or("–".into(), |t| format!("≤ {t:.2}"));
            let ratio = self.ratio(row).map_or("–".into(), |r| format!("{r:.2}"));
            let _ =
                writeln!(text, "| {} | {} | {ratio} | {target} |", row.name, figures.join(" | "));
        }
        text
    }

    /// Larder's median over the best of its rivals'.
    fn ratio(&self, row: &Row) -> Option<f64> {
        let own = median(&row.figures[self.larder?])?;
        let rivals = self.rivals.iter().filter_map(|&i| median(&row.figures[i]));
        rivals.min_by(f64::total_cmp).map(|best| own / best)
    }
}

fn figure(value: Option<f64>) -> String {
    match value {
        None => "–".into(),
        Some(value) if value >= 20.0 => format!("{value:.1}"),
        Some(value) if value >= 1.0 => format!("{value:.2}"),
        Some(value) => format!("{value:.3}"),
    }
}

/// Puts `text` in place of the section with this title, or at the end.
///
/// # Errors
/// When the file cannot be written.
pub(super) fn write(root: &Path, title: &str, text: &str) -> Result<()> {
    let path = root.join("bench/RESULTS.md");
    let old = std::fs::read_to_string(&path).unwrap_or_default();
    std::fs::write(&path, replaced(&old, title, text)).context("bench/RESULTS.md")?;
    println!("written to bench/RESULTS.md");
    Ok(())
}

fn replaced(old: &str, title: &str, text: &str) -> String {
    let heading = format!("## {title}\n");
    match old.find(&heading) {
        Some(start) => {
            let rest = &old[start + heading.len()..];
            let end = rest.find("\n## ").map_or(old.len(), |at| start + heading.len() + at + 1);
            let gap = if end < old.len() { "\n" } else { "" };
            format!("{}{text}{gap}{}", &old[..start], &old[end..])
        }
        None if old.is_empty() => {
            format!("# Results\n\nMade by `cargo xtask bench TABLE --write`; medians.\n\n{text}")
        }
        None => format!("{}\n\n{text}", old.trim_end()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ratio_is_to_the_best_rival() {
        let table = Table {
            title: "T",
            about: String::new(),
            contenders: vec!["a".into(), "b".into(), "larder".into()],
            rivals: vec![0, 1],
            larder: Some(2),
            rows: vec![Row {
                name: "GET".into(),
                figures: vec![vec![4.0], vec![2.0, 2.0, 9.0], vec![1.0]],
                target: Some(0.75),
            }],
        };
        let text = table.markdown("machine");
        assert!(text.contains("| GET | 4.00 | 2.00 | 1.00 | 0.50 | ≤ 0.75 |"), "{text}");
    }

    #[test]
    fn a_section_is_replaced_in_place() {
        let first = replaced("", "A", "## A\n\none\n");
        let both = replaced(&first, "B", "## B\n\ntwo\n");
        let again = replaced(&both, "A", "## A\n\nthree\n");
        assert!(
            again.contains("three\n\n## B\n\ntwo\n") && !again.contains("one\n\n##"),
            "{again}"
        );
        assert_eq!(replaced(&again, "A", "## A\n\nthree\n"), again);
    }
}
