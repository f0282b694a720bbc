//! What a test is played on: the trait between the player and an engine or server.
//!
//! Bodies: `linked` calls the engine in this process, `served` puts a server before it, `server`
//! talks to a child. It must not know the format of `.rtest` files.

use std::time::Duration;

use anyhow::{Result, bail};

use crate::pattern::Protocol;
use crate::reply::Reply;

mod fixture;
pub mod linked;
pub mod served;
pub mod server;
mod socket;

/// A property of a backend that `only` and `not` can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Larder's engine called in the runner's process.
    Linked,
    /// Anything behind a socket.
    Socket,
    /// Connections that speak RESP2.
    Resp2,
    /// Connections that speak RESP3.
    Resp3,
    /// Our engine, linked or served.
    Larder,
    /// The reference.
    Valkey,
}

impl Place {
    /// Reads its name.
    ///
    /// # Errors
    /// When there is no such place.
    pub fn parse(name: &str) -> Result<Place> {
        Ok(match name {
            "linked" => Place::Linked,
            "socket" => Place::Socket,
            "resp2" => Place::Resp2,
            "resp3" => Place::Resp3,
            "larder" => Place::Larder,
            "valkey" => Place::Valkey,
            _ => bail!("{name}: a place is linked, socket, resp2, resp3, larder or valkey"),
        })
    }
}

/// An engine or a server that belongs to the test alone.
pub trait Backend {
    /// The protocol its clients are opened with.
    fn protocol(&self) -> Protocol;

    /// Empties it for the next test.
    ///
    /// # Errors
    /// When it does not answer.
    fn reset(&mut self) -> Result<()>;

    /// A new connection.
    ///
    /// # Errors
    /// When it is refused.
    fn open(&mut self) -> Result<Box<dyn Client>>;

    /// Runs a command on a connection of the runner's own.
    ///
    /// # Errors
    /// When no reply comes.
    fn control(&mut self, words: &[&[u8]]) -> Result<Reply>;

    /// Whether the client with this number waits inside a blocking command.
    ///
    /// # Errors
    /// When the backend has gone.
    fn is_blocked(&mut self, id: i64) -> Result<bool>;

    /// Ends a connection that a test has left, and returns when it is gone.
    fn kill(&mut self, id: i64);

    /// Lets this much time pass: by moving a fake clock or by waiting.
    ///
    /// # Errors
    /// When the backend has gone.
    fn advance(&mut self, by: Duration) -> Result<()>;

    /// The backend's clock, in milliseconds since 1970.
    fn now_ms(&self) -> i64;

    /// The effects that were propagated since the last call, or `None` where they cannot be seen.
    fn effects(&mut self) -> Option<Vec<Vec<Vec<u8>>>>;

    /// What it printed, if it has died.
    fn last_words(&mut self) -> Option<String> {
        None
    }
}

/// One connection.
pub trait Client {
    /// The connection's number, as `CLIENT ID` gives it.
    fn id(&self) -> i64;

    /// Sends a command without waiting.
    ///
    /// # Errors
    /// When the connection is closed.
    fn send(&mut self, words: &[Vec<u8>]) -> Result<()>;

    /// Sends bytes as they are.
    ///
    /// # Errors
    /// When the connection is closed, or is not a connection of bytes.
    fn send_raw(&mut self, bytes: &[u8]) -> Result<()>;

    /// The next reply or message, if one comes within `patience`.
    ///
    /// # Errors
    /// When what comes is not RESP.
    fn receive(&mut self, patience: Duration) -> Result<Received>;
}

/// What came from a connection.
#[derive(Debug, PartialEq)]
pub enum Received {
    /// A reply or a message.
    Reply(Reply),
    /// Nothing in the time given.
    Nothing,
    /// The end of the connection.
    Closed,
}
