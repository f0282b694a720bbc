//! `maxmemory-clients`: how much all connections may take together, and which of them are closed
//! when they take more: the largest first, until the rest is within the limit.
//!
//! While there is a limit, whoever serves a connection counts it after each of its turns
//! ([`Engine::count_client`]); without one that costs a load. Linked sessions are the process's own
//! and neither counted nor closed.

use super::{Client, Origin};
use crate::engine::Engine;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A lower limit would leave no room to raise it again. Redis's figure.
const LEAST_LIMIT: u64 = 128 * 1024;

/// Bytes that connections take together, as far as they were counted.
#[derive(Debug, Default)]
pub(crate) struct Counted(AtomicU64);

impl Counted {
    /// Counts a client anew.
    fn count(&self, client: &Client) {
        if client.origin == Origin::Linked || client.killed.load(Ordering::Relaxed) {
            return;
        }
        self.set(client, client.bytes());
    }

    /// A client takes no part any more.
    pub(super) fn forget(&self, client: &Client) {
        self.set(client, 0);
    }

    fn set(&self, client: &Client, bytes: u64) {
        let before = client.counted_bytes.swap(bytes, Ordering::Relaxed);
        self.0.fetch_add(bytes.wrapping_sub(before), Ordering::Relaxed);
    }

    fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Engine {
    /// Counts what a client takes, and closes the largest ones if all together take too much.
    #[inline]
    pub fn count_client(&self, client: &Client) {
        if let Some(limit) = self.client_bytes_limit() {
            self.clients.counted.count(client);
            if self.clients.counted.bytes() > limit {
                self.evict_clients(limit);
            }
        }
    }

    /// Counts all clients: the limit has changed.
    pub(crate) fn count_all_clients(&self) {
        if let Some(limit) = self.client_bytes_limit() {
            let by_id = self.clients.by_id.lock();
            by_id.values().for_each(|client| self.clients.counted.count(client));
            drop(by_id);
            self.evict_clients(limit);
        }
    }

    #[inline]
    fn client_bytes_limit(&self) -> Option<u64> {
        let limit = self.config().maxmemory_clients();
        (limit > 0).then_some(limit.max(LEAST_LIMIT))
    }

    #[cold]
    fn evict_clients(&self, limit: u64) {
        let counted = &self.clients.counted;
        // Whoever chooses has the list for himself, so that nobody is closed in vain.
        let mut by_id = self.clients.by_id.lock();
        let may_go = |client: &&Arc<Client>| {
            client.counted_bytes.load(Ordering::Relaxed) > 0
                && !client.facts.no_evict.load(Ordering::Relaxed)
                && !client.facts.monitors.load(Ordering::Relaxed)
        };
        let mut largest: Vec<_> = by_id.values().filter(may_go).cloned().collect();
        largest.sort_by_key(|client| client.counted_bytes.load(Ordering::Relaxed));
        let mut victims = Vec::new();
        while counted.bytes() > limit
            && let Some(client) = largest.pop()
        {
            by_id.remove(&client.id);
            client.killed.store(true, Ordering::Release);
            counted.forget(&client);
            victims.push(client);
        }
        drop(by_id);
        self.stats().evicted_clients.fetch_add(victims.len() as u64, Ordering::Relaxed);
        victims.iter().for_each(|client| client.kill());
    }
}
