//! The contenders behind one trait: each with its own fastest call that copies the value out.
//!
//! It must not measure; see `main`.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};

use dashmap::DashMap;

/// What is measured of a store. Keys and values are bytes.
pub trait Store: Sync {
    /// Writes a value.
    fn set(&self, key: &[u8], value: &[u8]);
    /// Appends the value to `out`.
    fn get(&self, key: &[u8], out: &mut Vec<u8>);
}

/// The names that [`open`] knows.
pub const NAMES: &[&str] = &["dashmap", "yo-kv", "kevy", "larder"];

/// An empty store of that name.
pub fn open(name: &str) -> Option<Box<dyn Store>> {
    Some(match name {
        "dashmap" => Box::new(Dash(DashMap::new())),
        "yo-kv" => Box::new(Yo::new()),
        "kevy" => Box::new(Kevy::new()),
        "larder" => Box::new(Linked::new()),
        _ => return None,
    })
}

/// A concurrent map: no time to live, no types, no durability.
struct Dash(DashMap<Vec<u8>, Vec<u8>>);

impl Store for Dash {
    fn set(&self, key: &[u8], value: &[u8]) {
        self.0.insert(key.to_vec(), value.to_vec());
    }

    fn get(&self, key: &[u8], out: &mut Vec<u8>) {
        if let Some(value) = self.0.get(key) {
            out.extend_from_slice(&value);
        }
    }
}

/// yo's keyspace belongs to one thread; striped locks make it shared.
struct Yo {
    stripes: Vec<Mutex<yo_kv::Keyspace>>,
    hash: RandomState,
}

impl Yo {
    const STRIPES: usize = 16;

    fn new() -> Yo {
        let stripe = |_| Mutex::new(yo_kv::Keyspace::new());
        Yo { stripes: (0..Self::STRIPES).map(stripe).collect(), hash: RandomState::new() }
    }

    fn stripe(&self, key: &[u8]) -> std::sync::MutexGuard<'_, yo_kv::Keyspace> {
        let index = self.hash.hash_one(key) as usize % Self::STRIPES;
        self.stripes[index].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for Yo {
    fn set(&self, key: &[u8], value: &[u8]) {
        let mut stripe = self.stripe(key);
        if stripe.set(key, value, yo_kv::SetOptions::default()).is_err() {
            panic!("yo-kv refuses SET");
        }
        // What its event loop does after each turn: give room of old values back.
        stripe.compact_step();
    }

    fn get(&self, key: &[u8], out: &mut Vec<u8>) {
        if let Ok(Some(value)) = self.stripe(key).get(key) {
            value.write_to(out);
        }
    }
}

/// kevy linked, without its log.
struct Kevy(kevy_embedded::Store);

impl Kevy {
    fn new() -> Kevy {
        let config = kevy_embedded::Config::default().without_aof();
        Kevy(kevy_embedded::Store::open(config).expect("kevy opens in memory"))
    }
}

impl Store for Kevy {
    fn set(&self, key: &[u8], value: &[u8]) {
        if !matches!(self.0.set(key, value), Ok(true)) {
            panic!("kevy refuses SET");
        }
    }

    fn get(&self, key: &[u8], out: &mut Vec<u8>) {
        if let Ok(Some(value)) = self.0.get(key) {
            out.extend_from_slice(&value);
        }
    }
}

/// Larder as a program links it.
struct Linked(larder::Larder);

impl Linked {
    fn new() -> Linked {
        Linked(larder::Larder::open("memory:").expect("larder opens in memory"))
    }
}

impl Store for Linked {
    fn set(&self, key: &[u8], value: &[u8]) {
        self.0.set(key, value).expect("larder takes SET");
    }

    fn get(&self, key: &[u8], out: &mut Vec<u8>) {
        if let Ok(Some(value)) = self.0.get(key) {
            out.extend_from_slice(&value);
        }
    }
}
