//! The index of a chunk: where the entry of a hash lies.
//!
//! Three bytes a slot: 11 bits of the hash, 13 bits of the place; all ones is an empty slot. Open
//! addressing with linear probing, in the order of homes ("Robin Hood"), so that a search that
//! finds nothing ends as soon as one that finds. A home is the hash bits scaled to the number of
//! slots, which may be any: the index grows in small steps, and its order is that of the hashes
//! but for displacement, which is what a scan by hash ranges walks.
//!
//! Knows neither entries nor chunks. Next: [`super::chunk`].

/// One slot.
pub(super) type Slot = [u8; 3];

/// Bits of the hash that a slot keeps.
pub(super) const HASH_BITS: u32 = 11;

const PLACE_BITS: u32 = 13;

/// Places are below this; the one more that the bits could hold is the empty slot's.
pub(super) const MAX_PLACES: usize = (1 << PLACE_BITS) - 1;

const EMPTY: u32 = 0xff_ffff;

/// The byte of which an index without entries consists.
pub(super) const FILL: u8 = 0xff;

/// Slots for so many entries at the highest load, 7/8; there is always an empty one.
pub(super) fn slots_for(entries: usize) -> usize {
    entries + entries.div_ceil(7) + 1
}

/// Entries that so many slots may hold.
pub(super) fn capacity(slots: usize) -> usize {
    slots.saturating_sub(1) * 7 / 8
}

/// The slot of a hash whose place is the one sought.
#[inline]
pub(super) fn find(slots: &[Slot], hash: u32, mut is: impl FnMut(u32) -> bool) -> Option<usize> {
    if slots.is_empty() {
        return None;
    }
    let mut at = home(hash, slots.len());
    let mut distance = 0;
    loop {
        let slot = read(slots, at);
        if slot == EMPTY {
            return None;
        }
        if hash_of(slot) == hash {
            if is(place_of(slot)) {
                return Some(at);
            }
        } else if distance_of(slot, at, slots.len()) < distance {
            return None;
        }
        at = next(at, slots.len());
        distance += 1;
    }
}

/// The hash and the place that a slot holds; nothing for an empty one.
#[inline]
pub(super) fn get(slots: &[Slot], at: usize) -> Option<(u32, u32)> {
    let slot = read(slots, at);
    (slot != EMPTY).then(|| (hash_of(slot), place_of(slot)))
}

/// Adds a place, which must be below [`MAX_PLACES`], under a hash. There must be an empty slot.
pub(super) fn insert(slots: &mut [Slot], hash: u32, place: u32) {
    let mut at = home(hash, slots.len());
    let mut distance = 0;
    loop {
        let slot = read(slots, at);
        if slot == EMPTY || distance_of(slot, at, slots.len()) < distance {
            break;
        }
        at = next(at, slots.len());
        distance += 1;
    }
    let mut carried = hash << PLACE_BITS | place;
    while carried != EMPTY {
        let slot = read(slots, at);
        write(slots, at, carried);
        carried = slot;
        at = next(at, slots.len());
    }
}

/// Fills an empty index with entries that come about in the order of their hashes, as those of
/// another index do from [`first`] on: cheaper than [`insert`] by as much as they do.
#[derive(Debug, Default)]
pub(super) struct Filler {
    next: usize,
    last_home: usize,
}

impl Filler {
    /// Adds a place under a hash.
    #[inline]
    pub(super) fn push(&mut self, slots: &mut [Slot], hash: u32, place: u32) {
        let home = home(hash, slots.len());
        let at = self.next.max(home);
        if home < self.last_home || at >= slots.len() {
            insert(slots, hash, place);
            // What moved up may have taken the slot behind the last.
            self.next += usize::from(self.next < slots.len() && get(slots, self.next).is_some());
            return;
        }
        write(slots, at, hash << PLACE_BITS | place);
        (self.next, self.last_home) = (at + 1, home);
    }
}

/// The slot from which on, around the end, the entries stand in the order of their hashes.
pub(super) fn first(slots: &[Slot]) -> usize {
    let wrapped = |at: &usize| {
        let slot = read(slots, *at);
        slot != EMPTY && distance_of(slot, *at, slots.len()) > *at
    };
    (0..slots.len()).find(|at| !wrapped(at)).unwrap_or(0)
}

/// Gives the entry of a slot another place.
pub(super) fn set_place(slots: &mut [Slot], at: usize, place: u32) {
    let slot = read(slots, at);
    write(slots, at, hash_of(slot) << PLACE_BITS | place);
}

/// Empties a slot and moves up what was displaced behind it.
pub(super) fn remove(slots: &mut [Slot], mut at: usize) {
    loop {
        let behind = next(at, slots.len());
        let slot = read(slots, behind);
        if slot == EMPTY || distance_of(slot, behind, slots.len()) == 0 {
            return write(slots, at, EMPTY);
        }
        write(slots, at, slot);
        at = behind;
    }
}

/// Visits the places of all hashes from `from` up to `to`, exclusive, which is above `from`.
pub(super) fn each_between(slots: &[Slot], from: u32, to: u32, mut visit: impl FnMut(u32)) {
    if slots.is_empty() {
        return;
    }
    let first = home(from, slots.len());
    let last = home(to - 1, slots.len());
    let mut at = first;
    for walked in 0..slots.len() {
        match get(slots, at) {
            Some((hash, place)) if (from..to).contains(&hash) => visit(place),
            None if first + walked >= last => return,
            _ => {}
        }
        at = next(at, slots.len());
    }
}

/// The slot at which the search for a hash begins.
#[inline]
pub(super) fn home(hash: u32, slots: usize) -> usize {
    (hash as usize * slots) >> HASH_BITS
}

#[inline]
fn next(at: usize, slots: usize) -> usize {
    if at + 1 == slots { 0 } else { at + 1 }
}

#[inline]
fn distance_of(slot: u32, at: usize, slots: usize) -> usize {
    let home = home(hash_of(slot), slots);
    if at >= home { at - home } else { at + slots - home }
}

#[inline]
fn hash_of(slot: u32) -> u32 {
    slot >> PLACE_BITS
}

#[inline]
fn place_of(slot: u32) -> u32 {
    slot & MAX_PLACES as u32
}

#[inline]
fn read(slots: &[Slot], at: usize) -> u32 {
    let [low, middle, high] = slots[at];
    u32::from_le_bytes([low, middle, high, 0])
}

#[inline]
fn write(slots: &mut [Slot], at: usize, slot: u32) {
    let [low, middle, high, _] = slot.to_le_bytes();
    slots[at] = [low, middle, high];
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn finds_what_was_added_until_it_is_removed_at_any_load() {
        let mut rng = fastrand::Rng::with_seed(2);
        for size in [8, 9, 100, 1171] {
            let mut slots = vec![[FILL; 3]; size];
            let mut model: BTreeMap<u32, u32> = BTreeMap::new();
            for _ in 0..20_000 {
                let place = rng.u32(..2 * size as u32);
                if let Some(hash) = model.remove(&place) {
                    let at = find(&slots, hash, |other| other == place).expect("it was added");
                    assert_eq!(get(&slots, at), Some((hash, place)));
                    remove(&mut slots, at);
                } else if model.len() < capacity(size) {
                    let hash = rng.u32(..1 << HASH_BITS);
                    assert_eq!(find(&slots, hash, |other| other == place), None);
                    insert(&mut slots, hash, place);
                    model.insert(place, hash);
                }
            }
            for (&place, &hash) in &model {
                assert!(find(&slots, hash, |other| other == place).is_some());
            }
            let (from, to) = (500, 900);
            let mut met = Vec::new();
            each_between(&slots, from, to, |place| met.push(place));
            met.sort_unstable();
            let within = model.iter().filter(|(_, hash)| (from..to).contains(*hash));
            assert_eq!(met, within.map(|(&place, _)| place).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_filled_index_finds_what_an_index_holds() {
        let mut rng = fastrand::Rng::with_seed(6);
        for size in [8, 50, 1171] {
            for hashes in [1 << HASH_BITS, 40, 3] {
                let mut old = vec![[FILL; 3]; size];
                let entries: Vec<(u32, u32)> = (0..capacity(size) as u32)
                    .map(|place| ((1 << HASH_BITS) - 1 - rng.u32(..hashes), place))
                    .collect();
                entries.iter().for_each(|&(hash, place)| insert(&mut old, hash, place));
                for size in [size, size + size / 8 + 1] {
                    let mut fresh = vec![[FILL; 3]; size];
                    let mut filler = Filler::default();
                    let from = first(&old);
                    for at in (from..old.len()).chain(0..from) {
                        if let Some((hash, place)) = get(&old, at) {
                            // As a split does: the order of neighbours may turn round.
                            filler.push(&mut fresh, hash ^ (place & 1), place);
                        }
                    }
                    for &(hash, place) in &entries {
                        let hash = hash ^ (place & 1);
                        assert!(find(&fresh, hash, |other| other == place).is_some());
                    }
                    assert_eq!((0..size).filter_map(|at| get(&fresh, at)).count(), entries.len());
                }
            }
        }
    }

    #[test]
    fn one_hash_may_fill_the_index() {
        let mut slots = vec![[FILL; 3]; slots_for(70)];
        (0..70).for_each(|place| insert(&mut slots, 2047, place));
        assert!((0..70).all(|place| find(&slots, 2047, |other| other == place).is_some()));
        assert_eq!(find(&slots, 2046, |_| true), None);
        let mut met = 0;
        each_between(&slots, 2047, 2048, |_| met += 1);
        assert_eq!(met, 70);
    }
}
