//! Sets.

/// Members in a hash table.
#[derive(Debug, Clone, Default)]
pub struct Members {
    bytes: u64,
}

impl Members {
    /// Bytes that the set takes.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}
