//! Commands on the server as a whole.

pub mod dbsize;
pub mod flushall;
pub mod flushdb;
mod freeing;
pub mod swapdb;
