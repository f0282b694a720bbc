//! The checksum at the end of RDB files and `DUMP` payloads: CRC-64 with the polynomial of Jones,
//! reflected, from zero and without a final inversion. Knows no format.
//!
//! ```
//! assert_eq!(larder_codec::crc64::of(b"123456789"), 0xe9c6_d914_c4b8_d9ca);
//! ```

use crc_fast::{CrcAlgorithm, Digest, checksum};

/// The checksum of some bytes.
pub fn of(bytes: &[u8]) -> u64 {
    checksum(CrcAlgorithm::Crc64Redis, bytes)
}

/// The checksum of bytes that come piece by piece.
#[derive(Debug, Clone)]
pub struct Running(Digest);

impl Running {
    /// Of no bytes yet.
    pub fn new() -> Self {
        Running(Digest::new(CrcAlgorithm::Crc64Redis))
    }

    /// Adds the next bytes.
    pub fn add(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The checksum of all that was added.
    pub fn value(&self) -> u64 {
        self.0.finalize()
    }
}

impl Default for Running {
    fn default() -> Self {
        Running::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A bit at a time, from the definition.
    fn naive(bytes: &[u8]) -> u64 {
        let reflected = 0xad93_d235_94c9_35a9_u64.reverse_bits();
        bytes.iter().fold(0, |crc, &byte| {
            (0..8).fold(crc ^ u64::from(byte), |crc, _| {
                if crc & 1 == 1 { crc >> 1 ^ reflected } else { crc >> 1 }
            })
        })
    }

    proptest! {
        #[test]
        fn equals_the_definition(bytes in prop::collection::vec(any::<u8>(), 0..700), cut: u16) {
            prop_assert_eq!(of(&bytes), naive(&bytes));
            let (head, tail) = bytes.split_at(usize::from(cut) % (bytes.len() + 1));
            let mut running = Running::new();
            running.add(head);
            running.add(tail);
            prop_assert_eq!(running.value(), naive(&bytes));
        }
    }
}
