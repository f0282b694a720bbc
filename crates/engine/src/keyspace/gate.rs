//! The mutation gate: the one way by which an entry changes.
//!
//! A gate stands for one key in one shard whose lock is held. Every change through it does, before
//! the first byte changes, what others rely on: it hands the old value to a running snapshot and
//! stamps the entry with the live epoch; and after it, it marks the key's watchers, counts the
//! change, records it for keyspace notifications and notes waiters that it may have readied. Bytes
//! are accounted below, in the shard.
//!
//! **Invariant:** no command, no expiry, no eviction and no loader of live data changes an entry
//! any other way.

use super::entry::{Form, MAX_INLINE_VALUE, Meta, NewValue, Pointee, SharedBytes, Type, ValueRef};
use super::shard::{Due, Found, Shard};
use super::snapshot::Uses;
use crate::changes::Changes;
use crate::freeing::{Cause, Discarded};
use crate::notify::Step;
use crate::values::Object;
use crate::values::hash::Fields;
use std::ops::Range;
use std::sync::Arc;

pub use super::entry::Kind;

/// What becomes of a key's TTL when its value is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiry {
    /// As it was.
    Keep,
    /// No TTL.
    Clear,
    /// Due at this Unix time in milliseconds, which must lie ahead.
    AtMs(u64),
}

/// A value on its way from one key to another.
#[derive(Debug)]
pub enum OwnedValue {
    /// Bytes of a kind that is held in the entry.
    Bytes(Kind, Vec<u8>),
    /// Shared bytes, see [`NewValue::Shared`].
    Shared(Kind, SharedBytes),
    /// A collection.
    Object(Box<Object>),
}

impl OwnedValue {
    /// A copy of a value.
    pub fn copy_of(value: ValueRef<'_>) -> OwnedValue {
        match value {
            ValueRef::String(bytes, changed) => {
                let kind = if changed { Kind::RawString } else { Kind::String };
                OwnedValue::Bytes(kind, bytes.to_vec())
            }
            ValueRef::Packed(kind, bytes) => OwnedValue::Bytes(kind, bytes.to_vec()),
            ValueRef::Object(_, object) => OwnedValue::Object(Box::new(object.clone())),
        }
    }

    /// The value, to be read.
    pub fn as_ref(&self) -> ValueRef<'_> {
        match self {
            OwnedValue::Bytes(Kind::String, bytes) => ValueRef::String(bytes, false),
            OwnedValue::Bytes(Kind::RawString, bytes) => ValueRef::String(bytes, true),
            OwnedValue::Bytes(kind, bytes) => ValueRef::Packed(*kind, bytes),
            OwnedValue::Shared(Kind::SharedString, bytes) => ValueRef::String(bytes, true),
            OwnedValue::Shared(kind, bytes) => ValueRef::Packed(*kind, bytes),
            OwnedValue::Object(object) => ValueRef::Object(object.kind(), object),
        }
    }

    /// Bytes that it takes outside of itself.
    pub fn bytes(&self) -> u64 {
        match self {
            OwnedValue::Bytes(_, bytes) => bytes.capacity() as u64,
            OwnedValue::Shared(_, bytes) => bytes.len() as u64,
            OwnedValue::Object(object) => object.bytes(),
        }
    }

    /// The same as something to store.
    pub fn into_new<'a>(self, held: &'a mut Vec<u8>) -> NewValue<'a> {
        match self {
            OwnedValue::Bytes(kind, bytes) => {
                *held = bytes;
                NewValue::Bytes(kind, held)
            }
            OwnedValue::Shared(kind, shared) => NewValue::Shared(kind, shared),
            OwnedValue::Object(object) => NewValue::Object(object),
        }
    }
}

/// The right to change one key.
pub struct Gate<'g> {
    shard: &'g mut Shard,
    changes: &'g mut Changes,
    db: u8,
    key: &'g [u8],
    hash: u64,
    /// Where the entry was when the gate last looked; an insertion makes it `stale`.
    found: Option<Found>,
    stale: bool,
}

impl<'g> Gate<'g> {
    /// Opens the gate for a key; a value whose time has come is removed first.
    pub(crate) fn open(
        shard: &'g mut Shard,
        changes: &'g mut Changes,
        db: u8,
        hash: u64,
        key: &'g [u8],
    ) -> Gate<'g> {
        let found = shard.find(db, hash, key);
        let gone = found
            .is_some_and(|found| shard.entry(found).is_gone(changes.now_ms, changes.keeps_due));
        let mut gate = Gate { shard, changes, db, key, hash, found, stale: false };
        if gone {
            gate.expire();
        }
        gate
    }

    /// Removes an entry that the shard found due, or up to `most` of its fields that are; how much
    /// was removed.
    pub(crate) fn expire_found(
        shard: &mut Shard,
        changes: &mut Changes,
        due: Due,
        most: usize,
    ) -> usize {
        let Due { db, hash, found, only_fields } = due;
        let key = shard.entry(found).key().to_vec();
        let now_ms = changes.now_ms;
        let mut gate =
            Gate { shard, changes, db, key: &key, hash, found: Some(found), stale: false };
        if only_fields {
            return gate.expire_fields(|fields| fields.dict_mut().take_due(now_ms, most));
        }
        gate.expire();
        1
    }

    /// Time of the command, in Unix milliseconds.
    pub fn now_ms(&self) -> u64 {
        self.changes.now_ms
    }

    /// Whether the key has a value.
    pub fn exists(&self) -> bool {
        self.found().is_some()
    }

    /// The key's value.
    pub fn value(&self) -> Option<ValueRef<'_>> {
        self.found().map(|found| self.shard.entry(found).value())
    }

    /// The type of the key's value.
    pub fn type_of(&self) -> Option<Type> {
        self.found().map(|found| self.shard.entry(found).kind().type_of())
    }

    /// When the key expires, in Unix milliseconds.
    pub fn deadline_ms(&self) -> Option<u64> {
        self.found().and_then(|found| self.shard.entry(found).deadline_ms())
    }

    /// A large string without a copy.
    pub fn shared(&self) -> Option<SharedBytes> {
        self.found_of(Kind::SharedString).and_then(|found| self.shard.entry(found).shared())
    }

    /// Sets the key's value. O(value).
    pub fn put(&mut self, value: NewValue<'_>, expiry: Expiry) {
        let step = match expiry {
            Expiry::AtMs(_) => Step::WrittenDue,
            Expiry::Keep | Expiry::Clear => Step::Written,
        };
        self.before_change();
        let deadline_ms = match expiry {
            Expiry::Keep => self.deadline_ms(),
            Expiry::Clear => None,
            Expiry::AtMs(at_ms) => Some(at_ms),
        };
        let form = Form::of(value);
        match self.found() {
            Some(found) => {
                let (found, old) = self.shard.replace(self.db, found, &form, deadline_ms);
                self.discard(old, Cause::Overwritten);
                self.shard.entry(found).note_written(self.changes.access);
                self.found = Some(found);
                self.stale = false;
            }
            None => {
                let meta = Meta {
                    epoch: self.shard.epoch,
                    access: self.changes.access.fresh(),
                    namespace: 0,
                };
                self.shard.insert(self.db, self.hash, self.key, &form, meta, deadline_ms);
                self.stale = true;
            }
        }
        self.after_change(step);
    }

    /// Sets or removes the key's TTL. A key that is not there stays so.
    pub fn set_deadline(&mut self, deadline_ms: Option<u64>) {
        let Some(found) = self.found() else { return };
        self.before_change();
        self.found = Some(self.shard.set_deadline(self.db, found, deadline_ms));
        self.stale = false;
        self.after_change(match deadline_ms {
            Some(_) => Step::DeadlineSet,
            None => Step::DeadlineRemoved,
        });
    }

    /// Removes the key; whether it was there.
    pub fn remove(&mut self) -> bool {
        self.remove_because(Cause::Removed)
    }

    /// The same; the value is freed by the housekeeper where that is worth it.
    pub fn unlink(&mut self) -> bool {
        self.remove_because(Cause::Unlinked)
    }

    fn remove_because(&mut self, cause: Cause) -> bool {
        let Some(found) = self.found() else { return false };
        self.before_change();
        let old = self.shard.remove(self.db, self.hash, found);
        self.discard(old, cause);
        self.forget();
        self.after_change(Step::Removed);
        true
    }

    /// Removes the key because a command has given it a deadline that has passed: it counts among
    /// the expired ones. Whether it was there.
    pub fn remove_as_expired(&mut self) -> bool {
        let removed = self.remove();
        self.shard.stats.expired += u64::from(removed);
        removed
    }

    /// Removes the key and returns its value and deadline.
    pub fn take(&mut self) -> Option<(OwnedValue, Option<u64>)> {
        let found = self.found()?;
        let deadline_ms = self.deadline_ms();
        self.before_change();
        let entry = self.shard.entry(found);
        let kind = entry.kind();
        let bytes = if entry.holds_pointer() { Vec::new() } else { entry.bytes().to_vec() };
        let value = match self.shard.remove(self.db, self.hash, found) {
            Some(Pointee::Shared(shared)) => OwnedValue::Shared(kind, shared),
            Some(Pointee::Object(object)) => OwnedValue::Object(object),
            None => OwnedValue::Bytes(kind, bytes),
        };
        self.forget();
        self.after_change(Step::Removed);
        Some((value, deadline_ms))
    }

    /// A copy of the key's value, and its deadline; bytes outside of the entry are shared.
    pub fn copy(&self) -> Option<(OwnedValue, Option<u64>)> {
        let entry = self.shard.entry(self.found()?);
        Some((entry.copy(), entry.deadline_ms()))
    }

    /// Gives the key a value that another one had, with its deadline.
    pub fn put_owned(&mut self, value: OwnedValue, deadline_ms: Option<u64>) {
        let mut held = Vec::new();
        let expiry = deadline_ms.map_or(Expiry::Clear, Expiry::AtMs);
        self.put(value.into_new(&mut held), expiry);
    }

    /// Makes the key one that was used so many seconds ago, if that is what is kept of uses.
    pub fn set_idle(&mut self, seconds: u64) {
        self.set_access(self.changes.access.idle(seconds));
    }

    /// Gives the key back what was kept of its uses.
    pub(crate) fn restore_access(&mut self, bits: u32) {
        self.set_access(Some(bits));
    }

    /// Gives the key back what a file told of its uses.
    pub(crate) fn restore_uses(&mut self, uses: Uses) {
        match uses {
            Uses::Untold => {}
            Uses::Idle(seconds) => self.set_idle(seconds),
            Uses::Often(count) => self.set_frequency(count),
        }
    }

    /// Makes the key one that was used so often, if that is what is kept of uses.
    pub fn set_frequency(&mut self, frequency: u8) {
        self.set_access(self.changes.access.used_often(frequency));
    }

    /// Changes a string. The result is `raw` in Redis's terms. A missing key is an empty string.
    pub fn edit_string<R>(&mut self, edit: impl FnOnce(&mut Vec<u8>) -> R) -> R {
        if let Some(found) = self.found_of(Kind::SharedString) {
            return self.edit_shared(found, edit);
        }
        let mut bytes = std::mem::take(&mut self.changes.scratch);
        bytes.clear();
        if let Some(ValueRef::String(old, _)) = self.value() {
            bytes.extend_from_slice(old);
        }
        let result = edit(&mut bytes);
        self.put(NewValue::Bytes(Kind::RawString, &bytes), Expiry::Keep);
        self.changes.scratch = bytes;
        result
    }

    /// Changes a string's bytes where they stand, after zeros were added until there are `len`;
    /// none are taken away. The result is `raw` in Redis's terms, a missing key an empty string.
    /// O(change) for a large string that nobody shares.
    pub fn edit_bytes<R>(&mut self, len: usize, edit: impl FnOnce(&mut [u8]) -> R) -> R {
        if let Some(found) = self.found_of(Kind::SharedString) {
            return self.edit_shared(found, |bytes| {
                lengthen(bytes, len);
                edit(bytes)
            });
        }
        let inline = self.found_of(Kind::String).or(self.found_of(Kind::RawString));
        if let Some(found) = inline.filter(|_| len <= MAX_INLINE_VALUE) {
            self.before_change();
            let (found, result) = self.shard.change_string(self.db, found, len, edit);
            self.changed(found);
            return result;
        }
        let old = match self.value() {
            Some(ValueRef::String(old, _)) => old,
            _ => &[],
        };
        // Fresh zeroed memory is not touched before it is needed.
        let mut bytes = vec![0; len.max(old.len())];
        bytes[..old.len()].copy_from_slice(old);
        let result = edit(&mut bytes);
        let value = if bytes.len() > MAX_INLINE_VALUE {
            NewValue::Shared(Kind::SharedString, Arc::new(bytes))
        } else {
            NewValue::Bytes(Kind::RawString, &bytes)
        };
        self.put(value, Expiry::Keep);
        result
    }

    /// Changes a collection that is held in bytes. The caller keeps it within `MAX_PACKED` or
    /// stores an object instead.
    pub fn edit_packed<R>(&mut self, kind: Kind, edit: impl FnOnce(&mut Vec<u8>) -> R) -> R {
        let mut bytes = std::mem::take(&mut self.changes.scratch);
        bytes.clear();
        if let Some(ValueRef::Packed(_, old)) = self.value() {
            bytes.extend_from_slice(old);
        }
        let result = edit(&mut bytes);
        self.put(NewValue::Bytes(kind, &bytes), Expiry::Keep);
        self.changes.scratch = bytes;
        result
    }

    /// Changes a collection that is held in bytes where it stands: the bytes `cut` give way to
    /// `gap` others, and `fill` gets the whole value to write them. Copies neither what is before
    /// them nor, unless its place moves, what is behind: the way for collections that are written
    /// often. Without such a collection nothing happens.
    ///
    /// # Panics
    /// When `cut` is not within the value, or the result beyond `MAX_PACKED`.
    pub fn splice_packed(&mut self, cut: Range<usize>, gap: usize, fill: impl FnOnce(&mut [u8])) {
        let Some(found) = self.found() else { return };
        if !self.shard.entry(found).kind().is_packed() {
            return;
        }
        self.before_change();
        let found = self.shard.splice(self.db, found, cut, gap, fill);
        self.changed(found);
    }

    /// Changes a collection with memory of its own; `None` when the key holds none.
    pub fn edit_object<R>(&mut self, edit: impl FnOnce(&mut Object) -> R) -> Option<R> {
        let found = self.found().filter(|&f| self.shard.entry(f).kind().is_object())?;
        self.before_change();
        let result = self.shard.change_object(self.db, self.hash, found, edit);
        self.shard.entry(found).note_written(self.changes.access);
        self.after_change(Step::Written);
        result
    }

    /// Keeps what an edit took out of a collection until the locks are given back, and frees it
    /// then.
    pub fn free_later(&mut self, part: Object) {
        self.discard(Some(Pointee::Object(Box::new(part))), Cause::Removed);
    }

    fn discard(&mut self, old: Option<Pointee>, cause: Cause) {
        self.changes.garbage.extend(old.map(|value| Discarded { value, cause }));
    }

    fn edit_shared<R>(&mut self, found: Found, edit: impl FnOnce(&mut Vec<u8>) -> R) -> R {
        self.before_change();
        let result = self.shard.change_shared(found, edit);
        self.changed(found);
        result.expect("the entry was found to hold a shared string")
    }

    fn set_access(&mut self, access: Option<u32>) {
        if let (Some(found), Some(access)) = (self.found(), access) {
            self.shard.entry(found).set_access(access);
        }
    }

    /// Lets `take` remove fields, which are due, from the hash that the key holds, and the key with
    /// the last of them; how many. It is an effect of its own, and no change of the command's.
    pub(crate) fn expire_fields(
        &mut self,
        take: impl FnOnce(&mut Fields) -> Vec<Vec<u8>>,
    ) -> usize {
        let Some(found) = self.found_of(Kind::HashTable) else { return 0 };
        self.before_change_of(found);
        let (db, hash) = (self.db, self.hash);
        let taken = self.shard.change_object(db, hash, found, |object| match object {
            Object::Hash(fields) => (take(fields), fields.dict().is_empty()),
            _ => (Vec::new(), false),
        });
        let Some((taken, is_empty)) = taken else { return 0 };
        if is_empty {
            let old = self.shard.remove(db, hash, found);
            self.discard(old, Cause::Expired);
            self.forget();
        }
        if !taken.is_empty() {
            self.shard.stats.expired_fields += taken.len() as u64;
            self.changes.fields_expired(db, self.key, &taken, is_empty);
            self.shard.watched.touch(db, self.key);
        }
        taken.len()
    }

    /// Counts fields that a command has removed by a deadline in the past among the expired ones.
    pub(crate) fn count_expired_fields(&mut self, fields: usize) {
        self.shard.stats.expired_fields += fields as u64;
    }

    fn expire(&mut self) {
        let Some(found) = self.found.take() else { return };
        self.before_change_of(found);
        let entry = self.shard.entry(found);
        let fields = match entry.value() {
            _ if entry.deadline_ms().is_some_and(|at_ms| at_ms <= self.now_ms()) => None,
            ValueRef::Object(_, Object::Hash(fields)) => Some(fields.dict().len()),
            _ => None,
        };
        let old = self.shard.remove(self.db, self.hash, found);
        self.discard(old, Cause::Expired);
        match fields {
            Some(fields) => {
                self.shard.stats.expired_fields += fields as u64;
                self.changes.fields_expired(self.db, self.key, &[], true);
            }
            None => {
                self.shard.stats.expired += 1;
                self.changes.expired(self.db, self.key);
            }
        }
        self.shard.watched.touch(self.db, self.key);
        if self.shard.waiters.any_ends_without(self.db, self.key) {
            self.changes.ready(self.db, self.key);
        }
    }

    /// The bytes of the value that stand outside of the entry.
    #[cfg(test)]
    pub(crate) fn outside(&self) -> Option<SharedBytes> {
        self.found().and_then(|found| self.shard.entry(found).shared())
    }

    #[inline]
    fn found(&self) -> Option<Found> {
        if self.stale { self.shard.find(self.db, self.hash, self.key) } else { self.found }
    }

    /// Where the entry is, if it is of this kind.
    fn found_of(&self, kind: Kind) -> Option<Found> {
        self.found().filter(|&found| self.shard.entry(found).kind() == kind)
    }

    fn forget(&mut self) {
        self.found = None;
        self.stale = false;
    }

    fn before_change(&mut self) {
        let found = self.found();
        if self.changes.notices.on() {
            self.changes.notices.before(self.db, self.key, found.is_some());
        }
        if let Some(found) = found {
            self.before_change_of(found);
        }
    }

    fn before_change_of(&mut self, found: Found) {
        self.shard.hand_over(self.db, found);
    }

    /// Notes that the entry, which is here, was changed in place.
    fn changed(&mut self, found: Found) {
        self.shard.entry(found).note_written(self.changes.access);
        self.found = Some(found);
        self.stale = false;
        self.after_change(Step::Written);
    }

    fn after_change(&mut self, step: Step) {
        self.changes.count += 1;
        if self.changes.notices.on() {
            self.changes.notices.after(self.db, self.key, step);
        }
        self.shard.watched.touch(self.db, self.key);
        if self.shard.waiters.is_waited_for(self.db, self.key)
            && (self.exists() || self.shard.waiters.any_ends_without(self.db, self.key))
        {
            self.changes.ready(self.db, self.key);
        }
    }
}

/// Adds zeros until there are `len` bytes; room grows by an eighth, which is what a key that grows
/// bit by bit may waste.
fn lengthen(bytes: &mut Vec<u8>, len: usize) {
    if len <= bytes.len() {
        return;
    }
    if len > bytes.capacity() {
        let room = len.max(bytes.len() + bytes.len() / 8);
        bytes.reserve_exact(room - bytes.len());
    }
    bytes.resize(len, 0);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyspace::hash::KeyHash;

    /// Strings that grow from nothing over every bound, with and without a TTL, under keys of both
    /// length forms, some of them shared, equal a vector that is changed the same way; who shares
    /// them sees no change.
    #[test]
    fn strings_changed_in_place_equal_a_vector() {
        let hash = KeyHash::new(1);
        let mut rng = fastrand::Rng::with_seed(5);
        for (key_len, deadline_ms) in [(1, None), (300, None), (5000, None), (3, Some(9000))] {
            let mut shard = Shard::new(hash);
            let mut changes = Changes::default();
            let key = vec![b'k'; key_len];
            let mut gate = Gate::open(&mut shard, &mut changes, 0, hash.of(&key), &key);
            let mut model = b"7".to_vec();
            gate.put(NewValue::Bytes(Kind::String, &model), Expiry::Keep);
            gate.set_deadline(deadline_ms);
            for step in 0..2000 {
                let longest = [10, 300, 9000, 20_000][step / 500];
                let len = rng.usize(..longest);
                let seen = gate.shared().map(|shared| (shared.clone(), shared.to_vec()));
                model.resize(model.len().max(len), 0);
                let at = rng.usize(..model.len());
                let byte = rng.u8(..);
                model[at] = byte;
                let before = gate.edit_bytes(len, |bytes| std::mem::replace(&mut bytes[at], byte));
                assert_eq!(
                    before,
                    seen.as_ref().map_or(before, |seen| { seen.1.get(at).copied().unwrap_or(0) })
                );
                let ValueRef::String(bytes, true) = gate.value().unwrap() else {
                    panic!("another kind")
                };
                assert_eq!(bytes, model);
                assert_eq!(gate.deadline_ms(), deadline_ms);
                assert!(seen.is_none_or(|(shared, was)| *shared == was));
            }
            assert!(gate.remove());
            assert_eq!(shard.outside_bytes(), 0, "with a key of {key_len}");
        }
    }

    /// Values of all lengths, in their entry and outside, with and without a TTL, under keys of both
    /// length forms, equal a vector that is spliced the same way; a copy sees no change.
    #[test]
    fn spliced_values_equal_a_spliced_vector() {
        let hash = KeyHash::new(1);
        let mut rng = fastrand::Rng::with_seed(3);
        for (key_len, deadline_ms) in [(1, None), (300, None), (5000, None), (3, Some(9000))] {
            let mut shard = Shard::new(hash);
            let mut changes = Changes::default();
            let key = vec![b'k'; key_len];
            let mut outside = 0;
            let mut model = vec![1, 2, 3];
            let mut gate = Gate::open(&mut shard, &mut changes, 0, hash.of(&key), &key);
            gate.put(NewValue::Bytes(Kind::ListPack, &model), Expiry::Keep);
            gate.set_deadline(deadline_ms);
            for step in 0..6000 {
                let grows = rng.usize(..5) < if step % 2000 < 1000 { 3 } else { 2 };
                let at = rng.usize(..=model.len());
                let copy = gate.outside().filter(|_| step % 3 == 0);
                let was = copy.as_ref().map(|copy| copy.to_vec());
                let most = if step % 40 == 0 { 4000 } else { 30 };
                let cut = rng.usize(..=(model.len() - at).min(if grows { 10 } else { most }));
                let room = 3 * MAX_INLINE_VALUE - (model.len() - cut);
                let gap: Vec<u8> = (0..rng.usize(..=room.min(if grows { most } else { 10 })))
                    .map(|_| rng.u8(..))
                    .collect();
                model.splice(at..at + cut, gap.iter().copied());
                gate.splice_packed(at..at + cut, gap.len(), |value| {
                    value[at..at + gap.len()].copy_from_slice(&gap);
                });
                let ValueRef::Packed(Kind::ListPack, value) = gate.value().unwrap() else {
                    panic!("another kind")
                };
                assert_eq!(value, model);
                assert_eq!(gate.deadline_ms(), deadline_ms);
                assert_eq!(copy.map(|copy| copy.to_vec()), was);
                outside += usize::from(gate.outside().is_some());
            }
            assert!((500..5900).contains(&outside), "{outside} of 6000 stood outside");
            assert!(gate.remove());
            assert_eq!(shard.outside_bytes(), 0, "with a key of {key_len}");
        }
    }
}
