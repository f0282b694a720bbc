//! `cargo xtask wheel`: the Python wheel and its source distribution, in `target/wheels`; and
//! clean virtual environments with the wheel in them, for tests and benches.
//!
//! It must not know what is tested there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::setup;
use crate::step::{capture, must, timed};

/// How a wheel is built.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    /// As it is given to users.
    Release,
    /// As the tests' other programs, into a folder of its own.
    Debug,
}

/// Builds the wheel, and for users the source distribution, too.
///
/// # Errors
/// When maturin cannot be had, or it does not build.
pub(crate) fn run(root: &Path, profile: Profile) -> Result<bool> {
    let wheel = build(root, profile)?;
    println!("{}", wheel.display());
    if profile == Profile::Release {
        let mut maturin = maturin(root)?;
        maturin.arg("sdist").args(manifest(root)).arg("--out").arg(folder(root, profile));
        must("the source distribution", &mut maturin)?;
    }
    Ok(true)
}

/// Builds the wheel; where it is.
///
/// # Errors
/// As [`run`].
pub(crate) fn build(root: &Path, profile: Profile) -> Result<PathBuf> {
    let folder = folder(root, profile);
    // What another version has left is not to be found instead.
    for old in wheels(&folder) {
        fs::remove_file(old)?;
    }
    let mut maturin = maturin(root)?;
    maturin.args(["build", "--quiet"]).args(manifest(root)).arg("--out").arg(&folder);
    if profile == Profile::Release {
        maturin.arg("--release");
    }
    must("the wheel", &mut maturin)?;
    wheels(&folder).pop().context("maturin has built no wheel")
}

/// A clean virtual environment below `target/python` with the wheel, a release of redis-py, and
/// what a list of requirements names; its folder of programs.
///
/// # Errors
/// When PyPI or Python cannot be had.
pub(crate) fn install(
    root: &Path,
    wheel: &Path,
    redis_py: &str,
    list: Option<&Path>,
) -> Result<PathBuf> {
    let venv = root.join("target/python").join(format!("redis-{redis_py}"));
    timed(&format!("the wheel beside redis-py {redis_py}"), || {
        let mut python = Command::new("python3");
        let made = capture(python.args(["-m", "venv", "--clear"]).arg(&venv))?;
        ensure!(made.succeeded, "python3 -m venv does not work: {}", made.text);
        let mut pip = Command::new(venv.join("bin/pip"));
        pip.args(["install", "--quiet", "--disable-pip-version-check"]).arg(wheel);
        pip.arg(format!("redis=={redis_py}"));
        if let Some(list) = list {
            pip.arg("-r").arg(list);
        }
        let output = capture(&mut pip)?;
        ensure!(output.succeeded, "pip could not install the wheel:\n{}", output.text);
        Ok(())
    })?;
    Ok(venv.join("bin"))
}

fn maturin(root: &Path) -> Result<Command> {
    let tools = setup::python(root)?;
    let mut maturin = Command::new(tools.python_program("maturin"));
    maturin.current_dir(root).env("PATH", tools.path()?);
    Ok(maturin)
}

fn manifest(root: &Path) -> [PathBuf; 2] {
    ["--manifest-path".into(), root.join("crates/python/Cargo.toml")]
}

fn folder(root: &Path, profile: Profile) -> PathBuf {
    let wheels = root.join("target/wheels");
    if profile == Profile::Debug { wheels.join("debug") } else { wheels }
}

fn wheels(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    paths.filter(|path| path.extension().is_some_and(|end| end == "whl")).collect()
}
