//! Random members of a set, and sets without some of theirs.
//!
//! Chance comes as a generator that the caller seeds. Knows no key; see [`super`].

use super::encoding::{Member, Rules, SetBuf, SetRef};
use fastrand::Rng;
use hashbrown::HashSet;
use larder_codec::integer::MAX_TEXT;

/// Drawing so many of a table's members that fewer than one in this many is left out reads the
/// whole table instead of drawing one by one.
const WHOLE_PASS_FROM: usize = 3;

/// The texts of members that left their set, one after the other.
#[derive(Debug, Default)]
pub struct Texts {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Texts {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Tells whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The texts, in the order in which they came.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, &end)| &self.bytes[start..end])
    }

    /// Adds a member's text and returns it.
    pub fn push(&mut self, member: Member<'_>) -> &[u8] {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(member.text(&mut [0; MAX_TEXT]));
        self.ends.push(self.bytes.len());
        &self.bytes[start..]
    }
}

/// `count` different members (all when there are fewer), each choice with the same chance.
/// O(members), or O(count) when a table has many more.
pub fn distinct<'a>(set: SetRef<'a>, count: usize, rng: &mut Rng) -> Vec<Member<'a>> {
    let mut chosen = Vec::with_capacity(count.min(set.len()));
    match set {
        SetRef::Table(members) if count < members.len() / WHOLE_PASS_FROM => {
            // A member is known by where its text stands.
            let mut met: HashSet<*const u8> = HashSet::with_capacity(count);
            while chosen.len() < count {
                let Some(text) = members.random(|bound| rng.u64(..bound)) else { break };
                if met.insert(text.as_ptr()) {
                    chosen.push(Member::Text(text));
                }
            }
        }
        _ => divide(set, count, rng, |member| chosen.push(member), |_| ()),
    }
    chosen
}

/// Divides a set by chance: `count` members' texts, and a set of the others that begins in the
/// encoding of the old one (a table begins anew). O(members).
pub fn split(set: SetRef<'_>, count: usize, rules: Rules, rng: &mut Rng) -> (Texts, SetBuf) {
    let mut texts = Texts::default();
    let kind = match set {
        SetRef::Table(_) => rules.widened(crate::keyspace::Kind::SetPack, set.len() - count),
        packed => packed.kind(),
    };
    let mut others = SetBuf::new(kind, rules);
    divide(
        set,
        count,
        rng,
        |member| {
            texts.push(member);
        },
        |member| {
            others.add(member);
        },
    );
    (texts, others)
}

/// Shows each member to one of the two: `count` of them, or all if there are fewer, to the first.
/// (Selection sampling: Knuth, volume 2, 3.4.2, algorithm S.)
fn divide<'a>(
    set: SetRef<'a>,
    count: usize,
    rng: &mut Rng,
    mut chosen: impl FnMut(Member<'a>),
    mut other: impl FnMut(Member<'a>),
) {
    let (mut left, mut missing) = (set.len(), count.min(set.len()));
    for member in set.iter() {
        if rng.usize(..left) < missing {
            missing -= 1;
            chosen(member);
        } else {
            other(member);
        }
        left -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyspace::{KeyHash, Kind};
    use crate::values::set::encoding::Limits;

    fn set_of(kind: Kind, members: i64) -> SetBuf {
        let limits = Limits { ints: 512, entries: 512, value: 64 };
        let mut set = SetBuf::new(kind, Rules { limits, hash: KeyHash::new(1) });
        (0..members).for_each(|n| assert!(set.add(Member::Int(n))));
        set
    }

    #[test]
    fn every_member_is_chosen_as_often() {
        let mut rng = Rng::with_seed(9);
        for kind in [Kind::SetInts, Kind::SetPack, Kind::SetTable] {
            let set = set_of(kind, 60);
            for count in [5, 40] {
                let mut counts = [0i32; 60];
                for _ in 0..6000 {
                    let chosen = distinct(set.as_set(), count, &mut rng);
                    assert_eq!(chosen.len(), count);
                    chosen.iter().for_each(|m| counts[m.number().unwrap() as usize] += 1);
                }
                let mean = 100 * count as i32;
                let off = counts.iter().map(|&n| (n - mean).abs()).max().unwrap();
                assert!(off < 30 + mean / 7, "{kind:?} {count}: {counts:?}");
            }
        }
    }

    #[test]
    fn a_split_set_is_both_parts() {
        let mut rng = Rng::with_seed(9);
        for kind in [Kind::SetInts, Kind::SetPack, Kind::SetTable] {
            let set = set_of(kind, 300);
            let rules = Rules {
                limits: Limits { ints: 512, entries: 128, value: 64 },
                hash: KeyHash::new(2),
            };
            let (texts, others) = split(set.as_set(), 290, rules, &mut rng);
            assert_eq!((texts.len(), others.as_set().len()), (290, 10));
            for text in texts.iter() {
                assert!(set.as_set().contains(Member::Text(text)));
                assert!(!others.as_set().contains(Member::Text(text)));
            }
            let expected = if kind == Kind::SetTable { Kind::SetPack } else { kind };
            assert_eq!(others.as_set().kind(), expected);
        }
    }
}
