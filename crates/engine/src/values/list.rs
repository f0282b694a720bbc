//! Lists.

use std::collections::VecDeque;

/// A list in chunks, each a listpack.
#[derive(Debug, Clone, Default)]
pub struct Chunks {
    chunks: VecDeque<Vec<u8>>,
    bytes: u64,
}

impl Chunks {
    /// Bytes that the list takes.
    pub fn bytes(&self) -> u64 {
        self.bytes + (self.chunks.capacity() * size_of::<Vec<u8>>()) as u64
    }
}
