//! One connected socket, TCP or Unix: what connections need of it and nothing else. The place
//! where TLS will slot in.

use larder_engine::Origin;
use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use rustix::buffer::spare_capacity;
use rustix::fd::{AsRawFd, OwnedFd};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send, sockopt};
use std::io;
use std::time::Duration;

/// A connected socket that does not block.
#[derive(Debug)]
pub(crate) struct Socket(OwnedFd);

/// An accepted socket on its way to its loop.
#[derive(Debug)]
pub(crate) struct Accepted {
    pub(crate) socket: Socket,
    pub(crate) origin: Origin,
    /// The peer is on this machine.
    pub(crate) local: bool,
}

impl Socket {
    pub(crate) fn new(fd: OwnedFd) -> Self {
        Socket(fd)
    }

    /// Number of its descriptor.
    pub(crate) fn number(&self) -> i32 {
        self.0.as_raw_fd()
    }

    /// Appends what is there to `buffer`, as much as its capacity holds. 0 is the end.
    #[inline]
    pub(crate) fn read(&self, buffer: &mut Vec<u8>) -> Result<usize, Errno> {
        loop {
            match recv(&self.0, spare_capacity(buffer), RecvFlags::empty()) {
                Err(Errno::INTR) => {}
                done => return done.map(|(read, _)| read),
            }
        }
    }

    /// Sends a part of `bytes`.
    #[inline]
    pub(crate) fn write(&self, bytes: &[u8]) -> Result<usize, Errno> {
        loop {
            match send(&self.0, bytes, SendFlags::NOSIGNAL) {
                Err(Errno::INTR) => {}
                done => return done,
            }
        }
    }

    /// Sets what TCP connections get: no delay, and probes of a silent peer.
    pub(crate) fn tune(&self, keepalive_seconds: u64) -> io::Result<()> {
        sockopt::set_tcp_nodelay(&self.0, true)?;
        if keepalive_seconds > 0 {
            let idle = Duration::from_secs(keepalive_seconds);
            let interval = Duration::from_secs((keepalive_seconds / 3).max(1));
            sockopt::set_socket_keepalive(&self.0, true)?;
            sockopt::set_tcp_keepidle(&self.0, idle)?;
            sockopt::set_tcp_keepintvl(&self.0, interval)?;
            sockopt::set_tcp_keepcnt(&self.0, 3)?;
        }
        Ok(())
    }

    /// Asks a loop's poll to report what becomes possible; edges only.
    pub(crate) fn register(&self, registry: &Registry, token: Token) -> io::Result<()> {
        let fd = self.number();
        registry.register(&mut SourceFd(&fd), token, Interest::READABLE)
    }

    /// Whether room for writing is reported too.
    pub(crate) fn watch_room(&self, registry: &Registry, token: Token, on: bool) -> io::Result<()> {
        let fd = self.number();
        let interest =
            if on { Interest::READABLE | Interest::WRITABLE } else { Interest::READABLE };
        registry.reregister(&mut SourceFd(&fd), token, interest)
    }

    /// Ends the reports. Closing alone would not, where a forked child holds a copy.
    pub(crate) fn deregister(&self, registry: &Registry) {
        let fd = self.number();
        if let Err(error) = registry.deregister(&mut SourceFd(&fd)) {
            tracing::debug!("cannot deregister a socket: {error}");
        }
    }
}
