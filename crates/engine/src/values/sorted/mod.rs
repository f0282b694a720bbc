//! Sorted sets.

pub mod cursor;
mod page;
pub mod score;
#[cfg(test)]
mod tests;
pub mod tree;

pub use score::Key;
pub use tree::Tree;
