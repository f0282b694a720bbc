//! Commands on keys of any type.

pub mod del;
