//! A sorted set in the making: elements in any order, to be answered or stored.
//!
//! Knows no encoding's insides; next: [`super::algebra`].

use super::{Big, Key, Rules, pack};
use crate::keyspace::entry::MAX_PACKED;
use crate::keyspace::{Expiry, Gate, KeyHash, Kind, OwnedValue};
use crate::values::Object;
use crate::values::set::Member;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use larder_codec::integer::MAX_TEXT;
use larder_codec::listpack;
use std::ops::Range;

/// Members with scores, each member once.
#[derive(Debug, Default)]
pub struct Collected {
    texts: Vec<u8>,
    elements: Vec<(f64, Range<usize>)>,
    /// By member, where members are met more than once.
    by_member: HashTable<usize>,
}

impl Collected {
    /// Elements.
    pub fn len(&self) -> usize {
        self.elements.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.elements.is_empty()
    }

    /// Adds a member that is not there.
    pub fn push(&mut self, member: Member<'_>, score: f64) {
        let start = self.texts.len();
        self.texts.extend_from_slice(member.text(&mut [0; MAX_TEXT]));
        self.elements.push((score, start..self.texts.len()));
    }

    /// Adds a member, or joins its score with the one that it has.
    pub(super) fn join(
        &mut self,
        hash: &KeyHash,
        member: Member<'_>,
        score: f64,
        join: impl FnOnce(f64, f64) -> f64,
    ) {
        let mut digits = [0; MAX_TEXT];
        let text = member.text(&mut digits);
        let Collected { texts, elements, by_member } = self;
        let text_of = |at: usize| &texts[elements[at].1.clone()];
        let is = |at: &usize| text_of(*at) == text;
        match by_member.entry(hash.of(text), is, |at| hash.of(text_of(*at))) {
            Entry::Occupied(held) => {
                let (old, _) = &mut elements[*held.get()];
                *old = join(*old, score);
            }
            Entry::Vacant(place) => {
                place.insert(elements.len());
                self.push(Member::Text(text), score);
            }
        }
    }

    /// Puts the elements in order.
    pub fn sort(&mut self) {
        let Collected { texts, elements, .. } = self;
        let key = |(score, text): &(f64, Range<usize>)| Key::new(*score, &texts[text.clone()]);
        elements.sort_unstable_by(|a, b| key(a).order(&key(b)));
    }

    /// The elements, in order if they are.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Key<'_>> {
        self.elements.iter().map(|(score, text)| Key::new(*score, &self.texts[text.clone()]))
    }

    /// Makes the elements, which are in order, the value of the gate's key; removes that if there
    /// are none.
    pub fn put(&self, gate: &mut Gate<'_>, rules: &Rules) {
        if self.is_empty() {
            gate.remove();
            return;
        }
        let mut held = Vec::new();
        gate.put(self.to_value(rules).into_new(&mut held), Expiry::Clear);
    }

    /// The elements, which are in order and at least one, as a value.
    pub fn to_value(&self, rules: &Rules) -> OwnedValue {
        let Rules { limits, hash } = rules;
        let is_small = self.len() <= limits.entries
            && self.iter().all(|key| key.member.len() <= limits.value)
            && self.packed_len() <= MAX_PACKED;
        if is_small {
            let mut lp = listpack::with_capacity(self.packed_len());
            self.iter().for_each(|key| pack::push(&mut lp, &key));
            return OwnedValue::Bytes(Kind::SortedPack, lp);
        }
        let mut big = Big::new(*hash);
        self.iter().for_each(|key| big.put(key.member, None, key.score));
        OwnedValue::Object(Box::new(Object::Sorted(Box::new(big))))
    }

    fn packed_len(&self) -> usize {
        listpack::HEADER + 1 + self.iter().map(|key| pack::encoded_len(&key)).sum::<usize>()
    }
}
