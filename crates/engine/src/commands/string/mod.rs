//! Commands on strings.

pub mod append;
pub mod decr;
pub mod decrby;
pub mod delex;
pub mod delifeq;
pub mod get;
pub mod getdel;
pub mod getex;
pub mod getrange;
pub mod getset;
pub mod incr;
pub mod incrby;
pub mod incrbyfloat;
pub mod increx;
pub mod lcs;
pub mod mget;
pub mod mset;
pub mod msetex;
pub mod msetnx;
pub mod psetex;
pub mod set;
pub mod setex;
pub mod setnx;
pub mod setrange;
pub mod strlen;
pub mod substr;
