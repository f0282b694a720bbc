//! Commands on hashes. What they do with a hash is [`crate::values::hash`]; here are words and
//! replies.

pub mod field_words;
pub mod hdel;
pub mod hexists;
pub mod hexpire;
pub mod hexpireat;
pub mod hexpiretime;
pub mod hget;
pub mod hgetall;
pub mod hgetdel;
pub mod hgetex;
pub mod hincrby;
pub mod hincrbyfloat;
pub mod hkeys;
pub mod hlen;
pub mod hmget;
pub mod hmset;
pub mod hpersist;
pub mod hpexpire;
pub mod hpexpireat;
pub mod hpexpiretime;
pub mod hpttl;
pub mod hrandfield;
pub mod hscan;
pub mod hset;
pub mod hsetex;
pub mod hsetnx;
pub mod hstrlen;
pub mod httl;
pub mod hvals;
