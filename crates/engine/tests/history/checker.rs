//! Whether a history of concurrent calls is linearizable: whether each call can be given one moment
//! between its invocation and its answer, so that one thread making them in that order would have
//! been answered the same.
//!
//! A depth-first search for such an order (Wing and Gong 1993) that remembers which sets of calls
//! have led to which states (Lowe 2017). Exponential at worst: histories are to be short. Knows no
//! command; see `model`.

use std::collections::HashSet;
use std::hash::Hash;

/// A call that was answered.
pub(crate) struct Call<O> {
    /// Who made it.
    pub(crate) session: usize,
    /// What was asked.
    pub(crate) op: O,
    /// The answer.
    pub(crate) reply: Vec<u8>,
    /// When it began and when the answer was there, on a clock that all sessions share.
    pub(crate) invoked: u64,
    pub(crate) answered: u64,
}

/// What the calls are compared with: the same, made by one thread.
pub(crate) trait Model: Clone + Eq + Hash {
    /// A call's request.
    type Op;

    /// Makes a call and answers it; `None` when it would have to wait here.
    fn apply(&mut self, session: usize, op: &Self::Op) -> Option<Vec<u8>>;
}

/// More calls than that do not fit the search's sets.
pub(crate) const MOST_CALLS: usize = 128;

/// An order in which `start` answers as the history says, as indices of its calls.
///
/// # Errors
/// With the longest beginning of such an order when there is none.
///
/// # Panics
/// When there are more than [`MOST_CALLS`].
pub(crate) fn linearize<M: Model>(
    start: &M,
    calls: &[Call<M::Op>],
) -> Result<Vec<usize>, Vec<usize>> {
    assert!(calls.len() <= MOST_CALLS, "{} calls", calls.len());
    let mut search = Search { calls, seen: HashSet::new(), order: Vec::new(), longest: Vec::new() };
    match search.go_on(0, start) {
        true => Ok(search.order),
        false => Err(search.longest),
    }
}

struct Search<'c, M: Model> {
    calls: &'c [Call<M::Op>],
    /// Sets of calls with the states that they led to, without success so far.
    seen: HashSet<(u128, M)>,
    order: Vec<usize>,
    longest: Vec<usize>,
}

impl<M: Model> Search<'_, M> {
    /// Looks for an order of the calls that are not in `done`.
    fn go_on(&mut self, done: u128, state: &M) -> bool {
        let calls = self.calls;
        let left = || (0..calls.len()).filter(move |call| done >> call & 1 == 0);
        let Some(first_answer) = left().map(|call| calls[call].answered).min() else {
            return true;
        };
        if !self.seen.insert((done, state.clone())) {
            return false;
        }
        // Whatever began after the first answer comes after the call that it answers.
        for call in left().filter(|&call| calls[call].invoked < first_answer) {
            let Call { session, op, reply, .. } = &calls[call];
            let mut next = state.clone();
            if next.apply(*session, op).as_ref() != Some(reply) {
                continue;
            }
            self.order.push(call);
            if self.order.len() > self.longest.len() {
                self.longest.clone_from(&self.order);
            }
            if self.go_on(done | 1 << call, &next) {
                return true;
            }
            self.order.pop();
        }
        false
    }
}
