//! The two encodings of a hash: a listpack of field, value, field, value as the bytes of the key's
//! entry, or a table ([`Fields`]).
//!
//! A hash becomes a table beyond `hash-max-listpack-entries` fields, with a field or value longer
//! than `hash-max-listpack-value`, and when a field gets a deadline; it never goes back. A field
//! that is due is not there for any reader here. Knows no keyspace; next: [`super`].

use super::fields::{Fields, is_due};
use crate::config::Config;
use crate::reply::Reply;
use crate::values::dict;
use fastrand::Rng;
use hashbrown::HashSet;
use larder_codec::listpack::{self, Entry, Pos};

/// Draws of a random field before those that are not due are listed instead.
const RANDOM_TRIES: u32 = 100;

/// Drawing so many of a table's fields that fewer than one in this many is left out reads the
/// whole table instead of drawing one by one.
const WHOLE_PASS_FROM: usize = 3;

/// Bounds of the packed encoding.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// `hash-max-listpack-entries`
    pub entries: usize,
    /// `hash-max-listpack-value`, in bytes
    pub value: usize,
}

impl Limits {
    /// What the settings say.
    pub fn of(config: &Config) -> Limits {
        Limits {
            entries: config.hash_max_listpack_entries(),
            value: config.hash_max_listpack_value(),
        }
    }

    /// Whether none of some fields and values is too long.
    pub(crate) fn admit(&self, texts: &[&[u8]]) -> bool {
        texts.iter().all(|text| text.len() <= self.value)
    }
}

/// What a field holds.
#[derive(Debug, Clone, Copy)]
pub struct Held<'a> {
    /// The value.
    pub value: Entry<'a>,
    /// When the field expires, in Unix milliseconds.
    pub deadline_ms: Option<u64>,
}

/// A hash to read at a moment.
#[derive(Debug, Clone, Copy)]
pub enum HashRef<'a> {
    /// Bytes of a listpack.
    Pack(&'a [u8]),
    /// A table, and the moment in Unix milliseconds.
    Table(&'a Fields, u64),
}

impl<'a> HashRef<'a> {
    /// Fields. O(1).
    pub fn len(self) -> usize {
        match self {
            HashRef::Pack(lp) => listpack::len(lp) / 2,
            HashRef::Table(fields, now_ms) => fields.len(now_ms),
        }
    }

    /// Fields, those included that are due and not removed yet. O(1).
    pub fn len_with_due(self) -> usize {
        match self {
            HashRef::Pack(_) => self.len(),
            HashRef::Table(fields, _) => fields.dict().len(),
        }
    }

    /// Tells whether there is no field; no key has an empty hash.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// What a field holds. O(fields), O(1) by encoding.
    #[inline]
    pub fn get(self, field: &[u8]) -> Option<Held<'a>> {
        match self {
            HashRef::Pack(lp) => {
                let value = listpack::next(lp, place_in_pack(lp, field)?)?;
                Some(Held { value: listpack::entry(lp, value), deadline_ms: None })
            }
            HashRef::Table(fields, now_ms) => fields.get(field, now_ms).map(held_of),
        }
    }

    /// Tells whether a field is there.
    pub fn contains(self, field: &[u8]) -> bool {
        match self {
            HashRef::Pack(lp) => place_in_pack(lp, field).is_some(),
            HashRef::Table(fields, now_ms) => fields.get(field, now_ms).is_some(),
        }
    }

    /// Every field with its value, once.
    pub fn iter(self) -> Iter<'a> {
        match self {
            HashRef::Pack(lp) => Iter::Pack(listpack::iter(lp)),
            HashRef::Table(fields, now_ms) => Iter::Table(fields.dict().iter(), now_ms),
        }
    }

    /// One field with its value, each with the same chance; none of an empty hash.
    pub fn random(self, rng: &mut Rng) -> Option<(Entry<'a>, Entry<'a>)> {
        let HashRef::Table(fields, now_ms) = self else {
            let len = self.len();
            return self.iter().nth((len > 0).then(|| rng.usize(..len))?);
        };
        for _ in 0..RANDOM_TRIES {
            let (field, held) = fields.dict().random(|bound| rng.u64(..bound))?;
            if !is_due(&held, now_ms) {
                return Some((Entry::Str(field), Entry::Str(held.value)));
            }
        }
        // Nearly all that is there is due.
        let len = self.len();
        self.iter().nth((len > 0).then(|| rng.usize(..len))?)
    }

    /// `count` different fields with their values (all when there are fewer), each choice with the
    /// same chance. O(fields), or O(count) when a table has many more.
    pub fn distinct(self, count: usize, rng: &mut Rng) -> Vec<(Entry<'a>, Entry<'a>)> {
        let len = self.len();
        let mut chosen = Vec::with_capacity(count.min(len));
        if matches!(self, HashRef::Table(..)) && count < len / WHOLE_PASS_FROM {
            // A field is known by where its text stands.
            let mut met: HashSet<*const u8> = HashSet::with_capacity(count);
            while chosen.len() < count {
                let Some(pair) = self.random(rng) else { break };
                if let Entry::Str(field) = pair.0
                    && met.insert(field.as_ptr())
                {
                    chosen.push(pair);
                }
            }
            return chosen;
        }
        // Selection sampling: Knuth, volume 2, 3.4.2, algorithm S.
        let (mut left, mut missing) = (len, count.min(len));
        for pair in self.iter() {
            if rng.usize(..left) < missing {
                missing -= 1;
                chosen.push(pair);
            }
            left -= 1;
        }
        chosen
    }

    /// Visits about `count` fields from `cursor` on; returns the next cursor, 0 after the last. A
    /// packed hash is visited whole.
    pub fn scan(
        self,
        mut cursor: u64,
        count: u64,
        mut visit: impl FnMut(Entry<'a>, Entry<'a>),
    ) -> u64 {
        let HashRef::Table(fields, now_ms) = self else {
            self.iter().for_each(|(field, value)| visit(field, value));
            return 0;
        };
        // Steps may find nothing: their number is bounded as well.
        let (mut visited, mut steps) = (0, 0);
        loop {
            cursor = fields.dict().scan(cursor, |field, held| {
                visited += 1;
                if !is_due(&held, now_ms) {
                    visit(Entry::Str(field), Entry::Str(held.value));
                }
            });
            steps += 1;
            if cursor == 0 || visited >= count || steps > count.saturating_mul(10) {
                return cursor;
            }
        }
    }
}

/// Fields of a hash with their values; see [`HashRef::iter`].
pub enum Iter<'a> {
    /// Of a listpack, in the order in which they came.
    Pack(listpack::Iter<'a>),
    /// Of a table, in no order, and the moment.
    Table(dict::Iter<'a>, u64),
}

impl<'a> Iterator for Iter<'a> {
    type Item = (Entry<'a>, Entry<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Iter::Pack(entries) => Some((entries.next()?, entries.next()?)),
            Iter::Table(entries, now_ms) => {
                let (field, held) = entries.find(|(_, held)| !is_due(held, *now_ms))?;
                Some((Entry::Str(field), Entry::Str(held.value)))
            }
        }
    }
}

/// Answers a field or a value.
#[inline]
pub fn answer(text: Entry<'_>, reply: &mut dyn Reply) {
    match text {
        Entry::Str(bytes) => reply.bulk(bytes),
        Entry::Int(number) => reply.bulk_int(number),
    }
}

/// Where a field stands in a packed hash.
pub(super) fn place_in_pack(lp: &[u8], field: &[u8]) -> Option<Pos> {
    listpack::find(lp, listpack::first(lp)?, field, 1)
}

fn held_of(held: dict::Value<'_>) -> Held<'_> {
    Held { value: Entry::Str(held.value), deadline_ms: held.deadline_ms }
}
