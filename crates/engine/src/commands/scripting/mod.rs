//! Scripts of a client's own. What runs them is [`crate::scripts`].

pub mod eval;
pub mod evalsha;
pub mod script;
