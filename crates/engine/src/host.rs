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

    /// Facts for `INFO` that the engine does not know: section, then `name:value` lines.
    fn info(&self, section: &str) -> Vec<(&'static str, String)>;

    /// A line for the log (`DEBUG LOG`); whoever has none lets it go.
    fn log(&self, _line: &str) {}
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
    fn info(&self, _section: &str) -> Vec<(&'static str, String)> {
        Vec::new()
    }
}
