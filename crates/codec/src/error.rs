//! The two ways in which a byte format can refuse: corrupt input and too much of it.
//!
//! Knows no format; each format says in its own words what it found.

use std::fmt;

/// Bytes that break the rules of their format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Corrupt {
    /// What is wrong, as a phrase.
    pub reason: &'static str,
    /// Where it was noticed, in bytes from the start of the value.
    pub offset: usize,
}

impl Corrupt {
    /// What is wrong, and where it was noticed.
    pub fn new(reason: &'static str, offset: usize) -> Corrupt {
        Corrupt { reason, offset }
    }
}

impl fmt::Display for Corrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.reason, self.offset)
    }
}

impl std::error::Error for Corrupt {}

/// A change that would grow a value past the limit of its format; nothing was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct TooLarge;

impl fmt::Display for TooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the value would exceed the size limit of its encoding")
    }
}

impl std::error::Error for TooLarge {}
