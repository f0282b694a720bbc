//! Typed commands: one definition for blocking and async callers, linked and remote.
//!
//! Linked, a call builds the engine's own command type: no words, no parsing. Commands that are
//! not here go through [`Larder::command`].

use crate::reply::FromReply;
use crate::{Error, Larder, Value};
use larder_engine::command::Command;
use larder_engine::commands::generic::deadline::{Deadline, When};
use larder_engine::commands::generic::del::Del;
use larder_engine::commands::generic::pexpire::PExpire;
use larder_engine::commands::list::{
    llen::LLen,
    lpush::{LPush, RPush},
    lrange::LRange,
};
use larder_engine::commands::set::{
    sadd::Sadd, scard::Scard, sismember::Sismember, smembers::Smembers, srem::Srem, sunion::Sunion,
};
use larder_engine::commands::string::{
    append::Append,
    get::Get,
    getdel::GetDel,
    incrby::IncrBy,
    mget::MGet,
    set::{Condition, Set},
};
use larder_engine::expiry::{ExpiryArg, Unit};
use std::time::Duration;

/// A [`Larder`] for async callers.
#[derive(Debug, Clone)]
pub struct AsyncLarder {
    store: Larder,
}

impl AsyncLarder {
    pub(crate) fn new(store: Larder) -> Self {
        AsyncLarder { store }
    }

    /// The same store for blocking callers.
    #[must_use]
    pub fn blocking(&self) -> &Larder {
        &self.store
    }

    /// Runs a typed command of the engine. Not one that blocks or that changes the session.
    ///
    /// # Errors
    /// As [`Larder::call`].
    pub async fn call<'a, C: Command<'a>>(&self, command: &C) -> Result<Value, Error> {
        self.store.call_async(command).await
    }

    /// Runs any command, given as words.
    ///
    /// # Errors
    /// As [`Larder::call`].
    pub async fn command<W: AsRef<[u8]>>(&self, words: &[W]) -> Result<Value, Error> {
        let mut replies = self.store.batch_async(&[crate::owned(words)]).await?;
        crate::reply::refuse_errors(replies.pop().unwrap_or(Value::Null))
    }
}

macro_rules! typed {
    ($($(#[$doc:meta])* fn $name:ident($($arg:ident: $type:ty),*) -> $result:ty = $command:expr;)*) => {
        impl Larder {
            $(
                $(#[$doc])*
                ///
                /// # Errors
                /// As [`Larder::call`].
                pub fn $name(&self, $($arg: $type),*) -> Result<$result, Error> {
                    FromReply::from_reply(self.call(&$command)?)
                }
            )*
        }
        impl AsyncLarder {
            $(
                $(#[$doc])*
                ///
                /// # Errors
                /// As [`Larder::call`].
                pub async fn $name(&self, $($arg: $type),*) -> Result<$result, Error> {
                    FromReply::from_reply(self.call(&$command).await?)
                }
            )*
        }
    };
}

typed! {
    /// `GET`: the string at a key.
    fn get(key: impl AsRef<[u8]>) -> Option<Vec<u8>> = Get { key: key.as_ref() };
    /// `SET`: sets the string at a key and drops its TTL.
    fn set(key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> () =
        Set::new(key.as_ref(), value.as_ref());
    /// `SET … PX`: sets the string at a key for so long (a millisecond at least).
    fn set_for(key: impl AsRef<[u8]>, value: impl AsRef<[u8]>, ttl: Duration) -> () =
        Set { expiry: Some(in_ms(ttl)), ..Set::new(key.as_ref(), value.as_ref()) };
    /// `SET … NX`: sets the string at a key where nothing is; whether it did.
    fn set_if_missing(key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> bool =
        Set { condition: Condition::Missing, ..Set::new(key.as_ref(), value.as_ref()) };
    /// `GETDEL`: removes a key and answers the string that was there.
    fn get_del(key: impl AsRef<[u8]>) -> Option<Vec<u8>> = GetDel { key: key.as_ref() };
    /// `MGET`: the strings at several keys, at one moment.
    fn mget(keys: &[&[u8]]) -> Vec<Option<Vec<u8>>> = MGet { keys };
    /// `INCRBY`: adds to the integer at a key (0 where nothing is); the sum. The TTL stays.
    fn incr_by(key: impl AsRef<[u8]>, increment: i64) -> i64 =
        IncrBy { key: key.as_ref(), increment };
    /// `APPEND`: adds to the end of a string; its length.
    fn append(key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> u64 =
        Append { key: key.as_ref(), value: value.as_ref() };

    /// `DEL` of one key: whether it was there.
    fn del(key: impl AsRef<[u8]>) -> bool = Del { keys: &[key.as_ref()] };
    /// `PEXPIRE`: the key goes after so long; whether it is there.
    fn expire(key: impl AsRef<[u8]>, ttl: Duration) -> bool =
        PExpire(Deadline {
            key: key.as_ref(),
            amount: in_ms(ttl).amount,
            when: When::default(),
        });

    /// `LPUSH`: adds elements to the front of a list; its length.
    fn lpush(key: impl AsRef<[u8]>, elements: &[&[u8]]) -> u64 =
        LPush { key: key.as_ref(), elements };
    /// `RPUSH`: adds elements to the end of a list; its length.
    fn rpush(key: impl AsRef<[u8]>, elements: &[&[u8]]) -> u64 =
        RPush { key: key.as_ref(), elements };
    /// `LRANGE`: elements of a list from one index to another, both included.
    fn lrange(key: impl AsRef<[u8]>, start: i64, stop: i64) -> Vec<Vec<u8>> =
        LRange { key: key.as_ref(), start, stop };
    /// `LLEN`: how long a list is.
    fn llen(key: impl AsRef<[u8]>) -> u64 = LLen { key: key.as_ref() };

    /// `SADD`: adds members to a set; how many are new.
    fn sadd(key: impl AsRef<[u8]>, members: &[&[u8]]) -> u64 = Sadd { key: key.as_ref(), members };
    /// `SREM`: removes members of a set; how many were there.
    fn srem(key: impl AsRef<[u8]>, members: &[&[u8]]) -> u64 = Srem { key: key.as_ref(), members };
    /// `SISMEMBER`: whether a set has a member.
    fn sismember(key: impl AsRef<[u8]>, member: impl AsRef<[u8]>) -> bool =
        Sismember { key: key.as_ref(), member: member.as_ref() };
    /// `SMEMBERS`: the members of a set, in no order.
    fn smembers(key: impl AsRef<[u8]>) -> Vec<Vec<u8>> = Smembers { key: key.as_ref() };
    /// `SCARD`: how many members a set has.
    fn scard(key: impl AsRef<[u8]>) -> u64 = Scard { key: key.as_ref() };
    /// `SUNION`: members of any of several sets, at one moment.
    fn sunion(keys: &[&[u8]]) -> Vec<Vec<u8>> = Sunion { keys };
}

/// The longest TTL in milliseconds that a deadline can hold with room for today.
const MAX_TTL_MS: u128 = 1 << 61;

/// A TTL as an argument of a command, in milliseconds.
pub(crate) fn in_ms(ttl: Duration) -> ExpiryArg {
    let amount = ttl.as_millis().clamp(1, MAX_TTL_MS) as i64;
    ExpiryArg { unit: Unit::Milliseconds, amount }
}
