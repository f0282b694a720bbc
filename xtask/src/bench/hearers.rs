//! Load that many connections hear of: a message to all who subscribed, a change of a key that all
//! have read.
//!
//! One round after the other: the next one begins when everybody has heard of the last. It must
//! not know servers; what arrives is checked by its bytes.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use anyhow::{Context, Result, ensure};

use super::load::command;

/// How many hear.
pub(super) const HEARERS: usize = 1000;

const VALUE: [u8; 64] = [b'v'; 64];
const NAME: &[u8] = b"news";

/// Publishes so many messages to all.
///
/// # Errors
/// When something else arrives, or a connection ends.
pub(super) fn fan_out(address: SocketAddr, rounds: u64) -> Result<()> {
    let mut hearers = connect(address)?;
    let mut confirmation = b"*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n".to_vec();
    for hearer in &mut hearers {
        hearer.send(&[b"SUBSCRIBE", NAME])?;
        hearer.expect(&confirmation)?;
    }
    let mut message = b"*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n".to_vec();
    message.extend_from_slice(&bulk());
    confirmation = format!(":{HEARERS}\r\n").into_bytes();
    let mut writer = Connection::new(address)?;
    for _ in 0..rounds {
        writer.send(&[b"PUBLISH", NAME, &VALUE])?;
        writer.expect(&confirmation)?;
        hearers.iter_mut().try_for_each(|hearer| hearer.expect(&message))?;
    }
    Ok(())
}

/// Changes a key so often; all who have read it are told, and read it again.
///
/// # Errors
/// When something else arrives, or a connection ends.
pub(super) fn invalidation(address: SocketAddr, rounds: u64) -> Result<()> {
    let mut writer = Connection::new(address)?;
    let mut hearers = connect(address)?;
    for hearer in &mut hearers {
        hearer.send(&[b"HELLO", b"3"])?;
        hearer.skip()?;
        hearer.send(&[b"CLIENT", b"TRACKING", b"ON"])?;
        hearer.expect(b"+OK\r\n")?;
    }
    let (value, told) = (bulk(), b">2\r\n$10\r\ninvalidate\r\n*1\r\n$4\r\nnews\r\n");
    for round in 0..=rounds {
        writer.send(&[b"SET", NAME, &VALUE])?;
        writer.expect(b"+OK\r\n")?;
        for hearer in &mut hearers {
            if round > 0 {
                hearer.expect(told)?;
            }
            hearer.send(&[b"GET", NAME])?;
        }
        hearers.iter_mut().try_for_each(|hearer| hearer.expect(&value))?;
    }
    Ok(())
}

fn connect(address: SocketAddr) -> Result<Vec<Connection>> {
    (0..HEARERS).map(|_| Connection::new(address)).collect()
}

fn bulk() -> Vec<u8> {
    [format!("${}\r\n", VALUE.len()).as_bytes(), &VALUE, b"\r\n"].concat()
}

struct Connection {
    stream: TcpStream,
    request: Vec<u8>,
    got: Vec<u8>,
}

impl Connection {
    fn new(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Connection { stream, request: Vec::new(), got: Vec::new() })
    }

    fn send(&mut self, words: &[&[u8]]) -> Result<()> {
        self.request.clear();
        command(&mut self.request, words);
        Ok(self.stream.write_all(&self.request)?)
    }

    /// Waits for exactly these bytes.
    fn expect(&mut self, bytes: &[u8]) -> Result<()> {
        self.got.resize(bytes.len(), 0);
        self.stream.read_exact(&mut self.got).context("a connection ended")?;
        ensure!(
            self.got == bytes,
            "{:?} in place of {:?}",
            String::from_utf8_lossy(&self.got),
            String::from_utf8_lossy(bytes)
        );
        Ok(())
    }

    /// Passes over a reply that came in one piece.
    fn skip(&mut self) -> Result<()> {
        self.got.resize(4096, 0);
        let got = self.stream.read(&mut self.got)?;
        ensure!(got > 0, "a connection ended");
        Ok(())
    }
}
