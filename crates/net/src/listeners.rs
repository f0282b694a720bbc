//! Listening sockets: opening them, accepting from them, and exchanging them at run time.
//!
//! They are shared: thread 0 accepts, any thread may exchange them, also one that is in the
//! middle of a command (`CONFIG SET port`): nobody waits for a loop. Knows no connection.

use crate::options::Listen;
use crate::socket::{Accepted, Socket};
use larder_engine::Origin;
use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use rustix::fd::{AsRawFd, OwnedFd};
use rustix::fs::{self, Mode};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, SocketAddrUnix, SocketFlags, SocketType, acceptfrom_with, bind, connect,
    getsockname, listen, socket_with, sockopt,
};
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Tokens of listeners lie above those of connections and below the waker's.
const FIRST_TOKEN: usize = 1 << 30;

/// Connections accepted before others have their turn.
const ACCEPTED_AT_ONCE: usize = 256;

/// Where a server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bound {
    /// A TCP address with its port.
    Tcp(SocketAddr),
    /// The path of a Unix socket.
    Unix(PathBuf),
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Bound::Tcp(addr) => addr.fmt(f),
            Bound::Unix(path) => path.display().fmt(f),
        }
    }
}

/// Why an address cannot be listened on.
#[derive(Debug)]
pub struct ListenError {
    /// The address as it was asked for.
    pub address: Listen,
    /// The system's reason.
    pub source: io::Error,
}

impl ListenError {
    fn new(address: &Listen, errno: Errno) -> Self {
        ListenError { address: address.clone(), source: errno.into() }
    }

    /// What the reader can do about it.
    pub fn advice(&self) -> &'static str {
        let unix = matches!(self.address, Listen::Unix { .. });
        match Errno::from_io_error(&self.source) {
            Some(Errno::ADDRINUSE) if unix => "another server serves it; give another path",
            Some(Errno::ADDRINUSE) => {
                "another program listens there; stop it, or choose another port"
            }
            Some(Errno::ACCESS | Errno::PERM) if unix => {
                "this user may not create a file there; choose another folder"
            }
            Some(Errno::ACCESS | Errno::PERM) => {
                "ports below 1024 need a privilege; choose a port above"
            }
            Some(Errno::ADDRNOTAVAIL | Errno::AFNOSUPPORT) => {
                "this machine does not have that address; correct `bind`, or put a `-` before it"
            }
            Some(Errno::NAMETOOLONG) => "a socket's path has at most 107 bytes; choose a shorter",
            Some(Errno::NOENT | Errno::NOTDIR) => "its folder does not exist; create it",
            Some(Errno::EXIST) => "a file that is no socket lies there; choose another path",
            _ => "choose another address",
        }
    }
}

impl fmt::Display for ListenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cause = match Errno::from_io_error(&self.source) {
            Some(Errno::ADDRINUSE) => "the address is in use".to_owned(),
            _ => self.source.to_string(),
        };
        write!(f, "cannot listen on {}: {cause}: {}", self.address, self.advice())
    }
}

impl std::error::Error for ListenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

/// The listening sockets of a server.
#[derive(Debug)]
pub(crate) struct Listeners {
    registry: Registry,
    backlog: i32,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    listeners: Vec<Listener>,
    tokens: usize,
    closed: bool,
}

/// How far accepting got.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Backlog {
    /// Nobody waits any more.
    Empty,
    /// There may be more.
    More,
    /// The process has no descriptor left.
    NoDescriptors,
}

impl Listeners {
    /// No listener yet; `registry` is that of the loop that accepts.
    pub(crate) fn new(registry: Registry, backlog: u16) -> Self {
        Listeners { registry, backlog: i32::from(backlog), open: Mutex::default() }
    }

    /// Whether an event's token is a listener's.
    pub(crate) fn owns(token: Token) -> bool {
        (FIRST_TOKEN..crate::event_loop::WAKER.0).contains(&token.0)
    }

    /// Where the server listens.
    pub(crate) fn addresses(&self) -> Vec<Bound> {
        self.lock().listeners.iter().map(|listener| listener.bound.clone()).collect()
    }

    /// Listens at exactly these addresses: opens what is missing, then closes what is not named.
    /// After an error everything is as it was.
    pub(crate) fn replace(&self, wanted: &[Listen]) -> Result<(), ListenError> {
        let mut open = self.lock();
        if open.closed {
            return Ok(());
        }
        let (mut kept, mut old): (Vec<_>, Vec<_>) =
            open.listeners.drain(..).partition(|listener| wanted.contains(&listener.asked));
        let mut evicted = Vec::new();
        let mut fresh = Vec::new();
        let mut failure = None;
        for asked in wanted {
            if kept.iter().any(|listener| listener.asked == *asked) {
                continue;
            }
            match self.open_beside(asked, &mut old, &mut evicted) {
                Ok(listener) => fresh.extend(listener),
                Err(errno) => {
                    failure = Some(ListenError::new(asked, errno));
                    break;
                }
            }
        }
        if failure.is_none() {
            failure = self.register(&mut open.tokens, &mut fresh).err();
        }
        match failure {
            None => {
                kept.extend(fresh);
                old.iter().for_each(|listener| self.deregister(listener));
                open.listeners = kept;
                Ok(())
            }
            Some(failure) => {
                fresh.iter().for_each(|listener| self.deregister(listener));
                drop(fresh);
                kept.extend(old);
                let mut again: Vec<_> = evicted
                    .iter()
                    .filter_map(|asked| Listener::open(asked, self.backlog).ok().flatten())
                    .collect();
                if let Err(error) = self.register(&mut open.tokens, &mut again) {
                    tracing::warn!("{error}");
                }
                kept.extend(again);
                open.listeners = kept;
                Err(failure)
            }
        }
    }

    /// Accepts some of those who wait at a listener.
    pub(crate) fn accept(&self, token: Token, into: &mut Vec<Accepted>) -> Backlog {
        let open = self.lock();
        let Some(listener) = open.listeners.iter().find(|listener| listener.token == token) else {
            return Backlog::Empty;
        };
        for _ in 0..ACCEPTED_AT_ONCE {
            match listener.accept() {
                Ok(accepted) => into.push(accepted),
                Err(Errno::AGAIN) => return Backlog::Empty,
                Err(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM) => {
                    return Backlog::NoDescriptors;
                }
                // The peer is gone already.
                Err(error) => tracing::debug!("cannot accept a connection: {error}"),
            }
        }
        Backlog::More
    }

    /// Tokens of all listeners, to accept without an event.
    pub(crate) fn tokens(&self, into: &mut Vec<Token>) {
        into.extend(self.lock().listeners.iter().map(|listener| listener.token));
    }

    /// Closes all for good.
    pub(crate) fn close(&self) {
        let mut open = self.lock();
        open.closed = true;
        open.listeners.drain(..).for_each(|listener| self.deregister(&listener));
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a listener. Where one that is to be closed stands in its way (the same port on
    /// another address), that one is closed first.
    fn open_beside(
        &self,
        asked: &Listen,
        old: &mut Vec<Listener>,
        evicted: &mut Vec<Listen>,
    ) -> Result<Option<Listener>, Errno> {
        match Listener::open(asked, self.backlog) {
            Err(Errno::ADDRINUSE) => {}
            done => return done,
        }
        let before = old.len();
        old.retain(|listener| {
            let in_the_way = listener.excludes(asked);
            if in_the_way {
                self.deregister(listener);
                evicted.push(listener.reopen());
            }
            !in_the_way
        });
        if old.len() == before {
            return Err(Errno::ADDRINUSE);
        }
        Listener::open(asked, self.backlog)
    }

    fn register(&self, tokens: &mut usize, fresh: &mut [Listener]) -> Result<(), ListenError> {
        for listener in fresh {
            listener.token = Token(FIRST_TOKEN + *tokens);
            *tokens += 1;
            let fd = listener.socket.as_raw_fd();
            self.registry
                .register(&mut SourceFd(&fd), listener.token, Interest::READABLE)
                .map_err(|source| ListenError { address: listener.asked.clone(), source })?;
        }
        Ok(())
    }

    fn deregister(&self, listener: &Listener) {
        let fd = listener.socket.as_raw_fd();
        if listener.token.0 != 0
            && let Err(error) = self.registry.deregister(&mut SourceFd(&fd))
        {
            tracing::debug!("cannot deregister a listener: {error}");
        }
    }
}

/// One listening socket.
#[derive(Debug)]
struct Listener {
    asked: Listen,
    bound: Bound,
    socket: OwnedFd,
    token: Token,
    /// Device and number of a Unix socket's file.
    file: Option<(u64, u64)>,
}

impl Listener {
    /// Opens a listener; `None` for an optional address that this machine does not have.
    fn open(asked: &Listen, backlog: i32) -> Result<Option<Self>, Errno> {
        match asked {
            Listen::Tcp { addr, optional } => match Self::tcp(asked, *addr, backlog) {
                Err(
                    Errno::ADDRNOTAVAIL
                    | Errno::AFNOSUPPORT
                    | Errno::PROTONOSUPPORT
                    | Errno::SOCKTNOSUPPORT
                    | Errno::NOPROTOOPT,
                ) if *optional => Ok(None),
                done => done.map(Some),
            },
            Listen::Unix { path, mode } => Self::unix(asked, path, *mode, backlog).map(Some),
        }
    }

    fn tcp(asked: &Listen, addr: SocketAddr, backlog: i32) -> Result<Self, Errno> {
        let family = if addr.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
        let socket = new_socket(family)?;
        if addr.is_ipv6() {
            sockopt::set_ipv6_v6only(&socket, true)?;
        }
        sockopt::set_socket_reuseaddr(&socket, true)?;
        bind(&socket, &addr)?;
        listen(&socket, backlog)?;
        let bound = Bound::Tcp(getsockname(&socket)?.try_into()?);
        Ok(Listener { asked: asked.clone(), bound, socket, token: Token(0), file: None })
    }

    fn unix(asked: &Listen, path: &Path, mode: u32, backlog: i32) -> Result<Self, Errno> {
        let addr = SocketAddrUnix::new(path)?;
        remove_stale(path, &addr)?;
        let socket = new_socket(AddressFamily::UNIX)?;
        let mode = Mode::from_raw_mode(mode);
        // The file is born with the socket's mode less the umask: never wider than asked for.
        fs::fchmod(&socket, mode)?;
        bind(&socket, &addr)?;
        fs::chmod(path, mode)?;
        let stat = fs::lstat(path)?;
        listen(&socket, backlog)?;
        Ok(Listener {
            asked: asked.clone(),
            bound: Bound::Unix(path.to_owned()),
            socket,
            token: Token(0),
            file: Some((stat.st_dev, stat.st_ino)),
        })
    }

    /// Whether another listener could not be opened beside this one.
    fn excludes(&self, other: &Listen) -> bool {
        match (&self.bound, other) {
            (Bound::Tcp(own), Listen::Tcp { addr, .. }) => own.port() == addr.port(),
            (Bound::Unix(own), Listen::Unix { path, .. }) => own == path,
            _ => false,
        }
    }

    /// What to ask for to have the same address again.
    fn reopen(&self) -> Listen {
        match (&self.asked, &self.bound) {
            (Listen::Tcp { optional, .. }, Bound::Tcp(addr)) => {
                Listen::Tcp { addr: *addr, optional: *optional }
            }
            (asked, _) => asked.clone(),
        }
    }

    fn accept(&self) -> Result<Accepted, Errno> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let (fd, peer) = match acceptfrom_with(&self.socket, flags) {
            Err(Errno::INTR | Errno::CONNABORTED) => acceptfrom_with(&self.socket, flags)?,
            done => done?,
        };
        let (origin, local) = match &self.bound {
            Bound::Unix(path) => (Origin::Unix(path.display().to_string()), true),
            Bound::Tcp(_) => {
                let peer: SocketAddr = peer.ok_or(Errno::CONNABORTED)?.try_into()?;
                let own: SocketAddr = getsockname(&fd)?.try_into()?;
                let origin = Origin::Tcp { peer: peer.to_string(), local: own.to_string() };
                (origin, peer.ip().to_canonical().is_loopback())
            }
        };
        Ok(Accepted { socket: Socket::new(fd), origin, local })
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let (Bound::Unix(path), Some(file)) = (&self.bound, self.file) else { return };
        // Only our own: somebody may have put another there since.
        if fs::lstat(path).is_ok_and(|stat| (stat.st_dev, stat.st_ino) == file)
            && let Err(error) = fs::unlink(path)
        {
            tracing::warn!("cannot remove {}: {error}", path.display());
        }
    }
}

fn new_socket(family: AddressFamily) -> Result<OwnedFd, Errno> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    socket_with(family, SocketType::STREAM, flags, None)
}

/// Removes a socket's file that nobody serves any more.
fn remove_stale(path: &Path, addr: &SocketAddrUnix) -> Result<(), Errno> {
    let stat = match fs::lstat(path) {
        Err(Errno::NOENT) => return Ok(()),
        stat => stat?,
    };
    if fs::FileType::from_raw_mode(stat.st_mode) != fs::FileType::Socket {
        return Err(Errno::EXIST);
    }
    match connect(new_socket(AddressFamily::UNIX)?, addr) {
        Err(Errno::CONNREFUSED) => fs::unlink(path),
        // Somebody listens, with room in the backlog or without.
        Ok(()) | Err(Errno::AGAIN | Errno::INPROGRESS) => Err(Errno::ADDRINUSE),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_address_cause_and_remedy() {
        let addr = "127.0.0.1:6379".parse().unwrap();
        let error = ListenError::new(&Listen::Tcp { addr, optional: false }, Errno::ADDRINUSE);
        assert_eq!(
            error.to_string(),
            "cannot listen on 127.0.0.1:6379: the address is in use: another program listens \
             there; stop it, or choose another port"
        );
    }
}
