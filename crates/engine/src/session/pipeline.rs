//! Requests that were read together: executed one after the other, with the caches warmed for the
//! keys of all before the first runs, so that their misses overlap. One request: [`super`].

use super::{Flow, Session};
use crate::keyspace::locks::Wait;
use smallvec::SmallVec;

/// From how many requests on it is worth warming the caches for their keys.
const WARM_FROM: usize = 3;

/// Most requests that are warmed for together: so many misses do not push each other out.
pub(crate) const WARM_MOST: usize = 32;

/// The hash of a key of the request that is about to run, by the key's place in memory.
#[derive(Debug, Clone, Copy)]
pub(super) struct KnownHash {
    address: usize,
    len: usize,
    hash: u64,
}

impl KnownHash {
    /// The hash, if it is this word's.
    #[inline(always)]
    pub(super) fn of(self, word: &[u8]) -> Option<u64> {
        (self.address == word.as_ptr().addr() && self.len == word.len()).then_some(self.hash)
    }
}

impl Session {
    /// Executes requests that were read together, in order, until one answers anything but
    /// [`Flow::Continue`] or `out` holds `full` bytes. Requests without words are passed over.
    ///
    /// Answers how many requests are done with and how the last of them ended; that one is not
    /// done with where its flow says that nothing was done.
    pub fn execute_all<'w, W: AsRef<[&'w [u8]]>>(
        &mut self,
        requests: &[W],
        full: usize,
        out: &mut Vec<u8>,
    ) -> (usize, Flow) {
        let mut done = 0;
        for together in requests.chunks(WARM_MOST) {
            let (more, flow) = self.execute_together(together, full, out);
            done += more;
            self.known = None;
            if flow != Flow::Continue || out.len() >= full {
                return (done, flow);
            }
        }
        (done, Flow::Continue)
    }

    fn execute_together<'w, W: AsRef<[&'w [u8]]>>(
        &mut self,
        requests: &[W],
        full: usize,
        out: &mut Vec<u8>,
    ) -> (usize, Flow) {
        let known = self.warm(requests);
        // One request's end is taken for the beginning of the next: it saves a look at the clock.
        self.ended_us = 0;
        for (at, words) in requests.iter().enumerate() {
            let words = words.as_ref();
            if words.is_empty() {
                continue;
            }
            self.known = known.get(at).copied();
            let seen_us = self.ended_us;
            match self.execute_from(words, out, Wait::Park, seen_us) {
                Flow::Continue if out.len() < full => {}
                Flow::Retry => return (at, Flow::Retry),
                Flow::Paused(until_ms) => return (at, Flow::Paused(until_ms)),
                flow => return (at + 1, flow),
            }
        }
        (requests.len(), Flow::Continue)
    }

    /// Warms the caches for the first keys of requests; their hashes, in the same order. A hint:
    /// where it guesses wrong it costs only time.
    #[inline]
    fn warm<'w, W: AsRef<[&'w [u8]]>>(&self, requests: &[W]) -> SmallVec<[KnownHash; WARM_MOST]> {
        let mut known = SmallVec::new();
        if requests.len() < WARM_FROM {
            return known;
        }
        let engine = &self.engine;
        for words in requests {
            // Nearly every command names its key first.
            let key = words.as_ref().get(1).copied().unwrap_or_default();
            let hash = engine.hash().of(key);
            known.push(KnownHash { address: key.as_ptr().addr(), len: key.len(), hash });
        }
        let hashes = known.iter().map(|known: &KnownHash| known.hash);
        engine.warm(self.state.db, &hashes.zip(requests.iter().map(AsRef::as_ref)));
        known
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestEngine;

    fn words(line: &str) -> Vec<&[u8]> {
        line.split(' ').filter(|word| !word.is_empty()).map(str::as_bytes).collect()
    }

    #[test]
    fn a_pipeline_answers_what_its_requests_answer_one_by_one() {
        let lines: Vec<String> = (0..100)
            .flat_map(|n| {
                let key = n % 7;
                [format!("SET k{key} v{n}"), format!("GET k{key}"), format!("MGET a k{key} k1")]
            })
            .chain(["".into(), "NOSUCH a b".into(), "GET".into(), "DEL k1 k2".into()])
            .collect();
        let (one, other) = (TestEngine::new(16), TestEngine::new(16));
        let ((mut single, _), (mut piped, _)) = (one.session(), other.session());
        let requests: Vec<_> = lines.iter().map(|line| words(line)).collect();
        let (mut expected, mut out) = (Vec::new(), Vec::new());
        for request in requests.iter().filter(|request| !request.is_empty()) {
            assert_eq!(single.execute(request, &mut expected), Flow::Continue);
        }
        let done = piped.execute_all(&requests, usize::MAX, &mut out);
        assert_eq!(done, (requests.len(), Flow::Continue));
        assert_eq!(String::from_utf8(out), String::from_utf8(expected));
    }

    #[test]
    fn a_pipeline_stops_at_a_wait_and_at_its_bound() {
        let engine = TestEngine::new(4);
        let (mut session, _) = engine.session();
        let requests = ["SET a 1", "BLPOP none 0", "SET a 2"].map(words);
        let mut out = Vec::new();
        assert_eq!(session.execute_all(&requests, 1000, &mut out), (2, Flow::Blocked));
        session.cancel_wait();
        out.clear();
        let requests = ["SET a 1", "SET a 2", "SET a 3", "SET a 4"].map(words);
        assert_eq!(session.execute_all(&requests, 10, &mut out), (2, Flow::Continue));
        assert_eq!(out, b"+OK\r\n+OK\r\n");
    }

    #[test]
    fn what_a_pause_holds_back_is_not_done() {
        let engine = TestEngine::new(4);
        let (mut session, _) = engine.session();
        let requests = ["GET a", "SET a 1", "CLIENT PAUSE 100 WRITE", "SET a 2"].map(words);
        let (done, flow) = session.execute_all(&requests, 1000, &mut Vec::new());
        assert_eq!(done, 3);
        assert!(matches!(flow, Flow::Paused(_)));
    }
}
