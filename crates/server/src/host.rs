//! What commands do to the process: apply settings, rewrite the file, end, tell facts for INFO.

use crate::cli::ServeOptions;
use crate::logging::Log;
use crate::redis_conf::rewrite_file;
use crate::serve;
use larder_engine::config::{Config, ConfigError, Id};
use larder_engine::{Host, Shutdown};
use larder_net::{Bound, Server};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock, mpsc};

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
    stop: mpsc::Sender<Stop>,
    server: OnceLock<Arc<Server>>,
}

impl ServerHost {
    /// A host whose sockets are attached once they are open.
    #[must_use]
    pub fn new(
        config: Arc<Config>,
        log: Log,
        options: &ServeOptions,
        stop: mpsc::Sender<Stop>,
    ) -> Arc<Self> {
        Arc::new(ServerHost {
            config,
            log,
            config_file: options.config_file.clone(),
            unix_socket: options.settings.path(Id::Unixsocket),
            stop,
            server: OnceLock::new(),
        })
    }

    /// The sockets are open.
    pub fn attach(&self, server: Arc<Server>) {
        // A host has one server; a second one is not offered.
        let _ = self.server.set(server);
    }
}

impl Host for ServerHost {
    fn apply(&self, changed: &[Id]) -> Result<(), ConfigError> {
        if changed.contains(&Id::Loglevel) {
            self.log.set_level(self.config.loglevel());
        }
        let Some(server) = self.server.get() else { return Ok(()) };
        serve::apply_limits(&self.config, server.limits());
        let moved = changed.iter().find(|id| matches!(id, Id::Port | Id::Bind));
        if let Some(id) = moved {
            let name = id.param().name;
            let listen = serve::listen(&self.config, self.unix_socket.as_deref())
                .map_err(|error| ConfigError::failed(name, error))?;
            server.rebind(&listen).map_err(|error| {
                let reason = format!("Unable to listen on this port: {error}");
                ConfigError::failed(name, reason)
            })?;
        }
        Ok(())
    }

    fn rewrite_config(&self) -> Result<(), String> {
        let Some(path) = &self.config_file else {
            return Err("The server is running without a config file".to_owned());
        };
        rewrite_file(path, &self.config).map_err(|error| format!("Rewriting config file: {error}"))
    }

    fn shut_down(&self, how: Shutdown) -> Result<(), String> {
        if how.abort {
            return Err("No shutdown in progress.".to_owned());
        }
        self.stop.send(Stop::Command).map_err(|_| "the server ends already".to_owned())
    }

    fn info(&self, section: &str) -> Vec<(&'static str, String)> {
        match section {
            "server" => self.server_facts(),
            _ => Vec::new(),
        }
    }
}

impl ServerHost {
    fn server_facts(&self) -> Vec<(&'static str, String)> {
        let path =
            |path: Option<PathBuf>| path.map(|path| path.display().to_string()).unwrap_or_default();
        let mut facts = vec![
            ("process_id", std::process::id().to_string()),
            ("tcp_port", self.config.port().to_string()),
            ("executable", path(std::env::current_exe().ok())),
            ("config_file", path(self.config_file.clone())),
            ("io_threads_active", "0".to_owned()),
        ];
        for (index, bound) in
            self.server.get().map(|server| server.addresses()).into_iter().flatten().enumerate()
        {
            // Redis names listeners in this form.
            let text = match bound {
                Bound::Tcp(addr) => {
                    format!("name=tcp,bind={},port={}", addr.ip(), addr.port())
                }
                Bound::Unix(path) => format!("name=unix,bind={}", path.display()),
            };
            if let Some(name) = LISTENERS.get(index) {
                facts.push((name, text));
            }
        }
        facts
    }
}

/// Names of the listeners' lines in `INFO server`.
const LISTENERS: [&str; 8] = [
    "listener0",
    "listener1",
    "listener2",
    "listener3",
    "listener4",
    "listener5",
    "listener6",
    "listener7",
];
