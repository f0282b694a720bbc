//! Larder's server in the runner's own process, spoken to over a Unix socket: its clock is a fake
//! one and its effects can be seen, as with `linked`; everything else goes through the loops.
//!
//! It must not know the format of `.rtest` files. The engine and its clock: `fixture`.

use std::time::Duration;

use anyhow::{Result, ensure};
use larder_net::{Listen, Server, ServerOptions};

use super::fixture::Fixture;
use super::socket::{Folder, SocketClient};
use super::{Backend, Client};
use crate::pattern::Protocol;
use crate::reply::Reply;

/// A server, its engine and the runner's own connection to it.
pub struct Served {
    protocol: Protocol,
    control: SocketClient,
    _server: Server,
    fixture: Fixture,
    folder: Folder,
}

impl Served {
    /// Starts an empty server whose clients speak `protocol`.
    ///
    /// # Errors
    /// When it cannot listen, or does not answer.
    pub fn start(protocol: Protocol) -> Result<Served> {
        let folder = Folder::new()?;
        let path = folder.path().join("socket");
        let fixture = Fixture::with_debug();
        let listen = vec![Listen::Unix { path: path.clone(), mode: 0o600 }];
        let options = ServerOptions { listen, ..ServerOptions::default() };
        let server = Server::start(fixture.engine().clone(), options)?;
        let control = SocketClient::connect(&path, Protocol::Resp2)?;
        Ok(Served { protocol, control, _server: server, fixture, folder })
    }
}

impl Backend for Served {
    fn protocol(&self) -> Protocol {
        self.protocol
    }

    fn reset(&mut self) -> Result<()> {
        *self = Served::start(self.protocol)?;
        Ok(())
    }

    fn open(&mut self) -> Result<Box<dyn Client>> {
        Ok(Box::new(SocketClient::connect(&self.folder.path().join("socket"), self.protocol)?))
    }

    fn control(&mut self, words: &[&[u8]]) -> Result<Reply> {
        self.control.call(words)
    }

    fn is_blocked(&mut self, id: i64) -> Result<bool> {
        self.control.is_blocked(id)
    }

    fn kill(&mut self, id: i64) {
        // The connection may be gone already.
        let _ = self.control.kill(id);
    }

    fn advance(&mut self, by: Duration) -> Result<()> {
        self.fixture.advance(by)?;
        // The second request is read in a later round of the loop than the first: between them it
        // has looked at its timers with the new time.
        for _ in 0..2 {
            let pong = self.control.call(&[b"PING"])?;
            ensure!(pong == Reply::Status(b"PONG".to_vec()), "PING: {pong}");
        }
        Ok(())
    }

    fn now_ms(&self) -> i64 {
        self.fixture.now_ms()
    }

    fn effects(&mut self) -> Option<Vec<Vec<Vec<u8>>>> {
        Some(self.fixture.effects())
    }
}
