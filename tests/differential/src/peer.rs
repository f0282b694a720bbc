//! A server in a child process, a connection to it that takes many requests at once, one beside it
//! that may wait, and one that is told the events of keys.
//!
//! It must not know what is sent. The child is killed when its value is dropped.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rtest::reply::{Reply, decode};

/// How long a start or a reply may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// How much is read at once.
const CHUNK: usize = 256 * 1024;

/// A running server.
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    binary: PathBuf,
    child: Child,
    folder: PathBuf,
    stream: Connection,
    listener: Connection,
    beside: Beside,
}

/// A second client, which may wait.
struct Beside {
    stream: Connection,
    /// Asks about it.
    control: Connection,
    id: Vec<u8>,
    /// Its request was sent, and the reply not taken.
    asked: bool,
}

/// A connection and what was read of it.
struct Connection {
    stream: UnixStream,
    read: Vec<u8>,
}

impl Peer {
    /// Starts a binary that takes Redis's command line, without files or TCP.
    ///
    /// # Errors
    /// When it does not start or answer in time; the message holds what it printed.
    pub(crate) fn start(name: &'static str, binary: &Path) -> Result<Peer> {
        let folder =
            std::env::temp_dir().join(format!("differential-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        let child = spawn(binary, &folder)?;
        let (stream, listener) = (Connection::open(&folder)?, Connection::listen(&folder)?);
        let beside = Beside::open(&folder)?;
        Ok(Peer { name, binary: binary.to_owned(), child, folder, stream, listener, beside })
    }

    /// Starts it again, empty, after it has ended or stopped answering.
    ///
    /// # Errors
    /// As [`Peer::start`].
    pub(crate) fn restart(&mut self) -> Result<()> {
        self.stop();
        self.child = spawn(&self.binary, &self.folder)?;
        self.stream = Connection::open(&self.folder)?;
        self.listener = Connection::listen(&self.folder)?;
        self.beside = Beside::open(&self.folder)?;
        Ok(())
    }

    /// Sends requests in one go and reads a reply to each.
    ///
    /// # Errors
    /// When it ends, does not answer in time, or answers what is no RESP.
    pub(crate) fn ask(&mut self, requests: &[&[Vec<u8>]]) -> Result<Vec<Reply>> {
        let replies = self.stream.ask(requests);
        replies.with_context(|| format!("{}:\n{}", self.name, self.last_words()))
    }

    /// The events of keys since the last call: event, database and key.
    ///
    /// # Errors
    /// As [`Peer::ask`].
    pub(crate) fn events(&mut self) -> Result<Vec<String>> {
        let events = self.listener.events();
        events.with_context(|| format!("{}:\n{}", self.name, self.last_words()))
    }

    /// Sends a request over the second connection, and returns when it was answered or waits:
    /// whether it was answered.
    ///
    /// # Errors
    /// As [`Peer::ask`].
    pub(crate) fn begin_beside(&mut self, request: &[Vec<u8>]) -> Result<bool> {
        let mut bytes = Vec::new();
        encode(request, &mut bytes);
        self.beside.stream.stream.write_all(&bytes)?;
        self.beside.asked = true;
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            if self.beside.stream.has_reply()? {
                return Ok(true);
            }
            if self.waits()? {
                return Ok(false);
            }
        }
        bail!("{}: neither answers nor waits", self.name)
    }

    /// The reply to what was sent last over the second connection, which is made to come.
    ///
    /// # Errors
    /// As [`Peer::ask`].
    pub(crate) fn end_beside(&mut self) -> Result<Option<Reply>> {
        if !std::mem::take(&mut self.beside.asked) {
            return Ok(None);
        }
        if !self.beside.stream.has_reply()? {
            let unblock = [b"CLIENT".to_vec(), b"UNBLOCK".to_vec(), self.beside.id.clone()];
            self.beside.control.ask(&[&unblock])?;
        }
        let mut reply = None;
        self.beside.stream.read_until(|read| {
            reply = Some(read);
            true
        })?;
        Ok(reply)
    }

    /// Makes the second connection new.
    ///
    /// # Errors
    /// As [`Peer::ask`].
    pub(crate) fn renew_beside(&mut self, requests: &[&[Vec<u8>]]) -> Result<()> {
        self.end_beside()?;
        self.beside.stream.ask(requests).map(drop)
    }

    /// Whether the second client waits.
    fn waits(&mut self) -> Result<bool> {
        let list = [b"CLIENT".to_vec(), b"LIST".to_vec(), b"ID".to_vec(), self.beside.id.clone()];
        let reply = self.beside.control.ask(&[&list])?;
        let line = reply.first().and_then(Reply::bytes).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).into_owned();
        let flags = line.split(' ').find_map(|field| field.strip_prefix("flags="));
        Ok(flags.is_some_and(|flags| flags.contains('b')))
    }

    /// The end of what it printed.
    fn last_words(&self) -> String {
        let log = std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }

    fn stop(&mut self) {
        // Nothing can be done about a child that is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.stop();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Beside {
    fn open(folder: &Path) -> Result<Beside> {
        let mut stream = Connection::open(folder)?;
        let replies = stream.ask(&[&[b"CLIENT".to_vec(), b"ID".to_vec()]])?;
        let id = replies.first().and_then(Reply::bytes).context("CLIENT ID")?;
        Ok(Beside { stream, control: Connection::open(folder)?, id, asked: false })
    }
}

impl Connection {
    /// Whether a whole reply is there.
    fn has_reply(&mut self) -> Result<bool> {
        let mut chunk = vec![0; CHUNK];
        self.stream.set_nonblocking(true)?;
        let read = self.stream.read(&mut chunk);
        self.stream.set_nonblocking(false)?;
        match read {
            Ok(0) => bail!("the connection was closed"),
            Ok(n) => self.read.extend_from_slice(&chunk[..n]),
            Err(e) if e.kind() == ErrorKind::WouldBlock => {}
            Err(e) => return Err(e.into()),
        }
        Ok(!self.read.is_empty() && decode(&self.read)?.is_some())
    }

    fn open(folder: &Path) -> Result<Connection> {
        let stream = UnixStream::connect(folder.join("socket"))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Connection { stream, read: Vec::new() })
    }

    /// One that is told the events of keys.
    fn listen(folder: &Path) -> Result<Connection> {
        let mut connection = Connection::open(folder)?;
        let request = [b"PSUBSCRIBE".to_vec(), b"__keyevent@*".to_vec()];
        connection.ask(&[&request])?;
        Ok(connection)
    }

    fn ask(&mut self, requests: &[&[Vec<u8>]]) -> Result<Vec<Reply>> {
        if requests.is_empty() {
            return Ok(Vec::new());
        }
        let mut bytes = Vec::new();
        requests.iter().for_each(|words| encode(words, &mut bytes));
        let mut writer = self.stream.try_clone()?;
        scope(|threads| {
            // It may answer, and wait for its replies to be read, before it has read everything.
            let written = threads.spawn(move || writer.write_all(&bytes));
            let mut replies = Vec::with_capacity(requests.len());
            let done = self.read_until(|reply| {
                replies.push(reply);
                replies.len() == requests.len()
            });
            if done.is_err() {
                // Replies of a batch that stopped half-way must not answer the next one.
                self.read.clear();
                let _ = self.stream.shutdown(std::net::Shutdown::Both);
            }
            let _ = written.join();
            done.with_context(|| format!("after {} of {} replies", replies.len(), requests.len()))?;
            Ok(replies)
        })
    }

    fn events(&mut self) -> Result<Vec<String>> {
        let mut bytes = Vec::new();
        encode(&[b"PING".to_vec(), b"end".to_vec()], &mut bytes);
        self.stream.write_all(&bytes)?;
        let mut events = Vec::new();
        self.read_until(|message| match message {
            Reply::Array(parts) if parts.len() == 4 => {
                let text = |at: usize| {
                    let bytes = parts[at].bytes().unwrap_or_default();
                    String::from_utf8_lossy(&bytes).into_owned()
                };
                events.push(format!("{} {}", text(2).trim_start_matches("__keyevent@"), text(3)));
                false
            }
            _ => true,
        })?;
        Ok(events)
    }

    /// Reads until a reply is the last.
    fn read_until(&mut self, mut is_last: impl FnMut(Reply) -> bool) -> Result<()> {
        let (mut at, mut chunk) = (0, vec![0; CHUNK]);
        let deadline = Instant::now() + PATIENCE;
        loop {
            while at < self.read.len()
                && let Some((reply, used)) = decode(&self.read[at..])?
            {
                at += used;
                if is_last(reply) {
                    self.read.drain(..at);
                    return Ok(());
                }
            }
            match self.stream.read(&mut chunk) {
                Ok(0) => bail!("the connection was closed"),
                Ok(n) => self.read.extend_from_slice(&chunk[..n]),
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => bail!("no reply: {e}"),
            }
            if Instant::now() > deadline {
                bail!("no reply in time");
            }
        }
    }
}

/// Starts a server and waits until it takes connections.
fn spawn(binary: &Path, folder: &Path) -> Result<Child> {
    let socket = folder.join("socket");
    let _ = std::fs::remove_file(&socket);
    let log = std::fs::File::create(folder.join("log"))?;
    let mut child = Command::new(binary)
        .args(["--port", "0", "--save", "", "--appendonly", "no", "--enable-debug-command", "yes"])
        .arg("--unixsocket")
        .arg(&socket)
        .arg("--dir")
        .arg(folder)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
        .with_context(|| format!("{} cannot be started", binary.display()))?;
    let began = Instant::now();
    loop {
        match UnixStream::connect(&socket) {
            Ok(_) => return Ok(child),
            Err(_) if child.try_wait()?.is_none() && began.elapsed() < PATIENCE => {
                sleep(Duration::from_millis(2));
            }
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                let log = std::fs::read_to_string(folder.join("log")).unwrap_or_default();
                bail!("{} does not answer: {error}\n{log}", binary.display());
            }
        }
    }
}

fn encode(words: &[Vec<u8>], out: &mut Vec<u8>) {
    out.extend_from_slice(format!("*{}\r\n", words.len()).as_bytes());
    for word in words {
        out.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        out.extend_from_slice(word);
        out.extend_from_slice(b"\r\n");
    }
}
