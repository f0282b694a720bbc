//! A server on loopback with a clock that stands still, and clients that never wait longer than
//! [`DEADLINE`]. Knows no test.
#![allow(dead_code, reason = "each test binary uses its own part")]

use larder_engine::testing::TestEngine;
use larder_net::{Bound, Limits, Listen, Server, ServerOptions};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

/// No test waits longer for anything.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// A running server.
pub(crate) struct TestServer {
    pub(crate) server: Server,
    pub(crate) engine: TestEngine,
}

impl TestServer {
    /// Two loops, Redis's limits.
    pub(crate) fn start() -> Self {
        Self::with(2, Limits::default())
    }

    pub(crate) fn with(threads: usize, limits: Limits) -> Self {
        let engine = TestEngine::new(16);
        let options = ServerOptions {
            listen: vec![any_port()],
            threads,
            limits: Arc::new(limits),
            ..ServerOptions::default()
        };
        let server = Server::start(engine.engine.clone(), options).unwrap();
        TestServer { server, engine }
    }

    /// Its first TCP address.
    pub(crate) fn addr(&self) -> SocketAddr {
        let tcp = |bound: &Bound| match bound {
            Bound::Tcp(addr) => Some(*addr),
            Bound::Unix(_) => None,
        };
        self.server.addresses().iter().find_map(tcp).unwrap()
    }

    pub(crate) fn client(&self) -> Client {
        Client::connect(self.addr())
    }

    /// Waits until so many connections are open.
    pub(crate) fn wait_for_connections(&self, wanted: usize) {
        until(|| self.server.connections() == wanted);
    }
}

/// A loopback address with a port that the kernel chooses.
pub(crate) fn any_port() -> Listen {
    Listen::Tcp { addr: ([127, 0, 0, 1], 0).into(), optional: false }
}

/// Gives other threads the processor until `done`, within the deadline.
pub(crate) fn until(mut done: impl FnMut() -> bool) {
    let begin = now();
    while !done() {
        assert!(now() - begin < DEADLINE, "waited in vain");
        std::thread::yield_now();
    }
}

#[allow(clippy::disallowed_methods, reason = "tests are bounded in real time")]
fn now() -> std::time::Instant {
    std::time::Instant::now()
}

/// A client that speaks in lines.
pub(crate) struct Client<S = TcpStream> {
    pub(crate) socket: S,
    read: Vec<u8>,
}

impl Client {
    pub(crate) fn connect(addr: SocketAddr) -> Self {
        let socket = TcpStream::connect_timeout(&addr, DEADLINE).unwrap();
        socket.set_nodelay(true).unwrap();
        socket.set_read_timeout(Some(DEADLINE)).unwrap();
        socket.set_write_timeout(Some(DEADLINE)).unwrap();
        Client::new(socket)
    }
}

impl<S: Read + Write> Client<S> {
    pub(crate) fn new(socket: S) -> Self {
        Client { socket, read: Vec::new() }
    }

    pub(crate) fn write(&mut self, bytes: impl AsRef<[u8]>) {
        self.socket.write_all(bytes.as_ref()).unwrap();
    }

    /// Sends a request of words.
    pub(crate) fn send(&mut self, words: &[&str]) {
        self.write(request(words));
    }

    /// Reads exactly these bytes.
    pub(crate) fn expect(&mut self, bytes: impl AsRef<[u8]>) {
        let wanted = bytes.as_ref();
        let got = self.take(wanted.len());
        assert!(got == wanted, "{:?}, not {:?}", text(&got), text(wanted));
    }

    /// Sends a request and reads exactly this reply.
    pub(crate) fn ask(&mut self, words: &[&str], reply: &str) {
        self.send(words);
        self.expect(reply);
    }

    /// Reads so many bytes.
    pub(crate) fn take(&mut self, bytes: usize) -> Vec<u8> {
        let mut chunk = [0; 64 * 1024];
        while self.read.len() < bytes {
            let read = self.socket.read(&mut chunk).unwrap();
            assert!(read > 0, "closed after {:?}", text(&self.read));
            self.read.extend_from_slice(&chunk[..read]);
        }
        self.read.drain(..bytes).collect()
    }

    /// Reads a bulk string.
    pub(crate) fn bulk(&mut self) -> String {
        let mut header = self.take(1);
        while !header.ends_with(b"\r\n") {
            header.extend(self.take(1));
        }
        let len: usize = text(&header)[1..].trim().parse().unwrap();
        let body = self.take(len + 2);
        String::from_utf8(body[..len].to_vec()).unwrap()
    }

    /// Everything up to the end of the connection, also an abrupt one.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        let mut rest = std::mem::take(&mut self.read);
        let mut chunk = [0; 64 * 1024];
        loop {
            match self.socket.read(&mut chunk) {
                Ok(0) => return rest,
                Ok(read) => rest.extend_from_slice(&chunk[..read]),
                Err(error) => {
                    let reset = error.kind() == std::io::ErrorKind::ConnectionReset;
                    assert!(reset, "{error} after {} bytes", rest.len());
                    return rest;
                }
            }
        }
    }

    /// Reads this and then the end.
    pub(crate) fn expect_end(&mut self, bytes: impl AsRef<[u8]>) {
        assert_eq!(text(&self.rest()), text(bytes.as_ref()));
    }
}

/// A request as it goes over the wire.
pub(crate) fn request(words: &[&str]) -> Vec<u8> {
    let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
    let mut out = Vec::new();
    larder_resp::encode_request(&mut out, &words);
    out
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(2000)]).into_owned()
}
