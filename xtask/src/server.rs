//! A server program on a free loopback port, in a temporary folder, stopped when dropped.
//!
//! It must not know what is done with it. Only servers started here are ever stopped.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

const START: Duration = Duration::from_secs(10);

/// A started server.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    folder: PathBuf,
}

impl Server {
    /// Starts a program that takes Redis's command line, without files; `command` names it, and
    /// may hold what stands before it and its first arguments.
    ///
    /// # Errors
    /// When it does not answer in time; the message holds what it printed.
    pub(crate) fn start(mut command: Command) -> Result<Server> {
        let address = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?;
        let folder = std::env::temp_dir().join(format!("xtask-{}", address.port()));
        std::fs::create_dir_all(&folder)?;
        let log = std::fs::File::create(folder.join("log"))?;
        let program = command.get_program().to_string_lossy().into_owned();
        let child = command
            .args(["--port", &address.port().to_string(), "--save", "", "--appendonly", "no"])
            .current_dir(&folder)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("{program} cannot be started"))?;
        let mut server = Server { child, address, folder };
        let began = Instant::now();
        while TcpStream::connect(address).is_err() {
            if server.has_ended() || began.elapsed() > START {
                bail!("{program} does not answer on {address}:\n{}", server.log());
            }
            sleep(Duration::from_millis(5));
        }
        Ok(server)
    }

    /// Whether it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// What it printed so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    /// Its files below /proc.
    pub(crate) fn proc_folder(&self) -> PathBuf {
        Path::new("/proc").join(self.child.id().to_string())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Nothing is lost when it has gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
