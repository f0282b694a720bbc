//! The server as a whole: what it knows, how it is set up, how it is saved, how it ends, and its
//! databases as a whole.

pub mod acl;
pub mod bgrewriteaof;
pub mod bgsave;
pub mod command;
pub mod commandlog;
pub mod config;
pub mod dbsize;
pub mod debug;
pub mod flushall;
pub mod flushdb;
mod freeing;
pub mod info;
pub mod lastsave;
pub mod latency;
pub mod lolwut;
pub mod memory;
pub mod monitor;
pub mod role;
pub mod save;
pub mod shutdown;
pub mod slowlog;
pub mod swapdb;
pub mod time;
