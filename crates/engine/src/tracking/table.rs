//! Who has read which keys of a shard, to be told when they change. Guarded by the shard's lock.
//!
//! A key is known by its name alone, whatever the database, as clients know it. Knows no message;
//! see [`super`].

use crate::clients::Client;
use hashbrown::HashTable;
use smallvec::SmallVec;
use std::sync::Arc;

/// Who has read a key, in the order of their addresses.
pub(crate) type Readers = SmallVec<[Arc<Client>; 1]>;

/// The keys of one shard that somebody has read.
#[derive(Default)]
pub(crate) struct Tracked {
    keys: Vec<TrackedKey>,
    /// Places in `keys` by the hash of the key.
    places: HashTable<u32>,
    /// Pairs of a key and a reader.
    items: u64,
    /// Bytes of the keys' names.
    name_bytes: u64,
}

struct TrackedKey {
    hash: u64,
    name: Box<[u8]>,
    readers: Readers,
}

impl Tracked {
    /// A client has read a key; whether it is the first who did.
    pub(crate) fn remember(&mut self, hash: u64, name: &[u8], client: &Arc<Client>) -> bool {
        if let Some(at) = self.find(hash, name) {
            let readers = &mut self.keys[at].readers;
            let place = readers.binary_search_by_key(&Arc::as_ptr(client), Arc::as_ptr);
            let Err(mut place) = place else { return false };
            if readers.len() == readers.capacity() {
                // Before it takes more room: nobody needs to be told who does not track any more.
                let before = readers.len();
                readers.retain(|reader| reader.tracks.is_on());
                self.items -= (before - readers.len()) as u64;
                place = readers.partition_point(|other| Arc::as_ptr(other) < Arc::as_ptr(client));
            }
            readers.insert(place, client.clone());
            self.items += 1;
            return false;
        }
        let at = self.keys.len() as u32;
        let readers = SmallVec::from_iter([client.clone()]);
        self.keys.push(TrackedKey { hash, name: name.into(), readers });
        let keys = &self.keys;
        self.places.insert_unique(hash, at, |&at| keys[at as usize].hash);
        self.items += 1;
        self.name_bytes += name.len() as u64;
        true
    }

    /// Forgets a key; who has read it.
    pub(crate) fn take(&mut self, hash: u64, name: &[u8]) -> Option<Readers> {
        let at = self.find(hash, name)?;
        Some(self.take_at(at).readers)
    }

    /// Forgets some key, and not the latest if there is another; `random` is below its argument.
    pub(crate) fn take_any(
        &mut self,
        random: impl FnOnce(u64) -> u64,
    ) -> Option<(Box<[u8]>, Readers)> {
        let others = self.keys.len().checked_sub(1)?;
        let at = if others == 0 { 0 } else { random(others as u64) as usize };
        let TrackedKey { name, readers, .. } = self.take_at(at);
        Some((name, readers))
    }

    /// Forgets every key; how many there were.
    pub(crate) fn clear(&mut self) -> u64 {
        std::mem::take(self).keys.len() as u64
    }

    /// How many keys are known.
    pub(crate) fn len(&self) -> u64 {
        self.keys.len() as u64
    }

    /// How many pairs of a key and a reader.
    pub(crate) fn items(&self) -> u64 {
        self.items
    }

    /// Bytes that all of it takes.
    pub(crate) fn bytes(&self) -> u64 {
        let tables = self.keys.capacity() * size_of::<TrackedKey>() + self.places.allocation_size();
        // One reader of a key lies in the table.
        let readers = self.items.saturating_sub(self.len()) * size_of::<Arc<Client>>() as u64;
        tables as u64 + self.name_bytes + readers
    }

    fn find(&self, hash: u64, name: &[u8]) -> Option<usize> {
        let keys = &self.keys;
        let is = |&at: &u32| *keys[at as usize].name == *name;
        self.places.find(hash, is).map(|&at| at as usize)
    }

    /// Forgets the key at a place; the last one takes it.
    fn take_at(&mut self, at: usize) -> TrackedKey {
        let last = self.keys.len() - 1;
        let (hash, hash_of_last) = (self.keys[at].hash, self.keys[last].hash);
        if let Ok(place) = self.places.find_entry(hash, |&other| other as usize == at) {
            place.remove();
        }
        if let Some(place) = self.places.find_mut(hash_of_last, |&other| other as usize == last) {
            *place = at as u32;
        }
        let taken = self.keys.swap_remove(at);
        self.items -= taken.readers.len() as u64;
        self.name_bytes -= taken.name.len() as u64;
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyspace::hash::KeyHash;
    use crate::testing::TestEngine;
    use std::collections::{BTreeMap, BTreeSet};

    /// Random reads and changes equal a map of sets that is changed the same way.
    #[test]
    fn a_table_equals_a_map_of_sets() {
        let engine = TestEngine::new(1);
        let clients: Vec<Arc<Client>> = (0..40)
            .map(|_| {
                let client = engine.session().0.client().clone();
                // A session that ends tracks no more.
                client.tracks.flags.store(super::super::ON, std::sync::atomic::Ordering::Relaxed);
                client
            })
            .collect();
        let hash = KeyHash::new(5);
        let mut rng = fastrand::Rng::with_seed(9);
        let mut table = Tracked::default();
        let mut model: BTreeMap<Vec<u8>, BTreeSet<u64>> = BTreeMap::new();
        let ids = |readers: &Readers| readers.iter().map(|c| c.id).collect::<BTreeSet<u64>>();
        for _ in 0..20_000 {
            let name = format!("k{}", rng.u32(..60)).into_bytes();
            match rng.u32(..10) {
                0 | 1 => {
                    let taken = table.take(hash.of(&name), &name);
                    assert_eq!(taken.as_ref().map(&ids), model.remove(&name));
                }
                2 => {
                    let Some((name, readers)) = table.take_any(|bound| rng.u64(..bound)) else {
                        continue;
                    };
                    assert_eq!(Some(ids(&readers)), model.remove(&*name));
                }
                _ => {
                    let client = &clients[rng.usize(..clients.len())];
                    let first = table.remember(hash.of(&name), &name, client);
                    let readers = model.entry(name).or_default();
                    assert_eq!(first, readers.is_empty());
                    readers.insert(client.id);
                }
            }
            assert_eq!(table.len(), model.len() as u64);
            assert_eq!(table.items(), model.values().map(|set| set.len() as u64).sum::<u64>());
        }
        assert_eq!(table.clear(), model.len() as u64);
        assert_eq!((table.len(), table.items()), (0, 0));
    }
}
