//! Larder's engine in the runner's own process: a fake clock, fixed seeds, effects to be seen.
//!
//! Every client is a session with a mailbox; a client that waits or is paused keeps what it was
//! sent, as a socket would. It must not know the format of `.rtest` files.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use larder_engine::clock::FakeClock;
use larder_engine::config::Config;
use larder_engine::engine::Housekeeping;
use larder_engine::mailbox::{Event, Mailbox, Notify, Recipients};
use larder_engine::{Engine, Flow, NoHost, Options, Origin, Session};

use super::{Backend, Client, Received};
use crate::pattern::Protocol;
use crate::reply::{Reply, decode};

/// Where the clock begins: no round number, so that rounding shows.
const START_MS: u64 = 1_700_000_000_123;
/// Enough that keys of one test lie in different shards.
const SHARDS: u16 = 16;

/// An engine and the sessions of a test.
pub struct Linked {
    protocol: Protocol,
    engine: Arc<Engine>,
    clock: Arc<FakeClock>,
    housekeeping: Housekeeping,
    connections: Connections,
    control: Handle,
    /// The database that the last seen effect was in.
    effects_db: u8,
}

type Connections = Rc<RefCell<Vec<Rc<RefCell<Connection>>>>>;

impl Linked {
    /// An empty engine whose clients speak `protocol`.
    pub fn new(protocol: Protocol) -> Linked {
        let clock = Arc::new(FakeClock::new(START_MS));
        let engine = Engine::new(Options {
            shards: SHARDS,
            hash_seed: 7,
            random_seed: 7,
            clock: clock.clone(),
            config: Arc::new(Config::default()),
            host: Arc::new(NoHost),
        });
        engine.log().listen();
        let connections = Connections::default();
        let control = Handle::open(&engine, &connections);
        let housekeeping = Housekeeping::default();
        Linked { protocol, engine, clock, housekeeping, connections, control, effects_db: 0 }
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
        let mut client = Handle::open(&self.engine, &self.connections);
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
        Ok(found.is_some_and(|connection| connection.borrow().session.is_blocked()))
    }

    fn kill(&mut self, id: i64) {
        self.connections.borrow_mut().retain(|connection| connection.borrow().id() != id);
    }

    fn advance(&mut self, by: Duration) -> Result<()> {
        self.clock.advance_ms(u64::try_from(by.as_millis())?);
        let now_ms = self.engine.now_us() / 1000;
        while self.engine.expire_due(&mut self.housekeeping).is_some_and(|due| due <= now_ms) {}
        pump(&self.connections);
        Ok(())
    }

    fn now_ms(&self) -> i64 {
        i64::try_from(self.engine.now_us() / 1000).unwrap_or(i64::MAX)
    }

    fn effects(&mut self) -> Option<Vec<Vec<Vec<u8>>>> {
        let mut effects = Vec::new();
        while let Some(frame) = self.engine.log().next_frame() {
            if frame.db != self.effects_db {
                self.effects_db = frame.db;
                effects.push(vec![b"SELECT".to_vec(), frame.db.to_string().into_bytes()]);
            }
            let transaction = frame.flags & larder_engine::log::flags::TRANSACTION != 0;
            if transaction {
                effects.push(vec![b"MULTI".to_vec()]);
            }
            self.read_commands(&frame.payload, &mut effects);
            if transaction {
                effects.push(vec![b"EXEC".to_vec()]);
            }
        }
        Some(effects)
    }
}

impl Linked {
    fn read_commands(&mut self, mut payload: &[u8], effects: &mut Vec<Vec<Vec<u8>>>) {
        while let Ok(Some((Reply::Array(items), used))) = decode(payload) {
            let mut words: Vec<Vec<u8>> = items.iter().filter_map(Reply::bytes).collect();
            // A command's name is the same in any case.
            words.iter_mut().take(1).for_each(|name| name.make_ascii_uppercase());
            if let [name, db] = &words[..]
                && name == b"SELECT"
            {
                self.effects_db = String::from_utf8_lossy(db).parse().unwrap_or(0);
            }
            effects.push(words);
            payload = &payload[used..];
        }
    }
}

/// One session, what it was sent and has not run, and what it replied and nobody has read.
struct Connection {
    session: Session,
    mailbox: Arc<Mailbox>,
    requests: VecDeque<Vec<Vec<u8>>>,
    replies: Vec<u8>,
    paused_until_ms: u64,
    closed: bool,
}

impl Connection {
    fn id(&self) -> i64 {
        i64::try_from(self.session.id()).unwrap_or(i64::MAX)
    }

    /// Takes events, ends a wait that is over, runs what may run; whether anything was done.
    fn pump(&mut self) -> bool {
        let mut did = self.deliver();
        let now_ms = self.session.engine().now_us() / 1000;
        did |= self.session.time_out(now_ms, &mut self.replies);
        while !self.closed && !self.session.is_blocked() && self.paused_until_ms <= now_ms {
            let Some(request) = self.requests.pop_front() else { break };
            let words: Vec<&[u8]> = request.iter().map(Vec::as_slice).collect();
            match self.session.execute(&words, &mut self.replies) {
                Flow::Continue | Flow::Blocked => {}
                Flow::Close => self.closed = true,
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
            match self.session.deliver(event, &mut self.replies) {
                Flow::Close => self.closed = true,
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
        if !all.iter().fold(false, |did, connection| connection.borrow_mut().pump() || did) {
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
        let connection = Rc::new(RefCell::new(Connection {
            session: Session::new(engine.clone(), Origin::Linked, mailbox.clone()),
            mailbox,
            requests: VecDeque::new(),
            replies: Vec::new(),
            paused_until_ms: 0,
            closed: false,
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
        Ok(if connection.closed { Received::Closed } else { Received::Nothing })
    }
}
