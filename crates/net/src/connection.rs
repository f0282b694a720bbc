//! One connection: its socket, its session, and the bytes that wait between turns.
//!
//! A turn reads once, runs every request that is there whole, and leaves the replies to be written
//! in one go. Buffers belong to
//! the loop ([`Bench`]) and are lent for the turn: a connection keeps bytes only while a request
//! is unfinished or a reply is unsent. Knows no other connection and no poll; see `event_loop`.

use crate::limits::{Class, Limits};
use crate::refusal;
use crate::socket::Socket;
use larder_engine::clients::OWN_REPLY_BYTES;
use larder_engine::log::{Fate, Position};
use larder_engine::mailbox::Event;
use larder_engine::{Flow, Session};
use larder_resp::{ArgVec, Parsed, ProtocolError, RequestParser, encode, parse_whole};
use rustix::io::Errno;
use smallvec::SmallVec;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Capacity of the buffer that all connections of a loop read into.
const READ_BYTES: usize = 64 * 1024;

/// An unfinished request longer than this is read into a buffer of its own.
const SHARED_BYTES: usize = READ_BYTES / 2;

/// Reads of one turn, before others have theirs.
const READS_A_TURN: usize = 8;

/// Replies that wait in bytes, from which on they are written before the next request runs.
const WRITE_BYTES: usize = 1024 * 1024;

/// First capacity of a reply buffer, and the greatest that is kept for the next turn.
const REPLY_BYTES: usize = 16 * 1024;
const KEPT_REPLY_BYTES: usize = 256 * 1024;

/// Reply buffers that a loop keeps at hand.
const KEPT_REPLY_BUFFERS: usize = 64;

/// Most bytes of replies that wait for a client that has not given the password: it gets nothing but
/// refusals, and must not fill memory with them. Redis's own buffer, and a bit.
const UNAUTHENTICATED_REPLY_BYTES: u64 = OWN_REPLY_BYTES + 1024;

/// How long a connection that is to be closed may take to read its last replies.
const LINGER_MS: u64 = 5_000;

/// Requests looked at before the first of them runs.
const BATCH: usize = 16;

/// What a loop lends to the connection whose turn it is.
#[derive(Debug)]
pub(crate) struct Bench {
    /// The engine's time when the loop woke up, in Unix milliseconds.
    pub(crate) now_ms: u64,
    /// The loop has taken events that it has not delivered yet.
    pub(crate) has_mail: bool,
    pub(crate) limits: Arc<Limits>,
    /// Bytes read and written since they were last added to the engine's statistics.
    pub(crate) input_bytes: u64,
    pub(crate) output_bytes: u64,
    /// Reads and writes of sockets since then.
    pub(crate) reads: u64,
    pub(crate) writes: u64,
    /// Requests of this round.
    pub(crate) commands: u64,
    /// When HTTP was last complained about: once a minute is enough.
    http_logged_ms: u64,
    read: Vec<u8>,
    replies: Vec<Vec<u8>>,
}

impl Bench {
    pub(crate) fn new(limits: Arc<Limits>) -> Self {
        Bench {
            now_ms: 0,
            has_mail: false,
            limits,
            input_bytes: 0,
            output_bytes: 0,
            reads: 0,
            writes: 0,
            commands: 0,
            http_logged_ms: 0,
            read: Vec::new(),
            replies: Vec::new(),
        }
    }

    /// The buffer to read into, empty. Put back with [`Bench::put_back`].
    fn take_read(&mut self) -> Vec<u8> {
        let mut read = std::mem::take(&mut self.read);
        if read.capacity() == 0 {
            read.reserve_exact(READ_BYTES);
        }
        read
    }

    fn put_back(&mut self, mut read: Vec<u8>) {
        read.clear();
        self.read = read;
    }

    fn take_reply(&mut self) -> Vec<u8> {
        self.replies.pop().unwrap_or_else(|| Vec::with_capacity(REPLY_BYTES))
    }

    fn give_reply(&mut self, mut buffer: Vec<u8>) {
        let fits = (1..=KEPT_REPLY_BYTES).contains(&buffer.capacity());
        if fits && self.replies.len() < KEPT_REPLY_BUFFERS {
            buffer.clear();
            self.replies.push(buffer);
        }
    }
}

/// What a connection wants after its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) enum Next {
    /// To be told of events.
    Wait,
    /// Another turn, after the others had theirs.
    Again,
    /// To be closed.
    Close,
}

/// Whole requests of a buffer, and their lengths in bytes.
#[derive(Default)]
struct Batch<'b> {
    requests: SmallVec<[ArgVec<'b>; BATCH]>,
    lengths: SmallVec<[usize; BATCH]>,
}

impl<'b> Batch<'b> {
    /// Parses ahead, as far as requests are whole and plain.
    #[inline]
    fn look_ahead(front: &'b [u8], limits: &larder_resp::Limits) -> Self {
        let mut batch = Batch::default();
        let mut at = 0;
        while batch.lengths.len() < BATCH && at < front.len() {
            let mut words = ArgVec::new();
            let Some(length) = parse_whole(&front[at..], limits, &mut words) else { break };
            batch.requests.push(words);
            batch.lengths.push(length);
            at += length;
        }
        batch
    }
}

/// What became of the front of a buffer.
enum Step {
    /// So many bytes were a request, which ran, or a blank line.
    Ran(usize),
    /// A request is not there whole; see [`Parsed::Incomplete`].
    Incomplete(usize),
    /// A request of so many bytes changed how it goes on.
    Stopped(Flow, usize),
    /// It is no request.
    Breach(ProtocolError),
    /// It is HTTP.
    Http,
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) socket: Socket,
    pub(crate) session: Session,
    parser: RequestParser,
    /// Bytes of requests that have not run: the front of one, or whole ones that wait.
    input: Vec<u8>,
    /// Length in bytes that `input` must reach before the parser gets any further, or 0.
    want: usize,
    /// Replies; those before `sent` have been written. No capacity while there are none.
    output: Vec<u8>,
    sent: usize,
    /// Replies that may not leave yet: up to which byte of `output` they speak of which position of
    /// the log.
    marks: VecDeque<(usize, Position)>,
    /// Nothing can be sent before the log has released more.
    pub(crate) held: bool,
    /// The loop has it on the list of those.
    pub(crate) listed_held: bool,
    /// Length of `output` from which on it is written before the next request runs.
    write_at: usize,
    /// When the client last sent something.
    active_ms: u64,
    /// Commands are paused until then.
    paused_until_ms: Option<u64>,
    /// When the replies that wait grew above the soft limit.
    above_soft_ms: Option<u64>,
    /// The end has come: nothing is read any more, what was replied may leave until then.
    close_by_ms: Option<u64>,
    /// The time under which the loop's timers know this connection.
    pub(crate) timer_ms: Option<u64>,
    /// `input` may hold whole requests.
    postponed: bool,
    /// The kernel may hold bytes to be read.
    readable: bool,
    /// The peer sends no more.
    hung_up: bool,
    /// The loop's poll reports room for writing.
    pub(crate) watches_room: bool,
    /// The loop has it on the list of those that want another turn.
    pub(crate) listed: bool,
    /// The loop has it on the list of those whose replies are to be written.
    pub(crate) unsent: bool,
    /// When the loop last counted it among those that are busy.
    pub(crate) window_ms: u64,
}

impl Connection {
    pub(crate) fn new(socket: Socket, session: Session, now_ms: u64) -> Self {
        Connection {
            socket,
            session,
            parser: RequestParser::new(),
            input: Vec::new(),
            want: 0,
            output: Vec::new(),
            marks: VecDeque::new(),
            held: false,
            listed_held: false,
            sent: 0,
            write_at: 0,
            active_ms: now_ms,
            paused_until_ms: None,
            above_soft_ms: None,
            close_by_ms: None,
            timer_ms: None,
            postponed: false,
            readable: false,
            hung_up: false,
            watches_room: false,
            listed: false,
            unsent: false,
            window_ms: 0,
        }
    }

    /// Notes what the poll reported.
    pub(crate) fn note(&mut self, readable: bool, hung_up: bool) {
        self.readable |= readable | hung_up;
        self.hung_up |= hung_up;
    }

    /// Reads and runs what can be. What was replied leaves with [`flush`](Self::flush).
    pub(crate) fn advance(&mut self, bench: &mut Bench) -> Next {
        let mut again = false;
        if self.postponed && self.may_run() {
            self.run_postponed(bench);
        }
        let mut reads = 0;
        while self.readable && self.may_run() {
            if reads == READS_A_TURN {
                again = true;
                break;
            }
            reads += 1;
            match self.read_and_run(bench) {
                Next::Close => return Next::Close,
                Next::Again => {
                    again = true;
                    break;
                }
                Next::Wait => {}
            }
        }
        if self.hung_up && self.session.is_blocked() {
            return Next::Close;
        }
        if again { Next::Again } else { Next::Wait }
    }

    /// Takes an event that the mailbox had for this connection; its bytes leave with the next
    /// turn.
    pub(crate) fn deliver(&mut self, event: &Event, bench: &mut Bench) -> Next {
        if matches!(event, Event::Close) {
            return Next::Close;
        }
        if matches!(event, Event::Nudge) {
            self.paused_until_ms = None;
        }
        self.prepare_output(bench);
        if self.session.deliver(event, &mut self.output) == Flow::Close {
            self.close_soon(bench);
        }
        Next::Wait
    }

    /// What has to be done because time has passed.
    pub(crate) fn on_time(&mut self, bench: &mut Bench) -> Next {
        let now_ms = bench.now_ms;
        if self.close_by_ms.is_some_and(|by_ms| by_ms <= now_ms) {
            return Next::Close;
        }
        if self.paused_until_ms.is_some_and(|until_ms| until_ms <= now_ms) {
            self.paused_until_ms = None;
        }
        self.prepare_output(bench);
        self.session.time_out(now_ms, &mut self.output);
        self.advance(bench)
    }

    /// When [`on_time`](Self::on_time) is due, in Unix milliseconds of the engine's clock.
    #[inline]
    pub(crate) fn due_ms(&self, limits: &Limits) -> Option<u64> {
        let mut due = self.session.deadline_ms();
        if self.paused_until_ms.or(self.close_by_ms).or(self.above_soft_ms).is_some() {
            let soft = self
                .above_soft_ms
                .map(|since_ms| since_ms.saturating_add(limits.output(self.class()).soft_ms()));
            due = [due, self.paused_until_ms, self.close_by_ms, soft].into_iter().flatten().min();
        }
        due
    }

    /// Whether it has been silent for too long.
    pub(crate) fn is_idle(&self, now_ms: u64, idle_seconds: u64) -> bool {
        now_ms.saturating_sub(self.active_ms) > idle_seconds.saturating_mul(1000)
            && !self.session.is_blocked()
            && !self.session.is_subscribed()
    }

    /// Takes what the peer has sent but will not be read, so that closing does not make the
    /// kernel take back the last reply.
    pub(crate) fn discard_input(&mut self, bench: &mut Bench) {
        let mut buffer = bench.take_read();
        if let Err(error) = self.socket.read(&mut buffer) {
            tracing::trace!("nothing to discard: {error}");
        }
        bench.put_back(buffer);
    }

    /// Whether replies wait to be sent.
    pub(crate) fn has_output(&self) -> bool {
        self.sent < self.output.len()
    }

    /// Nothing more is read; what was replied may leave for a while.
    pub(crate) fn close_soon(&mut self, bench: &Bench) {
        self.close_by_ms.get_or_insert(bench.now_ms + LINGER_MS);
    }

    /// Whether requests may run now.
    #[inline]
    fn may_run(&self) -> bool {
        self.close_by_ms.is_none()
            && self.paused_until_ms.is_none()
            && !self.session.is_blocked()
            && !self.is_held_full()
    }

    #[inline]
    fn class(&self) -> Class {
        if self.session.is_subscribed() { Class::PubSub } else { Class::Normal }
    }

    /// Runs requests that had to wait.
    #[cold]
    fn run_postponed(&mut self, bench: &mut Bench) {
        let buffer = std::mem::take(&mut self.input);
        let used = self.run(&buffer, bench);
        self.keep(buffer, used);
    }

    fn read_and_run(&mut self, bench: &mut Bench) -> Next {
        let shared = self.input.len() <= SHARED_BYTES;
        let mut buffer = if shared {
            let mut buffer = bench.take_read();
            buffer.extend_from_slice(&self.input);
            buffer
        } else {
            self.grown_input()
        };
        let room = buffer.capacity() - buffer.len();
        let read = self.socket.read(&mut buffer);
        let next = self.note_read(read, room, bench);
        let arrived = matches!(read, Ok(1..));
        // What others had posted before a request arrived is to reach the client before the reply:
        // the mailbox has its turn between reading and running.
        let mail_first = arrived && self.session.hears() && self.has_mail(bench);
        self.postponed |= mail_first;
        let used = if arrived && !mail_first { self.run(&buffer, bench) } else { 0 };
        if !shared {
            self.keep(buffer, used);
        } else {
            if arrived {
                self.input = buffer[used..].to_vec();
            }
            bench.put_back(buffer);
        }
        match self.check_input(bench, next) {
            Next::Wait if mail_first => Next::Again,
            next => next,
        }
    }

    /// Whether somebody may have posted something that is not delivered yet.
    #[inline]
    fn has_mail(&self, bench: &Bench) -> bool {
        bench.has_mail || self.session.has_mail()
    }

    /// The connection's own buffer with room for more: as much as is wanted, but no more than
    /// has arrived already, so that an announced length alone takes no memory.
    fn grown_input(&mut self) -> Vec<u8> {
        let mut buffer = std::mem::take(&mut self.input);
        if buffer.capacity() - buffer.len() < READ_BYTES / 4 {
            let missing = self.want.saturating_sub(buffer.len()).max(READ_BYTES);
            buffer.reserve_exact(missing.min(buffer.len()));
        }
        buffer
    }

    /// Keeps what was not used of the connection's own buffer, in no more room than it needs.
    fn keep(&mut self, mut buffer: Vec<u8>, used: usize) {
        if used == buffer.len() {
            return;
        }
        if used == 0 {
            self.input = buffer;
        } else if buffer.len() - used <= SHARED_BYTES {
            self.input = buffer[used..].to_vec();
        } else {
            buffer.drain(..used);
            self.input = buffer;
        }
    }

    /// Learns from the outcome of a read what there is still to be read.
    #[inline]
    fn note_read(&mut self, read: Result<usize, Errno>, room: usize, bench: &mut Bench) -> Next {
        match read {
            Ok(0) => {
                // The peer may still read: what was replied leaves, then this end closes too.
                self.readable = false;
                self.close_soon(bench);
                Next::Wait
            }
            Ok(read) => {
                // Less than there was room for: the socket is empty, and the poll reports the
                // next byte. The end of the stream is reported once and has to be looked for.
                self.readable = read == room || self.hung_up;
                self.active_ms = bench.now_ms;
                bench.input_bytes += read as u64;
                bench.reads += 1;
                Next::Wait
            }
            Err(Errno::AGAIN) => {
                self.readable = false;
                Next::Wait
            }
            Err(_) => Next::Close,
        }
    }

    /// Closes a connection whose unfinished request is longer than the limit.
    #[inline]
    fn check_input(&mut self, bench: &Bench, next: Next) -> Next {
        if self.input.is_empty() {
            return next;
        }
        let bytes = (self.input.len() + self.parser.heap_bytes()) as u64;
        if bytes > bench.limits.query_buffer_bytes.load(Ordering::Relaxed) {
            tracing::warn!(client = self.session.id(), bytes, "query buffer limit reached: closed");
            self.session.engine().stats().input_limit.fetch_add(1, Ordering::Relaxed);
            return Next::Close;
        }
        next
    }

    /// Runs the requests of a buffer, as many as are there whole and may run; how many bytes of
    /// it they were.
    #[inline]
    fn run(&mut self, buffer: &[u8], bench: &mut Bench) -> usize {
        let mut limits = larder_resp::Limits {
            max_bulk_bytes: bench.limits.max_bulk_bytes.load(Ordering::Relaxed),
            ..larder_resp::Limits::default()
        };
        self.prepare_output(bench);
        let limit = bench.limits.output(self.class());
        let hard_bytes = limit.hard_bytes.load(Ordering::Relaxed);
        self.session.limit_reply(if hard_bytes == 0 { 0 } else { hard_bytes.max(OWN_REPLY_BYTES) });
        self.postponed = false;
        self.want = 0;
        self.write_at = self.sent + WRITE_BYTES;
        let mut used = 0;
        while used < buffer.len() {
            limits.authenticated = self.session.is_authenticated();
            let front = &buffer[used..];
            let batch = if self.parser.in_request() {
                Batch::default()
            } else {
                Batch::look_ahead(front, &limits)
            };
            let going_on = if batch.lengths.is_empty() {
                self.run_one(front, &limits, &mut used, bench)
            } else {
                self.run_batch(&batch, &mut used, bench)
            };
            if !going_on {
                break;
            }
        }
        if self.parser.heap_bytes() > 0 {
            self.parser.shrink();
        }
        used
    }

    /// Runs requests that were looked at before; whether to go on with the buffer.
    #[inline]
    fn run_batch(&mut self, batch: &Batch<'_>, used: &mut usize, bench: &mut Bench) -> bool {
        let (done, flow) =
            self.session.execute_all(&batch.requests, self.write_at, &mut self.output);
        *used += batch.lengths[..done].iter().sum::<usize>();
        bench.commands += done as u64;
        if flow != Flow::Continue {
            self.interrupt(&Step::Stopped(flow, 0), bench);
            return false;
        }
        self.output.len() < self.write_at || self.write_early(bench)
    }

    /// Runs the request at the front of a buffer with the parser that knows every case; whether
    /// to go on with the buffer.
    #[cold]
    fn run_one(
        &mut self,
        front: &[u8],
        limits: &larder_resp::Limits,
        used: &mut usize,
        bench: &mut Bench,
    ) -> bool {
        match self.step(front, limits) {
            Step::Ran(consumed) => {
                *used += consumed;
                bench.commands += 1;
            }
            Step::Incomplete(want) => {
                self.want = want;
                return false;
            }
            other => {
                *used += self.interrupt(&other, bench);
                return false;
            }
        }
        self.output.len() < self.write_at || self.write_early(bench)
    }

    /// Writes much that waits before more is added; whether to go on.
    #[cold]
    fn write_early(&mut self, bench: &mut Bench) -> bool {
        if self.flush(bench) == Next::Close {
            self.close_by_ms = Some(0);
            return false;
        }
        self.prepare_output(bench);
        self.write_at = self.output.len() + WRITE_BYTES;
        if self.is_held_full() {
            self.postponed = true;
            return false;
        }
        true
    }

    /// One request in any form.
    fn step(&mut self, front: &[u8], limits: &larder_resp::Limits) -> Step {
        let mut words = ArgVec::new();
        let consumed = match self.parser.parse(front, limits, &mut words) {
            Ok(Parsed::Request { consumed }) => consumed,
            Ok(Parsed::Incomplete { want }) => return Step::Incomplete(want),
            Err(breach) => return Step::Breach(breach),
        };
        match words.first() {
            None => return Step::Ran(consumed),
            Some(first) if front[0] != b'*' && refusal::is_http(first) => return Step::Http,
            Some(_) => {}
        }
        match self.session.execute(&words, &mut self.output) {
            Flow::Continue => Step::Ran(consumed),
            flow => Step::Stopped(flow, consumed),
        }
    }

    /// Something other than the end of the buffer ends the run; how many bytes are done with.
    #[cold]
    fn interrupt(&mut self, step: &Step, bench: &mut Bench) -> usize {
        self.postponed = true;
        match *step {
            Step::Breach(ref breach) => {
                encode::protocol_error(&mut self.output, breach);
                self.close_soon(bench);
                0
            }
            Step::Http => {
                self.refuse_http(bench);
                0
            }
            Step::Stopped(Flow::Close, consumed) => {
                self.close_soon(bench);
                consumed
            }
            // Nothing was done: the request is parsed again when its time has come.
            Step::Stopped(Flow::Paused(until_ms), _) => {
                self.paused_until_ms = Some(until_ms);
                0
            }
            Step::Stopped(Flow::Retry, _) => {
                self.paused_until_ms = Some(bench.now_ms + 1);
                0
            }
            Step::Stopped(_, consumed) | Step::Ran(consumed) => consumed,
            Step::Incomplete(_) => 0,
        }
    }

    #[cold]
    fn refuse_http(&mut self, bench: &mut Bench) {
        const QUIET_MS: u64 = 60_000;
        self.close_by_ms = Some(0);
        if bench.now_ms.saturating_sub(bench.http_logged_ms) >= QUIET_MS {
            bench.http_logged_ms = bench.now_ms;
            tracing::warn!(from = ?self.session.client().origin, "{}", refusal::SECURITY_ATTACK);
        }
    }

    #[inline]
    fn prepare_output(&mut self, bench: &mut Bench) {
        if self.output.capacity() == 0 {
            self.output = bench.take_reply();
        }
    }

    /// Writes what waits, as much as the socket takes. What is above the hard limit is not begun:
    /// as in Redis its client sees no part of the reply.
    pub(crate) fn flush(&mut self, bench: &mut Bench) -> Next {
        if self.is_listed() && self.is_above_hard_limit(bench) {
            return Next::Close;
        }
        let Some(until) = self.sendable() else { return Next::Close };
        self.held = until < self.output.len();
        while self.sent < until {
            match self.socket.write(&self.output[self.sent..until]) {
                Ok(written) => {
                    self.sent += written;
                    bench.output_bytes += written as u64;
                    bench.writes += 1;
                }
                Err(Errno::AGAIN) => {
                    self.held = false;
                    return self.keep_output(bench);
                }
                Err(_) => return Next::Close,
            }
        }
        if self.held {
            self.record();
            return Next::Wait;
        }
        bench.give_reply(std::mem::take(&mut self.output));
        self.sent = 0;
        self.above_soft_ms = None;
        self.record();
        if self.close_by_ms.is_some() { Next::Close } else { Next::Wait }
    }

    /// Up to which byte replies may leave; `None` if some must not leave at all, because what they
    /// say may be lost.
    #[inline]
    fn sendable(&mut self) -> Option<usize> {
        let fate = self.session.fate();
        if fate == Fate::Released {
            self.marks.clear();
            return Some(self.output.len());
        }
        self.sendable_part(fate)
    }

    #[cold]
    fn sendable_part(&mut self, fate: Fate) -> Option<usize> {
        let end = self.output.len();
        if fate == Fate::Unknown {
            return (!self.has_output()).then_some(end);
        }
        let position = self.session.reply_position();
        let any = self.has_output();
        match self.marks.back_mut() {
            Some((marked, last)) if *last == position => *marked = end,
            _ if any => self.marks.push_back((end, position)),
            _ => {}
        }
        let released = self.session.engine().log().released();
        let mut until = self.sent;
        while let Some((marked, _)) = self.marks.pop_front_if(|(_, last)| *last <= released) {
            until = until.max(marked);
        }
        Some(until)
    }

    /// So much is held back that no more requests run before some of it may leave.
    #[inline]
    fn is_held_full(&self) -> bool {
        self.held && self.output.len() - self.sent >= WRITE_BYTES
    }

    /// Whether the socket has no room for what may leave.
    pub(crate) fn wants_room(&self) -> bool {
        self.has_output() && !self.held
    }

    /// Keeps replies for a reader that is slower than its requests, within the limits.
    #[cold]
    fn keep_output(&mut self, bench: &Bench) -> Next {
        if self.sent >= WRITE_BYTES.max(self.output.len() / 2) {
            self.output.drain(..self.sent);
            self.marks.iter_mut().for_each(|(marked, _)| *marked -= self.sent);
            self.sent = 0;
        }
        let bytes = self.waiting_bytes();
        self.record();
        let limit = bench.limits.output(self.class());
        let soft_bytes = limit.soft_bytes.load(Ordering::Relaxed);
        if soft_bytes == 0 || bytes <= soft_bytes {
            self.above_soft_ms = None;
        } else if self.above_soft_ms.is_none() {
            self.above_soft_ms = Some(bench.now_ms);
        }
        let too_long = self
            .above_soft_ms
            .is_some_and(|since_ms| bench.now_ms >= since_ms.saturating_add(limit.soft_ms()));
        if too_long {
            self.warn_of_limit();
        }
        if too_long || self.is_above_hard_limit(bench) { Next::Close } else { Next::Wait }
    }

    #[inline]
    fn waiting_bytes(&self) -> u64 {
        (self.output.len() - self.sent) as u64
    }

    /// Whether more waits than the connection's own buffer takes: below that no limit acts.
    #[inline]
    fn is_listed(&self) -> bool {
        self.waiting_bytes() > OWN_REPLY_BYTES
    }

    #[cold]
    fn is_above_hard_limit(&self, bench: &Bench) -> bool {
        let hard_bytes = match self.session.is_authenticated() {
            true => bench.limits.output(self.class()).hard_bytes.load(Ordering::Relaxed),
            false => UNAUTHENTICATED_REPLY_BYTES,
        };
        let above = hard_bytes > 0 && self.is_listed() && self.waiting_bytes() > hard_bytes;
        let above = above || self.session.is_cut_off();
        if above {
            self.warn_of_limit();
        }
        above
    }

    fn warn_of_limit(&self) {
        let (client, bytes, class) = (self.session.id(), self.waiting_bytes(), self.class());
        tracing::warn!(client, bytes, ?class, "output buffer limit reached: closed");
        self.session.engine().stats().output_limit.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes in the session's record what waits here.
    #[inline]
    fn record(&self) {
        let client = self.session.client();
        let note = |figure: &AtomicU64, bytes: usize| figure.store(bytes as u64, Ordering::Relaxed);
        note(&client.input_bytes, self.input.len());
        note(&client.input_free_bytes, self.input.capacity() - self.input.len());
        note(&client.output_bytes, self.output.len() - self.sent);
        note(&client.output_capacity, self.output.capacity());
        self.session.engine().count_client(client);
    }
}
