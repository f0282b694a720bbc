//! Moments that took long, by event: what `LATENCY` shows. An event keeps its greatest latency of
//! each second, 160 of them, and its greatest ever. Knows no command.

use crate::sync::Mutex;
use std::collections::{BTreeMap, VecDeque};

/// Samples kept for an event.
const MAX_SAMPLES: usize = 160;

/// Latencies above the threshold, by event.
#[derive(Debug, Default)]
pub(crate) struct Latency(Mutex<BTreeMap<&'static str, Series>>);

/// One event's samples.
#[derive(Debug, Clone, Default)]
pub(crate) struct Series {
    /// Unix second and milliseconds, oldest first.
    pub(crate) samples: VecDeque<(u64, u64)>,
    /// The greatest since the last reset, in milliseconds.
    pub(crate) max_ms: u64,
    /// The sum and the number of all since the last reset.
    pub(crate) sum_ms: u64,
    /// See [`Series::sum_ms`].
    pub(crate) count: u64,
}

impl Latency {
    /// Notes that something took `took_ms`.
    pub(crate) fn add(&self, event: &'static str, now_s: u64, took_ms: u64) {
        let mut events = self.0.lock();
        let series = events.entry(event).or_default();
        series.max_ms = series.max_ms.max(took_ms);
        series.sum_ms += took_ms;
        series.count += 1;
        match series.samples.back_mut() {
            Some((second, most_ms)) if *second == now_s => *most_ms = took_ms.max(*most_ms),
            _ => {
                if series.samples.len() == MAX_SAMPLES {
                    series.samples.pop_front();
                }
                series.samples.push_back((now_s, took_ms));
            }
        }
    }

    /// All events.
    pub(crate) fn events(&self) -> Vec<(&'static str, Series)> {
        self.0.lock().iter().map(|(event, series)| (*event, series.clone())).collect()
    }

    /// One event's samples.
    pub(crate) fn series(&self, event: &[u8]) -> Option<Series> {
        let events = self.0.lock();
        events.iter().find(|(name, _)| name.as_bytes() == event).map(|(_, series)| series.clone())
    }

    /// Forgets events, all of them if none is named; how many were there.
    pub(crate) fn reset(&self, events: &[&[u8]]) -> usize {
        let mut known = self.0.lock();
        let before = known.len();
        known.retain(|name, _| !events.is_empty() && !events.contains(&name.as_bytes()));
        before - known.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_keeps_its_worst_and_a_series_its_last() {
        let latency = Latency::default();
        for (second, ms) in [(1, 5), (1, 9), (1, 7), (2, 3)] {
            latency.add("command", second, ms);
        }
        let series = latency.series(b"command").unwrap();
        assert_eq!((series.sum_ms, series.count), (24, 4));
        assert_eq!((Vec::from(series.samples), series.max_ms), (vec![(1, 9), (2, 3)], 9));
        (3..1000).for_each(|second| latency.add("command", second, 1));
        let series = latency.series(b"command").unwrap();
        assert_eq!((series.samples.len(), series.samples[0].0), (MAX_SAMPLES, 840));
        assert_eq!(latency.reset(&[b"other"]), 0);
        assert_eq!(latency.reset(&[]), 1);
    }
}
