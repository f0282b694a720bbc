//! A conversation with a store in this process: requests in, replies out in their order, as values
//! and as they would arrive over a connection. For bindings to other languages, whose clients
//! expect a connection.
//!
//! Nothing here waits. Where a request cannot go on (a blocking command, a pause, locks that
//! somebody else holds) it is kept, and [`Session::descriptor`] tells select, poll or an event loop
//! when it is worth to look again. Knows no language and no client. Values: [`replies`].

mod bell;
pub mod replies;

use crate::{Error, Larder};
use bell::Rope;
use larder_engine::command::Command;
use larder_engine::config::ClientClass;
use larder_engine::keyspace::locks::Wait;
use larder_engine::mailbox::{Event, Mailbox, Recipients};
use larder_engine::{Flow, Origin};
use larder_resp::{ArgVec, Limits, Parsed, RequestParser};
use replies::Replies;
use std::collections::VecDeque;
use std::os::fd::BorrowedFd;
use std::sync::{Arc, Weak};
use std::task::Waker;
use std::time::Duration;

pub use bell::Bell;

/// One conversation. Dropping it ends its wait, its subscriptions and its watches; what a wait was
/// given but nobody read goes back to where it was.
pub struct Session {
    session: larder_engine::Session,
    mailbox: Arc<Mailbox>,
    bell: Arc<Bell>,
    waker: Waker,
    replies: Replies,
    /// Requests that wait for those before them.
    held: VecDeque<Vec<Box<[u8]>>>,
    held_bytes: u64,
    stall: Option<Stall>,
    events: Vec<(Recipients, Event)>,
    /// Room for replies that come in bytes.
    wire: Vec<u8>,
    closed: bool,
}

/// Why nothing runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stall {
    /// A command waits for a key.
    Blocked,
    /// `CLIENT PAUSE`, until this Unix time in milliseconds; the request is the first of those held.
    Paused(u64),
    /// Somebody else has the locks; the request is the first of those held.
    LockedOut,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("id", &self.session.id()).finish_non_exhaustive()
    }
}

impl Larder {
    /// A conversation with a store in this process.
    ///
    /// # Errors
    /// When the store is not in this process.
    ///
    /// ```
    /// use larder::session::replies::Item;
    /// let mut session = larder::Larder::open("memory:")?.session()?;
    /// session.send(&[b"INCR", b"visits"]);
    /// assert_eq!(session.receive().and_then(|replies| replies.next_item()), Some(Item::Int(1)));
    /// # Ok::<(), larder::Error>(())
    /// ```
    pub fn session(&self) -> Result<Session, Error> {
        let engine = self.linked_engine().ok_or(Error::NotAttached)?;
        let bell = Arc::new(Bell::default());
        let limit = engine.config().output_limit(ClientClass::PubSub).hard_bytes;
        let most_bytes = if limit == 0 { u64::MAX } else { limit };
        let mailbox = Mailbox::limited(Box::new(Rope(bell.clone())), most_bytes);
        let mut session =
            larder_engine::Session::new(engine.clone(), Origin::Linked, mailbox.clone());
        // Whoever links the engine owns its memory: a password would protect nothing.
        session.trust();
        Ok(Session {
            session,
            mailbox,
            waker: Waker::from(bell.clone()),
            bell,
            replies: Replies::default(),
            held: VecDeque::new(),
            held_bytes: 0,
            stall: None,
            events: Vec::new(),
            wire: Vec::new(),
            closed: false,
        })
    }
}

impl Session {
    /// The session's number, as `CLIENT ID` answers.
    pub fn id(&self) -> u64 {
        self.session.id()
    }

    /// Runs a request, or keeps it until those before it are done.
    pub fn send(&mut self, words: &[&[u8]]) {
        self.advance();
        if self.closed {
            return;
        }
        if self.stall.is_some() || !self.held.is_empty() {
            return self.hold(words);
        }
        let wait = self.waker.clone();
        if !self.run(words, Wait::Wake(&wait)) {
            self.hold(words);
        }
    }

    /// Runs requests in the bytes of the protocol; whether all of them were whole. What follows the
    /// first that is not is not run.
    pub fn send_bytes(&mut self, mut bytes: &[u8]) -> bool {
        let limits = Limits::default();
        while !bytes.is_empty() {
            let (mut parser, mut words) = (RequestParser::new(), ArgVec::new());
            match parser.parse(bytes, &limits, &mut words) {
                Ok(Parsed::Request { consumed }) => {
                    if !words.is_empty() {
                        self.send(&words);
                    }
                    bytes = &bytes[consumed..];
                }
                _ => return false,
            }
        }
        true
    }

    /// Runs a typed command: no words, no parsing. Not for commands that block or that change the
    /// session. Whether it ran; if not, locks were held by others, and with `park` it waits for
    /// them.
    ///
    /// # Errors
    /// [`Error::Refused`] with the store's words.
    pub fn call<'a, C: Command<'a>>(&mut self, command: &C, park: bool) -> Result<bool, Error> {
        self.replies.protocol = self.session.protocol();
        let wait = if park { Wait::Park } else { Wait::Wake(&self.waker) };
        match self.session.call(command, &mut self.replies, wait) {
            Ok(flow) => Ok(flow != Flow::Retry),
            Err(error) => Err(Error::Refused(error.to_string())),
        }
    }

    /// What has been replied and not been read; `None` when there is nothing (yet).
    pub fn receive(&mut self) -> Option<&mut Replies> {
        if self.replies.is_empty() {
            self.advance();
        }
        (!self.replies.is_empty()).then_some(&mut self.replies)
    }

    /// Takes what was replied, to be read while the session is in nobody's hands;
    /// [`put_back`](Self::put_back) returns what was not read.
    pub fn take_replies(&mut self) -> Option<Replies> {
        let protocol = self.session.protocol();
        self.receive().map(|replies| std::mem::replace(replies, Replies::new(protocol)))
    }

    /// See [`take_replies`](Self::take_replies).
    pub fn put_back(&mut self, mut replies: Replies) {
        replies.append(&self.replies);
        self.replies = replies;
    }

    /// Whether a request could not have the locks it needs: [`push_on`](Self::push_on) waits for
    /// them, or the descriptor tells when to look again.
    pub fn is_locked_out(&self) -> bool {
        self.stall == Some(Stall::LockedOut)
    }

    /// Waits for the locks that a request needs. Parks the thread.
    pub fn push_on(&mut self) {
        while self.stall == Some(Stall::LockedOut) {
            self.stall = None;
            self.run_held(Wait::Park);
        }
    }

    /// Nothing more can be sent, and nothing will be replied but what has been.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// Becomes readable when it is worth to look again ([`receive`](Self::receive)). Belongs to
    /// the session and is to be read by nobody else.
    ///
    /// # Errors
    /// When the process may open no more descriptors.
    pub fn descriptor(&self) -> Result<BorrowedFd<'_>, Error> {
        self.bell.descriptor().map_err(|errno| Error::Connection {
            address: "a descriptor to wait on".to_owned(),
            cause: errno.to_string(),
        })
    }

    /// After which time it is worth to look again without the descriptor: the end of a wait.
    pub fn due_in(&self) -> Option<Duration> {
        let until_ms = match self.stall? {
            Stall::Blocked => self.session.deadline_ms()?,
            Stall::Paused(until_ms) => until_ms,
            Stall::LockedOut => return None,
        };
        let until_us = until_ms.saturating_mul(1000);
        Some(Duration::from_micros(until_us.saturating_sub(self.session.engine().now_us())))
    }

    /// Wakes whoever waits on the descriptor, for who moves the clock of the store.
    pub fn wake_up(&self) -> Weak<Bell> {
        Arc::downgrade(&self.bell)
    }

    /// Takes what has happened since, and runs what can run.
    fn advance(&mut self) {
        self.bell.silence();
        self.mailbox.take(&mut self.events);
        if self.stall.is_none() && self.events.is_empty() {
            return;
        }
        self.take_events();
        self.look_at_the_clock();
        let wait = self.waker.clone();
        self.run_held(Wait::Wake(&wait));
    }

    fn take_events(&mut self) {
        for (_, event) in std::mem::take(&mut self.events) {
            if matches!(event, Event::Nudge) && matches!(self.stall, Some(Stall::Paused(_))) {
                self.stall = None;
            }
            self.replies.protocol = self.session.protocol();
            let flow = self.session.deliver_into(&event, &mut self.replies, &mut self.wire);
            self.read_wire();
            self.closed |= flow == Flow::Close;
        }
        self.note_served();
    }

    fn look_at_the_clock(&mut self) {
        let now_ms = self.session.engine().now_us() / 1000;
        match self.stall {
            Some(Stall::Blocked) => {
                self.session.time_out(now_ms, &mut self.wire);
                self.read_wire();
                self.note_served();
            }
            Some(Stall::Paused(until_ms)) if until_ms <= now_ms => self.stall = None,
            Some(Stall::LockedOut) => self.stall = None,
            _ => {}
        }
    }

    fn note_served(&mut self) {
        if self.stall == Some(Stall::Blocked) && !self.session.is_blocked() {
            self.stall = None;
        }
    }

    /// The reply of a wait crosses threads as bytes.
    fn read_wire(&mut self) {
        let mut at = 0;
        while let Ok(Some((value, bytes))) = larder_resp::decode(&self.wire[at..]) {
            self.replies.add(&value);
            at += bytes;
        }
        self.wire.clear();
    }

    fn run_held(&mut self, wait: Wait<'_>) {
        while self.stall.is_none() && !self.closed {
            let Some(words) = self.held.pop_front() else { return };
            let slices: Vec<&[u8]> = words.iter().map(AsRef::as_ref).collect();
            if self.run(&slices, wait) {
                self.held_bytes -= bytes_of(&slices);
            } else {
                self.held.push_front(words);
            }
        }
    }

    fn hold(&mut self, words: &[&[u8]]) {
        self.held_bytes += bytes_of(words);
        if self.held_bytes > self.session.engine().config().client_query_buffer_limit() {
            self.closed = true;
            return;
        }
        self.held.push_back(words.iter().map(|&word| word.into()).collect());
    }

    /// Runs a request; whether it is done with.
    fn run(&mut self, words: &[&[u8]], wait: Wait<'_>) -> bool {
        self.replies.protocol = self.session.protocol();
        let mark = self.replies.end();
        match self.session.execute_into(words, &mut self.replies, wait) {
            Flow::Continue => {}
            Flow::Blocked => {
                self.stall = Some(Stall::Blocked);
                return true;
            }
            Flow::Retry => {
                self.stall = Some(Stall::LockedOut);
                return false;
            }
            Flow::Paused(until_ms) => {
                self.stall = Some(Stall::Paused(until_ms));
                return false;
            }
            Flow::Close => self.closed = true,
        }
        // What was not recorded whole is not to be read.
        let is_cut_off = self.replies.is_overfull();
        self.closed |= is_cut_off;
        if !self.session.is_reply_sent() || is_cut_off {
            self.replies.truncate(mark);
        }
        true
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // Whoever waits finds that it is over.
        self.bell.ring();
    }
}

/// What a request takes while it is held.
fn bytes_of(words: &[&[u8]]) -> u64 {
    words.iter().map(|word| (word.len() + size_of::<Box<[u8]>>()) as u64).sum()
}
