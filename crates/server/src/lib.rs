//! The parts of the `larder` binary: command line, redis.conf, supervision, log, `larder init`.
//!
//! What a setting does is the engine's or the net's; how values are encoded is not known here.
//! Start reading at [`cli`], which decides what the process is to do.

pub mod announce;
pub mod check;
pub mod cli;
pub mod descriptors;
mod exchange;
pub mod facts;
pub mod host;
pub mod http;
pub mod http_thread;
pub mod import;
pub mod init;
pub mod logging;
pub mod persistence;
pub mod progress;
pub mod redis_conf;
pub mod serve;
pub mod sockets;
pub mod supervise;
pub mod trace;
pub mod user_socket;
