//! `LATENCY GRAPH event`
//!
//! Draws the samples of an event, one column each, the newest at the right, with how long ago each
//! was below it. An error where nothing was sampled. O(samples).

use super::SUB;
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::latency::Series;
use crate::reply::Reply;
use crate::spec::Spec;

/// What is known of `LATENCY GRAPH`.
pub(super) const GRAPH: Spec = Spec {
    name: "graph",
    syntax: "event",
    summary: "Returns a latency graph for an event.",
    arity: 3,
    ..SUB
};

/// Lines of the drawing, and steps in one of them.
const ROWS: usize = 4;
const STEPS: [char; 3] = ['_', 'o', '#'];

/// Below the top of a column.
const FILL: char = '|';

/// Columns at most.
const COLUMNS: usize = 80;

/// `LATENCY GRAPH`
#[derive(Debug, Clone)]
pub struct Graph<'a> {
    /// The event.
    pub event: &'a [u8],
}

impl<'a> Command<'a> for Graph<'a> {
    const SPEC: &'static Spec = &GRAPH;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(Graph { event: args.word()? })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.event);
    }

    fn keys(&self, _: &mut dyn FnMut(&'a [u8])) {}

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let event = String::from_utf8_lossy(self.event);
        let series =
            ctx.engine.latency.series(self.event).ok_or_else(|| {
                Error::owned(format!("ERR No samples available for event '{event}'"))
            })?;
        let text = draw(&event, &series, ctx.keys.now_ms() / 1000);
        reply.verbatim(*b"txt", text.as_bytes());
        Ok(())
    }
}

fn draw(event: &str, series: &Series, now_s: u64) -> String {
    let skipped = series.samples.len().saturating_sub(COLUMNS);
    let samples: Vec<(u64, u64)> = series.samples.iter().skip(skipped).copied().collect();
    let durations = || samples.iter().map(|(_, took_ms)| *took_ms);
    let (low, high) = (durations().min().unwrap_or(0), durations().max().unwrap_or(0));
    let mut text = format!(
        "{event} - high {high} ms, low {low} ms (all time high {} ms)\n{}\n",
        series.max_ms,
        "-".repeat(COLUMNS)
    );
    let steps = ROWS * STEPS.len();
    // From the lowest sample's first step to the highest one's last.
    let height = |took_ms: u64| {
        let above = (took_ms - low) as usize * (steps - 1);
        1 + above.checked_div((high - low) as usize).unwrap_or(0)
    };
    for row in (0..ROWS).rev() {
        let below = row * STEPS.len();
        let cell = |took_ms| match height(took_ms) {
            height if height <= below => ' ',
            height if height > below + STEPS.len() => FILL,
            height => STEPS[height - below - 1],
        };
        push_line(&mut text, durations().map(cell));
    }
    text.push('\n');
    let labels: Vec<Vec<char>> = samples
        .iter()
        .map(|(at_s, _)| ago(now_s.saturating_sub(*at_s)).chars().collect())
        .collect();
    let longest = labels.iter().map(Vec::len).max().unwrap_or(0);
    for line in 0..longest {
        push_line(&mut text, labels.iter().map(|label| label.get(line).copied().unwrap_or(' ')));
    }
    text
}

fn push_line(text: &mut String, columns: impl Iterator<Item = char>) {
    let line: String = columns.collect();
    text.push_str(line.trim_end());
    text.push('\n');
}

/// How long ago, in the greatest unit of which it is at least one.
fn ago(seconds: u64) -> String {
    let units = [(86_400, 'd'), (3600, 'h'), (60, 'm')];
    match units.iter().find(|(unit_s, _)| seconds >= *unit_s) {
        Some((unit_s, letter)) => format!("{}{letter}", seconds / unit_s),
        None => format!("{seconds}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_rise_from_the_lowest_sample_to_the_highest() {
        let samples = [(100, 100), (160, 500), (195, 300)].into();
        let series = Series { samples, max_ms: 700, ..Series::default() };
        let drawn = draw("command", &series, 200);
        let wanted = format!(
            "command - high 500 ms, low 100 ms (all time high 700 ms)\n{}\n #\n |\n |#\n_||\n\n145\nm0s\n s\n",
            "-".repeat(80)
        );
        assert_eq!(drawn, wanted);
    }

    #[test]
    fn one_sample_stands_on_the_ground() {
        let series = Series { samples: [(7, 20)].into(), max_ms: 20, ..Series::default() };
        assert!(draw("x", &series, 7).ends_with("-\n\n\n\n_\n\n0\ns\n"));
    }
}
