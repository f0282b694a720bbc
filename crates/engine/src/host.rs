//! The outside, as commands see it: what only the embedding process can do.

use crate::config::ConfigError;
use crate::config::Id;

/// Declared by the engine, implemented by who embeds it.
pub trait Host: Send + Sync {
    /// Settings were changed by `CONFIG SET`: apply what concerns the outside (listeners, log
    /// files). An error undoes the change.
    ///
    /// # Errors
    /// Why the setting cannot be applied, in a sentence.
    fn apply(&self, changed: &[Id]) -> Result<(), ConfigError>;

    /// `CONFIG REWRITE`.
    ///
    /// # Errors
    /// Why the file could not be written.
    fn rewrite_config(&self) -> Result<(), String>;

    /// `SHUTDOWN`: asks the process to end.
    ///
    /// # Errors
    /// Why it does not end.
    fn shut_down(&self, how: Shutdown) -> Result<(), String>;

    /// Lets the calling thread sleep, `DEBUG SLEEP` inside of a transaction; `false` where threads
    /// are not the host's to stop.
    fn sleep(&self, time_ms: u64) -> bool;

    /// Sends requests to another server and waits for its replies, `MIGRATE`.
    fn exchange(&self, exchange: &Exchange<'_>) -> Exchanged;

    /// Writes a line of the log (`redis.log` of scripts, `DEBUG LOG`); whoever has none lets it go.
    fn log(&self, level: LogLevel, text: &str);

    /// A script runs longer than it should: serves those for whom the calling thread is responsible
    /// for a moment, so that they are told so and one of them may end it. Called again and again;
    /// `false` when the process is to end.
    fn serve_others(&self) -> bool;

    /// Facts for `INFO` that the engine does not know: section, then `name:value` lines.
    fn info(&self, section: &str) -> Vec<(&'static str, String)>;
}

/// How important a line of the log is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "Redis's names")]
pub enum LogLevel {
    Debug,
    Verbose,
    Notice,
    Warning,
}

/// How to end.
#[derive(Debug, Clone, Copy, Default)]
pub struct Shutdown {
    /// Save first (`Some(true)`), do not (`Some(false)`), or as the save points say.
    pub save: Option<bool>,
    /// Do not wait for replicas.
    pub now: bool,
    /// End even if saving fails.
    pub force: bool,
    /// Call off a shutdown that is under way.
    pub abort: bool,
}

/// Requests for another server.
#[derive(Debug, Clone, Copy)]
pub struct Exchange<'a> {
    /// Its name or address.
    pub host: &'a [u8],
    /// Its port, in digits.
    pub port: &'a [u8],
    /// How long it may be silent, in milliseconds.
    pub timeout_ms: u64,
    /// The requests, as bytes to send.
    pub requests: &'a [u8],
    /// How many replies they have.
    pub replies: usize,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchanged {
    /// The replies that came, each good or an error with its text.
    pub replies: Vec<Result<(), String>>,
    /// Where it broke off.
    pub broken: Option<Broken>,
}

/// The step at which an exchange broke off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    /// There is no such name, or nobody there took the connection in time.
    Connecting,
    /// Requests could not be sent.
    Writing,
    /// Replies did not come.
    Reading,
}

/// A host that can do nothing: an engine linked into a process.
#[derive(Debug, Default)]
pub struct NoHost;

impl Host for NoHost {
    fn apply(&self, _changed: &[Id]) -> Result<(), ConfigError> {
        Ok(())
    }
    fn rewrite_config(&self) -> Result<(), String> {
        Err("The server is running without a config file".to_owned())
    }
    fn shut_down(&self, how: Shutdown) -> Result<(), String> {
        if how.abort {
            return Err("No shutdown in progress.".to_owned());
        }
        Err("Errors trying to SHUTDOWN. Check logs.".to_owned())
    }
    fn sleep(&self, _time_ms: u64) -> bool {
        false
    }
    fn exchange(&self, _exchange: &Exchange<'_>) -> Exchanged {
        Exchanged { replies: Vec::new(), broken: Some(Broken::Connecting) }
    }
    fn log(&self, _level: LogLevel, _text: &str) {}
    fn serve_others(&self) -> bool {
        true
    }
    fn info(&self, _section: &str) -> Vec<(&'static str, String)> {
        Vec::new()
    }
}
