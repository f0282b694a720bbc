//! When a loop waits a moment before it asks for events, so that more of them come at once.
//!
//! Falling asleep and being woken costs a loop about as much as a request. While many connections
//! are busy but their requests trickle in one by one, a short pause makes one round of what would
//! have been many, as network cards do with their interrupts. A few connections that wait for
//! each reply are never delayed, and neither is a loop that has enough to do.

use std::num::NonZeroU64;
use std::time::Duration;

/// Busy connections from which on a pause is considered: the answers of so many take longer than
/// the pause anyway.
const BUSY_CONNECTIONS: usize = 16;

/// Events of a round that is worth its sleep.
const FULL_ROUND: usize = 8;

/// The pause.
const PAUSE: Duration = Duration::from_micros(50);

/// How exactly the kernel ends it.
const SLACK_NS: NonZeroU64 = NonZeroU64::new(5_000).unwrap();

/// Rounds without a pause after one that gathered too little.
const DISCOURAGED_ROUNDS: u32 = 64;

/// What a loop knows of its latest rounds.
#[derive(Debug, Default)]
pub(crate) struct Gathering {
    /// Connections with an event in the current millisecond, and in the one before.
    now_ms: u64,
    busy: usize,
    busy_before: usize,
    /// Events of the current round.
    events: usize,
    /// The current round began with a pause.
    paused: bool,
    /// Rounds until the next pause is allowed.
    discouraged: u32,
}

impl Gathering {
    /// Prepares the thread that will pause.
    pub(crate) fn begin(&self) {
        if let Err(error) = rustix::thread::set_current_timer_slack(Some(SLACK_NS)) {
            tracing::debug!("cannot sleep exactly: {error}");
        }
    }

    /// Pauses before the next round, if there is time and the last one says that it is worth it.
    #[inline]
    pub(crate) fn pause(&mut self, has_time: bool) {
        self.paused = has_time && self.wants_pause();
        if self.paused {
            std::thread::sleep(PAUSE);
        }
    }

    /// A round begins.
    #[inline]
    pub(crate) fn begin_round(&mut self, now_ms: u64) {
        self.events = 0;
        if now_ms != self.now_ms {
            let follows = now_ms == self.now_ms + 1;
            self.busy_before = if follows { self.busy } else { 0 };
            self.busy = 0;
            self.now_ms = now_ms;
        }
    }

    /// A connection had an event; `window_ms` is when it last had one.
    #[inline]
    pub(crate) fn count(&mut self, window_ms: &mut u64) {
        self.events += 1;
        if *window_ms != self.now_ms {
            *window_ms = self.now_ms;
            self.busy += 1;
        }
    }

    #[inline]
    fn wants_pause(&mut self) -> bool {
        if self.busy_before.max(self.busy) < BUSY_CONNECTIONS {
            return false;
        }
        if self.paused && self.events < FULL_ROUND / 2 {
            self.discouraged = DISCOURAGED_ROUNDS;
        }
        self.discouraged = self.discouraged.saturating_sub(1);
        self.discouraged == 0 && (1..FULL_ROUND).contains(&self.events)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A round of `events` events of different connections; whether a pause follows.
    fn round(gathering: &mut Gathering, now_ms: u64, events: usize) -> bool {
        gathering.begin_round(now_ms);
        (0..events).for_each(|_| gathering.count(&mut 0));
        gathering.paused = gathering.wants_pause();
        gathering.paused
    }

    #[test]
    fn few_connections_are_never_delayed() {
        let mut gathering = Gathering::default();
        assert!((1..1000).all(|now_ms| !round(&mut gathering, now_ms, 3)));
    }

    #[test]
    fn thin_rounds_of_many_are_gathered_full_ones_are_not() {
        let mut gathering = Gathering::default();
        round(&mut gathering, 1, 20);
        assert!(round(&mut gathering, 2, 2));
        assert!(!round(&mut gathering, 2, 9));
        assert!(!round(&mut gathering, 9, 2), "the many are gone");
    }

    #[test]
    fn a_pause_that_gathers_nothing_is_not_repeated_at_once() {
        let mut gathering = Gathering::default();
        round(&mut gathering, 1, 20);
        assert!(round(&mut gathering, 2, 2));
        let paused = (0..DISCOURAGED_ROUNDS - 1).any(|_| round(&mut gathering, 2, 2));
        assert!(!paused);
    }
}
