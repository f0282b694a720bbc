//! Larder's engine called in the runner's own process.
//!
//! Every client is a session with a mailbox; a client that waits or is paused keeps what it was
//! sent, as a socket would. It must not know the format of `.rtest` files. The engine and its
//! clock: `fixture`.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use larder_engine::mailbox::{Event, Mailbox, Notify, Recipients};
use larder_engine::{Engine, Flow, Origin, Session};

use super::fixture::Fixture;
use super::{Backend, Client, Received};
use crate::pattern::Protocol;
use crate::reply::{Reply, decode};

/// An engine and the sessions of a test.
pub struct Linked {
    protocol: Protocol,
    fixture: Fixture,
    connections: Connections,
    control: Handle,
}

type Connections = Rc<RefCell<Vec<Rc<RefCell<Connection>>>>>;

impl Linked {
    /// An empty engine whose clients speak `protocol`.
    pub fn new(protocol: Protocol) -> Linked {
        let fixture = Fixture::new();
        let connections = Connections::default();
        let control = Handle::open(fixture.engine(), &connections);
        Linked { protocol, fixture, connections, control }
    }
}

impl Backend for Linked {
    fn protocol(&self) -> Protocol {
        self.protocol
    }

    fn reset(&mut self) -> Result<()> {
        *self = Linked::new(self.protocol);
        Ok(())
    }

    fn open(&mut self) -> Result<Box<dyn Client>> {
        let mut client = Handle::open(self.fixture.engine(), &self.connections);
        if self.protocol == Protocol::Resp3 {
            let hello = client.call(&[b"HELLO", b"3"])?;
            ensure!(matches!(hello, Reply::Map(_)), "HELLO 3: {hello}");
        }
        Ok(Box::new(client))
    }

    fn control(&mut self, words: &[&[u8]]) -> Result<Reply> {
        self.control.call(words)
    }

    fn is_blocked(&mut self, id: i64) -> Result<bool> {
        let connections = self.connections.borrow();
        let found = connections.iter().find(|connection| connection.borrow().id() == id);
        Ok(found.is_some_and(|connection| connection.borrow().waits()))
    }

    fn kill(&mut self, id: i64) {
        self.connections.borrow_mut().retain(|connection| connection.borrow().id() != id);
    }

    fn advance(&mut self, by: Duration) -> Result<()> {
        self.fixture.advance(by)?;
        pump(&self.connections);
        Ok(())
    }

    fn now_ms(&self) -> i64 {
        self.fixture.now_ms()
    }

    fn effects(&mut self) -> Option<Vec<Vec<Vec<u8>>>> {
        Some(self.fixture.effects())
    }
}

/// One session, what it was sent and has not run, and what it replied and nobody has read.
struct Connection {
    id: i64,
    /// None once it is closed.
    session: Option<Session>,
    mailbox: Arc<Mailbox>,
    requests: VecDeque<Vec<Vec<u8>>>,
    replies: Vec<u8>,
    paused_until_ms: u64,
}

impl Connection {
    fn id(&self) -> i64 {
        self.id
    }

    /// Blocked, or held back by a pause.
    fn waits(&self) -> bool {
        self.session.as_ref().is_some_and(Session::is_blocked) || self.paused_until_ms > 0
    }

    /// Takes events, ends a wait that is over, runs what may run; whether anything was done.
    fn pump(&mut self) -> bool {
        let mut did = self.deliver();
        let Some(session) = &mut self.session else { return did };
        let now_ms = session.engine().now_us() / 1000;
        did |= session.time_out(now_ms, &mut self.replies);
        while let Some(session) = &mut self.session
            && !session.is_blocked()
            && self.paused_until_ms <= now_ms
            && let Some(request) = self.requests.pop_front()
        {
            let words: Vec<&[u8]> = request.iter().map(Vec::as_slice).collect();
            self.paused_until_ms = 0;
            match session.execute(&words, &mut self.replies) {
                Flow::Continue | Flow::Blocked => {}
                Flow::Close => self.session = None,
                Flow::Retry => self.requests.push_front(request),
                Flow::Paused(until_ms) => {
                    self.paused_until_ms = until_ms;
                    self.requests.push_front(request);
                }
            }
            did = true;
            self.deliver();
        }
        did
    }

    fn deliver(&mut self) -> bool {
        let mut events: Vec<(Recipients, Event)> = Vec::new();
        self.mailbox.take(&mut events);
        for (_, event) in &events {
            let Some(session) = &mut self.session else { break };
            match session.deliver(event, &mut self.replies) {
                Flow::Close => self.session = None,
                _ => self.paused_until_ms = 0,
            }
        }
        !events.is_empty()
    }
}

/// Lets every connection run until none has anything to do.
fn pump(connections: &Connections) {
    loop {
        let all: Vec<_> = connections.borrow().clone();
        // Each has its turn: `any` would stop at the first that did something.
        let moved = all.iter().filter(|connection| connection.borrow_mut().pump()).count();
        if moved == 0 {
            return;
        }
    }
}

struct Nobody;

impl Notify for Nobody {
    fn notify(&self) {}
}

/// A test's hold on a connection.
struct Handle {
    connection: Rc<RefCell<Connection>>,
    all: Connections,
}

impl Handle {
    fn open(engine: &Arc<Engine>, all: &Connections) -> Handle {
        // A mailbox for each, so that events need not be sorted.
        let mailbox = Mailbox::new(Box::new(Nobody));
        let session = Session::new(engine.clone(), Origin::Linked, mailbox.clone());
        let connection = Rc::new(RefCell::new(Connection {
            id: i64::try_from(session.id()).unwrap_or(i64::MAX),
            session: Some(session),
            mailbox,
            requests: VecDeque::new(),
            replies: Vec::new(),
            paused_until_ms: 0,
        }));
        all.borrow_mut().push(connection.clone());
        Handle { connection, all: all.clone() }
    }

    fn call(&mut self, words: &[&[u8]]) -> Result<Reply> {
        let words: Vec<Vec<u8>> = words.iter().map(|w| w.to_vec()).collect();
        self.send(&words)?;
        match self.receive(Duration::ZERO)? {
            Received::Reply(reply) => Ok(reply),
            other => bail!("{}: {other:?}", String::from_utf8_lossy(&words.join(&b' '))),
        }
    }
}

impl Client for Handle {
    fn id(&self) -> i64 {
        self.connection.borrow().id()
    }

    fn send(&mut self, words: &[Vec<u8>]) -> Result<()> {
        self.connection.borrow_mut().requests.push_back(words.to_vec());
        pump(&self.all);
        Ok(())
    }

    fn send_raw(&mut self, _bytes: &[u8]) -> Result<()> {
        bail!("a linked client has no bytes to send: write `only socket: …`")
    }

    fn receive(&mut self, _patience: Duration) -> Result<Received> {
        pump(&self.all);
        let mut connection = self.connection.borrow_mut();
        if !connection.replies.is_empty()
            && let Some((reply, used)) = decode(&connection.replies)?
        {
            connection.replies.drain(..used);
            return Ok(Received::Reply(reply));
        }
        Ok(if connection.session.is_none() { Received::Closed } else { Received::Nothing })
    }
}
