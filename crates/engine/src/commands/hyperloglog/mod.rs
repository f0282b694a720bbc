//! HyperLogLog commands. What they do is in [`crate::values::hyperloglog`].

pub mod pfadd;
pub mod pfcount;
pub mod pfdebug;
pub mod pfmerge;
pub mod pfselftest;
