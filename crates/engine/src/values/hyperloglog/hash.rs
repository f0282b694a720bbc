//! Which register an element belongs to, and how far it raises it: MurmurHash64A, whose lowest 14
//! bits are the register's number, and whose others, read from the lowest, tell the rank.

/// What Redis seeds the hash with; another seed would make other registers.
const SEED: u64 = 0xadc8_3b19;

const REGISTER_BITS: u32 = super::REGISTERS.trailing_zeros();

/// A register and a rank.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The number of the register.
    pub register: usize,
    /// What it is at least: zeros before the first one in the hash, and one.
    pub rank: u8,
}

/// Where an element leads. O(bytes).
pub fn place(element: &[u8]) -> Place {
    let hash = murmur64a(element, SEED);
    let rest = hash >> REGISTER_BITS | 1 << (64 - REGISTER_BITS);
    Place {
        register: hash as usize & (super::REGISTERS - 1),
        rank: rest.trailing_zeros() as u8 + 1,
    }
}

/// Austin Appleby's MurmurHash2 of 64 bits, the same on every machine.
fn murmur64a(bytes: &[u8], seed: u64) -> u64 {
    const M: u64 = 0xc6a4_a793_5bd1_e995;
    const R: u32 = 47;
    let mut hash = seed ^ (bytes.len() as u64).wrapping_mul(M);
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        let mut word = u64::from_le_bytes(*word).wrapping_mul(M);
        word = (word ^ word >> R).wrapping_mul(M);
        hash = (hash ^ word).wrapping_mul(M);
    }
    if !rest.is_empty() {
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        hash = (hash ^ u64::from_le_bytes(last)).wrapping_mul(M);
    }
    hash = (hash ^ hash >> R).wrapping_mul(M);
    hash ^ hash >> R
}
