//! A connection over a Unix socket, and the folder that the socket lies in.
//!
//! It must not know whose server it talks to.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::{Client, Received};
use crate::pattern::Protocol;
use crate::reply::{Reply, decode};

/// How long a start, or a reply to the runner's own commands, may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// A folder of this process, short enough for a socket's path; removed when dropped.
#[derive(Debug)]
pub(super) struct Folder(PathBuf);

impl Folder {
    /// A new one.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(super) fn new() -> Result<Folder> {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("rtest-{}-{number}", std::process::id()));
        std::fs::create_dir(&folder).with_context(|| folder.display().to_string())?;
        Ok(Folder(folder))
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Nothing can be done about a folder that cannot go.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A connection over a Unix socket.
pub(super) struct SocketClient {
    stream: UnixStream,
    buffer: Vec<u8>,
    id: i64,
}

impl SocketClient {
    /// Connects, and asks for the protocol and the connection's number.
    ///
    /// # Errors
    /// When it is refused.
    pub(super) fn connect(path: &Path, protocol: Protocol) -> Result<SocketClient> {
        let stream = UnixStream::connect(path).with_context(|| path.display().to_string())?;
        let mut client = SocketClient { stream, buffer: Vec::new(), id: 0 };
        if protocol == Protocol::Resp3 {
            let hello = client.call(&[b"HELLO", b"3"])?;
            ensure!(matches!(hello, Reply::Map(_)), "HELLO 3: {hello}");
        }
        match client.call(&[b"CLIENT", b"ID"])? {
            Reply::Int(id) => client.id = id,
            other => bail!("CLIENT ID: {other}"),
        }
        Ok(client)
    }

    /// Reads what is there, waiting for it at most as long as given.
    fn read(&mut self, chunk: &mut [u8], patience: Duration) -> std::io::Result<usize> {
        if !patience.is_zero() {
            self.stream.set_read_timeout(Some(patience))?;
            return self.stream.read(chunk);
        }
        // The shortest of timeouts is some milliseconds long.
        self.stream.set_nonblocking(true)?;
        let got = self.stream.read(chunk);
        self.stream.set_nonblocking(false)?;
        got
    }

    /// Sends one command and waits for its reply.
    ///
    /// # Errors
    /// When none comes.
    pub(super) fn call(&mut self, words: &[&[u8]]) -> Result<Reply> {
        let words: Vec<Vec<u8>> = words.iter().map(|w| w.to_vec()).collect();
        self.send(&words)?;
        match self.receive(PATIENCE)? {
            Received::Reply(reply) => Ok(reply),
            other => bail!("{}: {other:?}", String::from_utf8_lossy(&words.join(&b' '))),
        }
    }

    /// Whether another connection of the server waits inside a blocking command.
    ///
    /// # Errors
    /// When the server has gone.
    pub(super) fn is_blocked(&mut self, id: i64) -> Result<bool> {
        let reply = self.call(&[b"CLIENT", b"LIST", b"ID", id.to_string().as_bytes()])?;
        let Some(line) = reply.bytes() else { bail!("CLIENT LIST: {reply}") };
        let line = String::from_utf8_lossy(&line).into_owned();
        let flags = line.split(' ').find_map(|field| field.strip_prefix("flags="));
        Ok(flags.is_some_and(|flags| flags.contains('b')))
    }

    /// Ends another connection of the server.
    ///
    /// # Errors
    /// When the server has gone.
    pub(super) fn kill(&mut self, id: i64) -> Result<Reply> {
        self.call(&[b"CLIENT", b"KILL", b"ID", id.to_string().as_bytes()])
    }
}

impl Client for SocketClient {
    fn id(&self) -> i64 {
        self.id
    }

    fn send(&mut self, words: &[Vec<u8>]) -> Result<()> {
        let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
        for word in words {
            bytes.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
            bytes.extend_from_slice(word);
            bytes.extend_from_slice(b"\r\n");
        }
        self.send_raw(&bytes)
    }

    fn send_raw(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream.write_all(bytes).context("sending")
    }

    fn receive(&mut self, patience: Duration) -> Result<Received> {
        let deadline = Instant::now() + patience;
        let mut chunk = [0; 16 * 1024];
        loop {
            if !self.buffer.is_empty()
                && let Some((reply, used)) = decode(&self.buffer)?
            {
                self.buffer.drain(..used);
                return Ok(Received::Reply(reply));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            match self.read(&mut chunk, left) {
                Ok(0) => return Ok(Received::Closed),
                Ok(n) => self.buffer.extend_from_slice(&chunk[..n]),
                Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    if left.is_zero() {
                        return Ok(Received::Nothing);
                    }
                }
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) if e.kind() == ErrorKind::ConnectionReset => return Ok(Received::Closed),
                Err(e) => return Err(e.into()),
            }
        }
    }
}
