//! Members in a hash table: a set that outgrew its entry.
//!
//! A [`Dict`] of keys only. Finding, adding and removing are O(1); a short member takes its bytes and
//! about six more; a copy costs O(chunks). Knows no encoding but its own, no key and no command.
//! Next: [`super::encoding`].

use crate::keyspace::KeyHash;
use crate::values::dict::{self, Dict};

/// Members in a hash table. A copy shares the chunks.
#[derive(Clone)]
pub struct Members {
    /// Apart, so that other collections' objects do not grow with it.
    dict: Box<Dict>,
}

impl Members {
    /// An empty set whose members hash with `hash`.
    pub fn new(hash: KeyHash) -> Self {
        Members { dict: Box::new(Dict::of_keys(hash)) }
    }

    /// The table.
    pub(crate) fn dict(&self) -> &Dict {
        &self.dict
    }

    /// Members.
    pub fn len(&self) -> usize {
        self.dict.len()
    }

    /// Tells whether there is no member.
    pub fn is_empty(&self) -> bool {
        self.dict.is_empty()
    }

    /// Bytes that the set takes, room for the next members included. O(1).
    pub fn bytes(&self) -> u64 {
        size_of::<Self>() as u64 + self.dict.bytes()
    }

    /// Tells whether `member` is in the set.
    #[inline]
    pub fn contains(&self, member: &[u8]) -> bool {
        self.dict.contains(member)
    }

    /// Adds `member`; `false` when it was there already.
    #[inline]
    pub fn insert(&mut self, member: &[u8]) -> bool {
        self.dict.insert(member, b"")
    }

    /// Takes `member` out; `false` when it was not there.
    #[inline]
    pub fn remove(&mut self, member: &[u8]) -> bool {
        self.dict.remove(member)
    }

    /// Every member once, in no order.
    pub fn iter(&self) -> Iter<'_> {
        Iter(self.dict.iter())
    }

    /// Visits some members, about eight; returns the next cursor, 0 after the last. What stays in
    /// the set from cursor 0 to cursor 0 is met at least once, whatever else comes and goes.
    pub fn scan<'a>(&'a self, cursor: u64, mut visit: impl FnMut(&'a [u8])) -> u64 {
        self.dict.scan(cursor, |member, _| visit(member))
    }

    /// One member, each with the same chance. `pick` yields numbers below its argument.
    pub fn random(&self, pick: impl FnMut(u64) -> u64) -> Option<&[u8]> {
        self.dict.random(pick).map(|(member, _)| member)
    }

    /// Gives back about so many entries' memory; whether nothing is left. The set is good for nothing
    /// else afterwards.
    pub(crate) fn free_some(&mut self, budget: usize) -> bool {
        self.dict.free_some(budget)
    }
}

impl std::fmt::Debug for Members {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Members").field("len", &self.len()).finish_non_exhaustive()
    }
}

/// Members of a set; see [`Members::iter`].
#[derive(Debug, Clone)]
pub struct Iter<'a>(dict::Iter<'a>);

impl<'a> Iterator for Iter<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        self.0.next().map(|(member, _)| member)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl ExactSizeIterator for Iter<'_> {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn member(number: u32) -> Vec<u8> {
        // Lengths on both sides of each form of a block.
        let len = match number % 97 {
            0 => 253,
            1 => 254,
            2 => 512,
            3 => 513,
            4 => 5000,
            other => other as usize % 13,
        };
        let mut bytes = number.to_le_bytes().to_vec();
        bytes.resize(len.max(4), b'x');
        bytes
    }

    fn all(set: &Members) -> BTreeSet<Vec<u8>> {
        set.iter().map(<[u8]>::to_vec).collect()
    }

    #[test]
    fn behaves_as_a_set_while_it_grows_and_shrinks() {
        let mut rng = fastrand::Rng::with_seed(11);
        let mut set = Members::new(KeyHash::new(3));
        let mut model = BTreeSet::new();
        for round in 0..6 {
            for _ in 0..4000 {
                let member = member(rng.u32(..6000));
                if rng.u32(..10) < if round % 2 == 0 { 8 } else { 1 } {
                    assert_eq!(set.insert(&member), model.insert(member));
                } else {
                    assert_eq!(set.remove(&member), model.remove(&member));
                }
            }
            assert_eq!(set.len(), model.len());
            assert_eq!(all(&set), model);
            assert_eq!(set.iter().len(), model.len());
            assert_eq!(all(&set.clone()), model);
            assert!((0..6000).all(|n| set.contains(&member(n)) == model.contains(&member(n))));
        }
        model.iter().for_each(|member| assert!(set.remove(member)));
        assert!(set.is_empty());
        assert!(set.bytes() < 256, "{} bytes of nothing", set.bytes());
        assert_eq!(set.scan(0, |_| panic!("nothing is left")), 0);
    }

    #[test]
    fn a_set_that_shrank_gives_its_memory_back() {
        let mut set = Members::new(KeyHash::new(3));
        (0..10_000u32).for_each(|n| {
            set.insert(&n.to_le_bytes());
        });
        let full = set.bytes();
        (100..10_000u32).for_each(|n| {
            set.remove(&n.to_le_bytes());
        });
        assert_eq!(set.len(), 100);
        assert!((0..100u32).all(|n| set.contains(&n.to_le_bytes())));
        assert!(set.bytes() < full / 10, "{} of {full}", set.bytes());
    }

    #[test]
    fn a_short_member_takes_little_over_its_bytes() {
        for (members, most) in [(200u32, 10.0), (1000, 8.0), (10_000, 7.0), (50_000, 7.0)] {
            let mut set = Members::new(KeyHash::new(3));
            let mut payload = 0;
            for n in 0..members {
                let member = format!("member:{n}");
                payload += member.len();
                set.insert(member.as_bytes());
            }
            let over = (set.bytes() as f64 - payload as f64) / f64::from(members);
            assert!(over < most, "{over} bytes a member over its own, of {members}");
        }
    }

    #[test]
    fn random_members_are_drawn_evenly() {
        let mut set = Members::new(KeyHash::new(3));
        (0..200u8).for_each(|n| {
            set.insert(&[n]);
        });
        let mut rng = fastrand::Rng::with_seed(5);
        let mut counts = [0u32; 200];
        for _ in 0..200_000 {
            counts[usize::from(set.random(|bound| rng.u64(..bound)).unwrap()[0])] += 1;
        }
        assert!(counts.iter().all(|count| (850..1150).contains(count)), "{counts:?}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn a_scan_meets_everything_that_stays(
            stay in 1u32..600,
            churn in 0u32..300,
            seed in any::<u64>(),
        ) {
            let mut rng = fastrand::Rng::with_seed(seed);
            let mut set = Members::new(KeyHash::new(u128::from(seed)));
            (0..stay).for_each(|n| { set.insert(&member(n)); });
            let (mut met, mut cursor) = (BTreeSet::new(), 0);
            loop {
                cursor = set.scan(cursor, |member| { met.insert(member.to_vec()); });
                if cursor == 0 {
                    break;
                }
                for _ in 0..churn {
                    let other = member(stay + rng.u32(..5000));
                    if rng.u32(..5) < 3 { set.insert(&other) } else { set.remove(&other) };
                }
            }
            prop_assert!((0..stay).all(|n| met.contains(&member(n))));
        }
    }
}
