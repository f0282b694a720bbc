//! When which connection wants to be looked at again: one time a connection, in Unix milliseconds
//! of the engine's clock. Knows nothing of why.

use std::collections::BTreeSet;

/// Times of connections, by their slot.
#[derive(Debug, Default)]
pub(crate) struct Timers(BTreeSet<(u64, usize)>);

impl Timers {
    /// Replaces a slot's time.
    pub(crate) fn change(&mut self, slot: usize, old_ms: Option<u64>, new_ms: Option<u64>) {
        if let Some(old_ms) = old_ms {
            self.0.remove(&(old_ms, slot));
        }
        if let Some(new_ms) = new_ms {
            self.0.insert((new_ms, slot));
        }
    }

    /// The earliest time.
    pub(crate) fn next_ms(&self) -> Option<u64> {
        self.0.first().map(|&(due_ms, _)| due_ms)
    }

    /// Slots whose time has come.
    pub(crate) fn due(&self, now_ms: u64, into: &mut Vec<usize>) {
        let due = self.0.iter().take_while(|&&(due_ms, _)| due_ms <= now_ms);
        into.extend(due.map(|&(_, slot)| slot));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_has_one_time() {
        let mut timers = Timers::default();
        timers.change(1, None, Some(30));
        timers.change(2, None, Some(10));
        timers.change(1, Some(30), Some(20));
        assert_eq!(timers.next_ms(), Some(10));
        let mut due = Vec::new();
        timers.due(20, &mut due);
        assert_eq!(due, [2, 1]);
        timers.change(2, Some(10), None);
        timers.change(1, Some(20), None);
        assert_eq!(timers.next_ms(), None);
    }
}
