//! A server in a child process, spoken to over a Unix socket: real Valkey, or any binary that takes
//! Redis's command line.
//!
//! It must not know the format of `.rtest` files. The child is killed when its value is dropped.

use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail, ensure};

use super::socket::{Folder, PATIENCE, SocketClient};
use super::{Backend, Client};
use crate::pattern::Protocol;
use crate::reply::Reply;

/// Added to real waiting, so that what expires at the very millisecond has expired.
const MARGIN: Duration = Duration::from_millis(3);

/// A running child and the runner's own connection to it.
pub struct Server {
    child: Child,
    folder: Folder,
    protocol: Protocol,
    control: Option<SocketClient>,
}

impl Server {
    /// Starts `binary` in a temporary folder, without files or TCP.
    ///
    /// # Errors
    /// When it does not start or not answer in time; the message holds what it printed.
    pub fn start(binary: &Path, protocol: Protocol) -> Result<Server> {
        let folder = Folder::new()?;
        let socket = folder.path().join("socket");
        let log = std::fs::File::create(folder.path().join("log"))?;
        let child = Command::new(binary)
            .args(["--port", "0", "--save", "", "--appendonly", "no"])
            .arg("--unixsocket")
            .arg(&socket)
            .arg("--dir")
            .arg(folder.path())
            .args(["--enable-debug-command", "yes"])
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("{} cannot be started", binary.display()))?;
        let mut server = Server { child, folder, protocol, control: None };
        server.await_start(&socket)?;
        let control = SocketClient::connect(&socket, Protocol::Resp2)?;
        server.control = Some(control);
        Ok(server)
    }

    fn await_start(&mut self, socket: &Path) -> Result<()> {
        let started = Instant::now();
        while UnixStream::connect(socket).is_err() {
            let gone = self.child.try_wait()?.is_some();
            if gone || started.elapsed() > PATIENCE {
                bail!("the server does not answer on {}:\n{}", socket.display(), self.log());
            }
            sleep(Duration::from_millis(2));
        }
        Ok(())
    }

    fn control_connection(&mut self) -> Result<&mut SocketClient> {
        self.control.as_mut().context("no control connection")
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Backend for Server {
    fn protocol(&self) -> Protocol {
        self.protocol
    }

    fn reset(&mut self) -> Result<()> {
        let reply = self.control(&[b"FLUSHALL"])?;
        ensure!(reply == Reply::Status(b"OK".to_vec()), "FLUSHALL: {reply}");
        Ok(())
    }

    fn open(&mut self) -> Result<Box<dyn Client>> {
        Ok(Box::new(SocketClient::connect(&self.folder.path().join("socket"), self.protocol)?))
    }

    fn control(&mut self, words: &[&[u8]]) -> Result<Reply> {
        self.control_connection()?.call(words)
    }

    fn is_blocked(&mut self, id: i64) -> Result<bool> {
        self.control_connection()?.is_blocked(id)
    }

    fn kill(&mut self, id: i64) {
        // The connection may be gone already.
        let _ = self.control_connection().and_then(|control| control.kill(id));
    }

    fn advance(&mut self, by: Duration) -> Result<()> {
        sleep(by + MARGIN);
        Ok(())
    }

    fn now_ms(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }

    fn effects(&mut self) -> Option<Vec<Vec<Vec<u8>>>> {
        None
    }

    fn last_words(&mut self) -> Option<String> {
        let status = self.child.try_wait().ok().flatten()?;
        let log = self.log();
        let tail: Vec<&str> = log.lines().rev().take(20).collect();
        let tail: Vec<&str> = tail.into_iter().rev().collect();
        Some(format!("the server ended ({status}):\n{}", tail.join("\n")))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Nothing can be done about a child that is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
