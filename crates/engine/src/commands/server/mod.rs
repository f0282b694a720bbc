//! The server as a whole: what it knows, how it is set up, how it ends.

pub mod acl;
pub mod command;
pub mod config;
pub mod debug;
pub mod info;
pub mod latency;
pub mod lolwut;
pub mod memory;
pub mod role;
pub mod shutdown;
pub mod slowlog;
pub mod time;
