//! The engine in this process: a call is a function call.
//!
//! Sessions are kept in a few slots, so that threads that call at the same time rarely meet.

use crate::Error;
use crate::clock::SteadyClock;
use larder_engine::command::Command;
use larder_engine::commands::transactions::{discard, exec, multi};
use larder_engine::config::{Config, Id};
use larder_engine::keyspace::locks::Wait;
use larder_engine::log::{Fate, Stamp};
use larder_engine::mailbox::{Mailbox, Notify};
use larder_engine::reply::ValueReply;
use larder_engine::{Engine, Flow, Host, NoHost, Options, Origin, Session};
use larder_resp::Value;
use larder_store::disk::{Disk, RealDisk};
use larder_store::folder_lock::FolderLock;
use larder_store::report::NoReport;
use larder_store::{Store, StoreOptions};
use std::future::poll_fn;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::task::Poll;

/// Sessions that wait to be used again, at most one a slot.
const SLOTS: usize = 16;

/// An engine and the sessions by which this process uses it.
pub(crate) struct Linked {
    engine: Arc<Engine>,
    idle: [Mutex<Option<Session>>; SLOTS],
    /// Where its data lasts.
    home: Option<Home>,
}

/// A data folder that this process has for its own.
struct Home {
    store: Arc<Store>,
    folder: PathBuf,
    _lock: FolderLock,
}

impl std::fmt::Debug for Linked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Linked").finish_non_exhaustive()
    }
}

/// Typed calls do not wait for events; nobody needs to be woken.
struct NoEvents;

impl Notify for NoEvents {
    fn notify(&self) {}
}

impl Linked {
    /// A fresh store with Larder's settings.
    pub(crate) fn open() -> Result<Self, Error> {
        let options = options(Arc::new(Config::default()), Arc::new(NoHost))?;
        Ok(Linked::over(Engine::new(options)))
    }

    /// A store over an engine that somebody else made.
    pub(crate) fn over(engine: Arc<Engine>) -> Self {
        crate::housekeeper::look_after(&engine);
        Linked { engine, idle: Default::default(), home: None }
    }

    /// A store whose data is in a folder, which is made if it is not there.
    pub(crate) fn open_folder(path: &Path, fsync: Option<&str>) -> Result<Self, Error> {
        let failed = |cause: String| Error::Folder { path: path.to_path_buf(), cause };
        let config = Arc::new(Config::default());
        let disk = RealDisk;
        disk.create_folder(path).map_err(|error| failed(error.to_string()))?;
        let folder = path.canonicalize().map_err(|error| failed(error.to_string()))?;
        config.set_text(Id::Dir, folder.as_os_str().as_bytes());
        if let Some(fsync) = fsync {
            config
                .set(Id::Appendfsync.param().name, &[fsync.as_bytes()])
                .map_err(|error| failed(error.to_string()))?;
        }
        let mut lock = FolderLock::take(&folder).map_err(|taken| failed(taken.to_string()))?;
        lock.sign(None).map_err(|error| failed(error.to_string()))?;
        let engine = Engine::new(options(config, Arc::new(NoHost))?);
        let report = Arc::new(NoReport);
        let store_options = StoreOptions { disk: Arc::new(disk), report, save_at_end: false };
        let store =
            Store::open(&engine, store_options).map_err(|error| failed(error.to_string()))?;
        store.load(&mut |_, _| {}).map_err(|error| failed(error.to_string()))?;
        store.start().map_err(|error| failed(error.to_string()))?;
        let mut linked = Linked::over(engine);
        linked.home = Some(Home { store, folder, _lock: lock });
        Ok(linked)
    }

    /// The engine.
    pub(crate) fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// Runs a typed command.
    pub(crate) fn call<'a, C: Command<'a>>(&self, command: &C) -> Result<Value, Error> {
        let (reply, stamp) = self.with_session(|session| {
            let mut reply = ValueReply::new();
            let done = match session.call(command, &mut reply, Wait::Park) {
                Ok(_) => finished(reply),
                Err(error) => Err(Error::Refused(error.to_string())),
            };
            (done, session.take_stamp())
        });
        self.settle(reply, stamp)
    }

    /// A reply, once what it says lasts as the settings promise.
    fn settle<T>(&self, reply: Result<T, Error>, stamp: Stamp) -> Result<T, Error> {
        match self.engine.log().await_fate(stamp, Wait::Park) {
            Fate::Unknown => Err(self.unknown()),
            Fate::Released | Fate::Waits => reply,
        }
    }

    async fn settle_async<T>(&self, reply: Result<T, Error>, stamp: Stamp) -> Result<T, Error> {
        let fate =
            poll_fn(|cx| match self.engine.log().await_fate(stamp, Wait::Wake(cx.waker())) {
                Fate::Waits => Poll::Pending,
                fate => Poll::Ready(fate),
            });
        match fate.await {
            Fate::Unknown => Err(self.unknown()),
            Fate::Released | Fate::Waits => reply,
        }
    }

    #[cold]
    fn unknown(&self) -> Error {
        let folder = self.home.as_ref().map(|home| home.folder.display().to_string());
        Error::OutcomeUnknown {
            address: folder.unwrap_or_else(|| "the store of this process".to_owned()),
            cause: "what was written cannot be made to last".to_owned(),
        }
    }

    /// Runs a typed command; where a lock is held, gives the executor its thread back.
    pub(crate) async fn call_async<'a, C: Command<'a>>(&self, command: &C) -> Result<Value, Error> {
        let (reply, stamp) = poll_fn(|cx| {
            self.with_session(|session| {
                let mut reply = ValueReply::new();
                let done = match session.call(command, &mut reply, Wait::Wake(cx.waker())) {
                    Ok(Flow::Retry) => return Poll::Pending,
                    Ok(_) => finished(reply),
                    Err(error) => Err(Error::Refused(error.to_string())),
                };
                Poll::Ready((done, session.take_stamp()))
            })
        })
        .await;
        self.settle_async(reply, stamp).await
    }

    /// Runs requests as one: in MULTI and EXEC if there are several. Their replies.
    pub(crate) fn batch(&self, requests: &[Vec<Vec<u8>>]) -> Result<Vec<Value>, Error> {
        let (replies, stamp) = self.with_session(|session| {
            let done = match batch_on(session, requests, Wait::Park) {
                Poll::Ready(replies) => replies,
                Poll::Pending => Err(Error::UnexpectedReply("a parked wait gave up".to_owned())),
            };
            (done, session.take_stamp())
        });
        self.settle(replies, stamp)
    }

    /// The same for an executor's thread.
    pub(crate) async fn batch_async(&self, requests: &[Vec<Vec<u8>>]) -> Result<Vec<Value>, Error> {
        let (replies, stamp) = poll_fn(|cx| {
            self.with_session(|session| {
                batch_on(session, requests, Wait::Wake(cx.waker()))
                    .map(|replies| (replies, session.take_stamp()))
            })
        })
        .await;
        self.settle_async(replies, stamp).await
    }

    /// Works with the session of this thread's slot, in place; whoever finds the slot in use makes
    /// a session of their own.
    fn with_session<R>(&self, work: impl FnOnce(&mut Session) -> R) -> R {
        match self.idle[slot_of_this_thread()].try_lock() {
            Ok(mut slot) => work(slot.get_or_insert_with(|| self.session())),
            Err(_) => work(&mut self.session()),
        }
    }

    fn session(&self) -> Session {
        let mailbox = Mailbox::new(Box::new(NoEvents));
        let mut session = Session::new(self.engine.clone(), Origin::Linked, mailbox);
        // Whoever links the engine owns its memory: a password would protect nothing.
        session.trust();
        session
    }
}

impl Drop for Linked {
    fn drop(&mut self) {
        if let Some(home) = &self.home {
            home.store.close();
        }
    }
}

/// What an engine of this process is made from.
pub(crate) fn options(config: Arc<Config>, host: Arc<dyn Host>) -> Result<Options, Error> {
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let shards = (8 * cores).next_power_of_two().clamp(16, 1024) as u16;
    let mut seed = [0; 24];
    getrandom::fill(&mut seed).map_err(|error| Error::Connection {
        address: "the system's random generator".to_owned(),
        cause: error.to_string(),
    })?;
    let (hash, random) = seed.split_at(16);
    Ok(Options {
        shards,
        hash_seed: u128::from_le_bytes(hash.try_into().unwrap_or_default()),
        random_seed: u64::from_le_bytes(random.try_into().unwrap_or_default()),
        clock: Arc::new(SteadyClock::new()),
        config,
        host,
    })
}

fn batch_on(
    session: &mut Session,
    requests: &[Vec<Vec<u8>>],
    wait: Wait<'_>,
) -> Poll<Result<Vec<Value>, Error>> {
    if let [only] = requests {
        return execute(session, only, wait).map(|reply| reply.map(|value| vec![value]));
    }
    // Nothing here blocks but EXEC: the commands before it are only queued.
    for request in std::iter::once(&words(&[multi::SPEC.name])).chain(requests) {
        if let Poll::Ready(Err(error)) = execute(session, request, Wait::Park) {
            let _ = execute(session, &words(&[discard::SPEC.name]), Wait::Park);
            return Poll::Ready(Err(error));
        }
    }
    match execute(session, &words(&[exec::SPEC.name]), wait) {
        Poll::Pending => {
            // The queue is sent again with the next try.
            let _ = execute(session, &words(&[discard::SPEC.name]), Wait::Park);
            Poll::Pending
        }
        Poll::Ready(Ok(Value::Array(replies))) => Poll::Ready(Ok(replies)),
        Poll::Ready(Ok(Value::Error(text))) => {
            Poll::Ready(Err(Error::Refused(String::from_utf8_lossy(&text).into_owned())))
        }
        Poll::Ready(Ok(other)) => Poll::Ready(Err(Error::UnexpectedReply(format!("{other:?}")))),
        Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
    }
}

fn execute(session: &mut Session, words: &[Vec<u8>], wait: Wait<'_>) -> Poll<Result<Value, Error>> {
    let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
    let mut reply = ValueReply::new();
    match session.execute_into(&words, &mut reply, wait) {
        Flow::Retry => Poll::Pending,
        Flow::Blocked => Poll::Ready(Err(Error::UnexpectedReply(
            "a blocking command in a request that cannot wait".to_owned(),
        ))),
        _ => Poll::Ready(finished(reply)),
    }
}

fn finished(reply: ValueReply) -> Result<Value, Error> {
    reply.into_value().ok_or_else(|| Error::UnexpectedReply("no reply".to_owned()))
}

fn words(words: &[&str]) -> Vec<Vec<u8>> {
    words.iter().map(|word| word.as_bytes().to_vec()).collect()
}

/// A number below [`SLOTS`], the same for each call of a thread.
fn slot_of_this_thread() -> usize {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static SLOT: usize = NEXT.fetch_add(1, Ordering::Relaxed) % SLOTS;
    }
    SLOT.with(|slot| *slot)
}
