//! Who watches which key of a shard (`WATCH`).

use hashbrown::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Raised when a key that a session watches has changed.
pub(crate) type Touched = Arc<AtomicBool>;

/// The watched keys of one shard.
#[derive(Default)]
pub(crate) struct Watched {
    keys: HashMap<(u8, Box<[u8]>), Vec<Touched>>,
}

/// A key as the maps of a shard look it up, without a copy.
#[derive(Hash)]
pub(crate) struct KeyRef<'a>(pub(crate) u8, pub(crate) &'a [u8]);

impl hashbrown::Equivalent<(u8, Box<[u8]>)> for KeyRef<'_> {
    fn equivalent(&self, key: &(u8, Box<[u8]>)) -> bool {
        self.0 == key.0 && *self.1 == *key.1
    }
}

impl Watched {
    /// Begins to watch a key.
    pub(crate) fn add(&mut self, db: u8, key: &[u8], flag: &Touched) {
        let flags = self.keys.entry((db, key.into())).or_default();
        if !flags.iter().any(|other| Arc::ptr_eq(other, flag)) {
            flags.push(flag.clone());
        }
    }

    /// Ends it.
    pub(crate) fn remove(&mut self, db: u8, key: &[u8], flag: &Touched) {
        if let Some(flags) = self.keys.get_mut(&KeyRef(db, key)) {
            flags.retain(|other| !Arc::ptr_eq(other, flag));
            if flags.is_empty() {
                self.keys.remove(&KeyRef(db, key));
            }
        }
    }

    /// A key has changed.
    #[inline]
    pub(crate) fn touch(&self, db: u8, key: &[u8]) {
        if self.keys.is_empty() {
            return;
        }
        if let Some(flags) = self.keys.get(&KeyRef(db, key)) {
            flags.iter().for_each(|flag| flag.store(true, Ordering::Release));
        }
    }

    /// The watched keys of a database, for commands that change it as a whole.
    pub(crate) fn touch_where(&self, mut changed: impl FnMut(u8, &[u8]) -> bool) {
        for ((db, key), flags) in &self.keys {
            if changed(*db, key) {
                flags.iter().for_each(|flag| flag.store(true, Ordering::Release));
            }
        }
    }

    /// How many keys are watched.
    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }
}
