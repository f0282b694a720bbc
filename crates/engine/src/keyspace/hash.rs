//! How keys hash: SipHash-1-3 under a key that the store chose at random.
//!
//! The highest byte names the shard, the lowest bits the bucket, and bits 40 to 46 the tag.

use siphasher::sip::SipHasher13;
use std::hash::Hasher;

/// The hash function of one store.
#[derive(Debug, Clone, Copy)]
pub struct KeyHash {
    seed: (u64, u64),
}

impl KeyHash {
    /// A hash function from 128 random bits.
    pub fn new(seed: u128) -> Self {
        KeyHash { seed: ((seed >> 64) as u64, seed as u64) }
    }

    /// The hash of a key (or of a member of a collection).
    #[inline]
    pub fn of(&self, key: &[u8]) -> u64 {
        let mut hasher = SipHasher13::new_with_keys(self.seed.0, self.seed.1);
        hasher.write(key);
        hasher.finish()
    }
}
