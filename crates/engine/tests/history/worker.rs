//! A thread with a session: makes calls, waits where it must, and writes down what it was answered
//! and when.
//!
//! Knows no model. Odd sessions never park in a lock: they back out and try again when woken, as
//! async callers do.

use crate::checker::Call;
use crate::model::{Op, Words, words};
use larder_engine::keyspace::locks::Wait;
use larder_engine::mailbox::{Mailbox, Notify};
use larder_engine::{Engine, Flow, Origin, Session};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::task::{Wake, Waker};
use std::thread::{Thread, current, park};

/// What the workers of one history share.
#[derive(Default)]
pub(crate) struct Shared {
    /// The clock that stamps invocations and answers.
    time: AtomicU64,
    /// Waits begun and ended.
    pub(crate) waits: AtomicUsize,
    pub(crate) served: AtomicUsize,
}

/// See the module. To be used by the thread that made it only.
pub(crate) struct Worker<'s> {
    pub(crate) rng: fastrand::Rng,
    number: usize,
    shared: &'s Shared,
    session: Session,
    mailbox: Arc<Mailbox>,
    waker: Waker,
    calls: Vec<Call<Op>>,
}

struct Unpark(Thread);

impl Notify for Unpark {
    fn notify(&self) {
        self.0.unpark();
    }
}

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

impl<'s> Worker<'s> {
    pub(crate) fn new(
        engine: &Arc<Engine>,
        shared: &'s Shared,
        number: usize,
        seed: u64,
    ) -> Worker<'s> {
        let mailbox = Mailbox::new(Box::new(Unpark(current())));
        Worker {
            rng: fastrand::Rng::with_seed(seed ^ (number as u64) << 48),
            number,
            shared,
            session: Session::new(engine.clone(), Origin::Linked, mailbox.clone()),
            mailbox,
            waker: Waker::from(Arc::new(Unpark(current()))),
            calls: Vec::new(),
        }
    }

    /// Runs a command, written as one line of words.
    pub(crate) fn command(&mut self, line: &str) -> Vec<u8> {
        let request = words(line);
        let invoked = self.tick();
        let reply = self.execute(&request);
        self.note(Op::Command(request), reply, invoked)
    }

    /// Runs commands as one, after what was watched before.
    pub(crate) fn transaction(&mut self, lines: &[String]) -> Vec<u8> {
        let queue: Vec<Words> = lines.iter().map(|line| words(line)).collect();
        assert_eq!(self.execute(&words("MULTI")), b"+OK\r\n");
        for request in &queue {
            assert_eq!(self.execute(request), b"+QUEUED\r\n");
        }
        let invoked = self.tick();
        let reply = self.execute(&words("EXEC"));
        self.note(Op::Transaction(queue), reply, invoked)
    }

    /// Runs commands by a script that names these keys; its other keys it finds in the commands.
    pub(crate) fn script(&mut self, named: &[&str], lines: &[String]) -> Vec<u8> {
        const SCRIPT: &str = "local replies = {} \
                              for i, line in ipairs(ARGV) do \
                                local words = {} \
                                for word in string.gmatch(line, '%S+') do \
                                  words[#words + 1] = word \
                                end \
                                replies[i] = redis.pcall(unpack(words)) \
                              end \
                              return replies";
        let mut request: Words = vec![b"EVAL".to_vec(), SCRIPT.into()];
        request.push(named.len().to_string().into_bytes());
        request.extend(named.iter().map(|key| key.as_bytes().to_vec()));
        request.extend(lines.iter().map(|line| line.as_bytes().to_vec()));
        let invoked = self.tick();
        let reply = self.execute(&request);
        self.note(Op::Script(lines.iter().map(|line| words(line)).collect()), reply, invoked)
    }

    /// What it did.
    pub(crate) fn into_calls(self) -> Vec<Call<Op>> {
        self.calls
    }

    fn tick(&self) -> u64 {
        self.shared.time.fetch_add(1, SeqCst)
    }

    fn note(&mut self, op: Op, reply: Vec<u8>, invoked: u64) -> Vec<u8> {
        let answered = self.tick();
        self.calls.push(Call { session: self.number, op, reply: reply.clone(), invoked, answered });
        reply
    }

    fn execute(&mut self, request: &Words) -> Vec<u8> {
        let request: Vec<&[u8]> = request.iter().map(Vec::as_slice).collect();
        let waker = self.waker.clone();
        let wait = if self.number % 2 == 1 { Wait::Wake(&waker) } else { Wait::Park };
        let mut reply = Vec::new();
        loop {
            match self.session.execute_or(&request, &mut reply, wait) {
                Flow::Continue => return reply,
                Flow::Retry => park(),
                Flow::Blocked => {
                    self.await_event(&mut reply);
                    return reply;
                }
                flow => panic!("{flow:?}"),
            }
        }
    }

    fn await_event(&mut self, reply: &mut Vec<u8>) {
        self.shared.waits.fetch_add(1, SeqCst);
        let mut events = Vec::new();
        while self.session.is_blocked() {
            self.mailbox.take(&mut events);
            if events.is_empty() {
                park();
            }
            for (_, event) in events.drain(..) {
                assert_eq!(self.session.deliver(&event, reply), Flow::Continue);
            }
        }
        self.shared.served.fetch_add(1, SeqCst);
    }
}
