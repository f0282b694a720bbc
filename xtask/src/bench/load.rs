//! A load generator for what redis-benchmark cannot send, and the filling of servers with keys.
//!
//! Fifty connections, one batch of commands in flight on each, as redis-benchmark does with a
//! pipeline. It must not know servers; replies are checked by their bytes.

use std::io::{BufRead, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail, ensure};
use clap::{Args, ValueEnum};
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use super::hearers;

/// What is sent as one batch.
#[derive(Clone, Copy, ValueEnum, PartialEq, Eq)]
pub(crate) enum Shape {
    /// SET and EXPIREAT, two commands in one write.
    Pair,
    /// The same between MULTI and EXEC: the document's pipeline as redis-py sends it.
    Transaction,
    /// PUBLISH to a thousand subscribers.
    FanOut,
    /// SET of a key that a thousand clients have read and read again.
    Invalidation,
}

/// The options of `cargo xtask load`.
#[derive(Args)]
pub(crate) struct Options {
    /// The server.
    #[arg(long)]
    address: SocketAddr,
    #[arg(long)]
    shape: Shape,
    /// Batches in all.
    #[arg(long)]
    batches: u64,
    #[arg(long, default_value_t = 50)]
    connections: usize,
    /// Keys are drawn from so many.
    #[arg(long, default_value_t = 100_000)]
    keys: u64,
}

impl Shape {
    /// How many commands a batch has, or messages.
    pub(crate) fn commands(self) -> u64 {
        match self {
            Shape::FanOut | Shape::Invalidation => hearers::HEARERS as u64,
            Shape::Pair => 2,
            Shape::Transaction => 4,
        }
    }

    /// The name on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Shape::Pair => "pair",
            Shape::Transaction => "transaction",
            Shape::FanOut => "fan-out",
            Shape::Invalidation => "invalidation",
        }
    }

    fn write(self, out: &mut Vec<u8>, key: &[u8], value: &[u8], expires: &[u8]) {
        let pair: [&[&[u8]]; 2] = [&[b"SET", key, value], &[b"EXPIREAT", key, expires]];
        match self {
            Shape::FanOut | Shape::Invalidation => {}
            Shape::Pair => pair.iter().for_each(|words| command(out, words)),
            Shape::Transaction => {
                command(out, &[b"MULTI"]);
                pair.iter().for_each(|words| command(out, words));
                command(out, &[b"EXEC"]);
            }
        }
    }

    fn reply(self) -> &'static [u8] {
        match self {
            Shape::FanOut | Shape::Invalidation => b"",
            Shape::Pair => b"+OK\r\n:1\r\n",
            Shape::Transaction => b"+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n+OK\r\n:1\r\n",
        }
    }
}

/// Appends a command in RESP.
pub(super) fn command(out: &mut Vec<u8>, words: &[&[u8]]) {
    out.extend_from_slice(format!("*{}\r\n", words.len()).as_bytes());
    for word in words {
        out.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        out.extend_from_slice(word);
        out.extend_from_slice(b"\r\n");
    }
}

/// Sends all batches.
///
/// # Errors
/// When a reply is not the expected one or a connection ends.
pub(crate) fn run(options: &Options) -> Result<()> {
    match options.shape {
        Shape::FanOut => return hearers::fan_out(options.address, options.batches),
        Shape::Invalidation => return hearers::invalidation(options.address, options.batches),
        Shape::Pair | Shape::Transaction => {}
    }
    let mut load = Load::start(options)?;
    let mut events = Events::with_capacity(options.connections);
    while load.done < options.batches {
        load.poll.poll(&mut events, None)?;
        for event in &events {
            load.ready(event.token().0)?;
        }
    }
    Ok(())
}

struct Load<'a> {
    options: &'a Options,
    poll: Poll,
    connections: Vec<Connection>,
    sent: u64,
    done: u64,
    seed: u64,
    expires: Vec<u8>,
}

struct Connection {
    stream: TcpStream,
    got: Vec<u8>,
}

impl Load<'_> {
    fn start(options: &Options) -> Result<Load<'_>> {
        let poll = Poll::new()?;
        let mut connections = Vec::new();
        for token in 0..options.connections {
            // Connected while it may still block; set free afterwards.
            let stream = std::net::TcpStream::connect(options.address)?;
            stream.set_nodelay(true)?;
            stream.set_nonblocking(true)?;
            let mut stream = TcpStream::from_std(stream);
            poll.registry().register(&mut stream, Token(token), Interest::READABLE)?;
            connections.push(Connection { stream, got: Vec::new() });
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        let expires = (now + 3600).to_string().into_bytes();
        let mut load = Load {
            options,
            poll,
            connections,
            sent: 0,
            done: 0,
            seed: 88_172_645_463_325_252,
            expires,
        };
        for index in 0..options.connections {
            load.send(index)?;
        }
        Ok(load)
    }

    fn send(&mut self, index: usize) -> Result<()> {
        if self.sent == self.options.batches {
            return Ok(());
        }
        self.sent += 1;
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        let key = format!("key:{:012}", self.seed % self.options.keys);
        let mut bytes = Vec::with_capacity(256);
        self.options.shape.write(&mut bytes, key.as_bytes(), &[b'v'; 64], &self.expires);
        // A batch is far smaller than a socket's buffer, and the last one was answered.
        self.connections[index].stream.write_all(&bytes).context("sending")
    }

    fn ready(&mut self, index: usize) -> Result<()> {
        let wanted = self.options.shape.reply();
        let mut chunk = [0; 4096];
        loop {
            let connection = &mut self.connections[index];
            match connection.stream.read(&mut chunk) {
                Ok(0) => bail!("the server ended a connection"),
                Ok(n) => connection.got.extend_from_slice(&chunk[..n]),
                Err(e) if e.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(e) => return Err(e.into()),
            }
            if connection.got.len() >= wanted.len() {
                ensure!(
                    connection.got == wanted,
                    "unexpected reply: {}",
                    String::from_utf8_lossy(&connection.got)
                );
                connection.got.clear();
                self.done += 1;
                self.send(index)?;
            }
        }
    }
}

/// Sends commands over one connection in batches and waits for each batch; every reply must be of
/// one line. Answers `false` when the server does not know the command.
///
/// # Errors
/// When another error is answered or the connection ends.
pub(super) fn fill(
    address: SocketAddr,
    count: u64,
    mut write: impl FnMut(u64, &mut Vec<u8>),
) -> Result<bool> {
    const BATCH: u64 = 500;
    let mut stream = std::net::TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let mut next = 0;
    while next < count {
        let batch = BATCH.min(count - next);
        let mut bytes = Vec::new();
        (next..next + batch).for_each(|n| write(n, &mut bytes));
        stream.write_all(&bytes)?;
        if let Some(error) = first_error(&mut stream, batch)? {
            return if error.contains("unknown command") { Ok(false) } else { bail!("{error}") };
        }
        next += batch;
    }
    Ok(true)
}

/// Reads `count` replies, lines or bulk strings; the first error among them.
fn first_error(stream: &mut std::net::TcpStream, count: u64) -> Result<Option<String>> {
    let mut stream = std::io::BufReader::new(stream);
    let (mut line, mut error) = (String::new(), None);
    for _ in 0..count {
        line.clear();
        ensure!(stream.read_line(&mut line)? > 0, "the server ended the connection");
        match line.split_at(1) {
            ("-", _) if error.is_none() => error = Some(line.trim_end().to_owned()),
            ("$", length) => {
                let bytes = length.trim_end().parse::<u64>()? + 2;
                std::io::copy(&mut stream.by_ref().take(bytes), &mut std::io::sink())?;
            }
            _ => {}
        }
    }
    Ok(error)
}
