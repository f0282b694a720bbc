//! One loop: the connections of a thread, and everything that can happen to them.
//!
//! A round takes what the poll reports, then events from the mailbox, then connections that want
//! another turn, then timers; what all of these replied is written at its end. It sleeps only when
//! nothing is left. Thread 0 accepts for
//! all and does the engine's housekeeping. Requests and buffers: `connection`.

use crate::alarm::Alarm;
use crate::connection::{Bench, Connection, Next};
use crate::edge::monotonic_now;
use crate::gathering::Gathering;
use crate::listeners::{Backlog, Listeners};
use crate::refusal;
use crate::server::Shared;
use crate::socket::{Accepted, Socket};
use crate::timers::Timers;
use larder_engine::engine::Housekeeping;
use larder_engine::log::Position;
use larder_engine::mailbox::{Event, Mailbox, Recipients, SessionId};
use larder_engine::stats::Traffic;
use larder_engine::{Origin, Session};
use mio::{Events, Poll, Token};
use scoped_tls_hkt::scoped_thread_local;
use slab::Slab;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The token of a loop's waker; connections lie far below, listeners between.
pub(crate) const WAKER: Token = Token(usize::MAX);

/// Events taken from the kernel at once.
const EVENTS: usize = 1024;

/// Connections whose replies are written together at most.
const UNSENT: usize = 64;

/// Housekeeping comes round at least this often.
const HOUSEKEEPING_MS: u64 = 100;

/// Longest sleep while a timer is set: the engine's clock need not be the system's.
const TIMER_SLEEP_MS: u64 = 100;

/// Longest sleep at all, and how often silent connections are looked for.
const SCAN_MS: u64 = 1_000;

/// The log names a lasting trouble this often.
const COMPLAINT_MS: u64 = 60_000;

/// How often the end looks whether the log has released what is held back.
const HELD_NAP: Duration = Duration::from_millis(5);

/// How long replies may take to leave when the server shuts down.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(2);

/// What other threads know of a loop.
#[derive(Debug)]
pub(crate) struct Door {
    alarm: Arc<Alarm>,
    arrived: Mutex<Vec<Accepted>>,
    mailbox: Arc<Mailbox>,
}

impl Door {
    pub(crate) fn new(alarm: Arc<Alarm>, mailbox: Arc<Mailbox>) -> Self {
        Door { alarm, arrived: Mutex::default(), mailbox }
    }

    /// Hands an accepted socket over.
    fn hand_over(&self, accepted: Accepted) {
        self.arrived.lock().unwrap_or_else(PoisonError::into_inner).push(accepted);
        self.alarm.ring();
    }

    /// Makes the loop look around.
    pub(crate) fn ring(&self) {
        self.alarm.ring();
    }

    fn take_arrived(&self) -> Vec<Accepted> {
        std::mem::take(&mut *self.arrived.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// One loop.
pub(crate) struct EventLoop {
    shared: Arc<Shared>,
    door: Arc<Door>,
    index: usize,
    poll: Poll,
    /// By slot; the one whose turn it is has been taken out.
    connections: Slab<Option<Box<Connection>>>,
    slots: HashMap<SessionId, usize>,
    bench: Box<Bench>,
    /// Another bench, for when this loop serves others in the middle of a turn.
    spare: Option<Box<Bench>>,
    /// Events for connections that were out when they came: slot, readable, hung up.
    missed: Vec<(usize, bool, bool)>,
    /// How often others were served in the middle of a turn.
    interludes: u64,
    timers: Timers,
    /// Slots of connections that want another turn.
    again: Vec<usize>,
    /// Those of them that have it in this round; kept for its capacity.
    having: Vec<usize>,
    /// Slots of connections whose replies have not been written in this round.
    unsent: Vec<usize>,
    /// Slots of connections whose replies wait for the log, and what it had released and how often
    /// it had failed when they were last looked at.
    held: Vec<usize>,
    seen_release: (Position, u64),
    gathering: Gathering,
    /// What was taken from the mailbox.
    mail: Vec<(Recipients, Event)>,
    acceptor: Option<Acceptor>,
    traffic: Arc<Traffic>,
    /// The engine's time at the beginning of the round, in Unix microseconds.
    now_us: u64,
    next_scan_ms: u64,
}

/// What thread 0 does for all.
#[derive(Default)]
struct Acceptor {
    /// Listeners at which more may wait.
    waiting: Vec<Token>,
    /// There were no descriptors left: all listeners are tried again with the housekeeping.
    starved: bool,
    complain_from_ms: u64,
    accepted: Vec<Accepted>,
    housekeeping: Housekeeping,
    next_housekeeping_us: u64,
    next_sample_us: u64,
}

scoped_thread_local! {
    /// The loop whose turn is under way on this thread, for work that takes long.
    static mut CURRENT: EventLoop
}

/// Serves the connections of the calling thread's loop once, for a command that takes long; `false`
/// when the server is to stop. On a thread without a loop there is nobody to be served.
pub fn serve_others() -> bool {
    !CURRENT.is_set() || CURRENT.with(EventLoop::serve_meanwhile)
}

impl EventLoop {
    pub(crate) fn new(shared: Arc<Shared>, index: usize, poll: Poll) -> Self {
        let door = shared.doors[index].clone();
        let traffic = shared.engine.stats().serve();
        EventLoop {
            bench: Box::new(Bench::new(shared.limits.clone())),
            spare: None,
            missed: Vec::new(),
            interludes: 0,
            shared,
            door,
            index,
            poll,
            connections: Slab::new(),
            slots: HashMap::new(),
            timers: Timers::default(),
            again: Vec::new(),
            having: Vec::new(),
            unsent: Vec::new(),
            held: Vec::new(),
            seen_release: (0, 0),
            gathering: Gathering::default(),
            mail: Vec::new(),
            acceptor: (index == 0).then(Acceptor::default),
            traffic,
            now_us: 0,
            next_scan_ms: 0,
        }
    }

    /// Runs until the server stops.
    pub(crate) fn run(mut self) {
        self.gathering.begin();
        let mut events = Events::with_capacity(EVENTS);
        while !self.shared.stopping.load(Ordering::Acquire) {
            self.sleep(&mut events);
            self.handle(&events);
            self.send();
            self.release();
            self.deliver();
            self.run_again();
            self.run_timers();
            self.send();
            self.keep_house();
            self.count();
        }
        self.finish(&mut events);
    }

    /// Gives everybody of whom something is known a turn.
    fn handle(&mut self, events: &Events) {
        for event in events {
            match event.token() {
                // What was left is looked for in any case.
                WAKER => {}
                token if Listeners::owns(token) => self.accept(token),
                Token(slot) => {
                    let hung_up = event.is_read_closed() || event.is_error();
                    self.note(slot, event.is_readable(), hung_up);
                }
            }
            if self.unsent.len() >= UNSENT {
                self.send();
            }
        }
    }

    /// Notes what is known of a connection's socket and gives it a turn.
    fn note(&mut self, slot: usize, readable: bool, hung_up: bool) {
        match self.connections.get_mut(slot) {
            Some(Some(connection)) => {
                connection.note(readable, hung_up);
                self.gathering.count(&mut connection.window_ms);
                self.turn(slot, Connection::advance);
            }
            Some(None) => self.missed.push((slot, readable, hung_up)),
            None => {}
        }
    }

    /// Serves the other connections once, in the middle of a turn whose command takes long: a
    /// script over its time. They are told that the store is busy, and one of them may end the
    /// script. `false` when the server is to stop.
    fn serve_meanwhile(&mut self) -> bool {
        self.interludes += 1;
        let mut events = Events::with_capacity(EVENTS);
        let polled = self.poll.poll(&mut events, Some(Duration::ZERO));
        self.now_us = self.shared.engine.now_us();
        self.bench.now_ms = self.now_us / 1000;
        if polled.is_ok() {
            self.handle(&events);
        }
        self.accept_waiting();
        self.welcome();
        self.release();
        self.deliver();
        self.run_again();
        self.send();
        self.count();
        !self.shared.stopping.load(Ordering::Acquire)
    }

    fn connection(&mut self, slot: usize) -> Option<&mut Connection> {
        self.connections.get_mut(slot)?.as_deref_mut()
    }

    /// Waits for something to do, unless there is something already.
    fn sleep(&mut self, events: &mut Events) {
        self.door.alarm.lie_down();
        self.welcome();
        self.door.mailbox.take(&mut self.mail);
        self.bench.has_mail = !self.mail.is_empty();
        let timeout = self.longest_sleep();
        self.gathering.pause(!timeout.is_zero());
        if let Err(error) = self.poll.poll(events, Some(timeout))
            && error.kind() != std::io::ErrorKind::Interrupted
        {
            tracing::error!("cannot wait for events: {error}");
        }
        self.door.alarm.get_up();
        self.now_us = self.shared.engine.now_us();
        self.bench.now_ms = self.now_us / 1000;
        self.gathering.begin_round(self.bench.now_ms);
    }

    fn longest_sleep(&self) -> Duration {
        let now_us = self.shared.engine.now_us();
        if self.now_us > 0 {
            let busy_us = now_us.saturating_sub(self.now_us);
            self.traffic.busy_us.add(busy_us);
            self.traffic.longest_us.raise(busy_us);
        }
        let released = !self.held.is_empty() && self.release_seen_now() != self.seen_release;
        let listed = !self.mail.is_empty() || !self.again.is_empty() || released;
        if listed || self.shared.stopping.load(Ordering::Acquire) {
            return Duration::ZERO;
        }
        let mut us = SCAN_MS * 1000;
        if let Some(due_ms) = self.timers.next_ms() {
            us = us.min(due_ms.saturating_mul(1000).saturating_sub(now_us));
            us = us.min(TIMER_SLEEP_MS * 1000);
        }
        if let Some(acceptor) = &self.acceptor {
            let due_us = acceptor.next_housekeeping_us.saturating_sub(now_us);
            us = us.min(due_us).min(HOUSEKEEPING_MS * 1000);
            if !acceptor.waiting.is_empty() {
                us = 0;
            }
        }
        Duration::from_micros(us)
    }

    /// Writes what the connections of this round have replied.
    fn send(&mut self) {
        let mut unsent = std::mem::take(&mut self.unsent);
        let mut hurry = false;
        for slot in unsent.drain(..) {
            let Some(Some(connection)) = self.connections.get_mut(slot) else { continue };
            connection.unsent = false;
            match connection.flush(&mut self.bench) {
                Next::Close => self.close(slot),
                _ => {
                    if connection.held {
                        hurry = true;
                        if !std::mem::replace(&mut connection.listed_held, true) {
                            self.held.push(slot);
                        }
                    }
                    self.settle(slot);
                }
            }
        }
        self.unsent = unsent;
        if hurry {
            self.shared.engine.log().hurry();
        }
    }

    /// Gives connections whose replies were held back a turn, if the log has released more since.
    fn release(&mut self) {
        let seen = self.release_seen_now();
        if self.held.is_empty() || seen == self.seen_release {
            return;
        }
        self.seen_release = seen;
        for slot in std::mem::take(&mut self.held) {
            if let Some(connection) = self.connection(slot) {
                connection.listed_held = false;
                connection.held = false;
                self.turn(slot, Connection::advance);
            }
        }
    }

    fn release_seen_now(&self) -> (Position, u64) {
        let log = self.shared.engine.log();
        (log.released(), log.epoch())
    }

    /// Gives a connection its turn, or what else is to be done with it, and does what it wants
    /// after that. A panic of a command ends its connection, not the loop.
    fn turn(&mut self, slot: usize, work: impl FnOnce(&mut Connection, &mut Bench) -> Next) {
        let taken = self.connections.get_mut(slot).and_then(Option::take);
        let Some(mut connection) = taken else { return };
        let now_ms = self.bench.now_ms;
        let mut spare = self.spare.take().unwrap_or_else(|| {
            // Only a turn within a turn finds none.
            Box::new(Bench::new(self.shared.limits.clone()))
        });
        spare.now_ms = now_ms;
        let mut bench = std::mem::replace(&mut self.bench, spare);
        let interludes = self.interludes;
        let next = CURRENT
            .set(self, || catch_unwind(AssertUnwindSafe(|| work(&mut connection, &mut bench))));
        self.spare = Some(std::mem::replace(&mut self.bench, bench));
        let was_interrupted = self.interludes != interludes;
        let connection = self.connections[slot].insert(connection);
        let Ok(next) = next else {
            tracing::error!(client = connection.session.id(), "a command panicked: closed");
            return self.close(slot);
        };
        match next {
            Next::Close => return self.close(slot),
            Next::Again if !connection.listed => {
                connection.listed = true;
                self.again.push(slot);
            }
            Next::Again | Next::Wait => {}
        }
        if !connection.unsent || was_interrupted {
            connection.unsent = true;
            self.unsent.push(slot);
        }
        if was_interrupted {
            self.catch_up();
        }
    }

    /// Handles what came for connections while they were out.
    #[cold]
    fn catch_up(&mut self) {
        for (slot, readable, hung_up) in std::mem::take(&mut self.missed) {
            self.note(slot, readable, hung_up);
        }
    }

    /// Brings timer and interest of a connection up to date.
    fn settle(&mut self, slot: usize) {
        let Some(Some(connection)) = self.connections.get_mut(slot) else { return };
        let bench = &mut self.bench;
        let due_ms = connection.due_ms(&bench.limits);
        if due_ms != connection.timer_ms {
            self.timers.change(slot, connection.timer_ms, due_ms);
            connection.timer_ms = due_ms;
        }
        if connection.wants_room() != connection.watches_room {
            self.watch_room(slot);
        }
    }

    /// Makes the poll report room for writing, or no longer.
    #[cold]
    fn watch_room(&mut self, slot: usize) {
        let Some(Some(connection)) = self.connections.get_mut(slot) else { return };
        let on = connection.wants_room();
        connection.watches_room = on;
        match connection.socket.watch_room(self.poll.registry(), Token(slot), on) {
            Ok(()) => {}
            Err(error) => {
                tracing::warn!("cannot watch a socket: {error}");
                self.close(slot);
            }
        }
    }

    fn close(&mut self, slot: usize) {
        // One that is out is closed by whoever has it.
        let taken = self.connections.get_mut(slot).and_then(Option::take);
        let Some(mut connection) = taken else { return };
        self.connections.remove(slot);
        connection.socket.deregister(self.poll.registry());
        connection.discard_input(&mut self.bench);
        self.timers.change(slot, connection.timer_ms, None);
        self.slots.remove(&connection.session.id());
        if connection.listed {
            self.again.retain(|&other| other != slot);
        }
        // A session that panicked may do so again when it is taken down.
        if catch_unwind(AssertUnwindSafe(|| drop(connection))).is_err() {
            tracing::error!("a session panicked at its end");
        }
        self.shared.left(self.index);
    }

    /// Delivers what other threads posted to sessions of this loop.
    fn deliver(&mut self) {
        self.door.mailbox.take(&mut self.mail);
        self.bench.has_mail = false;
        if self.mail.is_empty() {
            return;
        }
        let mut mail = std::mem::take(&mut self.mail);
        for (recipients, event) in mail.drain(..) {
            match &recipients {
                Recipients::One(id) => self.deliver_one(*id, &event),
                Recipients::Many(ids) => ids.iter().for_each(|id| self.deliver_one(*id, &event)),
            }
        }
        self.mail = mail;
    }

    fn deliver_one(&mut self, id: SessionId, event: &Event) {
        let Some(&slot) = self.slots.get(&id) else { return };
        self.turn(slot, |connection, bench| match connection.deliver(event, bench) {
            Next::Close => Next::Close,
            // Its bytes leave, and its waiting requests run, once all events are delivered.
            _ => Next::Again,
        });
    }

    fn run_again(&mut self) {
        if self.again.is_empty() {
            return;
        }
        // What is listed from here on has its turn in the next round.
        std::mem::swap(&mut self.again, &mut self.having);
        let mut having = std::mem::take(&mut self.having);
        for slot in having.drain(..) {
            if let Some(connection) = self.connection(slot) {
                connection.listed = false;
                self.turn(slot, Connection::advance);
            }
        }
        self.having = having;
    }

    fn run_timers(&mut self) {
        let now_ms = self.bench.now_ms;
        if self.timers.next_ms().is_some_and(|due_ms| due_ms <= now_ms) {
            let mut due = Vec::new();
            self.timers.due(now_ms, &mut due);
            for slot in due {
                self.turn(slot, Connection::on_time);
            }
        }
        if now_ms >= self.next_scan_ms {
            self.next_scan_ms = now_ms + SCAN_MS;
            self.close_idle();
        }
    }

    fn close_idle(&mut self) {
        let idle_seconds = self.shared.limits.idle_seconds.load(Ordering::Relaxed);
        if idle_seconds == 0 {
            return;
        }
        let now_ms = self.bench.now_ms;
        let is_idle = |c: &Option<Box<Connection>>| {
            c.as_ref().is_some_and(|connection| connection.is_idle(now_ms, idle_seconds))
        };
        let idle = self.connections.iter().filter(|(_, connection)| is_idle(connection));
        for slot in idle.map(|(slot, _)| slot).collect::<Vec<_>>() {
            self.close(slot);
        }
    }

    /// What thread 0 does for the engine: entries whose time has come leave. A pass that found
    /// much to do is followed by a pause of three times its length, so that housekeeping never
    /// takes more than a quarter of the thread.
    fn keep_house(&mut self) {
        let Some(acceptor) = &mut self.acceptor else { return };
        let engine = &self.shared.engine;
        if self.now_us >= acceptor.next_housekeeping_us {
            let start_us = engine.now_us();
            let next_ms = engine.expire_due(&mut acceptor.housekeeping);
            let end_us = engine.now_us();
            self.traffic.housekeeping_us.add(end_us.saturating_sub(start_us));
            if end_us >= acceptor.next_sample_us {
                acceptor.next_sample_us = end_us + HOUSEKEEPING_MS * 1000;
                engine.stats().sample(end_us / 1000);
            }
            let pause_us = (end_us.saturating_sub(start_us) * 3).max(1_000);
            let due_us = next_ms.unwrap_or(u64::MAX).saturating_mul(1000);
            acceptor.next_housekeeping_us =
                due_us.clamp(end_us + pause_us, end_us + pause_us.max(HOUSEKEEPING_MS * 1000));
            if std::mem::take(&mut acceptor.starved) {
                self.shared.listeners.tokens(&mut acceptor.waiting);
            }
        }
        self.accept_waiting();
    }

    /// Goes on with listeners at which more may wait.
    fn accept_waiting(&mut self) {
        let Some(acceptor) = &mut self.acceptor else { return };
        for token in std::mem::take(&mut acceptor.waiting) {
            self.accept(token);
        }
    }

    /// Adds what the round has done to the statistics.
    fn count(&mut self) {
        let Bench { input_bytes, output_bytes, reads, writes, .. } = &mut *self.bench;
        let traffic = &self.traffic;
        let tallies = [
            (&traffic.input_bytes, input_bytes),
            (&traffic.output_bytes, output_bytes),
            (&traffic.reads, reads),
            (&traffic.writes, writes),
        ];
        for (tally, count) in tallies {
            tally.add(std::mem::take(count));
        }
        traffic.rounds.add(1);
        traffic.most_commands.raise(std::mem::take(&mut self.bench.commands));
    }

    /// Accepts some of those who wait at a listener and shares them out.
    fn accept(&mut self, token: Token) {
        let Some(acceptor) = &mut self.acceptor else { return };
        let mut accepted = std::mem::take(&mut acceptor.accepted);
        match self.shared.listeners.accept(token, &mut accepted) {
            Backlog::Empty => {}
            Backlog::More => acceptor.waiting.push(token),
            Backlog::NoDescriptors => {
                acceptor.starved = true;
                if self.bench.now_ms >= acceptor.complain_from_ms {
                    acceptor.complain_from_ms = self.bench.now_ms + COMPLAINT_MS;
                    tracing::warn!("no file descriptor left for a new connection; see ulimit -n");
                }
            }
        }
        for one in accepted.drain(..) {
            self.place(one);
        }
        if let Some(acceptor) = &mut self.acceptor {
            acceptor.accepted = accepted;
        }
    }

    /// Counts a new connection and gives it to the loop with the fewest, or refuses it.
    fn place(&mut self, accepted: Accepted) {
        let Some(index) = self.shared.enter() else {
            self.shared.engine.stats().rejected.fetch_add(1, Ordering::Relaxed);
            return refuse(&accepted.socket, refusal::TOO_MANY_CLIENTS);
        };
        self.shared.engine.stats().connections.fetch_add(1, Ordering::Relaxed);
        if index == self.index {
            self.adopt(accepted);
        } else {
            self.shared.doors[index].hand_over(accepted);
        }
    }

    /// Takes in what was handed over.
    fn welcome(&mut self) {
        for accepted in self.door.take_arrived() {
            self.adopt(accepted);
        }
    }

    /// Makes an accepted socket a connection of this loop.
    fn adopt(&mut self, accepted: Accepted) {
        let Accepted { socket, origin, local } = accepted;
        let shared = &self.shared;
        let tcp = matches!(origin, Origin::Tcp { .. });
        let session = Session::new(shared.engine.clone(), origin, self.door.mailbox.clone());
        if !local
            && session.is_authenticated()
            && shared.limits.protected_mode.load(Ordering::Relaxed)
        {
            shared.engine.stats().rejected.fetch_add(1, Ordering::Relaxed);
            refuse(&socket, refusal::PROTECTED_MODE);
            return shared.left(self.index);
        }
        let keepalive_seconds = shared.limits.keepalive_seconds.load(Ordering::Relaxed);
        if tcp && let Err(error) = socket.tune(keepalive_seconds) {
            tracing::debug!("cannot set a socket's options: {error}");
        }
        let id = session.id();
        session.client().fd.store(socket.number(), Ordering::Relaxed);
        let connection = Connection::new(socket, session, self.bench.now_ms);
        let entry = self.connections.vacant_entry();
        let slot = entry.key();
        if let Err(error) = connection.socket.register(self.poll.registry(), Token(slot)) {
            tracing::warn!("cannot watch a connection: {error}");
            return shared.left(self.index);
        }
        entry.insert(Some(Box::new(connection)));
        self.slots.insert(id, slot);
    }

    /// The end: what was replied may leave for a while, then everything is closed.
    fn finish(mut self, events: &mut Events) {
        self.welcome();
        self.deliver();
        let until = monotonic_now() + SHUTDOWN_GRACE;
        let slots: Vec<usize> = self.connections.iter().map(|(slot, _)| slot).collect();
        for slot in slots {
            self.turn(slot, |connection, bench| {
                connection.close_soon(bench);
                Next::Wait
            });
        }
        self.send();
        while !self.connections.is_empty() {
            let left = until.saturating_duration_since(monotonic_now());
            let nap = if self.held.is_empty() { left } else { left.min(HELD_NAP) };
            if left.is_zero() || self.poll.poll(events, Some(nap)).is_err() {
                break;
            }
            self.release();
            for event in events.iter() {
                self.turn(event.token().0, Connection::flush);
            }
            self.send();
        }
        let slots: Vec<usize> = self.connections.iter().map(|(slot, _)| slot).collect();
        slots.into_iter().for_each(|slot| self.close(slot));
        self.count();
    }
}

/// Tells a peer why it is not served. It may be gone already.
fn refuse(socket: &Socket, why: &[u8]) {
    if let Err(error) = socket.write(why) {
        tracing::debug!("cannot tell a peer why it is refused: {error}");
    }
}
