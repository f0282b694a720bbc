//! A session: one client's state, and the only door by which commands enter the engine.
//!
//! Works without any socket: linked callers, the server's loops, scripts and replay all come
//! through here, with bytes ([`Session::execute`]) or with a typed command ([`Session::call`]).
//! The owner of a session is the only one who writes for it; see [`crate::mailbox`].

mod exec;
pub(crate) mod noting;
pub(crate) mod pipeline;
mod state;

pub(crate) use state::after;
pub use state::{Flow, ReplyMode, SessionState};

use crate::blocking::{self, Waiter};
use crate::changes::Changes;
use crate::clients::{Client, Origin};
use crate::command::{Command, Ctx, perform, words_of};
use crate::commands;
use crate::commands::connection::{client, ping};
use crate::config::{Id, ProtectedAction};
use crate::engine::Engine;
use crate::error::Error;
use crate::keys::{Hashes, Keys};
use crate::keyspace::locks::{Acquired, ShardSet, Wait};
use crate::log::{Fate, MAX_COPIED, Position, Stamp};
use crate::mailbox::{Event, Mailbox};
use crate::notify::Naming;
use crate::renames::Meaning;
use crate::reply::{Reply, WireReply};
use crate::spec::{Entry, Spec, flag};
use crate::tracking::Tracking;
use larder_resp::Protocol;
pub(crate) use noting::{SLOW_COMMAND, SLOW_FAST_COMMAND};
use noting::{Unfinished, note_run};
use pipeline::KnownHash;
use state::Queued;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// A client of the engine.
pub struct Session {
    engine: Arc<Engine>,
    state: SessionState,
    changes: Changes,
    blocked: Option<Blocked>,
    /// The entry that ran last: pipelines repeat themselves.
    last: Option<&'static Entry>,
    /// The same for typed commands: the spec, and the command's number.
    last_spec: Option<(&'static Spec, Option<usize>)>,
    /// What the replies so far speak of.
    stamp: Stamp,
    /// A pause held its last request back.
    held: bool,
    /// What the clock showed at the end of the last command, 0 if that did not look.
    ended_us: u64,
    /// The hash of a key of the request that is about to run.
    known: Option<KnownHash>,
}

/// A session's wait.
struct Blocked {
    waiter: Arc<Waiter>,
    deadline_ms: Option<u64>,
    /// The command that waits, to be counted when the wait is over.
    unfinished: Unfinished,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("id", &self.id()).finish_non_exhaustive()
    }
}

impl Session {
    /// A session whose events go to `mailbox`.
    pub fn new(engine: Arc<Engine>, origin: Origin, mailbox: Arc<Mailbox>) -> Self {
        let now_ms = engine.now_us() / 1000;
        let client = engine.clients.enter(origin, mailbox, now_ms);
        let state = SessionState::new(client, engine.config());
        let mut changes = Changes::default();
        changes.invalidations.author = state.client.id;
        Session {
            engine,
            state,
            changes,
            blocked: None,
            last: None,
            last_spec: None,
            stamp: Stamp::default(),
            held: false,
            ended_us: 0,
            known: None,
        }
    }

    /// Number of the session.
    pub fn id(&self) -> u64 {
        self.state.client.id
    }

    /// The engine it belongs to.
    pub fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// Its record, where its owner notes bytes in buffers.
    pub fn client(&self) -> &Arc<Client> {
        &self.state.client
    }

    /// The protocol of its replies.
    pub fn protocol(&self) -> Protocol {
        self.state.protocol
    }

    /// A reader of longer replies than this is cut off (0: none is), so that commands which answer
    /// as much as they are asked for need not finish.
    pub fn limit_reply(&mut self, bytes: u64) {
        let bytes = if bytes == 0 { u64::MAX } else { bytes };
        self.state.reply_bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
    }

    /// Whether a reply went beyond [`limit_reply`](Self::limit_reply) and may have been cut short:
    /// its bytes are not to be sent.
    pub fn is_cut_off(&self) -> bool {
        self.state.cut_off
    }

    /// Whether it may run commands that need a password.
    pub fn is_authenticated(&self) -> bool {
        self.state.authenticated
    }

    /// Counts as authenticated from now on: for owners that have checked the peer themselves.
    pub fn trust(&mut self) {
        self.state.trusted = true;
        self.state.authenticated = true;
    }

    /// Runs commands of a log from now on: they are admitted while data is being loaded.
    pub fn replay(&mut self) {
        self.trust();
        self.state.replays = true;
    }

    /// Selects a database, for owners that were told one by a URL or a log.
    ///
    /// # Panics
    /// When there is no such database.
    pub fn select(&mut self, db: u8) {
        assert!(usize::from(db) < crate::keyspace::DATABASES, "database {db}");
        self.state.select(db);
    }

    /// Whether it has subscriptions.
    pub fn is_subscribed(&self) -> bool {
        self.state.subscriptions() > 0
    }

    /// Whether it may be sent things unasked: it has subscriptions, sees the commands of all, or
    /// its protocol has a place for invalid keys.
    pub fn hears(&self) -> bool {
        let client = &self.state.client;
        self.is_subscribed()
            || self.state.protocol == Protocol::Resp3
            || client.facts.monitors.load(Ordering::Relaxed)
    }

    /// Whether its owner's mailbox may hold something for it.
    pub fn has_mail(&self) -> bool {
        self.state.client.mailbox.has_mail()
    }

    /// Whether it waits for a key.
    pub fn is_blocked(&self) -> bool {
        self.blocked.is_some()
    }

    /// When its wait ends without a key, in Unix milliseconds.
    pub fn deadline_ms(&self) -> Option<u64> {
        self.blocked.as_ref().and_then(|blocked| blocked.deadline_ms)
    }

    /// The log's position that the replies so far speak of: they may leave once that is as
    /// durable as the settings promise.
    pub fn reply_position(&self) -> Position {
        self.stamp.position
    }

    /// Whether the replies so far may leave.
    #[inline]
    pub fn fate(&self) -> Fate {
        self.engine.log().fate(self.stamp)
    }

    /// What the replies so far speak of, for linked callers, who hold them in their hands and wait
    /// ([`Log::await_fate`](crate::log::Log::await_fate)). Casts no doubt on those that follow.
    pub fn take_stamp(&mut self) -> Stamp {
        let stamp = self.stamp;
        self.stamp.doubt = false;
        stamp
    }

    /// What is answered from now on speaks of everything up to a position.
    #[inline]
    fn note_position(&mut self, position: Position) {
        if position > 0 {
            let Changes { log_epoch, doubt, .. } = &mut self.changes;
            self.stamp.position = self.stamp.position.max(position);
            self.stamp.epoch = *log_epoch;
            self.stamp.doubt |= std::mem::take(doubt);
        }
    }

    /// A push may tell of anything that is in the log by now.
    fn note_push(&mut self) {
        let log = self.engine.log();
        if log.gates() {
            self.stamp.epoch = log.epoch();
            self.stamp.position = self.stamp.position.max(log.position());
        }
    }

    /// Whether the log has room for what a command may write; a linked thread waits for it. What
    /// to do otherwise.
    #[inline]
    fn wait_for_room(&self, spec: &Spec, bytes: usize, wait: Wait<'_>) -> Option<Flow> {
        let writes = spec.flags & (flag::WRITE | flag::MAY_REPLICATE) != 0 || spec.has(flag::EXEC);
        let (engine, log) = (&self.engine, self.engine.log());
        if !log.is_on() || !writes || log.has_room(bytes, || engine.now_us()) || self.state.replays
        {
            return None;
        }
        if self.state.client.origin != Origin::Linked {
            // A loop has others to serve: the request comes back.
            return Some(Flow::Paused(engine.now_us() / 1000 + ROOM_RETRY_MS));
        }
        let granted = log.wait_for_room(bytes, || engine.now_us(), wait);
        (!granted).then_some(Flow::Retry)
    }

    /// Executes one request: its words in, bytes of its reply out. Parks the thread while
    /// somebody else holds the locks.
    pub fn execute(&mut self, words: &[&[u8]], out: &mut Vec<u8>) -> Flow {
        self.execute_or(words, out, Wait::Park)
    }

    /// The same; with [`Wait::Wake`] it answers [`Flow::Retry`] instead of parking.
    pub fn execute_or(&mut self, words: &[&[u8]], out: &mut Vec<u8>, wait: Wait<'_>) -> Flow {
        self.execute_from(words, out, wait, 0)
    }

    #[inline]
    fn execute_from(
        &mut self,
        words: &[&[u8]],
        out: &mut Vec<u8>,
        wait: Wait<'_>,
        seen_us: u64,
    ) -> Flow {
        self.changes.seen_us = seen_us;
        self.ended_us = 0;
        let start = out.len();
        let flow = {
            let reply = WireReply::new(out, self.state.protocol);
            let mut reply = reply.within(self.state.reply_bytes);
            let flow = self.enter(words, &mut reply, wait);
            self.state.cut_off |= reply.is_full();
            flow
        };
        if matches!(flow, Flow::Continue | Flow::Close) {
            self.note_sizes(words, out.len() - start);
            self.state.apply_reply_mode(out, start);
        }
        flow
    }

    /// Executes one request for a linked caller who wants a value.
    pub fn execute_into(&mut self, words: &[&[u8]], reply: &mut dyn Reply, wait: Wait<'_>) -> Flow {
        self.changes.seen_us = 0;
        self.enter(words, reply, wait)
    }

    /// Runs a typed command: no words, no parsing. Not for commands that block or that change the
    /// session, and not inside MULTI.
    ///
    /// # Errors
    /// The command's error; `Error::Busy`-like refusals as wire texts.
    pub fn call<'a, C: Command<'a>>(
        &mut self,
        command: &C,
        reply: &mut dyn Reply,
        wait: Wait<'_>,
    ) -> Result<Flow, Error> {
        let spec = C::SPEC;
        if self.engine.is_out_of_order() {
            self.admit_out_of_order(spec, false)?;
        }
        if let Some(flow) = self.wait_for_room(spec, MAX_COPIED, wait) {
            return Ok(flow);
        }
        let mut hashes = Hashes::default();
        let mut set = ShardSet::None;
        if spec.has(flag::ALL_SHARDS) {
            set = ShardSet::All;
        } else {
            command.keys(&mut |key| {
                let hash = self.engine.hash().of(key);
                hashes.push(key, hash);
                set.add(self.engine.shard_index(hash));
            });
        }
        if self.engine.is_crowded() && spec.has(flag::WRITE) && !self.engine.await_saver(&set, wait)
        {
            return Ok(Flow::Retry);
        }
        let words = spec.more_shards.map(|_| words_of(command));
        self.changes.seen_us = 0;
        let Session { engine, state, changes, .. } = self;
        let db = state.db;
        changes.runs_scripts = spec.has(flag::SCRIPT);
        let done = engine.with_keys(
            set,
            &hashes,
            changes,
            wait,
            |keys| {
                keys.warm_buckets(db);
                let mut set = ShardSet::None;
                if let (Some(more), Some(words)) = (spec.more_shards, &words) {
                    keys.db = db;
                    set = more(keys, &words.as_slices());
                }
                if set == ShardSet::All || !spec.has(flag::WRITE) || !keys.any_waiters() {
                    return set;
                }
                let mut list = smallvec::SmallVec::<[&[u8]; 8]>::new();
                command.keys(&mut |key| list.push(key));
                let waiters = keys.shards_of_waiters(list.iter().copied());
                waiters.iter(keys.engine.shard_count()).for_each(|shard| set.add(shard));
                set
            },
            |keys| {
                keys.db = state.db;
                let mut ctx = Ctx::new(engine, keys, state, false);
                perform(command, &mut ctx, reply, None)
            },
        );
        match done {
            Ok((result, position)) => {
                self.count_call(spec);
                self.note_position(position);
                result.map(|()| Flow::Continue)
            }
            Err(Acquired::Busy) => Err(engine.scripts.running.busy()),
            Err(_) => Ok(Flow::Retry),
        }
    }

    /// Counts a typed command. Its time is its caller's: it is neither taken nor logged.
    fn count_call(&mut self, spec: &'static Spec) {
        let number = match self.last_spec {
            Some((last, number)) if std::ptr::eq(last, spec) => number,
            _ => commands::number_of_spec(spec),
        };
        self.last_spec = Some((spec, number));
        if let Some(number) = number {
            self.engine.stats.ran(number, 0, false);
        }
    }

    /// Delivers an event that the owner took from the mailbox.
    pub fn deliver(&mut self, event: &Event, out: &mut Vec<u8>) -> Flow {
        self.note_push();
        match event {
            Event::Message(message) => {
                let mut reply = WireReply::new(out, self.state.protocol);
                self.state.write_message(message, &mut reply);
                Flow::Continue
            }
            Event::Served { waiter, reply, position } => {
                // The reply of a wait that was cancelled since is nobody's.
                let blocked = self.blocked.take_if(|own| Arc::ptr_eq(&own.waiter, waiter));
                let Some(blocked) = blocked else { return Flow::Continue };
                self.stamp.position = self.stamp.position.max(*position);
                self.note_finished(blocked.unfinished, reply.len());
                self.end_wait(waiter);
                let start = out.len();
                out.extend_from_slice(reply);
                self.state.apply_reply_mode(out, start);
                Flow::Continue
            }
            Event::Invalidated { what, redirected } => {
                self.state.write_invalidated(what, *redirected, out);
                Flow::Continue
            }
            Event::RedirectionBroken(to) => {
                self.state.write_broken_redirection(*to, out);
                Flow::Continue
            }
            Event::Monitored(line) => {
                if self.state.client.facts.monitors.load(Ordering::Relaxed) {
                    out.extend_from_slice(line);
                }
                Flow::Continue
            }
            Event::Close => Flow::Close,
            Event::Nudge => Flow::Continue,
        }
    }

    /// The same for a linked caller, to whom a message comes as values. The reply of a wait has
    /// crossed threads in its bytes and goes to `out`.
    pub fn deliver_into(
        &mut self,
        event: &Event,
        reply: &mut dyn Reply,
        out: &mut Vec<u8>,
    ) -> Flow {
        match event {
            Event::Message(message) => {
                self.note_push();
                self.state.write_message(message, reply);
                Flow::Continue
            }
            event => self.deliver(event, out),
        }
    }

    /// Whether `CLIENT REPLY` lets a linked caller have what [`execute_into`](Self::execute_into)
    /// just replied. To be asked once after each request.
    pub fn is_reply_sent(&mut self) -> bool {
        self.state.is_reply_sent()
    }

    /// Ends the wait if its deadline has come; whether it did.
    pub fn time_out(&mut self, now_ms: u64, out: &mut Vec<u8>) -> bool {
        let is_up = |blocked: &mut Blocked| {
            blocked.deadline_ms.is_some_and(|deadline_ms| deadline_ms <= now_ms)
                && blocked.waiter.claim()
        };
        let Some(blocked) = self.blocked.take_if(is_up) else { return false };
        let Blocked { waiter, unfinished, .. } = blocked;
        let start = out.len();
        waiter.waiting.time_out(&mut WireReply::new(out, self.state.protocol));
        self.note_finished(unfinished, out.len() - start);
        self.end_wait(&waiter);
        self.state.apply_reply_mode(out, start);
        true
    }

    /// Ends the wait without a reply, because nobody is there any more to be told. What a writer
    /// has taken for this session in the meantime goes back to where it was.
    pub fn cancel_wait(&mut self) {
        let Some(Blocked { waiter, .. }) = self.blocked.take() else { return };
        waiter.claim();
        self.end_wait(&waiter);
        if waiter.is_served() {
            blocking::give_back(&self.engine, &waiter);
        }
    }

    /// Sees to it that a client's request begins with its command's own name.
    fn enter(&mut self, words: &[&[u8]], reply: &mut dyn Reply, wait: Wait<'_>) -> Flow {
        match self.engine.renames() {
            Some(renames) if self.state.client.origin != Origin::Linked => {
                let meaning = renames.meaning(words.first().copied().unwrap_or_default());
                self.enter_renamed(&meaning, words, reply, wait)
            }
            _ => self.dispatch(words, reply, wait),
        }
    }

    #[cold]
    fn enter_renamed(
        &mut self,
        meaning: &Meaning,
        words: &[&[u8]],
        reply: &mut dyn Reply,
        wait: Wait<'_>,
    ) -> Flow {
        match meaning {
            Meaning::Table => self.dispatch(words, reply, wait),
            Meaning::Nothing => self.refuse(None, &commands::unknown_error(words), reply),
            Meaning::Other(own) => {
                let mut own_words: smallvec::SmallVec<[&[u8]; 8]> = words.into();
                own_words[0] = own.as_bytes();
                self.dispatch(&own_words, reply, wait)
            }
        }
    }

    /// Executes one command, and what is to be done after it.
    fn dispatch(&mut self, words: &[&[u8]], reply: &mut dyn Reply, wait: Wait<'_>) -> Flow {
        let flow = self.dispatch_one(words, reply, wait);
        if self.state.after != 0 && !matches!(flow, Flow::Retry | Flow::Paused(_)) {
            self.do_after();
        }
        if flow == Flow::Close {
            // For everybody else it is gone before its last reply has arrived.
            self.engine.clients.leave(&self.state.client);
        }
        flow
    }

    /// Does what a command has left to be done without its locks.
    #[cold]
    fn do_after(&mut self) {
        let todo = std::mem::take(&mut self.state.after);
        if todo & after::UNWATCH != 0 {
            self.state.unwatch(&self.engine);
        }
        if todo & after::COUNT_CLIENTS != 0 {
            self.engine.count_all_clients();
        }
        if todo & after::TRIM_TRACKED != 0 {
            Tracking::trim(&self.engine);
        }
        if todo & after::FORGET_TRACKED != 0 {
            Tracking::forget(&self.engine);
        }
        if todo & after::CACHING != 0 && self.state.caching {
            let holds_on = self.state.multi.is_some()
                || self.last.is_some_and(|last| last.spec.name == client::SPEC.name);
            self.state.caching = holds_on;
            self.state.after |= if holds_on { after::CACHING } else { 0 };
            self.state.note_remembers();
        }
    }

    /// Finds the command, checks everything that can be known without its keys, and runs it.
    fn dispatch_one(&mut self, words: &[&[u8]], reply: &mut dyn Reply, wait: Wait<'_>) -> Flow {
        if self.state.client.killed.load(Ordering::Relaxed) {
            return Flow::Close;
        }
        let entry = match self.find(words) {
            Ok(entry) => entry,
            Err(error) => return self.refuse(None, &error, reply),
        };
        self.state.client.sends(commands::number_of(entry));
        if let Err(error) = self.admit(entry, words) {
            return self.refuse(Some(entry), &error, reply);
        }
        if (self.engine.pause.may_be_on() || self.held)
            && let Some(until_ms) = self.paused_until_ms(entry)
        {
            return Flow::Paused(until_ms);
        }
        if self.state.multi.is_some() && !entry.spec.has(flag::NOT_QUEUED) {
            return self.enqueue(entry, words, reply);
        }
        if self.engine.is_crowded()
            && let Some(flow) = self.wait_for_saver(entry, words, wait)
        {
            return flow;
        }
        if let Some(flow) = self.wait_for_room(entry.spec, MAX_COPIED, wait) {
            return flow;
        }
        if entry.spec.has(flag::EXEC) {
            self.exec(entry, words, reply, wait)
        } else {
            self.run(entry, words, reply, wait)
        }
    }

    /// The command that the words name.
    fn find(&mut self, words: &[&[u8]]) -> Result<&'static Entry, Error> {
        let first = words.first().copied().unwrap_or_default();
        let known = self.last.filter(|last| first.eq_ignore_ascii_case(last.spec.name.as_bytes()));
        let entry = match known.or_else(|| commands::find(first)) {
            Some(entry) => entry,
            None => return Err(commands::unknown_error(words)),
        };
        self.last = Some(entry);
        if entry.spec.subcommands.is_empty() || words.len() < 2 {
            return Ok(entry);
        }
        commands::find_subcommand(entry, words[1])
            .ok_or_else(|| commands::unknown_subcommand_error(entry, words[1]))
    }

    /// Whether this session may run a command now.
    fn admit(&self, entry: &'static Entry, words: &[&[u8]]) -> Result<(), Error> {
        let spec = entry.spec;
        if entry.invoke.is_none() || !spec.accepts(words.len()) {
            return Err(commands::arity_error(entry));
        }
        if spec.has(flag::PROTECTED) && !self.may_use_protected() {
            return Err(PROTECTED);
        }
        if !self.state.authenticated
            && !spec.has(flag::NO_AUTH)
            && self.engine.config().has_password()
        {
            return Err(Error::NoAuth);
        }
        if self.state.multi.is_some() && spec.has(flag::NO_MULTI) {
            return Err(Error::text("ERR Command not allowed inside a transaction"));
        }
        if self.engine.is_out_of_order() {
            let writes =
                spec.has(flag::EXEC) && self.state.multi.as_ref().is_some_and(|multi| multi.writes);
            self.admit_out_of_order(spec, writes)?;
        }
        if self.state.protocol == Protocol::Resp2
            && self.state.subscriptions() > 0
            && !spec.has(flag::WHILE_SUBSCRIBED)
        {
            return Err(Error::owned(format!(
                "ERR Can't execute '{}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / \
                 RESET are allowed in this context",
                commands::full_name(entry),
            )));
        }
        if self.engine.locks().is_busy() && !spec.has(flag::ALLOW_BUSY) {
            return Err(self.engine.scripts.running.busy());
        }
        Ok(())
    }

    /// Whether a command may run while data is being loaded, or cannot be made to last.
    #[cold]
    fn admit_out_of_order(&self, spec: &Spec, writes: bool) -> Result<(), Error> {
        if self.state.replays {
            return Ok(());
        }
        // As in Redis: whoever pings finds out as well.
        let finds_out = writes || spec.has(flag::WRITE) || spec.name == ping::SPEC.name;
        if finds_out && let Some(refusal) = self.engine.write_refusal() {
            return Err(refusal);
        }
        if self.engine.is_loading() && !spec.has(flag::LOADING) {
            return Err(LOADING);
        }
        Ok(())
    }

    fn may_use_protected(&self) -> bool {
        match ProtectedAction::from_value(self.engine.config().int(Id::EnableDebugCommand)) {
            Some(ProtectedAction::Yes) => true,
            Some(ProtectedAction::Local) => self.state.client.origin.is_local(),
            _ => false,
        }
    }

    /// Until when a command has to wait, if a pause is on that it belongs to.
    #[cold]
    fn paused_until_ms(&mut self, entry: &Entry) -> Option<u64> {
        let now_ms = self.engine.now_us() / 1000;
        let until_ms = self.engine.pause.until_ms(now_ms);
        if until_ms.is_none() {
            self.engine.pause.end_if_over(now_ms);
        }
        let writes = entry.spec.flags & (flag::WRITE | flag::MAY_REPLICATE) != 0
            || (entry.spec.has(flag::EXEC)
                && self.state.multi.as_ref().is_some_and(|multi| multi.writes));
        let until_ms = until_ms.filter(|_| writes || self.engine.pause.is_for_all());
        self.held = until_ms.is_some();
        self.state.client.facts.paused.store(self.held, Ordering::Relaxed);
        until_ms
    }

    /// Lets a write wait until a snapshot's saver has room for what it may hand over: callers in
    /// this process here, others in their loop.
    #[cold]
    fn wait_for_saver(&self, entry: &Entry, words: &[&[u8]], wait: Wait<'_>) -> Option<Flow> {
        let set = match &self.state.multi {
            Some(multi) if multi.writes => ShardSet::All,
            None if entry.spec.has(flag::WRITE) => {
                shards_of(&self.engine, entry, words, &mut Hashes::default(), None)
            }
            _ => return None,
        };
        if self.state.client.origin == Origin::Linked {
            return (!self.engine.await_saver(&set, wait)).then_some(Flow::Retry);
        }
        let again_ms = self.engine.now_us() / 1000 + ASK_SAVER_MS;
        self.engine.saver_holds_up(&set).then_some(Flow::Paused(again_ms))
    }

    /// Replies that a command was not run.
    fn refuse(
        &mut self,
        entry: Option<&'static Entry>,
        error: &Error,
        reply: &mut dyn Reply,
    ) -> Flow {
        if let Some(entry) = entry {
            self.engine.stats.refused(commands::number_of(entry));
        }
        if entry.is_some_and(|entry| entry.spec.has(flag::EXEC)) {
            self.state.discard();
            let reason = error.to_string();
            let reason = reason.strip_prefix("ERR ").unwrap_or(&reason);
            let error =
                Error::owned(format!("EXECABORT Transaction discarded because of: {reason}"));
            self.fail(None, &error, reply);
            return Flow::Continue;
        }
        if let Some(multi) = &mut self.state.multi {
            multi.aborted = true;
        }
        self.fail(None, error, reply);
        Flow::Continue
    }

    /// Replies an error and counts it.
    fn fail(&self, entry: Option<&'static Entry>, error: &Error, reply: &mut dyn Reply) {
        if let Some(entry) = entry {
            self.engine.stats.failed(commands::number_of(entry));
        }
        self.engine.stats.error(&error.to_string());
        reply.error(error);
    }

    /// Keeps a command for EXEC. The queue counts as input that was not processed yet.
    fn enqueue(&mut self, entry: &'static Entry, words: &[&[u8]], reply: &mut dyn Reply) -> Flow {
        let touched = self.state.is_touched();
        let Some(multi) = &mut self.state.multi else { return Flow::Continue };
        if multi.aborted || touched {
            // It will not run: nothing of it needs to be kept.
            reply.simple("QUEUED");
            return Flow::Continue;
        }
        let overhead = size_of::<Vec<u8>>();
        multi.bytes += words.iter().map(|word| (word.len() + overhead) as u64).sum::<u64>();
        multi.writes |= entry.spec.flags & (flag::WRITE | flag::MAY_REPLICATE) != 0;
        if multi.bytes > self.engine.config().client_query_buffer_limit() {
            return Flow::Close;
        }
        let words = words.iter().map(|word| word.to_vec()).collect();
        multi.queue.push(Queued { entry, words });
        self.state.note_multi();
        reply.simple("QUEUED");
        Flow::Continue
    }

    /// Locks the command's keys and runs it.
    fn run(
        &mut self,
        entry: &'static Entry,
        words: &[&[u8]],
        reply: &mut dyn Reply,
        wait: Wait<'_>,
    ) -> Flow {
        let Some(invoke) = entry.invoke else { return Flow::Continue };
        let mut hashes = Hashes::default();
        let known = self.known.take();
        let set = shards_of(&self.engine, entry, words, &mut hashes, known);
        let Session { engine, state, changes, .. } = self;
        let db = state.db;
        changes.no_touch = state.client.facts.no_touch.load(Ordering::Relaxed);
        if !state.redacted.is_empty() {
            state.redacted.clear();
        }
        changes.runs_scripts = entry.spec.has(flag::SCRIPT);
        let done = engine.with_keys(
            set,
            &hashes,
            changes,
            wait,
            |keys| more_shards_of(keys, db, entry, words),
            |keys| {
                keys.db = state.db;
                let mut ctx = Ctx::new(engine, keys, state, true);
                let result = invoke(&mut ctx, words, reply);
                let block = ctx.block.take();
                let wait = block.map(|(waiting, deadline)| {
                    let what = (commands::number_of(entry), Naming::of(entry.spec, words));
                    (ctx.begin_wait(waiting, what), deadline)
                });
                (result, wait)
            },
        );
        match done {
            Ok(((result, waiter), position)) => {
                self.note_position(position);
                let now_us = self.engine.now_us();
                self.ended_us = now_us;
                self.state.client.active_ms.store(now_us / 1000, Ordering::Relaxed);
                let began_us = self.changes.began_us;
                if let Some((waiter, deadline_ms)) = waiter {
                    let took_us = now_us.saturating_sub(began_us);
                    let unfinished = self.unfinished(entry, words, took_us);
                    self.begin_blocked(Blocked { waiter, deadline_ms, unfinished });
                    return Flow::Blocked;
                }
                note_run(&self.engine, &self.state, entry, words, began_us, now_us);
                if let Err(error) = result {
                    self.fail(Some(entry), &error, reply);
                }
                self.state.flow.take().unwrap_or(Flow::Continue)
            }
            Err(Acquired::Busy) => {
                let busy = self.engine.scripts.running.busy();
                self.refuse(Some(entry), &busy, reply)
            }
            Err(_) => Flow::Retry,
        }
    }

    fn begin_blocked(&mut self, blocked: Blocked) {
        let facts = &self.state.client.facts;
        facts.blocked.store(true, Ordering::Relaxed);
        facts.timed.store(blocked.deadline_ms.is_some(), Ordering::Relaxed);
        self.blocked = Some(blocked);
    }

    /// Tidies up after a wait that somebody has claimed.
    fn end_wait(&mut self, waiter: &Arc<Waiter>) {
        self.state.client.facts.blocked.store(false, Ordering::Relaxed);
        self.state.client.facts.timed.store(false, Ordering::Relaxed);
        *self.state.client.waiter.lock() = None;
        if !waiter.is_served() {
            blocking::forget(&self.engine, waiter);
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.cancel_wait();
        self.state.unwatch(&self.engine);
        self.state.unwatch_later(&self.engine);
        self.state.unsubscribe_all(&self.engine);
        self.state.end_tracking(&self.engine);
        if self.state.after & after::FORGET_TRACKED != 0 {
            Tracking::forget(&self.engine);
        }
        self.engine.monitors.remove(&self.state.client);
        self.engine.clients.leave(&self.state.client);
    }
}

/// How soon a loop tries a write again for which the log had no room.
const ROOM_RETRY_MS: u64 = 1;

/// How soon a client's write that waits for a snapshot's saver is tried again.
const ASK_SAVER_MS: u64 = 2;

/// What everybody is told until all data is there.
const LOADING: Error = Error::text("LOADING Redis is loading the dataset in memory");

/// What a client hears who may not use DEBUG.
const PROTECTED: Error = Error::text(
    "ERR DEBUG command not allowed. If the enable-debug-command option is set to \"local\", you can \
     run it from a local connection, otherwise you need to set this option in the configuration \
     file, and then restart the server.",
);

/// The shards of a request's keys, from its command's SPEC.
fn shards_of(
    engine: &Engine,
    entry: &Entry,
    words: &[&[u8]],
    hashes: &mut Hashes,
    known: Option<KnownHash>,
) -> ShardSet {
    if entry.spec.has(flag::ALL_SHARDS) {
        return ShardSet::All;
    }
    let mut set = ShardSet::None;
    entry.spec.each_key(words, |at, _| {
        let known = known.and_then(|known| known.of(words[at]));
        let hash = known.unwrap_or_else(|| engine.hash().of(words[at]));
        hashes.push(words[at], hash);
        set.add(engine.shard_index(hash));
    });
    set
}

/// The shards that a request needs beyond those of its keys, as the shards that are held show: by
/// its SPEC, and for waiters on its keys.
fn more_shards_of(keys: &mut Keys<'_>, db: u8, entry: &Entry, words: &[&[u8]]) -> ShardSet {
    let mut set = ShardSet::None;
    if let Some(more) = entry.spec.more_shards {
        keys.db = db;
        set = more(keys, words);
    }
    if set == ShardSet::All || !entry.spec.has(flag::WRITE) || !keys.any_waiters() {
        return set;
    }
    let mut written = smallvec::SmallVec::<[&[u8]; 8]>::new();
    entry.spec.each_key(words, |at, _| written.push(words[at]));
    let waiters = keys.shards_of_waiters(written.into_iter());
    waiters.iter(keys.engine.shard_count()).for_each(|shard| set.add(shard));
    set
}
