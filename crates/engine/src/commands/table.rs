//! The one list of commands.

use super::entry;
use super::generic::{
    copy, del, exists, expire, expireat, expiretime, keys, r#move, object, persist, pexpire,
    pexpireat, pexpiretime, pttl, randomkey, rename, renamenx, scan, touch, ttl, r#type, unlink,
    wait,
};
use super::server::{dbsize, flushall, flushdb, swapdb};
use super::set::{
    sadd, scard, sdiff, sdiffstore, sinter, sintercard, sinterstore, sismember, smembers,
    smismember, smove, spop, srandmember, srem, sscan, sunion, sunionstore,
};
use super::string::{
    append, decr, decrby, delex, delifeq, get, getdel, getex, getrange, getset, incr, incrby,
    incrbyfloat, increx, lcs, mget, mset, msetnx, psetex, set, setex, setnx, setrange, strlen,
    substr,
};
use crate::spec::Entry;

/// Every command; containers hold their subcommands.
pub static COMMANDS: &[Entry] = &[
    // generic
    entry!(copy::Copy),
    entry!(del::Del),
    entry!(exists::Exists),
    entry!(expire::Expire),
    entry!(expireat::ExpireAt),
    entry!(expiretime::ExpireTime),
    entry!(keys::Keys),
    entry!(r#move::Move),
    entry!(container object),
    entry!(persist::Persist),
    entry!(pexpire::PExpire),
    entry!(pexpireat::PExpireAt),
    entry!(pexpiretime::PExpireTime),
    entry!(pttl::PTtl),
    entry!(plain randomkey::RandomKey),
    entry!(rename::Rename),
    entry!(renamenx::RenameNx),
    entry!(scan::Scan),
    entry!(touch::Touch),
    entry!(ttl::Ttl),
    entry!(r#type::TypeOf),
    entry!(unlink::Unlink),
    entry!(plain wait::Wait),
    // server
    entry!(plain dbsize::DbSize),
    entry!(plain flushall::FlushAll),
    entry!(plain flushdb::FlushDb),
    entry!(plain swapdb::SwapDb),
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
    entry!(append::Append),
    entry!(decr::Decr),
    entry!(decrby::DecrBy),
    entry!(delex::DelEx),
    entry!(delifeq::DelIfEq),
    entry!(get::Get),
    entry!(getdel::GetDel),
    entry!(getex::GetEx),
    entry!(getrange::GetRange),
    entry!(getset::GetSet),
    entry!(incr::Incr),
    entry!(incrby::IncrBy),
    entry!(incrbyfloat::IncrByFloat),
    entry!(increx::IncrEx),
    entry!(lcs::Lcs),
    entry!(mget::MGet),
    entry!(mset::MSet),
    entry!(msetnx::MSetNx),
    entry!(psetex::PSetEx),
    entry!(set::Set),
    entry!(setex::SetEx),
    entry!(setnx::SetNx),
    entry!(setrange::SetRange),
    entry!(strlen::StrLen),
    entry!(substr::Substr),
];
