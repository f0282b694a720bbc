//! The elements that `SORT` works on, taken out of a list, set or sorted set as texts.

use crate::error::Error;
use crate::keyspace::{Type, ValueRef};
use crate::values::list::{End, ListRef, list_of};
use crate::values::set::{Member, SetRef, set_of};
use crate::values::sorted::{SortedRef, sorted_of};
use larder_codec::integer::MAX_TEXT;
use std::ops::Range;

/// Texts, one after the other.
#[derive(Debug, Default)]
pub(super) struct Texts {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Texts {
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn get(&self, at: usize) -> &[u8] {
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[start..self.ends[at]]
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).map(|at| self.get(at))
    }

    pub(super) fn push(&mut self, text: &[u8]) {
        self.bytes.extend_from_slice(text);
        self.ends.push(self.bytes.len());
    }

    fn push_member(&mut self, member: &Member<'_>) {
        self.push(member.text(&mut [0; MAX_TEXT]));
    }
}

/// What is sorted.
pub(super) enum Source<'a> {
    Nothing,
    List(ListRef<'a>),
    Set(SetRef<'a>),
    Sorted(SortedRef<'a>),
}

impl<'a> Source<'a> {
    /// A value that must have elements, if it is there.
    pub(super) fn of(value: Option<ValueRef<'a>>) -> Result<Source<'a>, Error> {
        let source = match value.map(|value| value.type_of()) {
            None => Some(Source::Nothing),
            Some(Type::List) => list_of(value)?.map(Source::List),
            Some(Type::Set) => set_of(value)?.map(Source::Set),
            Some(Type::SortedSet) => sorted_of(value)?.map(Source::Sorted),
            Some(_) => None,
        };
        source.ok_or(Error::WrongType)
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Source::Nothing => 0,
            Source::List(list) => list.len(),
            Source::Set(set) => set.len(),
            Source::Sorted(sorted) => sorted.len(),
        }
    }

    /// Whether its own order means nothing.
    pub(super) fn is_table(&self) -> bool {
        matches!(self, Source::Set(SetRef::Table(_)))
    }

    pub(super) fn is_set(&self) -> bool {
        matches!(self, Source::Set(_))
    }

    /// The elements at some places of its own order, or of the reverse if it has an order.
    pub(super) fn load(&self, places: Range<usize>, backwards: bool) -> Texts {
        let mut texts = Texts::default();
        match self {
            _ if places.is_empty() => {}
            Source::Nothing => {}
            Source::List(list) => {
                let (from, towards) = if backwards {
                    (list.len() - 1 - places.start, End::Head)
                } else {
                    (places.start, End::Tail)
                };
                list.each(from, towards, places.len(), |element| texts.push(element));
            }
            Source::Set(set) => {
                let members = set.iter().skip(places.start).take(places.len());
                members.for_each(|member| texts.push_member(&member));
            }
            Source::Sorted(sorted) => {
                let len = sorted.len();
                let ranks = if backwards { len - places.end..len - places.start } else { places };
                let elements = sorted.range(ranks, backwards);
                elements.for_each(|element| texts.push_member(&element.member));
            }
        }
        texts
    }
}
