//! `cargo xtask soak`: what takes longer than a test run may. Seeds are printed.
//!
//! Never beside a benchmark: both hold [`exclusive`]. It must not know any test or target.

use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use clap::ValueEnum;

use crate::setup;
use crate::step::{capture, must, timed};

/// Cases of each property test; the usual number is 256.
const CASES: &str = "20000";
/// Concurrent histories of each kind; the usual number is 300.
const HISTORIES: &str = "20000";

/// How often the server is killed, and states after a power failure that are tried at each point.
const KILLS: &str = "210";
const CRASHES: &str = "40";

/// What can be soaked alone.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// Property tests with many cases.
    Properties,
    /// Every fuzz target.
    Fuzz,
    /// The server killed under load, and every crash point of a workload on a disk that loses power.
    Kills,
    /// Random sequences on Larder, Valkey and Redis 7.0, compared.
    Differential,
    /// The tests of crates with unsafe code under AddressSanitizer; needs a nightly toolchain.
    Asan,
}

/// Runs one part or all of them; what has no number of its own runs for `minutes`.
///
/// # Errors
/// When another soak or bench is running.
pub(crate) fn run(
    root: &Path,
    part: Option<Part>,
    minutes: u64,
    seed: Option<u64>,
) -> Result<bool> {
    let _alone = exclusive(root)?;
    let seed = seed.unwrap_or_else(|| RandomState::new().hash_one(0) >> 1);
    println!("seed {seed}: repeat with cargo xtask soak --seed {seed}");
    let wanted = |one| part.is_none_or(|part| part == one);
    let mut all_passed = true;
    if wanted(Part::Properties) {
        all_passed &= properties(root, seed)?;
    }
    if wanted(Part::Fuzz) {
        all_passed &= fuzz(root, minutes, seed)?;
    }
    if wanted(Part::Kills) {
        all_passed &= kills(root)?;
    }
    if wanted(Part::Differential) {
        all_passed &= differential(root, minutes, seed)?;
    }
    if wanted(Part::Asan) {
        all_passed &= asan(root)?;
    }
    Ok(all_passed)
}

fn properties(root: &Path, seed: u64) -> Result<bool> {
    timed("property tests", || {
        let mut cargo = Command::new("cargo");
        cargo.current_dir(root).args(["test", "--workspace", "--quiet", "--no-fail-fast"]);
        cargo.env("PROPTEST_CASES", CASES).env("PROPTEST_RNG_SEED", seed.to_string());
        cargo.env("LARDER_HISTORIES", HISTORIES).env("LARDER_SEED", seed.to_string());
        let output = capture(&mut cargo)?;
        if !output.succeeded {
            println!("{}", output.text);
        }
        Ok(output.succeeded)
    })
}

fn fuzz(root: &Path, minutes: u64, seed: u64) -> Result<bool> {
    let mut all_passed = true;
    for target in fuzz_targets(root) {
        all_passed &= timed(&format!("fuzz {target}"), || {
            let mut cargo = Command::new("cargo");
            cargo.current_dir(root).args(["+nightly", "fuzz", "run", &target]);
            let seeds = format!("fuzz/seeds/{target}");
            if root.join(&seeds).is_dir() {
                // What is found goes to the first folder, which git does not see.
                let corpus = format!("fuzz/corpus/{target}");
                std::fs::create_dir_all(root.join(&corpus))?;
                cargo.args([&corpus, &seeds]);
            }
            cargo.arg("--");
            cargo
                .arg(format!("-max_total_time={}", minutes * 60))
                .arg(format!("-seed={}", seed as u32));
            Ok(capture(&mut cargo)?.succeeded)
        })?;
    }
    Ok(all_passed)
}

/// Shows what the tests print: how many acknowledged writes were lost.
fn kills(root: &Path) -> Result<bool> {
    let mut all_passed = true;
    for (package, test) in [("larder-server", "kills"), ("larder-store", "crash")] {
        all_passed &= timed(test, || {
            let mut cargo = Command::new("cargo");
            cargo.current_dir(root).args(["test", "--quiet", "--package", package, "--test", test]);
            cargo.args(["--", "--nocapture"]);
            cargo.env("LARDER_KILLS", KILLS).env("LARDER_CRASHES", CRASHES);
            let output = capture(&mut cargo)?;
            println!("{}", output.text.trim());
            Ok(output.succeeded)
        })?;
    }
    Ok(all_passed)
}

/// Builds Larder as developers have it, with its own checks, and plays it beside the references.
fn differential(root: &Path, minutes: u64, seed: u64) -> Result<bool> {
    let valkey = setup::python(root)?.valkey()?;
    setup::redis_tools()?;
    let mut cargo = Command::new("cargo");
    cargo.current_dir(root).args(["build", "--quiet"]);
    must("build", cargo.args(["--package", "larder-server", "--package", "differential"]))?;
    let mut program = Command::new(root.join("target/debug/differential"));
    program.arg("--larder").arg(root.join("target/debug/larder")).arg("--valkey").arg(valkey);
    if let Some(redis) = setup::redis_server(root)? {
        program.arg("--redis").arg(redis);
    }
    program.args(["--minutes", &minutes.to_string(), "--seed", &seed.to_string()]);
    timed("differential", || Ok(program.status()?.success()))
}

/// Builds beside the usual target folder: with the sanitizer everything is another program.
fn asan(root: &Path) -> Result<bool> {
    let crates = crates_with_unsafe(root);
    ensure!(!crates.is_empty(), "no crate has a module that admits unsafe code");
    timed(&format!("AddressSanitizer on {}", crates.join(", ")), || {
        let mut cargo = Command::new("cargo");
        cargo.current_dir(root).args(["+nightly", "test", "--quiet", "--no-fail-fast"]);
        cargo.args(["--lib", "--tests", "--target"]);
        cargo.arg(format!("{}-unknown-linux-gnu", std::env::consts::ARCH));
        for name in &crates {
            cargo.args(["--package", name]);
        }
        cargo.env("RUSTFLAGS", "-Zsanitizer=address").env("CARGO_TARGET_DIR", "target/asan");
        let output = capture(&mut cargo)?;
        if !output.succeeded {
            println!("{}", output.text);
        }
        Ok(output.succeeded)
    })
}

/// Names of the crates of which some module admits unsafe code.
fn crates_with_unsafe(root: &Path) -> Vec<String> {
    let folders = std::fs::read_dir(root.join("crates")).into_iter().flatten().flatten();
    let admits = |folder: &PathBuf| admits_unsafe(&folder.join("src"));
    let name = |folder: PathBuf| {
        let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).ok()?;
        let line = manifest.lines().find_map(|line| line.strip_prefix("name = \""))?;
        line.strip_suffix('"').map(str::to_owned)
    };
    let mut names: Vec<String> =
        folders.map(|folder| folder.path()).filter(admits).filter_map(name).collect();
    names.sort();
    names
}

fn admits_unsafe(path: &Path) -> bool {
    if path.is_dir() {
        let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
        return entries.into_iter().any(|entry| admits_unsafe(&entry.path()));
    }
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.contains("#![allow(unsafe_code)]")
}

/// The names of the targets in fuzz/fuzz_targets.
fn fuzz_targets(root: &Path) -> Vec<String> {
    let files = std::fs::read_dir(root.join("fuzz/fuzz_targets")).into_iter().flatten().flatten();
    let name = |file: std::fs::DirEntry| {
        file.file_name().to_str().and_then(|name| name.strip_suffix(".rs")).map(str::to_owned)
    };
    let mut names: Vec<String> = files.filter_map(name).collect();
    names.sort();
    names
}

/// Held while something runs that must be alone on the machine.
///
/// # Errors
/// When another soak or bench of this workspace is running.
pub(crate) fn exclusive(root: &Path) -> Result<File> {
    let path = root.join("target/alone.lock");
    let file = File::create(&path).with_context(|| path.display().to_string())?;
    if file.try_lock().is_err() {
        bail!("another cargo xtask bench or soak is running: measuring beside it would mislead");
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crates_with_unsafe_code_are_found() {
        let own = Path::new(env!("CARGO_MANIFEST_DIR"));
        let names = crates_with_unsafe(own.parent().unwrap());
        assert!(names.contains(&"larder-engine".to_owned()), "{names:?}");
        assert!(!names.contains(&"larder-resp".to_owned()), "{names:?}");
    }
}
