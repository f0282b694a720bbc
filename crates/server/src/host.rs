//! What commands do to the process: apply settings, rewrite the file, end, tell facts for INFO.
//!
//! Values were checked and are in force when [`Host::apply`] is called; it does what they ask of
//! the outside, or says why not, and is called again to undo its part.

use crate::cli::ServeOptions;
use crate::descriptors;
use crate::exchange;
use crate::facts;
use crate::logging::Log;
use crate::redis_conf::{absolute, plain, rewrite_file, writable};
use crate::sockets;
use crate::supervise::OomScore;
use larder_engine::config::{Config, ConfigError, Id};
use larder_engine::host::{Exchange, Exchanged, LogLevel};
use larder_engine::{Host, Shutdown};
use larder_net::Server;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, mpsc};
use std::time::Duration;

/// Why the server ends.
#[derive(Debug, Clone, Copy)]
pub enum Stop {
    /// A signal of this name.
    Signal(&'static str),
    /// The command `SHUTDOWN`.
    Command,
}

/// The server's process, as the engine's commands see it.
#[derive(Debug)]
pub struct ServerHost {
    config: Arc<Config>,
    log: Log,
    config_file: Option<PathBuf>,
    unix_socket: Option<PathBuf>,
    /// The data folder, absolute: where a relative one starts.
    dir: Mutex<PathBuf>,
    /// As it was at the start; `None` where the kernel has none.
    oom_score: Option<OomScore>,
    /// Descriptors that are not for clients.
    reserved: u64,
    supervised: &'static str,
    stop: mpsc::Sender<Stop>,
    server: OnceLock<Arc<Server>>,
}

impl ServerHost {
    /// A host whose sockets are attached once they are open. `reserved` descriptors are not for
    /// clients.
    #[must_use]
    pub fn new(
        options: &ServeOptions,
        log: Log,
        reserved: u64,
        supervised: &'static str,
        stop: mpsc::Sender<Stop>,
    ) -> Arc<Self> {
        let config = options.settings.config.clone();
        let oom_score = OomScore::of_this_process().inspect_err(|error| {
            log.verbose(&format!("this process has no out-of-memory score: {error}"));
        });
        Arc::new(ServerHost {
            config,
            log,
            config_file: options.config_file.clone(),
            unix_socket: options.settings.path(Id::Unixsocket),
            dir: Mutex::new(options.settings.dir()),
            oom_score: oom_score.ok(),
            reserved,
            supervised,
            stop,
            server: OnceLock::new(),
        })
    }

    /// The sockets are open.
    pub fn attach(&self, server: Arc<Server>) {
        // A host has one server; a second one is not offered.
        let _ = self.server.set(server);
    }

    /// Sets the kernel's out-of-memory score as the settings say.
    ///
    /// # Errors
    /// Why it cannot be set.
    pub fn adjust_oom_score(&self) -> Result<(), String> {
        let Some(score) = &self.oom_score else { return Ok(()) };
        let [master, ..] = self.config.oom_score_adj_values();
        score.set(self.config.oom_score_adj(), master).map_err(|error| plain(&error))
    }

    fn apply_one(&self, id: Id) -> Result<(), ConfigError> {
        let refuse = |reason: &str| Err(ConfigError::failed(id.param().name, reason));
        match id {
            Id::Loglevel => self.log.set_level(self.config.loglevel()),
            Id::Dir => return self.move_dir(),
            Id::OomScoreAdj | Id::OomScoreAdjValues => {
                if let Err(error) = self.adjust_oom_score() {
                    self.log.warning(&format!("oom-score-adj cannot be applied: {error}"));
                    return refuse(
                        "Failed to apply new oom_score_adj configuration, check server logs.",
                    );
                }
            }
            Id::Maxclients => {
                let wanted = self.config.maxclients() as u64;
                let room = descriptors::raise(wanted.saturating_add(self.reserved));
                let room = room.saturating_sub(self.reserved);
                if room < wanted {
                    return refuse(&format!(
                        "The operating system is not able to handle the specified number of \
                         clients, try with {room}"
                    ));
                }
            }
            Id::Appendonly => {
                let name = id.param().name;
                self.log.warning(&format!("{name} does nothing yet: snapshots are what is saved"));
            }
            Id::Port | Id::Bind => return self.rebind(id),
            _ => {}
        }
        Ok(())
    }

    /// The folder that `dir` names is checked, and known by its whole path from here on.
    fn move_dir(&self) -> Result<(), ConfigError> {
        let mut dir = self.dir.lock().unwrap_or_else(PoisonError::into_inner);
        let given = self.config.text(Id::Dir);
        let moved = absolute(&dir, Path::new(OsStr::from_bytes(&given)));
        writable(&moved)
            .map_err(|error| ConfigError::failed(Id::Dir.param().name, plain(&error)))?;
        self.config.set_text(Id::Dir, moved.as_os_str().as_bytes());
        *dir = moved;
        Ok(())
    }

    fn rebind(&self, id: Id) -> Result<(), ConfigError> {
        let Some(server) = self.server.get() else { return Ok(()) };
        let done = sockets::listen(&self.config, self.unix_socket.as_deref())
            .and_then(|listen| server.rebind(&listen).map_err(|error| error.to_string()));
        done.map_err(|error| {
            self.log.warning(&error);
            let reason = match id {
                Id::Port => "Unable to listen on this port. Check server logs.",
                _ => "Failed to bind to specified addresses.",
            };
            ConfigError::failed(id.param().name, reason)
        })
    }
}

impl Host for ServerHost {
    fn apply(&self, changed: &[Id]) -> Result<(), ConfigError> {
        changed.iter().try_for_each(|id| self.apply_one(*id))?;
        if let Some(server) = self.server.get() {
            sockets::apply_limits(&self.config, server.limits());
        }
        Ok(())
    }

    fn rewrite_config(&self) -> Result<(), String> {
        let Some(path) = &self.config_file else {
            return Err("The server is running without a config file".to_owned());
        };
        rewrite_file(path, &self.config).map_err(|error| {
            self.log.warning(&format!("{} cannot be rewritten: {error}", path.display()));
            format!("Rewriting config file: {}", plain(&error))
        })
    }

    fn shut_down(&self, how: Shutdown) -> Result<(), String> {
        if how.abort {
            return Err("No shutdown in progress.".to_owned());
        }
        self.stop.send(Stop::Command).map_err(|_| "the server ends already".to_owned())
    }

    fn exchange(&self, exchange: &Exchange<'_>) -> Exchanged {
        exchange::perform(exchange)
    }

    fn sleep(&self, time_ms: u64) -> bool {
        std::thread::sleep(Duration::from_millis(time_ms));
        true
    }

    fn info(&self, section: &str) -> Vec<(&'static str, String)> {
        match section {
            "server" => {
                let resp = self.server.get().map(|server| server.addresses()).unwrap_or_default();
                let file = self.config_file.as_deref();
                facts::server(&self.config, file, self.supervised, &resp)
            }
            "memory" => facts::memory(),
            "cpu" => facts::cpu(),
            _ => Vec::new(),
        }
    }

    fn log(&self, level: LogLevel, text: &str) {
        match level {
            LogLevel::Debug => self.log.debug(text),
            LogLevel::Verbose => self.log.verbose(text),
            LogLevel::Notice => self.log.notice(text),
            LogLevel::Warning => self.log.warning(text),
        }
    }

    fn serve_others(&self) -> bool {
        larder_net::serve_others()
    }
}
