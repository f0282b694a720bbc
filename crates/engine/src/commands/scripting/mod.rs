//! Scripts of a client's own, and functions. What runs them is [`crate::scripts`].

pub mod eval;
pub mod evalsha;
pub mod fcall;
pub mod function;
pub mod script;
