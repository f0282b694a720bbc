//! Dynamic data for web apps: sessions, caches, counters, who is online, per-user data that
//! expires.
//!
//! One URL says where the data is; the code stays the same:
//!
//! | URL | the store is |
//! |---|---|
//! | `memory:` | an engine in this process, gone with it |
//! | `larder:./dir?fsync=always` | an engine in this process whose data lasts in that folder |
//! | `redis://host:port/db`, `unix:///path` | a Larder, Redis or Valkey server |
//!
//! ```
//! let store = larder::Larder::open("memory:")?;
//! store.set("greeting", "hello")?;
//! assert_eq!(store.get("greeting")?.as_deref(), Some(&b"hello"[..]));
//! # Ok::<(), larder::Error>(())
//! ```
//!
//! Blocking callers use [`Larder`], async callers [`Larder::asynchronous`]; the [`patterns`] serve
//! both. A [`Handle`] is made apart from the app and attached to a store later. Knows no HTTP
//! framework. Read on in [`patterns`] for what plain commands leave to you.

mod backend;
pub mod clock;
mod commands;
mod error;
mod handle;
mod housekeeper;
pub mod patterns;
mod plan;
mod reply;
pub mod session;
pub mod url;

pub use commands::AsyncLarder;
pub use error::Error;
pub use handle::Handle;
pub use larder_engine as engine;
pub use larder_resp::Value;
pub use plan::{Batch, Plan};

use backend::Backend;
use backend::linked::Linked;
use larder_engine::Engine;
use larder_engine::clock::Clock;
use larder_engine::command::Command;
use larder_engine::config::Config;
use larder_engine::{Host, NoHost};
use std::sync::Arc;
use url::Target;

/// A store. Cloning gives another handle to the same one.
#[derive(Debug, Clone)]
pub struct Larder {
    backend: Arc<Backend>,
}

impl Larder {
    /// Opens a store by its URL. A server is not called before the first command.
    ///
    /// # Errors
    /// [`Error::Url`] says what is wrong with the URL and shows the right form where it can.
    pub fn open(url: &str) -> Result<Larder, Error> {
        let backend = match Target::parse(url)? {
            Target::Memory { options } if options.is_empty() => {
                Backend::Linked(Box::new(Linked::open()?))
            }
            Target::Folder { path, options } => {
                let fsync = url::folder_options(&options)?;
                Backend::Linked(Box::new(Linked::open_folder(&path, fsync)?))
            }
            #[cfg(feature = "remote")]
            Target::Server { tls: false, .. } | Target::Socket { .. } => {
                Backend::Remote(Box::new(backend::remote::Remote::open(url)?))
            }
            other => return Err(other.unsupported().into()),
        };
        Ok(Larder { backend: Arc::new(backend) })
    }

    /// A store in this process with settings and a host of the caller's own: what a server is
    /// made from.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn with_config(config: Arc<Config>, host: Arc<dyn Host>) -> Result<Larder, Error> {
        let options = backend::linked::options(config, host)?;
        Ok(Larder::over(Engine::new(options)))
    }

    /// A fresh store in this process whose time is the caller's, for tests that move it.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn with_clock(clock: Arc<dyn Clock>) -> Result<Larder, Error> {
        let options = backend::linked::options(Arc::new(Config::default()), Arc::new(NoHost))?;
        Ok(Larder::over(Engine::new(larder_engine::Options { clock, ..options })))
    }

    /// A store over an engine of the caller's own, for tests with a clock of theirs.
    #[must_use]
    pub fn over(engine: Arc<Engine>) -> Larder {
        Larder { backend: Arc::new(Backend::Linked(Box::new(Linked::over(engine)))) }
    }

    /// The engine, if it is in this process.
    #[must_use]
    pub fn linked_engine(&self) -> Option<&Arc<Engine>> {
        match &*self.backend {
            Backend::Linked(linked) => Some(linked.engine()),
            #[cfg(feature = "remote")]
            Backend::Remote(_) => None,
        }
    }

    /// The same store for async callers: nothing blocks the executor's thread.
    #[must_use]
    pub fn asynchronous(&self) -> AsyncLarder {
        AsyncLarder::new(self.clone())
    }

    /// Runs a typed command of the engine. Not one that blocks or that changes the session.
    ///
    /// # Errors
    /// [`Error::Refused`] with the store's words, or what is wrong with the connection.
    pub fn call<'a, C: Command<'a>>(&self, command: &C) -> Result<Value, Error> {
        let reply = match &*self.backend {
            Backend::Linked(linked) => linked.call(command),
            #[cfg(feature = "remote")]
            Backend::Remote(remote) => remote.call(command),
        };
        reply::refuse_errors(reply?)
    }

    /// Runs any command, given as words.
    ///
    /// # Errors
    /// As [`Larder::call`].
    ///
    /// ```
    /// let store = larder::Larder::open("memory:")?;
    /// store.command(&["SET", "k", "1"])?;
    /// assert_eq!(store.command(&["INCR", "k"])?, larder::Value::Int(2));
    /// # Ok::<(), larder::Error>(())
    /// ```
    pub fn command<W: AsRef<[u8]>>(&self, words: &[W]) -> Result<Value, Error> {
        let mut replies = self.batch(&[owned(words)])?;
        reply::refuse_errors(replies.pop().unwrap_or(Value::Null))
    }

    /// Runs typed commands as one. An error of one of them is its reply.
    ///
    /// # Errors
    /// When the transaction as a whole was refused or its outcome is not known.
    pub fn atomically(&self, batch: &Batch) -> Result<Vec<Value>, Error> {
        if batch.requests.is_empty() {
            return Ok(Vec::new());
        }
        self.batch(&batch.requests)
    }

    /// Runs several commands as one, in MULTI and EXEC. An error of one of them is its reply.
    ///
    /// # Errors
    /// When the transaction as a whole was refused or its outcome is not known.
    pub fn transaction<W: AsRef<[u8]>>(&self, commands: &[&[W]]) -> Result<Vec<Value>, Error> {
        let requests: Vec<_> = commands.iter().map(|words| owned(words)).collect();
        self.batch(&requests)
    }

    /// Runs several commands that are sent together, each on its own; an error of one of them is its
    /// reply. Commands of others may run in between.
    ///
    /// # Errors
    /// As [`Larder::call`]; how many of the commands were run is not known then.
    pub fn pipeline<W: AsRef<[u8]>>(&self, commands: &[&[W]]) -> Result<Vec<Value>, Error> {
        let requests: Vec<_> = commands.iter().map(|words| owned(words)).collect();
        match &*self.backend {
            Backend::Linked(linked) => requests
                .into_iter()
                .map(|request| linked.batch(&[request])?.pop().ok_or_else(no_reply))
                .collect(),
            #[cfg(feature = "remote")]
            Backend::Remote(remote) => remote.pipeline(&requests),
        }
    }

    /// Carries out a pattern's step.
    pub(crate) fn run<T>(&self, mut plan: plan::Step<T>) -> Result<T, Error> {
        loop {
            plan = match plan {
                plan::Step::Done(value) => return Ok(value),
                plan::Step::Ask(requests, then) => then(self.batch(&requests)?)?,
            };
        }
    }

    /// The same for async callers.
    pub(crate) async fn run_async<T>(&self, mut plan: plan::Step<T>) -> Result<T, Error> {
        loop {
            plan = match plan {
                plan::Step::Done(value) => return Ok(value),
                plan::Step::Ask(requests, then) => then(self.batch_async(&requests).await?)?,
            };
        }
    }

    pub(crate) async fn call_async<'a, C: Command<'a>>(&self, command: &C) -> Result<Value, Error> {
        let reply = match &*self.backend {
            Backend::Linked(linked) => linked.call_async(command).await,
            #[cfg(feature = "remote")]
            Backend::Remote(remote) => remote.call_async(command).await,
        };
        reply::refuse_errors(reply?)
    }

    fn batch(&self, requests: &[Vec<Vec<u8>>]) -> Result<Vec<Value>, Error> {
        match &*self.backend {
            Backend::Linked(linked) => linked.batch(requests),
            #[cfg(feature = "remote")]
            Backend::Remote(remote) => remote.batch(requests),
        }
    }

    pub(crate) async fn batch_async(&self, requests: &[Vec<Vec<u8>>]) -> Result<Vec<Value>, Error> {
        match &*self.backend {
            Backend::Linked(linked) => linked.batch_async(requests).await,
            #[cfg(feature = "remote")]
            Backend::Remote(remote) => remote.batch_async(requests).await,
        }
    }
}

fn no_reply() -> Error {
    Error::UnexpectedReply("no reply".to_owned())
}

fn owned<W: AsRef<[u8]>>(words: &[W]) -> Vec<Vec<u8>> {
    words.iter().map(|word| word.as_ref().to_vec()).collect()
}
