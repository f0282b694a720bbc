//! Commands on keys of any type.

pub mod copy;
pub mod deadline;
pub mod del;
pub mod dump;
pub mod exists;
pub mod expire;
pub mod expireat;
pub mod expiretime;
pub mod keys;
pub mod r#move;
pub mod object;
pub mod persist;
pub mod pexpire;
pub mod pexpireat;
pub mod pexpiretime;
pub mod pttl;
pub mod randomkey;
pub mod rename;
pub mod renamenx;
pub mod restore;
pub mod scan;
pub mod touch;
pub mod ttl;
pub mod r#type;
pub mod unlink;
pub mod wait;
