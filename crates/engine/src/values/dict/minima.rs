//! The earliest deadline of each chunk, and of all: a tournament over the chunks.
//!
//! A tree in one vector: leaf `n` stands at `leaves + n`, and each node holds the earlier of its
//! two children's, so that the root is at 1. Knows no chunk. Next: [`super`].

/// No deadline.
pub(super) const NEVER: u64 = u64::MAX;

/// Deadlines by chunk.
#[derive(Debug, Clone, Default)]
pub(super) struct Minima {
    nodes: Vec<u64>,
}

impl Minima {
    /// Bytes of the tree.
    pub(super) fn bytes(&self) -> u64 {
        (self.nodes.capacity() * size_of::<u64>()) as u64
    }

    /// Whether any deadline was ever set.
    pub(super) fn is_used(&self) -> bool {
        !self.nodes.is_empty()
    }

    /// The earliest of all.
    pub(super) fn earliest(&self) -> u64 {
        self.nodes.get(1).copied().unwrap_or(NEVER)
    }

    /// The earliest of a chunk.
    pub(super) fn of(&self, chunk: usize) -> u64 {
        self.nodes.get(self.leaves() + chunk).copied().unwrap_or(NEVER)
    }

    /// Sets the earliest of a chunk. O(log chunks), now and then O(chunks).
    pub(super) fn set(&mut self, chunk: usize, deadline_ms: u64) {
        if chunk >= self.leaves() {
            if deadline_ms == NEVER {
                return;
            }
            self.widen(chunk + 1);
        }
        let mut at = self.leaves() + chunk;
        self.nodes[at] = deadline_ms;
        while at > 1 {
            at /= 2;
            let earlier = self.nodes[2 * at].min(self.nodes[2 * at + 1]);
            if self.nodes[at] == earlier {
                return;
            }
            self.nodes[at] = earlier;
        }
    }

    /// Visits the chunks with a deadline up to `now_ms`, until `visit` says no.
    pub(super) fn each_due(&self, now_ms: u64, mut visit: impl FnMut(usize) -> bool) {
        if self.earliest() > now_ms {
            return;
        }
        let mut open = vec![1];
        while let Some(at) = open.pop() {
            if at >= self.leaves() {
                if !visit(at - self.leaves()) {
                    return;
                }
                continue;
            }
            open.extend([2 * at + 1, 2 * at].iter().filter(|&&child| self.nodes[child] <= now_ms));
        }
    }

    fn leaves(&self) -> usize {
        self.nodes.len() / 2
    }

    fn widen(&mut self, chunks: usize) {
        let leaves = chunks.next_power_of_two();
        let mut nodes = vec![NEVER; 2 * leaves];
        nodes[leaves..leaves + self.leaves()].copy_from_slice(&self.nodes[self.leaves()..]);
        for at in (1..leaves).rev() {
            nodes[at] = nodes[2 * at].min(nodes[2 * at + 1]);
        }
        self.nodes = nodes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_is_the_earliest_of_all() {
        let mut rng = fastrand::Rng::with_seed(4);
        let mut minima = Minima::default();
        let mut model = vec![NEVER; 100];
        for step in 0..5000 {
            let chunk = rng.usize(..1 + step * 99 / 5000);
            let deadline_ms = if rng.bool() { rng.u64(..1000) } else { NEVER };
            minima.set(chunk, deadline_ms);
            model[chunk] = deadline_ms;
            assert_eq!(minima.earliest(), model.iter().copied().min().unwrap());
            assert_eq!(minima.of(chunk), deadline_ms);
        }
        let mut due = Vec::new();
        minima.each_due(300, |chunk| {
            due.push(chunk);
            true
        });
        let expected = (0..100).filter(|&chunk| model[chunk] <= 300);
        assert_eq!(due, expected.collect::<Vec<_>>());
    }
}
