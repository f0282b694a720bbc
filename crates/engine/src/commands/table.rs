//! The one list of commands.

use super::connection::{auth, client, echo, hello, ping, quit, reset, select};
use super::entry;
use super::generic::del;
use super::list::{
    blmove, blmpop, blpop, lindex, linsert, llen, lmove, lmpop, lpop, lpos, lpush, lrange, lrem,
    lset, ltrim,
};
use super::pubsub::{publish, pubsub, subscribe, unsubscribe};
use super::server::{
    acl, command, config, debug, info, latency, lolwut, memory, role, shutdown, slowlog, time,
};
use super::set::{
    sadd, scard, sdiff, sdiffstore, sinter, sintercard, sinterstore, sismember, smembers,
    smismember, smove, spop, srandmember, srem, sscan, sunion, sunionstore,
};
use super::string::{
    append, decr, decrby, delex, delifeq, get, getdel, getex, getrange, getset, incr, incrby,
    incrbyfloat, increx, lcs, mget, mset, msetnx, psetex, set, setex, setnx, setrange, strlen,
    substr,
};
use super::transactions::{discard, exec, multi, unwatch, watch};
use crate::spec::Entry;

/// Every command; containers hold their subcommands.
pub static COMMANDS: &[Entry] = &[
    // connection
    entry!(auth::Auth),
    entry!(container client),
    entry!(echo::Echo),
    entry!(hello::Hello),
    entry!(ping::Ping),
    entry!(plain quit::Quit),
    entry!(plain reset::Reset),
    entry!(plain select::Select),
    // generic
    entry!(del::Del),
    // list
    entry!(blmove::BLMove, SPEC_BLMOVE),
    entry!(blmpop::BLMPop),
    entry!(blpop::BLPop, SPEC_BLPOP),
    entry!(blpop::BRPop, SPEC_BRPOP),
    entry!(blmove::BRPopLPush, SPEC_BRPOPLPUSH),
    entry!(lindex::LIndex),
    entry!(linsert::LInsert),
    entry!(llen::LLen),
    entry!(lmove::LMove, SPEC_LMOVE),
    entry!(lmpop::LMPop),
    entry!(lpop::LPop, SPEC_LPOP),
    entry!(lpos::LPos),
    entry!(lpush::LPush, SPEC_LPUSH),
    entry!(lpush::LPushX, SPEC_LPUSHX),
    entry!(lrange::LRange),
    entry!(lrem::LRem),
    entry!(lset::LSet),
    entry!(ltrim::LTrim),
    entry!(lpop::RPop, SPEC_RPOP),
    entry!(lmove::RPopLPush, SPEC_RPOPLPUSH),
    entry!(lpush::RPush, SPEC_RPUSH),
    entry!(lpush::RPushX, SPEC_RPUSHX),
    // pubsub
    entry!(publish::Publish),
    entry!(subscribe::PSubscribe, SPEC_PATTERN),
    entry!(container pubsub),
    entry!(unsubscribe::PUnsubscribe, SPEC_PATTERN),
    entry!(publish::SPublish, SPEC_SHARDED),
    entry!(subscribe::SSubscribe, SPEC_SHARDED),
    entry!(subscribe::Subscribe),
    entry!(unsubscribe::SUnsubscribe, SPEC_SHARDED),
    entry!(unsubscribe::Unsubscribe),
    // server
    entry!(container acl),
    entry!(plain command::Describe),
    entry!(container config),
    entry!(plain debug::Debug),
    entry!(info::Info),
    entry!(container latency),
    entry!(plain lolwut::Lolwut),
    entry!(container memory),
    entry!(plain role::Role),
    entry!(plain shutdown::Shutdown),
    entry!(container slowlog),
    entry!(plain time::Time),
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
    // transactions
    entry!(plain discard::Discard),
    entry!(plain exec::Exec),
    entry!(plain multi::Multi),
    entry!(plain unwatch::Unwatch),
    entry!(watch::Watch),
];
