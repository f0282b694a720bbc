//! A server in a child process, spoken to over a Unix socket: real Valkey, or any binary that takes
//! Redis's command line.
//!
//! It must not know the format of `.rtest` files. The child is killed when its value is dropped.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail, ensure};

use super::{Backend, Client, Received};
use crate::pattern::Protocol;
use crate::reply::{Reply, decode};

/// How long a start, or a reply to the runner's own commands, may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Added to real waiting, so that what expires at the very millisecond has expired.
const MARGIN: Duration = Duration::from_millis(3);

/// A running child and the runner's own connection to it.
pub struct Server {
    child: Child,
    folder: PathBuf,
    protocol: Protocol,
    control: Option<SocketClient>,
}

impl Server {
    /// Starts `binary` in a temporary folder, without files or TCP.
    ///
    /// # Errors
    /// When it does not start or not answer in time; the message holds what it printed.
    pub fn start(binary: &Path, protocol: Protocol) -> Result<Server> {
        let folder = temporary_folder()?;
        let socket = folder.join("socket");
        let log = std::fs::File::create(folder.join("log"))?;
        let child = Command::new(binary)
            .args(["--port", "0", "--save", "", "--appendonly", "no"])
            .arg("--unixsocket")
            .arg(&socket)
            .arg("--dir")
            .arg(&folder)
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
                let log = std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
                bail!("the server does not answer on {}:\n{log}", socket.display());
            }
            sleep(Duration::from_millis(2));
        }
        Ok(())
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
        Ok(Box::new(SocketClient::connect(&self.folder.join("socket"), self.protocol)?))
    }

    fn control(&mut self, words: &[&[u8]]) -> Result<Reply> {
        let control = self.control.as_mut().context("no control connection")?;
        control.call(words)
    }

    fn is_blocked(&mut self, id: i64) -> Result<bool> {
        let reply = self.control(&[b"CLIENT", b"LIST", b"ID", id.to_string().as_bytes()])?;
        let Some(line) = reply.bytes() else { bail!("CLIENT LIST: {reply}") };
        let line = String::from_utf8_lossy(&line).into_owned();
        let flags = line.split(' ').find_map(|field| field.strip_prefix("flags="));
        Ok(flags.is_some_and(|flags| flags.contains('b')))
    }

    fn kill(&mut self, id: i64) {
        // The connection may be gone already.
        let _ = self.control(&[b"CLIENT", b"KILL", b"ID", id.to_string().as_bytes()]);
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
        let log = std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        let tail: Vec<&str> = log.lines().rev().take(20).collect();
        let tail: Vec<&str> = tail.into_iter().rev().collect();
        Some(format!("the server ended ({status}):\n{}", tail.join("\n")))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Nothing can be done about a child that is gone already or a folder that cannot go.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A new folder of this process, short enough for a socket's path.
fn temporary_folder() -> Result<PathBuf> {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let folder = std::env::temp_dir().join(format!("rtest-{}-{number}", std::process::id()));
    std::fs::create_dir(&folder).with_context(|| folder.display().to_string())?;
    Ok(folder)
}

/// A connection over a Unix socket.
pub struct SocketClient {
    stream: UnixStream,
    buffer: Vec<u8>,
    id: i64,
}

impl SocketClient {
    fn connect(path: &Path, protocol: Protocol) -> Result<SocketClient> {
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

    fn call(&mut self, words: &[&[u8]]) -> Result<Reply> {
        let words: Vec<Vec<u8>> = words.iter().map(|w| w.to_vec()).collect();
        self.send(&words)?;
        match self.receive(PATIENCE)? {
            Received::Reply(reply) => Ok(reply),
            other => bail!("{}: {other:?}", String::from_utf8_lossy(&words.join(&b' '))),
        }
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
            self.stream.set_read_timeout(Some(left.max(Duration::from_micros(1))))?;
            match self.stream.read(&mut chunk) {
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
