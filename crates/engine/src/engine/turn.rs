//! What stands before and after each work under the locks: the time is read and what is due is
//! removed; then waiters are served, events told, effects logged, and the housekeeper is rung.
//!
//! [`Engine::with_keys`](super::Engine) takes the locks and gives them back. Knows no command.
#![allow(unsafe_code)]

use crate::keys::Keys;
use crate::keyspace::access::Access;
use crate::keyspace::gate::Gate;
use crate::keyspace::locks::ShardSet;
use crate::log::{Head, Position, flags};
use std::sync::atomic::Ordering;

/// Entries that a command removes in passing because their time has come.
const EXPIRE_IN_PASSING: u32 = 16;

impl Keys<'_> {
    /// Reads the time and removes a little of what is due.
    #[inline]
    pub(super) fn begin(&mut self) {
        self.changes.began_us = match std::mem::take(&mut self.changes.seen_us) {
            0 => self.engine.clock.now_us(),
            seen_us => seen_us,
        };
        if self.engine.is_loading() {
            return self.begin_loading();
        }
        let now_ms = self.changes.began_us / 1000;
        let due = match *self.held {
            ShardSet::One(index) => {
                let shard = self.shard_at(index);
                let now_ms = now_ms.max(shard.now_ms);
                shard.now_ms = now_ms;
                let due = shard.next_due_ms <= now_ms;
                self.changes.now_ms = now_ms;
                due
            }
            _ => self.begin_many(now_ms),
        };
        self.changes.access = Access::at(self.changes.now_ms, self.engine.config());
        self.changes.keeps_due = false;
        if due {
            self.expire_in_passing();
        }
    }

    /// While data is being loaded time stands still before every deadline: what a log says of a key
    /// was said while the key was there.
    #[cold]
    fn begin_loading(&mut self) {
        self.changes.now_ms = 0;
        self.changes.keeps_due = false;
        self.changes.access = Access::at(self.clock_ms(), self.engine.config());
    }

    /// Sleeps under the locks, and reads the time again, which stands still for scripts; `false`
    /// where the host does not sleep.
    pub(crate) fn sleep(&mut self, time_ms: u64) -> bool {
        let slept = self.engine.host.sleep(time_ms);
        if slept && !self.changes.runs_scripts {
            self.begin_many(self.engine.now_us() / 1000);
        }
        slept
    }

    /// Sets the time of all held shards; whether something is due in one.
    fn begin_many(&mut self, mut now_ms: u64) -> bool {
        self.shards().for_each(|shard| now_ms = now_ms.max(shard.now_ms));
        self.changes.now_ms = now_ms;
        let mut due = false;
        self.shards().for_each(|shard| {
            shard.now_ms = now_ms;
            due |= shard.next_due_ms <= now_ms;
        });
        due
    }

    #[inline(never)]
    fn expire_in_passing(&mut self) {
        let (engine, now_ms) = (self.engine, self.changes.now_ms);
        if engine.pause.until_ms(now_ms).is_some() {
            self.changes.keeps_due = true;
            return;
        }
        let active = engine.active_expire.load(Ordering::Relaxed);
        self.changes.keeps_due = !active;
        let next_ms = if active { self.expire(EXPIRE_IN_PASSING) } else { Some(now_ms) };
        if next_ms.is_some_and(|next_ms| next_ms <= now_ms) {
            self.expire_named();
        }
    }

    /// Removes up to `most` due entries of each held shard; when the next is due.
    pub(super) fn expire(&mut self, most: u32) -> Option<u64> {
        let mut next = u64::MAX;
        let now_ms = self.changes.now_ms;
        self.each_shard(|shard, changes| {
            if shard.next_due_ms > now_ms {
                next = next.min(shard.next_due_ms);
                return;
            }
            shard.reclaim(most as usize, &mut changes.garbage);
            let mut left = most as usize;
            while left > 0 {
                let Some(due) = shard.due(now_ms) else { break };
                left -= Gate::expire_found(shard, changes, due, left).clamp(1, left);
            }
            next = next.min(shard.next_due_ms);
        });
        (next != u64::MAX).then_some(next)
    }

    /// Removes the command's own keys where they are due, so that no effect is logged after a read
    /// of something that a replay would still find there.
    fn expire_named(&mut self) {
        for db in 0..crate::keyspace::DATABASES as u8 {
            for &(address, len, _) in self.hashes.known() {
                // SAFETY: the words that were hashed live until the command is done.
                let key = unsafe { std::slice::from_raw_parts(address, len) };
                self.write_in(db, key);
            }
        }
    }

    /// Removes a key that a walk has met and that is due, unless writes are paused.
    pub(crate) fn remove_due(&mut self, key: &[u8]) {
        if self.engine.pause.until_ms(self.changes.now_ms).is_none() {
            // The gate removes it by itself.
            self.write(key);
        }
    }

    /// Serves waiters, writes the log frame, sends the served replies.
    #[inline]
    pub(super) fn finish(&mut self) -> Position {
        let changes = &*self.changes;
        let heard = changes.effects.on || changes.notices.on() || changes.invalidations.any();
        if !changes.ready.is_empty() || heard {
            return self.finish_for_others();
        }
        self.count_changes();
        self.arm();
        0
    }

    #[inline(never)]
    fn finish_for_others(&mut self) -> Position {
        self.publish_invalidations();
        let mut served = Vec::new();
        while !self.changes.ready.is_empty() {
            let (db, key) = self.changes.ready.remove(0);
            if self.changes.runs_scripts {
                self.reach_waiters(&key);
            }
            self.serve(db, &key, &mut served);
        }
        self.count_changes();
        let position = self.log_effects();
        // After that: who hears of it has to wait until it is as durable as a reply.
        if self.changes.notices.on() {
            self.changes.notices.tell_rest();
            self.changes.notices.publish(&self.engine.pubsub);
        }
        for (waiter, reply) in served {
            waiter.post(reply, position);
        }
        // What serving made invalid comes after the reply of the served.
        self.publish_invalidations();
        self.arm();
        position
    }

    fn publish_invalidations(&mut self) {
        if self.changes.invalidations.any() {
            self.engine.tracking.publish(&mut self.changes.invalidations, &self.engine.clients);
        }
    }

    /// Writes the log frame; the position that replies and pushes speak of.
    fn log_effects(&mut self) -> Position {
        let log = &self.engine.log;
        if !self.changes.effects.on {
            return 0;
        }
        self.changes.log_epoch = log.epoch();
        if let Some((db, commands, payload)) = self.changes.effects.take() {
            let flags = if commands > 1 { flags::TRANSACTION } else { 0 };
            let (last_db, time_ms) = (self.changes.effects.last_db(), self.changes.now_ms);
            let end = log.append(Head { db, last_db, flags, time_ms }, payload);
            self.changes.doubt |= self.changes.log_epoch & 1 == 1;
            self.shards().for_each(|shard| shard.log_position = end);
        }
        self.shards().map(|shard| shard.log_position).max().unwrap_or(0)
    }

    #[inline]
    fn count_changes(&mut self) {
        if self.changes.commands > 0 {
            self.engine.stats.changed(std::mem::take(&mut self.changes.commands));
        }
    }

    /// Takes what serving those who wait for a key takes: a script readies keys that nobody knew of
    /// when its locks were taken.
    fn reach_waiters(&mut self, key: &[u8]) {
        loop {
            let set = self.shards_of_waiters(std::iter::once(key));
            if set.iter(self.engine.shard_count()).all(|shard| self.held.has(shard)) {
                return;
            }
            self.reach_all(&set);
        }
    }

    /// Tells the housekeeper if a key here is due before what it knows of.
    #[inline]
    fn arm(&mut self) {
        let alarm = &self.engine.alarm;
        let next_ms = match *self.held {
            ShardSet::One(index) => self.shard_at(index).next_due_ms,
            _ => self.shards().map(|shard| shard.next_due_ms).min().unwrap_or(u64::MAX),
        };
        if next_ms < alarm.armed_ms.load(Ordering::Relaxed)
            && alarm.armed_ms.fetch_min(next_ms, Ordering::SeqCst) > next_ms
            && !self.changes.keeps_house
            && let Some(ring) = alarm.ring.get()
        {
            ring(next_ms);
        }
    }
}
