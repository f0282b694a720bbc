//! Fields in a hash table: a hash that outgrew its entry, or whose fields expire.
//!
//! A [`Dict`] with the moment under which the shard's index of field deadlines knows it. Knows no
//! key. Next: [`super::encoding`].

use crate::keyspace::KeyHash;
use crate::values::dict::{Dict, Value};
use larder_codec::integer::MAX_TEXT;
use larder_codec::listpack;

/// Fields in a hash table. A copy shares the chunks; no index knows it.
pub struct Fields {
    dict: Dict,
    /// The deadline that stands in the shard's index.
    listed_ms: Option<u64>,
}

impl Fields {
    /// No fields yet.
    pub fn new(hash: KeyHash) -> Fields {
        Fields { dict: Dict::new(hash), listed_ms: None }
    }

    /// The fields of a packed hash.
    pub fn of_pack(lp: &[u8], hash: KeyHash) -> Fields {
        let mut fields = Fields::new(hash);
        let mut entries = listpack::iter(lp);
        let (mut field_digits, mut value_digits) = ([0; MAX_TEXT], [0; MAX_TEXT]);
        while let (Some(field), Some(value)) = (entries.next(), entries.next()) {
            let field = field.as_bytes(&mut field_digits);
            fields.dict.insert(field, value.as_bytes(&mut value_digits));
        }
        fields
    }

    /// The table.
    pub fn dict(&self) -> &Dict {
        &self.dict
    }

    /// The table, to be changed.
    pub fn dict_mut(&mut self) -> &mut Dict {
        &mut self.dict
    }

    /// Bytes that it takes. O(1).
    pub fn bytes(&self) -> u64 {
        self.dict.bytes() + (size_of::<Self>() - size_of::<Dict>()) as u64
    }

    /// What a field holds that is not due at `now_ms`.
    #[inline]
    pub fn get(&self, field: &[u8], now_ms: u64) -> Option<Value<'_>> {
        self.dict.get(field).filter(|held| !is_due(held, now_ms))
    }

    /// Fields that are not due at `now_ms`. O(1), unless some are due and not removed yet.
    pub fn len(&self, now_ms: u64) -> usize {
        self.dict.len() - if self.any_due(now_ms) { self.dict.count_due(now_ms) } else { 0 }
    }

    /// Whether some fields are due at `now_ms` and not removed yet.
    #[inline]
    pub fn any_due(&self, now_ms: u64) -> bool {
        self.dict.next_deadline_ms().is_some_and(|next_ms| next_ms <= now_ms)
    }

    /// Whether all fields are due at `now_ms`: for every reader the key is not there.
    #[inline]
    pub fn all_due(&self, now_ms: u64) -> bool {
        self.any_due(now_ms) && self.len(now_ms) == 0
    }

    /// The deadlines that the shard's index knows and should know; it is told the second.
    pub(crate) fn relist(&mut self) -> (Option<u64>, Option<u64>) {
        let next_ms = self.dict.next_deadline_ms();
        (std::mem::replace(&mut self.listed_ms, next_ms), next_ms)
    }

    /// The deadline that the shard's index knows, and has to forget.
    pub(crate) fn unlist(&mut self) -> Option<u64> {
        self.listed_ms.take()
    }
}

/// Whether a field is due at `now_ms`.
#[inline]
pub(super) fn is_due(held: &Value<'_>, now_ms: u64) -> bool {
    held.deadline_ms.is_some_and(|deadline_ms| deadline_ms <= now_ms)
}

impl Clone for Fields {
    fn clone(&self) -> Self {
        Fields { dict: self.dict.clone(), listed_ms: None }
    }
}

impl std::fmt::Debug for Fields {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fields").field("dict", &self.dict).finish_non_exhaustive()
    }
}
