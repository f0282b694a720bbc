//! Changes and views of whole databases: emptying, exchanging, walking, counting.
//!
//! The gate stands for one key; this is the same door for all keys of a database at once. What a
//! change entails is the same list: entries go to a running snapshot first, the watchers of keys
//! that were there and those who have cached them are told, the change is counted (so that it becomes an effect), waiters whose
//! key appears are noted, and what was removed is freed after the locks.
//!
//! Knows no command; commands come here through [`Keys`].

use super::detached::Detached;
use super::entry::{Entry, Type};
use super::shard::{DATABASES, Shard};
use crate::keys::Keys;

/// Draws before a random key is looked for among all that are not due.
const RANDOM_TRIES: u32 = 100;

/// Who frees what was flushed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Freeing {
    /// The thread that flushed, after the locks and before the reply leaves.
    #[default]
    Sync,
    /// The housekeeper ([`Engine::expire_due`]), and commands in passing.
    Async,
}

/// What a command flushed, to be freed after its locks.
#[derive(Default)]
pub(crate) struct Flushed {
    pub(crate) detached: Vec<Detached>,
    /// Somebody waits until all of it is free.
    pub(crate) sync: bool,
    /// It was `FLUSHALL`: who saves the data is told after the locks.
    pub(crate) all: bool,
}

/// A key as a walk meets it.
#[derive(Debug, Clone, Copy)]
pub struct Met<'k> {
    /// The key.
    pub key: &'k [u8],
    /// Type of its value.
    pub type_of: Type,
    /// Its time has come: for every reader it is not there.
    pub due: bool,
}

impl Keys<'_> {
    /// Empties a database, or all of them (`None`). O(1) a shard under the locks, which must be all.
    pub fn flush(&mut self, db: Option<u8>, freeing: Freeing) {
        let is_flushed = |number: u8| db.is_none_or(|db| db == number);
        let mut flushed = self.changes.flushed.take().unwrap_or_default();
        flushed.sync |= freeing == Freeing::Sync;
        let (mut removed, mut readied) = (0, Vec::new());
        self.each_shard(|shard, _| {
            let keys: u64 = (0..DATABASES as u8)
                .filter(|&number| is_flushed(number))
                .map(|number| shard.len(number).0)
                .sum();
            if keys == 0 {
                return;
            }
            removed += keys;
            shard.watched.touch_where(|number, key| is_flushed(number) && has(shard, number, key));
            if let Some(detached) = shard.flush(db, freeing == Freeing::Async) {
                let unwanted = match &shard.tap {
                    Some(tap) => tap.give(detached),
                    None => Some(detached),
                };
                flushed.detached.extend(unwanted);
            }
            for number in (0..DATABASES as u8).filter(|&number| is_flushed(number)) {
                let ends = |key: &[u8]| shard.waiters.any_ends_without(number, key);
                let keys = shard.waiters.keys_of(number);
                readied.extend(keys.filter(|key| ends(key)).map(|key| (number, key.into())));
            }
        });
        self.ready_all(readied);
        self.changes.flushed = Some(flushed);
        self.changes.count += removed;
        self.forget_tracked();
    }

    /// Removes all keys of all databases, and tells who saves them. Needs all locks.
    pub fn flush_all(&mut self, freeing: Freeing) {
        self.flush(None, freeing);
        self.changes.flushed.get_or_insert_default().all = true;
    }

    /// Exchanges two databases. Needs all locks. O(shards, watched keys and waiters).
    pub fn swap_databases(&mut self, one: u8, other: u8) {
        if one == other {
            return;
        }
        let pair = [one, other];
        let mut readied = Vec::new();
        self.each_shard(|shard, changes| {
            changes.count += shard.len(one).0 + shard.len(other).0;
            shard.watched.touch_where(|number, key| {
                pair.contains(&number) && pair.iter().any(|&number| has(shard, number, key))
            });
            shard.swap(one, other);
            for number in pair {
                let ends = |key: &[u8]| shard.waiters.any_ends_without(number, key);
                let keys = shard.waiters.keys_of(number);
                let ready = keys.filter(|key| ends(key) || has(shard, number, key));
                readied.extend(ready.map(|key| (number, key.into())));
            }
        });
        self.ready_all(readied);
        // Every name may mean another value now.
        self.forget_tracked();
    }

    /// Notes readied keys in an order that follows from them alone, not from where they lie.
    fn ready_all(&mut self, mut readied: Vec<(u8, Box<[u8]>)>) {
        readied.sort_unstable();
        readied.iter().for_each(|(db, key)| self.changes.ready(*db, key));
    }

    /// How many keys a database has. Needs all locks.
    pub fn count(&self, db: u8) -> u64 {
        self.held.iter(self.engine.shard_count()).map(|shard| self.shard_ref(shard).len(db).0).sum()
    }

    /// Visits every key of the command's database that is there. Needs all locks.
    pub fn each_key(&self, mut visit: impl FnMut(&[u8])) {
        for shard in self.held.iter(self.engine.shard_count()) {
            let mut cursor = 0;
            loop {
                cursor = self.scan_bucket(shard, cursor, |met| {
                    if !met.due {
                        visit(met.key);
                    }
                });
                if cursor == 0 {
                    break;
                }
            }
        }
    }

    /// Whether a shard is held.
    pub fn holds(&self, shard: u16) -> bool {
        self.held.has(shard)
    }

    /// How many shards there are.
    pub fn shard_count(&self) -> u16 {
        self.engine.shard_count()
    }

    /// Visits the keys of one bucket of a held shard in the command's database; the next cursor,
    /// 0 after the last bucket.
    pub fn scan_bucket(&self, shard: u16, cursor: u64, mut visit: impl FnMut(Met<'_>)) -> u64 {
        let (now_ms, keeps_due) = (self.now_ms(), self.changes.keeps_due);
        self.shard_ref(shard).scan(self.db(), cursor, |entry| {
            visit(Met {
                key: entry.key(),
                type_of: entry.kind().type_of(),
                due: entry.is_gone(now_ms, keeps_due),
            });
        })
    }

    /// About how many keys of a held shard a walk at `cursor` has not met yet.
    pub fn left_after(&self, shard: u16, cursor: u64) -> u64 {
        let len = self.shard_ref(shard).len(self.db()).0;
        // Walks go in the order of bit-reversed cursors.
        let left = u64::MAX - cursor.reverse_bits();
        (u128::from(len) * u128::from(left)).div_ceil(u128::from(u64::MAX)) as u64
    }

    /// A random key of the command's database, each with about the same chance. Needs all locks.
    pub fn random_key(&self) -> Option<Vec<u8>> {
        for _ in 0..RANDOM_TRIES {
            let entry = self.random_entry()?;
            if !entry.is_gone(self.now_ms(), self.changes.keeps_due) {
                return Some(entry.key().to_vec());
            }
        }
        // Nearly all that is there is due.
        let mut living = Vec::new();
        self.each_key(|key| living.push(key.to_vec()));
        let at = (!living.is_empty()).then(|| self.random(living.len() as u64))?;
        living.into_iter().nth(at as usize)
    }

    fn random_entry(&self) -> Option<Entry> {
        let count = self.count(self.db());
        let mut left = (count > 0).then(|| self.random(count))?;
        for shard in self.held.iter(self.engine.shard_count()).map(|index| self.shard_ref(index)) {
            let len = shard.len(self.db()).0;
            if left < len {
                return shard.random(self.db(), |bound| self.random(bound));
            }
            left -= len;
        }
        None
    }
}

fn has(shard: &Shard, db: u8, key: &[u8]) -> bool {
    shard.find(db, shard.hash.of(key), key).is_some()
}
