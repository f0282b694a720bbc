//! A server in a child process, and one connection to it that takes many requests at once.
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
const PATIENCE: Duration = Duration::from_secs(20);
/// How much is read at once.
const CHUNK: usize = 256 * 1024;

/// A running server.
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    binary: PathBuf,
    child: Child,
    folder: PathBuf,
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
        let (child, stream) = spawn(binary, &folder)?;
        Ok(Peer { name, binary: binary.to_owned(), child, folder, stream, read: Vec::new() })
    }

    /// Starts it again, empty, after it has ended or stopped answering.
    ///
    /// # Errors
    /// As [`Peer::start`].
    pub(crate) fn restart(&mut self) -> Result<()> {
        self.stop();
        (self.child, self.stream) = spawn(&self.binary, &self.folder)?;
        self.read.clear();
        Ok(())
    }

    /// Sends requests in one go and reads a reply to each.
    ///
    /// # Errors
    /// When it ends, does not answer in time, or answers what is no RESP.
    pub(crate) fn ask(&mut self, requests: &[&[Vec<u8>]]) -> Result<Vec<Reply>> {
        let mut bytes = Vec::new();
        requests.iter().for_each(|words| encode(words, &mut bytes));
        let mut writer = self.stream.try_clone()?;
        let replies = scope(|threads| {
            // It may answer, and wait for its replies to be read, before it has read everything.
            let written = threads.spawn(move || writer.write_all(&bytes));
            let replies = self.replies(requests.len());
            if replies.is_err() {
                let _ = self.stream.shutdown(std::net::Shutdown::Both);
            }
            let _ = written.join();
            replies
        });
        replies.with_context(|| format!("{}:\n{}", self.name, self.last_words()))
    }

    fn replies(&mut self, count: usize) -> Result<Vec<Reply>> {
        let mut replies = Vec::with_capacity(count);
        let (mut at, mut chunk) = (0, vec![0; CHUNK]);
        let deadline = Instant::now() + PATIENCE;
        self.stream.set_read_timeout(Some(PATIENCE))?;
        while replies.len() < count {
            if at < self.read.len()
                && let Some((reply, used)) = decode(&self.read[at..])?
            {
                replies.push(reply);
                at += used;
                continue;
            }
            match self.stream.read(&mut chunk) {
                Ok(0) => bail!("the connection was closed after {} replies", replies.len()),
                Ok(n) => self.read.extend_from_slice(&chunk[..n]),
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => bail!("no reply after {} replies: {e}", replies.len()),
            }
            if Instant::now() > deadline {
                bail!("no reply after {} replies", replies.len());
            }
        }
        self.read.drain(..at);
        Ok(replies)
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

fn spawn(binary: &Path, folder: &Path) -> Result<(Child, UnixStream)> {
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
            Ok(stream) => return Ok((child, stream)),
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
