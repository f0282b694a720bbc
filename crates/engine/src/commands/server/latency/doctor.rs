//! `LATENCY DOCTOR`
//!
//! Answers a report for people: which moments took long, how often and how much, and what may be
//! done about each. O(samples).

use super::super::super::nullary;
use super::SUB;
use crate::config::Id;
use crate::latency::Series;
use crate::session::{SLOW_COMMAND, SLOW_FAST_COMMAND};
use crate::spec::Spec;
use std::fmt::Write;

/// What is known of `LATENCY DOCTOR`.
pub(super) const DOCTOR: Spec =
    Spec { name: "doctor", summary: "Returns a human-readable latency analysis report.", ..SUB };

/// `LATENCY DOCTOR`
#[derive(Debug, Clone, Copy)]
pub struct Doctor;

nullary!(Doctor, DOCTOR, |ctx, reply| {
    let events = ctx.engine.latency.events();
    let watches = ctx.config().bytes(Id::LatencyMonitorThreshold) > 0;
    let logs = ctx.config().slowlog_log_slower_than() >= 0;
    reply.verbatim(*b"txt", report(&events, watches, logs).as_bytes());
    Ok(())
});

fn report(events: &[(&'static str, Series)], watches: bool, logs: bool) -> String {
    if events.is_empty() {
        return match watches {
            true => "No moment has taken longer than latency-monitor-threshold so far.\n".into(),
            false => "Nothing is watched: set latency-monitor-threshold to the milliseconds from \
                      which a moment is worth a note, and ask again later.\n"
                .into(),
        };
    }
    let mut text = String::from("These moments took long:\n\n");
    for (number, (event, series)) in events.iter().enumerate() {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{}. {event}: {}", number + 1, summary(series));
    }
    text.push_str("\nWhat may help:\n\n");
    for (event, _) in events {
        for advice in advice(event, logs) {
            let _ = writeln!(text, "- {event}: {advice}");
        }
    }
    text
}

fn summary(series: &Series) -> String {
    let count = series.samples.len() as u64;
    let mean = |sum: u64| sum as f64 / count.max(1) as f64;
    let mean_ms = mean(series.samples.iter().map(|(_, took_ms)| took_ms).sum());
    let off = |took_ms: u64| (took_ms as f64 - mean_ms).abs();
    let deviation_ms =
        series.samples.iter().map(|(_, took_ms)| off(*took_ms)).sum::<f64>() / count.max(1) as f64;
    let first_s = series.samples.front().map_or(0, |(at_s, _)| *at_s);
    let last_s = series.samples.back().map_or(0, |(at_s, _)| *at_s);
    let apart_s = (last_s - first_s) as f64 / count.saturating_sub(1).max(1) as f64;
    format!(
        "{count} seconds with some, {apart_s:.1} s apart; {mean_ms:.0} ms on average, {deviation_ms:.0} \
         ms off it on average, {} ms at most.",
        series.max_ms
    )
}

fn advice(event: &str, logs: bool) -> &'static [&'static str] {
    match event {
        SLOW_COMMAND if logs => &["SLOWLOG GET names the commands, with their arguments."],
        SLOW_COMMAND => &[
            "Set slowlog-log-slower-than, so that SLOWLOG GET names the commands.",
            "Commands over many keys or elements take long: read in parts with the SCAN family.",
        ],
        SLOW_FAST_COMMAND => {
            &["Commands that touch little took long: the machine had no time for the process, or \
             its memory was not there. Look for swapping, for other work, for limits of a guest."]
        }
        _ => &["Many keys, or a very large one, were due at once: spread their deadlines, or let \
             large values be freed in the background."],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_has_its_figures_and_advice() {
        let samples = [(10, 100), (20, 300)].into();
        let series = Series { samples, max_ms: 300, ..Series::default() };
        let text = report(&[(SLOW_COMMAND, series.clone()), ("expire-cycle", series)], true, true);
        assert!(text.contains("1. command: 2 seconds with some, 10.0 s apart; 200 ms on average"));
        assert!(text.contains("- command: SLOWLOG GET"));
        assert!(text.contains("- expire-cycle: Many keys"));
        assert!(report(&[], false, true).contains("Nothing is watched"));
        assert!(report(&[], true, true).starts_with("No moment"));
    }
}
