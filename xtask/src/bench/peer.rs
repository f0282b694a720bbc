//! Servers to be measured: which there are, pinned to a core, and what they use.
//!
//! It must not know what is measured. Starting and stopping: [`crate::server`].

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::Scope;
use crate::server::Server;
use crate::setup;
use crate::step::{exists, must};

/// The core of servers; the load is on the next one.
const SERVER_CORE: &str = "0";
pub(super) const LOAD_CORE: &str = "1";

/// A server program that takes Redis's command line.
pub(super) struct Peer {
    /// Its name and version.
    pub(super) name: String,
    program: PathBuf,
    arguments: &'static [&'static str],
}

/// The peers that are here, and where Valkey and Larder stand among them.
pub(super) struct Peers {
    pub(super) all: Vec<Peer>,
    pub(super) valkey: usize,
    pub(super) larder: Option<usize>,
}

impl Peers {
    /// Redis from Debian where installed, Valkey from the wheel, Larder built for release.
    ///
    /// # Errors
    /// When a program is missing; the message says what to install.
    pub(super) fn find(root: &Path, scope: Scope) -> Result<Peers> {
        for program in ["taskset", "redis-benchmark"] {
            if program == "redis-benchmark" {
                setup::redis_tools()?;
            } else if !exists(program) {
                bail!("{program} is missing: install the Debian package util-linux");
            }
        }
        let mut peers = Peers { all: Vec::new(), valkey: 0, larder: None };
        if let Some(redis) = setup::redis_server(root)? {
            peers.all.push(Peer::new("Redis", redis, "-v")?);
        }
        peers.valkey = peers.all.len();
        peers.all.push(Peer::new("Valkey", setup::python(root)?.valkey()?, "-v")?);
        if !scope.peers_only {
            let mut cargo = Command::new("cargo");
            cargo.current_dir(root).args(["build", "--release", "-p", "larder-server"]);
            must("cargo build --release", &mut cargo)?;
            peers.larder = Some(peers.all.len());
            let larder = root.join("target/release/larder");
            let larder = Peer::new("Larder", larder, "--version")?;
            peers.all.push(Peer { arguments: &["--io-threads", "1"], ..larder });
        }
        Ok(peers)
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.all.iter().map(|peer| peer.name.clone()).collect()
    }
}

impl Peer {
    /// A program that tells its version when started with `ask`.
    fn new(name: &str, program: PathBuf, ask: &str) -> Result<Peer> {
        let shown = || program.display().to_string();
        let output = Command::new(&program).arg(ask).output().with_context(shown)?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let name = format!("{name} {}", version(&text).unwrap_or("of unknown version"));
        Ok(Peer { name, program, arguments: &[] })
    }

    /// Starts it in a temporary folder, without files.
    ///
    /// # Errors
    /// When it does not answer in time.
    pub(super) fn start(&self) -> Result<Running> {
        let mut command = Command::new("taskset");
        command.args(["-c", SERVER_CORE]).arg(&self.program).args(self.arguments);
        let server = Server::start(command).with_context(|| self.name.clone())?;
        Ok(Running { address: server.address, server })
    }
}

/// A started server.
pub(super) struct Running {
    pub(super) address: SocketAddr,
    server: Server,
}

impl Running {
    /// Processor time of all its threads so far, in nanoseconds.
    ///
    /// # Errors
    /// When it has gone.
    pub(super) fn cpu_ns(&self) -> Result<u64> {
        let tasks = self.server.proc_folder().join("task");
        let mut sum = 0;
        for task in std::fs::read_dir(&tasks).with_context(|| tasks.display().to_string())? {
            let text = std::fs::read_to_string(task?.path().join("schedstat"))?;
            let first = text.split(' ').next().and_then(|n| n.parse::<u64>().ok());
            sum += first.context("this kernel keeps no schedstat")?;
        }
        Ok(sum)
    }

    /// Its resident bytes.
    ///
    /// # Errors
    /// When it has gone.
    pub(super) fn resident_bytes(&self) -> Result<i64> {
        let path = self.server.proc_folder().join("status");
        let status = std::fs::read_to_string(&path).context("the server has gone")?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|text| text.trim().split(' ').next()?.parse::<i64>().ok());
        Ok(kib.context("no VmRSS")? * 1024)
    }
}

/// The version in `Redis server v=7.0.15 sha=…` or `larder 0.1.0 (…)`.
fn version(text: &str) -> Option<&str> {
    let words = || text.split_whitespace();
    let marked = words().find_map(|word| word.strip_prefix("v="));
    marked.or_else(|| words().find(|word| word.starts_with(|c: char| c.is_ascii_digit())))
}

#[cfg(test)]
mod tests {
    #[test]
    fn both_ways_of_telling_a_version_are_read() {
        assert_eq!(super::version("Redis server v=7.0.15 sha=0 bits=64"), Some("7.0.15"));
        assert_eq!(super::version("larder 0.1.0 (speaks Redis 7.2.4)"), Some("0.1.0"));
        assert_eq!(super::version(""), None);
    }
}
