//! The server: starts the loops, knows what they share, and ends them. Start reading at
//! [`Server::start`]; what a loop does is in `event_loop`.

use crate::alarm::{Alarm, Bell};
use crate::event_loop::{Door, EventLoop, WAKER};
use crate::limits::Limits;
use crate::listeners::{Bound, ListenError, Listeners};
use crate::options::{Listen, ServerOptions};
use larder_engine::Engine;
use larder_engine::mailbox::Mailbox;
use mio::{Poll, Waker};
use std::fmt;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

/// Why a server did not start.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// An address cannot be listened on.
    Listen(ListenError),
    /// The system gave no thread, or nothing to wait for events with.
    Loop(io::Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartError::Listen(error) => error.fmt(f),
            StartError::Loop(error) => write!(
                f,
                "cannot start a thread that serves connections: {error}: raise this process's \
                 limits (ulimit -n, ulimit -u), or start fewer threads"
            ),
        }
    }
}

impl std::error::Error for StartError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            StartError::Listen(error) => Some(error),
            StartError::Loop(error) => Some(error),
        }
    }
}

impl From<ListenError> for StartError {
    fn from(error: ListenError) -> Self {
        StartError::Listen(error)
    }
}

/// What all loops of a server share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) engine: Arc<Engine>,
    pub(crate) limits: Arc<Limits>,
    pub(crate) listeners: Listeners,
    pub(crate) doors: Vec<Arc<Door>>,
    pub(crate) stopping: AtomicBool,
    /// Connections of each loop.
    loads: Vec<AtomicUsize>,
}

impl Shared {
    /// Counts a new connection in: the loop that is to have it, or `None` when there are too
    /// many. Only thread 0 asks.
    pub(crate) fn enter(&self) -> Option<usize> {
        let load = |index: &usize| self.loads[*index].load(Ordering::Relaxed);
        let all: usize = (0..self.loads.len()).map(|index| load(&index)).sum();
        if all as u64 >= self.limits.max_clients.load(Ordering::Relaxed) {
            return None;
        }
        let index = (0..self.loads.len()).min_by_key(load)?;
        self.loads[index].fetch_add(1, Ordering::Relaxed);
        Some(index)
    }

    /// Counts a connection of a loop out.
    pub(crate) fn left(&self, index: usize) {
        self.loads[index].fetch_sub(1, Ordering::Relaxed);
    }
}

/// A running server: owns the threads, and ends them when it is dropped.
#[derive(Debug)]
pub struct Server {
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Server {
    /// Listens and serves.
    ///
    /// # Errors
    /// An address that cannot be listened on, or a thread that cannot be started; nothing is
    /// left behind then.
    pub fn start(engine: Arc<Engine>, options: ServerOptions) -> Result<Server, StartError> {
        let ServerOptions { listen, threads, backlog, limits } = options;
        let mut polls = Vec::new();
        let mut doors = Vec::new();
        for _ in 0..threads.max(1) {
            let poll = Poll::new().map_err(StartError::Loop)?;
            let waker = Waker::new(poll.registry(), WAKER).map_err(StartError::Loop)?;
            let alarm = Arc::new(Alarm::new(waker));
            let mailbox = Mailbox::new(Box::new(Bell(alarm.clone())));
            doors.push(Arc::new(Door::new(alarm, mailbox)));
            polls.push(poll);
        }
        let registry = polls[0].registry().try_clone().map_err(StartError::Loop)?;
        let listeners = Listeners::new(registry, backlog);
        listeners.replace(&listen)?;
        let loads = doors.iter().map(|_| AtomicUsize::new(0)).collect();
        let stopping = AtomicBool::new(false);
        for door in &doors {
            let door = Arc::downgrade(door);
            engine.log().on_release(move || {
                if let Some(door) = door.upgrade() {
                    door.ring();
                }
            });
        }
        let shared = Arc::new(Shared { engine, limits, listeners, doors, stopping, loads });
        let server = Server { shared: shared.clone(), threads: Mutex::default() };
        for (index, poll) in polls.into_iter().enumerate() {
            let event_loop = EventLoop::new(shared.clone(), index, poll);
            let thread = thread::Builder::new()
                .name(format!("larder-loop-{index}"))
                .spawn(move || event_loop.run())
                .map_err(StartError::Loop)?;
            server.lock_threads().push(thread);
        }
        Ok(server)
    }

    /// Where it listens: port 0 has become a real one, optional addresses that this machine does
    /// not have are missing.
    pub fn addresses(&self) -> Vec<Bound> {
        self.shared.listeners.addresses()
    }

    /// Listens at exactly these addresses from now on: missing listeners are opened first, those
    /// that are not named any more are closed after. Connections stay. May be called from
    /// anywhere, a running command included.
    ///
    /// # Errors
    /// An address that cannot be listened on; everything is as it was then.
    pub fn rebind(&self, listen: &[Listen]) -> Result<(), ListenError> {
        self.shared.listeners.replace(listen)
    }

    /// The limits in force.
    pub fn limits(&self) -> &Limits {
        &self.shared.limits
    }

    /// Connections at this moment.
    pub fn connections(&self) -> usize {
        self.shared.loads.iter().map(|load| load.load(Ordering::Relaxed)).sum()
    }

    /// Ends the server: no more is accepted or read, replies may leave for up to two seconds,
    /// then all connections are closed. Waits for that, unless it is called by a loop thread
    /// itself (from inside a command). Twice is once.
    pub fn shut_down(&self) {
        self.shared.listeners.close();
        self.shared.stopping.store(true, Ordering::Release);
        self.shared.doors.iter().for_each(|door| door.ring());
        let threads = std::mem::take(&mut *self.lock_threads());
        if threads.iter().any(|thread| thread.thread().id() == thread::current().id()) {
            return;
        }
        for thread in threads {
            if thread.join().is_err() {
                tracing::error!("a loop thread panicked");
            }
        }
    }

    fn lock_threads(&self) -> std::sync::MutexGuard<'_, Vec<JoinHandle<()>>> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shut_down();
    }
}
