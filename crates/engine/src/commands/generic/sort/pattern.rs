//! Patterns of `BY` and `GET`: where a value stands that belongs to an element. Knows no order.

use crate::keys::Keys;
use crate::keyspace::ValueRef;
use crate::values::hash::{HashGate, hash_of};
use larder_codec::integer::MAX_TEXT;
use larder_codec::listpack::Entry;
use std::borrow::Cow;

/// Where a value stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pattern<'a> {
    /// `#`: it is the element itself.
    Element,
    /// Nowhere: there is no `*` in it.
    Nowhere(&'a [u8]),
    /// At a key, or in a field of a hash there.
    Key {
        /// What stands before the element in the key's name.
        before: &'a [u8],
        /// What stands behind it.
        behind: &'a [u8],
        /// The field.
        field: Option<&'a [u8]>,
    },
}

const ARROW: &[u8] = b"->";

impl<'a> Pattern<'a> {
    /// The pattern that a word is.
    pub fn of(word: &'a [u8]) -> Pattern<'a> {
        if word == b"#" {
            return Pattern::Element;
        }
        let Some(star) = word.iter().position(|&byte| byte == b'*') else {
            return Pattern::Nowhere(word);
        };
        let (before, rest) = (&word[..star], &word[star + 1..]);
        let arrow = rest.windows(ARROW.len()).position(|window| window == ARROW);
        // An arrow that leads to nothing belongs to the name.
        let arrow = arrow.filter(|at| at + ARROW.len() < rest.len());
        let behind = &rest[..arrow.unwrap_or(rest.len())];
        Pattern::Key { before, behind, field: arrow.map(|at| &rest[at + ARROW.len()..]) }
    }

    /// The inverse.
    pub fn text(&self) -> Vec<u8> {
        match *self {
            Pattern::Element => b"#".to_vec(),
            Pattern::Nowhere(word) => word.to_vec(),
            Pattern::Key { before, behind, field } => {
                let field = field.map(|field| [ARROW, field].concat()).unwrap_or_default();
                [before, b"*", behind, &field].concat()
            }
        }
    }

    /// Whether it leads to keys that no word names.
    pub fn reaches_others(&self) -> bool {
        matches!(self, Pattern::Key { .. })
    }

    /// The value that belongs to an element; `name` is where the key's name is put together.
    pub(super) fn value<'v>(
        &self,
        keys: &'v Keys<'_>,
        element: &'v [u8],
        name: &mut Vec<u8>,
    ) -> Option<Cow<'v, [u8]>> {
        let field = match *self {
            Pattern::Element => return Some(Cow::Borrowed(element)),
            Pattern::Nowhere(_) => return None,
            Pattern::Key { field, .. } => field,
        };
        self.write_name(element, name);
        match (keys.read(name)?, field) {
            (ValueRef::String(bytes, _), None) => Some(Cow::Borrowed(bytes)),
            (value, Some(field)) => field_of(value, field, keys.now_ms()),
            _ => None,
        }
    }

    /// Removes the key, or the field, that belongs to an element if its time has come.
    pub(super) fn meet_deadline(&self, keys: &mut Keys<'_>, element: &[u8], name: &mut Vec<u8>) {
        self.write_name(element, name);
        // Opening the gate removes the key; what is no hash has no field to remove.
        if let (Ok(mut gate), Pattern::Key { field: Some(field), .. }) =
            (HashGate::open(keys, name), self)
        {
            gate.remove_due(std::iter::once(*field));
        }
    }

    fn write_name(&self, element: &[u8], name: &mut Vec<u8>) {
        name.clear();
        if let Pattern::Key { before, behind, .. } = self {
            name.extend_from_slice(before);
            name.extend_from_slice(element);
            name.extend_from_slice(behind);
        }
    }
}

/// What a field holds, if the value is a hash that has it.
fn field_of<'v>(value: ValueRef<'v>, field: &[u8], now_ms: u64) -> Option<Cow<'v, [u8]>> {
    let held = hash_of(Some(value), now_ms).ok()??.get(field)?;
    Some(match held.value {
        Entry::Str(text) => Cow::Borrowed(text),
        number => Cow::Owned(number.as_bytes(&mut [0; MAX_TEXT]).to_vec()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arrow_behind_the_star_leads_to_a_field() {
        let key = |before, behind, field| Pattern::Key { before, behind, field };
        for (word, pattern) in [
            (&b"#"[..], Pattern::Element),
            (b"nosort", Pattern::Nowhere(b"nosort")),
            (b"w_*", key(b"w_", b"", None)),
            (b"w_*->f", key(b"w_", b"", Some(b"f"))),
            (b"*:x->f->g", key(b"", b":x", Some(b"f->g"))),
            (b"*->", key(b"", b"->", None)),
            (b"a->*b", key(b"a->", b"b", None)),
            (b"*b*->", key(b"", b"b*->", None)),
            (b"#*", key(b"#", b"", None)),
        ] {
            assert_eq!(Pattern::of(word), pattern);
            assert_eq!(pattern.text(), word);
        }
    }
}
