//! Every session of the engine, as others see it: `CLIENT LIST`, `CLIENT KILL`, `INFO clients`;
//! and whether clients have to wait (`CLIENT PAUSE`).
//!
//! A session writes its own record with plain atomic stores; readers may see it a moment late.
//! Only names stand behind a lock. Who serves the session notes what its buffers hold; what becomes
//! of clients that take too much: [`eviction`].

mod eviction;

use crate::blocking::Waiter;
use crate::commands;
use crate::mailbox::{Event, Mailbox, Recipients, SessionId};
use crate::sync::Mutex;
use crate::tracking::{self, Tracks};
use crate::watch::Touched;
use eviction::Counted;
use hashbrown::HashMap;
use larder_resp::Protocol;
use std::sync::Arc;
use std::sync::atomic::{
    AtomicBool, AtomicI32, AtomicI64, AtomicU8, AtomicU32, AtomicU64, Ordering,
};

/// Where a session comes from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Origin {
    /// A caller in this process.
    #[default]
    Linked,
    /// TCP: the peer's and our address.
    Tcp {
        /// `ip:port` of the peer.
        peer: String,
        /// `ip:port` of ours.
        local: String,
    },
    /// A Unix socket: its path.
    Unix(String),
}

impl Origin {
    /// The peer's address as `CLIENT LIST` shows it.
    pub fn peer(&self) -> String {
        match self {
            Origin::Linked => "linked:0".to_owned(),
            Origin::Tcp { peer, .. } => peer.clone(),
            Origin::Unix(path) => format!("{path}:0"),
        }
    }

    /// Our address as `CLIENT LIST` shows it.
    pub fn local(&self) -> String {
        match self {
            Origin::Tcp { local, .. } => local.clone(),
            _ => self.peer(),
        }
    }

    /// Whether the client is on this machine.
    pub fn is_local(&self) -> bool {
        match self {
            Origin::Linked | Origin::Unix(_) => true,
            Origin::Tcp { peer, .. } => peer
                .parse::<std::net::SocketAddr>()
                .is_ok_and(|address| address.ip().to_canonical().is_loopback()),
        }
    }
}

/// Bytes of replies that count as a connection's own buffer; what waits beyond is its list of
/// replies, which is what `client-output-buffer-limit` bounds. Redis's size.
pub const OWN_REPLY_BYTES: u64 = 16 * 1024;

/// Bytes that a watched key or a subscription takes about: its place in the session's table and
/// in the engine's.
const NAME_BYTES: usize = 2 * size_of::<Box<[u8]>>() + 2 * size_of::<Arc<Client>>();

/// The same for a prefix of a client that tracks by them.
const PREFIX_BYTES: usize = size_of::<Box<[u8]>>() + size_of::<Arc<Client>>();

/// One session's record.
#[derive(Debug)]
pub struct Client {
    /// Number of the session.
    pub id: SessionId,
    /// Where it comes from.
    pub origin: Origin,
    /// When it began, in Unix milliseconds.
    pub since_ms: u64,
    /// Descriptor of its connection, -1 without one.
    pub fd: AtomicI32,
    /// When it last sent a command, in Unix milliseconds.
    pub active_ms: AtomicU64,
    /// Bytes of requests in its input buffer.
    pub input_bytes: AtomicU64,
    /// Free bytes in that buffer.
    pub input_free_bytes: AtomicU64,
    /// Bytes of replies that wait to be sent.
    pub output_bytes: AtomicU64,
    /// Bytes that the buffer of replies takes.
    pub output_capacity: AtomicU64,
    /// What it takes, as it was last counted against `maxmemory-clients`.
    counted_bytes: AtomicU64,
    /// Number of the command that it last sent, plus 1.
    last: AtomicU32,
    pub(crate) facts: Facts,
    pub(crate) names: Mutex<Names>,
    /// How it tracks the keys that it reads.
    pub(crate) tracks: Tracks,
    /// A key that it watches has changed.
    pub(crate) touched: Touched,
    /// Somebody asked to end this session.
    pub(crate) killed: AtomicBool,
    pub(crate) mailbox: Arc<Mailbox>,
    /// Its wait, for `CLIENT UNBLOCK`.
    pub(crate) waiter: Mutex<Option<Arc<Waiter>>>,
}

/// What a session's own commands change.
#[derive(Debug)]
pub(crate) struct Facts {
    /// Selected database.
    pub(crate) db: AtomicU8,
    /// 2 or 3.
    pub(crate) resp: AtomicU8,
    /// Commands queued in MULTI, -1 outside.
    pub(crate) multi: AtomicI64,
    /// Bytes of those.
    pub(crate) multi_bytes: AtomicU64,
    /// Keys watched.
    pub(crate) watching: AtomicU32,
    /// Channels, patterns and shard channels subscribed to.
    pub(crate) channels: AtomicU32,
    pub(crate) patterns: AtomicU32,
    pub(crate) sharded: AtomicU32,
    /// Blocked in a command, or waiting for the end of a pause.
    pub(crate) blocked: AtomicBool,
    pub(crate) paused: AtomicBool,
    /// The wait that it is blocked in ends at some time.
    pub(crate) timed: AtomicBool,
    /// Sees the commands of all (`MONITOR`).
    pub(crate) monitors: AtomicBool,
    /// `CLIENT NO-EVICT`, `CLIENT NO-TOUCH`
    pub(crate) no_evict: AtomicBool,
    pub(crate) no_touch: AtomicBool,
}

/// Names that a client gave itself.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names {
    /// `CLIENT SETNAME`
    pub(crate) name: String,
    /// `CLIENT SETINFO LIB-NAME`
    pub(crate) lib_name: String,
    /// `CLIENT SETINFO LIB-VER`
    pub(crate) lib_ver: String,
}

/// How output limits and `CLIENT LIST TYPE` tell clients apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Asks and reads.
    Normal,
    /// Has subscriptions.
    PubSub,
}

impl Client {
    /// Asks the session's owner to end it.
    fn kill(&self) {
        self.killed.store(true, Ordering::Release);
        self.mailbox.post(Recipients::One(self.id), Event::Close);
    }

    /// Its address as `CLIENT LIST` shows it. Callers in this process are told apart by number.
    pub fn peer(&self) -> String {
        match self.origin {
            Origin::Linked => format!("linked:{}", self.id),
            _ => self.origin.peer(),
        }
    }

    /// Our address as `CLIENT LIST` shows it.
    pub fn local(&self) -> String {
        match self.origin {
            Origin::Linked => "linked:0".to_owned(),
            _ => self.origin.local(),
        }
    }

    /// Which limits hold for it.
    pub fn class(&self) -> Class {
        let Facts { channels, patterns, sharded, .. } = &self.facts;
        let subscribed =
            [channels, patterns, sharded].iter().any(|n| n.load(Ordering::Relaxed) > 0);
        if subscribed { Class::PubSub } else { Class::Normal }
    }

    /// Bytes that it takes in buffers, queues and events.
    pub fn bytes(&self) -> u64 {
        let counters = [
            &self.input_bytes,
            &self.input_free_bytes,
            &self.output_capacity,
            &self.facts.multi_bytes,
        ];
        let buffers: u64 = counters.iter().map(|counter| counter.load(Ordering::Relaxed)).sum();
        let names = |counter: &AtomicU32, bytes: usize| {
            u64::from(counter.load(Ordering::Relaxed)) * bytes as u64
        };
        let Facts { watching, channels, patterns, sharded, .. } = &self.facts;
        let kept = [watching, channels, patterns, sharded].map(|n| names(n, NAME_BYTES));
        let prefixes = names(&self.tracks.prefixes, PREFIX_BYTES);
        buffers + kept.iter().sum::<u64>() + prefixes + size_of::<Client>() as u64
    }

    /// Its name; empty without one.
    pub fn name(&self) -> String {
        self.names.lock().name.clone()
    }

    /// The number of the command that it last sent.
    pub(crate) fn last_sent(&self) -> Option<usize> {
        (self.last.load(Ordering::Relaxed) as usize).checked_sub(1)
    }

    pub(crate) fn sends(&self, command: usize) {
        self.last.store(command as u32 + 1, Ordering::Relaxed);
    }

    /// Its line in `CLIENT LIST`.
    pub(crate) fn line(&self, now_ms: u64) -> String {
        let Facts { db, resp, multi, multi_bytes, watching, channels, patterns, sharded, .. } =
            &self.facts;
        let Names { name, lib_name, lib_ver } = self.names.lock().clone();
        let seconds = |since_ms: u64| now_ms.saturating_sub(since_ms) / 1000;
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let load32 = |counter: &AtomicU32| counter.load(Ordering::Relaxed);
        let output = load(&self.output_bytes);
        let listed = output.saturating_sub(OWN_REPLY_BYTES);
        let fd = self.fd.load(Ordering::Relaxed);
        let events = if fd < 0 { "" } else { "r" };
        format!(
            "id={} addr={} laddr={} fd={fd} name={name} age={} idle={} flags={} db={} sub={} \
             psub={} ssub={} multi={} watch={} qbuf={} qbuf-free={} argv-mem=0 multi-mem={} rbs={} \
             rbp=0 obl={} oll={} omem={} tot-mem={} events={events} cmd={} user=default redir={} \
             resp={} lib-name={lib_name} lib-ver={lib_ver}",
            self.id,
            self.peer(),
            self.local(),
            seconds(self.since_ms),
            seconds(load(&self.active_ms)),
            self.flags(),
            db.load(Ordering::Relaxed),
            load32(channels),
            load32(patterns),
            load32(sharded),
            multi.load(Ordering::Relaxed),
            load32(watching),
            load(&self.input_bytes),
            load(&self.input_free_bytes),
            load(multi_bytes),
            load(&self.output_capacity),
            output.min(OWN_REPLY_BYTES),
            listed.div_ceil(OWN_REPLY_BYTES),
            listed,
            self.bytes(),
            self.last_command(),
            self.tracks.shown_redirect(),
            resp.load(Ordering::Relaxed),
        )
    }

    fn last_command(&self) -> &'static str {
        self.last_sent().map_or("NULL", |number| &commands::all()[number].name)
    }

    pub(crate) fn flags(&self) -> String {
        let on = |flag: &AtomicBool| flag.load(Ordering::Relaxed);
        let facts = &self.facts;
        let tracks = |flag: u8| self.tracks.has(flag);
        let flags: String = [
            ('O', on(&facts.monitors)),
            ('P', self.class() == Class::PubSub),
            ('x', facts.multi.load(Ordering::Relaxed) >= 0),
            ('b', on(&facts.blocked) || on(&facts.paused)),
            ('t', tracks(tracking::ON)),
            ('R', tracks(tracking::BROKEN)),
            ('B', tracks(tracking::BCAST)),
            ('d', on(&self.touched)),
            ('A', on(&self.killed)),
            ('U', matches!(self.origin, Origin::Unix(_))),
            ('e', on(&facts.no_evict)),
            ('T', on(&facts.no_touch)),
        ]
        .into_iter()
        .filter_map(|(letter, on)| on.then_some(letter))
        .collect();
        if flags.is_empty() { "N".to_owned() } else { flags }
    }
}

impl Facts {
    fn new() -> Self {
        Facts {
            db: AtomicU8::new(0),
            resp: AtomicU8::new(2),
            multi: AtomicI64::new(-1),
            multi_bytes: AtomicU64::new(0),
            watching: AtomicU32::new(0),
            channels: AtomicU32::new(0),
            patterns: AtomicU32::new(0),
            sharded: AtomicU32::new(0),
            blocked: AtomicBool::new(false),
            paused: AtomicBool::new(false),
            timed: AtomicBool::new(false),
            monitors: AtomicBool::new(false),
            no_evict: AtomicBool::new(false),
            no_touch: AtomicBool::new(false),
        }
    }

    pub(crate) fn set_protocol(&self, protocol: Protocol) {
        let number = if protocol == Protocol::Resp3 { 3 } else { 2 };
        self.resp.store(number, Ordering::Relaxed);
    }
}

/// All sessions.
#[derive(Debug, Default)]
pub(crate) struct Clients {
    next_id: AtomicU64,
    by_id: Mutex<HashMap<SessionId, Arc<Client>>>,
    counted: Counted,
}

impl Clients {
    /// Enters a session.
    pub(crate) fn enter(&self, origin: Origin, mailbox: Arc<Mailbox>, now_ms: u64) -> Arc<Client> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed) + 1;
        let client = Arc::new(Client {
            id,
            origin,
            since_ms: now_ms,
            fd: AtomicI32::new(-1),
            active_ms: AtomicU64::new(now_ms),
            input_bytes: AtomicU64::new(0),
            input_free_bytes: AtomicU64::new(0),
            output_bytes: AtomicU64::new(0),
            output_capacity: AtomicU64::new(0),
            counted_bytes: AtomicU64::new(0),
            last: AtomicU32::new(0),
            facts: Facts::new(),
            names: Mutex::new(Names::default()),
            tracks: Tracks::default(),
            touched: Touched::default(),
            killed: AtomicBool::new(false),
            mailbox,
            waiter: Mutex::new(None),
        });
        self.by_id.lock().insert(id, client.clone());
        client
    }

    /// A session has ended.
    pub(crate) fn leave(&self, client: &Client) {
        self.by_id.lock().remove(&client.id);
        self.counted.forget(client);
    }

    /// Ends a session: for everybody else it is gone at once.
    pub(crate) fn kill(&self, client: &Client) {
        self.by_id.lock().remove(&client.id);
        client.kill();
        self.counted.forget(client);
    }

    /// A session by its number.
    pub(crate) fn get(&self, id: SessionId) -> Option<Arc<Client>> {
        self.by_id.lock().get(&id).cloned()
    }

    /// Bytes that all of them take.
    pub(crate) fn bytes(&self) -> u64 {
        self.by_id.lock().values().map(|client| client.bytes()).sum()
    }

    /// All sessions by their number.
    pub(crate) fn all(&self) -> Vec<Arc<Client>> {
        let mut all: Vec<_> = self.by_id.lock().values().cloned().collect();
        all.sort_unstable_by_key(|client| client.id);
        all
    }
}

/// `CLIENT PAUSE`: until when clients wait, and which.
#[derive(Debug, Default)]
pub(crate) struct Pause {
    /// Unix milliseconds, 0 when nobody waits.
    until_ms: AtomicU64,
    /// Everything waits, not only what may change data.
    all: AtomicBool,
    changing: Mutex<()>,
}

impl Pause {
    /// Whether a pause may be on: one load, for the way of every command.
    #[inline(always)]
    pub(crate) fn may_be_on(&self) -> bool {
        self.until_ms.load(Ordering::Relaxed) != 0
    }

    /// The end of the pause that is on.
    #[inline]
    pub(crate) fn until_ms(&self, now_ms: u64) -> Option<u64> {
        let until_ms = self.until_ms.load(Ordering::Relaxed);
        (until_ms > now_ms).then_some(until_ms)
    }

    /// Whether even reads wait.
    pub(crate) fn is_for_all(&self) -> bool {
        self.all.load(Ordering::Relaxed)
    }

    /// Begins a pause. One that is on gets no shorter and no milder.
    pub(crate) fn begin(&self, now_ms: u64, until_ms: u64, all: bool) {
        let _one_at_a_time = self.changing.lock();
        let on = self.until_ms(now_ms);
        self.all.store(all || (on.is_some() && self.is_for_all()), Ordering::Relaxed);
        self.until_ms.store(until_ms.max(on.unwrap_or(0)), Ordering::Relaxed);
    }

    /// Ends it.
    pub(crate) fn end(&self) {
        let _one_at_a_time = self.changing.lock();
        self.until_ms.store(0, Ordering::Relaxed);
        self.all.store(false, Ordering::Relaxed);
    }

    /// Ends a pause whose time has passed.
    pub(crate) fn end_if_over(&self, now_ms: u64) {
        let _one_at_a_time = self.changing.lock();
        if self.until_ms(now_ms).is_none() {
            self.until_ms.store(0, Ordering::Relaxed);
            self.all.store(false, Ordering::Relaxed);
        }
    }
}
