//! A map in the order of its keys, in chunks that copies share.
//!
//! ```text
//!  directory  [ chunk | chunk | chunk ]       an Arc each
//!               │
//!               └ (key, value) (key, value) …  sorted, about 4 KiB
//! ```
//! A copy costs the directory. Whoever changes the map then copies the one chunk that the change
//! touches. Chunks grow by an eighth, are split when full and joined with a neighbour when nearly
//! empty; what comes in the order of the keys fills them to the brim. Finding is two binary
//! searches. Knows nothing of streams; nodes, groups, consumers and pending entries lie in it.

use std::borrow::Borrow;
use std::collections::VecDeque;
use std::sync::Arc;

/// What an `Arc` puts before its value.
pub(super) const ARC_BYTES: usize = 16;

/// About how many bytes a chunk holds.
const CHUNK_BYTES: usize = 4096;

/// An ordered map; see the module.
#[derive(Debug, Clone)]
pub(super) struct Ordered<K, V> {
    /// None of them empty.
    chunks: VecDeque<Arc<Vec<(K, V)>>>,
    len: usize,
    /// Bytes of the chunks.
    bytes: u64,
}

/// The place of a pair; behind the last one: the number of chunks, and 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    chunk: usize,
    index: usize,
}

impl<K, V> Default for Ordered<K, V> {
    fn default() -> Self {
        Ordered { chunks: VecDeque::new(), len: 0, bytes: 0 }
    }
}

impl<K: Ord + Clone, V: Clone> Ordered<K, V> {
    /// Pairs in a full chunk.
    const MOST: usize = {
        let fit = CHUNK_BYTES / size_of::<(K, V)>();
        if fit < 16 { 16 } else { fit }
    };

    /// Pairs.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Chunks.
    pub(super) fn chunks(&self) -> usize {
        self.chunks.len()
    }

    /// Bytes of the map beside its own place; what keys and values hold elsewhere is not counted.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes + (self.chunks.capacity() * size_of::<Arc<Vec<(K, V)>>>()) as u64
    }

    /// The value of a key.
    pub(super) fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        let place = self.find(key)?;
        Some(&self.chunks[place.chunk][place.index].1)
    }

    /// The value of a key, to be changed.
    pub(super) fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        let place = self.find(key)?;
        Some(&mut self.own(place.chunk)[place.index].1)
    }

    /// The pair of the smallest key.
    pub(super) fn first(&self) -> Option<(&K, &V)> {
        self.chunks.front()?.first().map(|(key, value)| (key, value))
    }

    /// The pair of the largest key.
    pub(super) fn last(&self) -> Option<(&K, &V)> {
        self.chunks.back()?.last().map(|(key, value)| (key, value))
    }

    /// The same, the value to be changed.
    pub(super) fn last_mut(&mut self) -> Option<(&K, &mut V)> {
        let chunk = self.chunks.len().checked_sub(1)?;
        self.own(chunk).last_mut().map(|(key, value)| (&*key, value))
    }

    /// Pairs in the order of their keys.
    pub(super) fn iter(&self) -> Iter<'_, K, V> {
        Iter { map: self, front: Place { chunk: 0, index: 0 }, back: self.end() }
    }

    /// Pairs whose keys are this one or larger.
    pub(super) fn from<Q: Ord + ?Sized>(&self, key: &Q) -> Iter<'_, K, V>
    where
        K: Borrow<Q>,
    {
        Iter { map: self, front: self.place_before(|own| own < key), back: self.end() }
    }

    /// Pairs whose keys are this one or smaller.
    pub(super) fn up_to<Q: Ord + ?Sized>(&self, key: &Q) -> Iter<'_, K, V>
    where
        K: Borrow<Q>,
    {
        let back = self.place_before(|own| own <= key);
        Iter { map: self, front: Place { chunk: 0, index: 0 }, back }
    }

    /// Sets the value of a key; the one that it had.
    pub(super) fn insert(&mut self, key: K, value: V) -> Option<V> {
        let place = self.place_before(|own: &K| own < &key);
        if self.key_at(place) == Some(&key) {
            return Some(std::mem::replace(&mut self.own(place.chunk)[place.index].1, value));
        }
        let mut place = place;
        if place.chunk == self.chunks.len() {
            match self.chunks.back() {
                Some(last) if last.len() < Self::MOST => {
                    place = Place { chunk: place.chunk - 1, index: last.len() };
                }
                _ => self.add_chunk(place.chunk, Vec::new()),
            }
        } else if self.chunks[place.chunk].len() >= Self::MOST {
            place = self.split(place);
        }
        self.change(place.chunk, |pairs| {
            if pairs.len() == pairs.capacity() {
                let step = match pairs.len() {
                    few @ 0..4 => few.max(1),
                    many => (many / 8).max(4).min(Self::MOST.saturating_sub(many)),
                };
                pairs.reserve_exact(step.max(1));
            }
            pairs.insert(place.index, (key, value));
        });
        self.len += 1;
        None
    }

    /// Takes a key out; the value that it had.
    pub(super) fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let place = self.find(key)?;
        Some(self.remove_at(place).1)
    }

    /// Takes the smallest key out.
    pub(super) fn pop_first(&mut self) -> Option<(K, V)> {
        (!self.is_empty()).then(|| self.remove_at(Place { chunk: 0, index: 0 }))
    }

    /// Takes out the pairs that `keep` refuses. One pass.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(&K, &V) -> bool) {
        let mut at = 0;
        while at < self.chunks.len() {
            let kept: Vec<bool> =
                self.chunks[at].iter().map(|(key, value)| keep(key, value)).collect();
            let count = kept.iter().filter(|&&kept| kept).count();
            self.len -= kept.len() - count;
            match count {
                0 => drop(self.take_chunk(at)),
                count if count == kept.len() => at += 1,
                _ => {
                    let mut kept = kept.iter();
                    self.change(at, |pairs| {
                        pairs.retain(|_| kept.next() == Some(&true));
                        pairs.shrink_to_fit();
                    });
                    at += 1;
                }
            }
        }
    }

    /// Gives about so many pairs back, those that nobody shares; whether nothing is left.
    pub(super) fn free_some(&mut self, budget: &mut usize) -> bool {
        while *budget > 0
            && let Some(chunk) = self.chunks.pop_back()
        {
            self.len -= chunk.len();
            self.bytes -= bytes_of(&chunk);
            *budget = budget.saturating_sub(chunk.len());
        }
        if self.chunks.is_empty() {
            self.chunks = VecDeque::new();
        }
        self.chunks.is_empty()
    }

    fn remove_at(&mut self, place: Place) -> (K, V) {
        let pair = self.change(place.chunk, |pairs| {
            let pair = pairs.remove(place.index);
            if pairs.capacity() > 2 * pairs.len() + 8 {
                pairs.shrink_to(pairs.len() + pairs.len() / 8);
            }
            pair
        });
        self.len -= 1;
        let left = self.chunks[place.chunk].len();
        if left == 0 {
            self.take_chunk(place.chunk);
        } else if left < Self::MOST / 4 {
            self.join(place.chunk);
        }
        pair
    }

    /// Divides a full chunk; where the place then is.
    fn split(&mut self, place: Place) -> Place {
        let half = Self::MOST / 2;
        let rest = self.change(place.chunk, |pairs| {
            let rest = pairs.split_off(half);
            pairs.shrink_to_fit();
            rest
        });
        self.add_chunk(place.chunk + 1, rest);
        if place.index <= half {
            place
        } else {
            Place { chunk: place.chunk + 1, index: place.index - half }
        }
    }

    /// Joins a chunk with a neighbour, if both together are far from full.
    fn join(&mut self, chunk: usize) {
        let fits = |at: usize| {
            let both = self.chunks.get(at).zip(self.chunks.get(at + 1));
            both.is_some_and(|(a, b)| a.len() + b.len() <= Self::MOST / 2)
        };
        let at = match chunk {
            at if fits(at) => at,
            1.. if fits(chunk - 1) => chunk - 1,
            _ => return,
        };
        let next = self.take_chunk(at + 1);
        self.change(at, |pairs| {
            pairs.reserve_exact(next.len());
            match Arc::try_unwrap(next) {
                Ok(next) => pairs.extend(next),
                Err(shared) => pairs.extend(shared.iter().cloned()),
            }
        });
    }

    fn find<Q: Ord + ?Sized>(&self, key: &Q) -> Option<Place>
    where
        K: Borrow<Q>,
    {
        let place = self.place_before(|own| own < key);
        (self.key_at(place)?.borrow() == key).then_some(place)
    }

    /// The first place whose key is not before what is sought.
    fn place_before<Q: Ord + ?Sized>(&self, is_before: impl Fn(&Q) -> bool) -> Place
    where
        K: Borrow<Q>,
    {
        let all_before =
            |chunk: &Arc<Vec<(K, V)>>| chunk.last().is_none_or(|(key, _)| is_before(key.borrow()));
        // Mostly it is the end.
        if self.chunks.back().is_none_or(all_before) {
            return self.end();
        }
        let chunk = self.chunks.partition_point(all_before);
        let index = self.chunks[chunk].partition_point(|(key, _)| is_before(key.borrow()));
        Place { chunk, index }
    }

    fn end(&self) -> Place {
        Place { chunk: self.chunks.len(), index: 0 }
    }

    fn key_at(&self, place: Place) -> Option<&K> {
        self.chunks.get(place.chunk)?.get(place.index).map(|(key, _)| key)
    }

    /// A chunk that no copy shares.
    fn own(&mut self, chunk: usize) -> &mut Vec<(K, V)> {
        let shared = &mut self.chunks[chunk];
        let before = bytes_of(shared);
        // A copy has no slack.
        Arc::make_mut(shared);
        self.bytes = self.bytes - before + bytes_of(shared);
        Arc::make_mut(shared)
    }

    /// Changes a chunk and keeps the figures.
    fn change<R>(&mut self, chunk: usize, change: impl FnOnce(&mut Vec<(K, V)>) -> R) -> R {
        let shared = &mut self.chunks[chunk];
        let before = bytes_of(shared);
        let result = change(Arc::make_mut(shared));
        self.bytes = self.bytes - before + bytes_of(shared);
        result
    }

    fn add_chunk(&mut self, at: usize, pairs: Vec<(K, V)>) {
        self.bytes += bytes_of(&pairs);
        self.chunks.insert(at, Arc::new(pairs));
    }

    fn take_chunk(&mut self, at: usize) -> Arc<Vec<(K, V)>> {
        let chunk = self.chunks.remove(at).expect("a chunk's own place");
        self.bytes -= bytes_of(&chunk);
        if self.chunks.capacity() > 64 && self.chunks.len() < self.chunks.capacity() / 8 {
            self.chunks.shrink_to(self.chunks.len() * 2);
        }
        chunk
    }

    /// Checks that nothing is out of order, and counts anew: pairs and bytes of the chunks.
    #[cfg(test)]
    pub(super) fn check(&self) {
        assert!(self.chunks.iter().all(|chunk| (1..=Self::MOST).contains(&chunk.len())));
        assert!(self.iter().zip(self.iter().skip(1)).all(|((a, _), (b, _))| a < b));
        assert_eq!(self.len, self.chunks.iter().map(|chunk| chunk.len()).sum::<usize>());
        assert_eq!(self.bytes, self.chunks.iter().map(|chunk| bytes_of(chunk)).sum::<u64>());
    }

    /// How many chunks a copy does not share.
    #[cfg(test)]
    pub(super) fn own_chunks(&self, copy: &Self) -> usize {
        let shared = |chunk: &Arc<_>| copy.chunks.iter().any(|other| Arc::ptr_eq(chunk, other));
        self.chunks.iter().filter(|chunk| !shared(chunk)).count()
    }
}

/// Bytes of a chunk.
fn bytes_of<K, V>(pairs: &Vec<(K, V)>) -> u64 {
    (ARC_BYTES + size_of::<Vec<(K, V)>>() + pairs.capacity() * size_of::<(K, V)>()) as u64
}

/// Pairs in order, from either end; see [`Ordered::iter`].
#[derive(Debug)]
pub(super) struct Iter<'m, K, V> {
    map: &'m Ordered<K, V>,
    front: Place,
    back: Place,
}

impl<K, V> Clone for Iter<'_, K, V> {
    fn clone(&self) -> Self {
        Iter { ..*self }
    }
}

impl<'m, K, V> Iterator for Iter<'m, K, V> {
    type Item = (&'m K, &'m V);

    fn next(&mut self) -> Option<Self::Item> {
        if self.front == self.back {
            return None;
        }
        let chunk = self.map.chunks.get(self.front.chunk)?;
        let (key, value) = chunk.get(self.front.index)?;
        self.front.index += 1;
        if self.front.index == chunk.len() {
            self.front = Place { chunk: self.front.chunk + 1, index: 0 };
        }
        Some((key, value))
    }
}

impl<K, V> DoubleEndedIterator for Iter<'_, K, V> {
    fn next_back(&mut self) -> Option<Self::Item> {
        if self.front == self.back {
            return None;
        }
        if self.back.index == 0 {
            let chunk = self.back.chunk.checked_sub(1)?;
            self.back = Place { chunk, index: self.map.chunks.get(chunk)?.len() };
        }
        self.back.index -= 1;
        let (key, value) = self.map.chunks.get(self.back.chunk)?.get(self.back.index)?;
        Some((key, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// Random changes and reads equal those of a map of the standard library, and a copy taken
    /// now and then keeps what it had.
    #[test]
    fn equals_a_btree_and_copies_keep_what_they_had() {
        for seed in 0..4 {
            let mut rng = fastrand::Rng::with_seed(seed);
            let (mut map, mut model) = (Ordered::default(), BTreeMap::new());
            let (mut copy, mut kept) = (map.clone(), model.clone());
            for step in 0..30_000u64 {
                let span = if step < 15_000 { 3000 } else { 60_000 };
                let key = if rng.u32(..3) == 0 { step + 50_000 } else { rng.u64(..span) };
                let removes = if step % 10_000 < 6000 { 1 } else { 7 };
                if rng.u32(..8) < removes {
                    let key = match rng.u32(..4) {
                        0 => model.first_key_value().map_or(key, |(key, _)| *key),
                        1 => model.range(key..).next().map_or(key, |(key, _)| *key),
                        _ => key,
                    };
                    assert_eq!(map.remove(&key), model.remove(&key));
                } else if rng.u32(..8) == 0 {
                    if let Some(value) = map.get_mut(&key) {
                        *value += 1;
                    }
                    model.entry(key).and_modify(|value| *value += 1);
                } else {
                    assert_eq!(map.insert(key, step), model.insert(key, step));
                }
                assert_eq!(map.get(&key), model.get(&key));
                assert_eq!(map.first(), model.first_key_value());
                assert_eq!(map.last(), model.last_key_value());
                if step % 500 == 0 {
                    map.check();
                    assert!(map.iter().eq(&model));
                    assert!(map.iter().rev().eq(model.iter().rev()));
                    assert!(map.from(&key).take(300).eq(model.range(key..).take(300)));
                    assert!(
                        map.up_to(&key).rev().take(300).eq(model.range(..=key).rev().take(300))
                    );
                    copy.check();
                    assert!(copy.iter().eq(&kept));
                    (copy, kept) = (map.clone(), model.clone());
                }
            }
            let mut last = model.into_iter();
            while let Some(pair) = map.pop_first() {
                assert_eq!(Some(pair), last.next());
            }
            assert_eq!((last.next(), map.len(), map.bytes), (None, 0, 0));
        }
    }

    #[test]
    fn what_comes_in_order_fills_chunks_and_one_change_copies_one() {
        let mut map: Ordered<u64, [u8; 24]> = Ordered::default();
        for key in 0..100_000 {
            map.insert(key, [1; 24]);
        }
        assert!(map.bytes() < 100_000 * 33, "{} bytes", map.bytes());
        let copy = map.clone();
        map.insert(50_000, [2; 24]);
        map.remove(&50_001);
        map.insert(100_000, [3; 24]);
        assert_eq!(map.own_chunks(&copy), 2);
        assert_eq!(copy.get(&50_000), Some(&[1; 24]));
        while !map.free_some(&mut 1000) {}
        assert_eq!((map.len(), map.bytes), (0, 0));
    }
}
