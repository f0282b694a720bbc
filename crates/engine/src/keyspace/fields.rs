//! When the fields of hashes are due: one entry for each hash of a database and shard that has
//! fields with deadlines, by the earliest of them.
//!
//! The hash itself finds its due fields ([`crate::values::dict::Dict::take_due`]); here is only
//! which hash to ask next. A hash is known by the hash of its key, and knows itself under which
//! deadline it stands here, so that each change of that moves it. Knows no entry. Next:
//! [`super::shard`].

use std::collections::BTreeSet;

/// Hashes by the earliest deadline of their fields.
#[derive(Debug, Default)]
pub(crate) struct FieldDeadlines {
    ordered: BTreeSet<(u64, u64)>,
}

impl FieldDeadlines {
    /// Moves a hash from one deadline to another; none is not to stand here.
    pub(crate) fn shift(&mut self, hash: u64, from_ms: Option<u64>, to_ms: Option<u64>) {
        if let Some(from_ms) = from_ms {
            self.ordered.remove(&(from_ms, hash));
        }
        if let Some(to_ms) = to_ms {
            self.ordered.insert((to_ms, hash));
        }
    }

    /// The earliest of all deadlines.
    pub(crate) fn next_ms(&self) -> Option<u64> {
        self.ordered.first().map(|&(deadline_ms, _)| deadline_ms)
    }

    /// A hash with fields that are due at `now_ms`, and the earliest deadline of these.
    pub(crate) fn due(&self, now_ms: u64) -> Option<(u64, u64)> {
        let first = self.ordered.first().copied();
        first.filter(|&(deadline_ms, _)| deadline_ms <= now_ms)
    }

    /// How many hashes have fields with deadlines.
    pub(crate) fn len(&self) -> u64 {
        self.ordered.len() as u64
    }
}
