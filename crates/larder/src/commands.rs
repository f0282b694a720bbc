//! Typed commands: one definition for blocking and async callers, linked and remote.
//!
//! Linked, a call builds the engine's own command type: no words, no parsing. Commands that are
//! not here go through [`Larder::command`].

use crate::reply::FromReply;
use crate::{Error, Larder, Value};
use larder_engine::command::Command;
use larder_engine::commands::generic::del::Del;
use larder_engine::commands::string::get::Get;
use larder_engine::commands::string::set::Set;

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
    /// `DEL` of one key: whether it was there.
    fn del(key: impl AsRef<[u8]>) -> bool = Del { keys: &[key.as_ref()] };
}
