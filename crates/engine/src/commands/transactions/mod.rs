//! Several commands as one. What EXEC does stands in [`crate::session`], for it takes the locks
//! of the whole queue.

pub mod discard;
pub mod exec;
pub mod multi;
pub mod unwatch;
pub mod watch;
