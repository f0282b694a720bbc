//! The one list of commands.

use super::entry;
use super::generic::del;
use super::set::{
    sadd, scard, sdiff, sdiffstore, sinter, sintercard, sinterstore, sismember, smembers,
    smismember, smove, spop, srandmember, srem, sscan, sunion, sunionstore,
};
use super::string::{get, set};
use crate::spec::Entry;

/// Every command; containers hold their subcommands.
pub static COMMANDS: &[Entry] = &[
    // generic
    entry!(del::Del),
    // set
    entry!(sadd::Sadd),
    entry!(scard::Scard),
    entry!(sdiff::Sdiff),
    entry!(sdiffstore::Sdiffstore),
    entry!(sinter::Sinter),
    entry!(sintercard::Sintercard),
    entry!(sinterstore::Sinterstore),
    entry!(sismember::Sismember),
    entry!(smembers::Smembers),
    entry!(smismember::Smismember),
    entry!(smove::Smove),
    entry!(spop::Spop),
    entry!(srandmember::Srandmember),
    entry!(srem::Srem),
    entry!(sscan::Sscan),
    entry!(sunion::Sunion),
    entry!(sunionstore::Sunionstore),
    // string
    entry!(get::Get),
    entry!(set::Set),
];
