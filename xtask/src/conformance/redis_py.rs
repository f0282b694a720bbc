//! `cargo xtask conformance redis-py`: the tests that come with redis-py, unmodified, against our
//! server over RESP2 and RESP3.
//!
//! A test counts if it passes on Valkey and does not where nobody listens; both are measured once
//! and kept below `target/`. What is known to fail stands in `tests/conformance/redis-py.toml` with
//! its reason. With `--linked` the store is in the tests' own process, through the Python wheel,
//! and what is known to fail there besides stands in `redis-py-linked.toml`. `package` fetches the tests and runs them, `list` reads that file. It must not know
//! any test.

mod list;
mod package;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use self::list::List;
use self::package::{Outcome, Package};
use crate::server::Server;
use crate::setup;
use crate::wheel::{self, Profile};

/// The protocols that redis-py speaks.
const PROTOCOLS: [u8; 2] = [2, 3];

/// The file of what is known to fail, and that of what fails only in the process.
const LIST: &str = "redis-py.toml";
const LINKED_LIST: &str = "redis-py-linked.toml";

/// Where the store is.
pub(super) enum Place {
    /// In a server: its program.
    Server(PathBuf),
    /// In the tests' process.
    Linked,
}

/// Runs the tests, of all files or of some; answers whether nothing failed but what is listed.
///
/// # Errors
/// When the package or a server cannot be had, or the list is malformed.
pub(super) fn run(root: &Path, place: &Place, files: &[String]) -> Result<bool> {
    let mut list = List::read(root, LIST)?;
    let package = Package::fetch(root)?;
    let valkey = setup::python(root)?.valkey()?;
    let mut without_wire = Vec::new();
    if let Place::Linked = place {
        let linked = List::read(root, LINKED_LIST)?;
        // Some of these wait for a wire for ever.
        without_wire = linked.of_kind("not-applicable");
        list.add(linked);
        package.link(&wheel::build(root, Profile::Debug)?)?;
    }
    let mut good = true;
    for protocol in PROTOCOLS {
        let counted = counted(&package, &valkey, protocol)?;
        let chosen = |name: &&String| {
            files.is_empty() || files.iter().any(|file| name.starts_with(file.as_str()))
        };
        let counted: BTreeSet<String> = counted.iter().filter(chosen).cloned().collect();
        println!("RESP{protocol}: {} tests count", counted.len());
        let outcomes = match place {
            Place::Server(binary) => {
                let server = start(binary)?;
                package.run(server.address.port(), protocol, files)?
            }
            Place::Linked => package.run_linked(root, protocol, files, &without_wire)?,
        };
        good &= report(&list, protocol, &counted, &outcomes);
    }
    Ok(good)
}

/// The tests that pass on Valkey and need it.
fn counted(package: &Package, valkey: &Path, protocol: u8) -> Result<BTreeSet<String>> {
    let on_valkey = kept(package, &format!("valkey-{protocol}"), || {
        let server = start(valkey)?;
        Ok(passed(&package.run(server.address.port(), protocol, &[])?))
    })?;
    let on_nobody = kept(package, &format!("nobody-{protocol}"), || {
        Ok(passed(&package.run_on_nobody(protocol, &on_valkey)?))
    })?;
    Ok(on_valkey.difference(&on_nobody).cloned().collect())
}

/// Names that were measured before, or are now.
fn kept(
    package: &Package,
    name: &str,
    measure: impl FnOnce() -> Result<BTreeSet<String>>,
) -> Result<BTreeSet<String>> {
    let path: PathBuf = package.folder().join(name).with_extension("json");
    if let Ok(text) = fs::read_to_string(&path) {
        return serde_json::from_str(&text).with_context(|| path.display().to_string());
    }
    println!("… {name}: measured once, for later runs too");
    let names = measure()?;
    fs::write(&path, serde_json::to_string(&names)?)?;
    Ok(names)
}

fn start(binary: &Path) -> Result<Server> {
    let mut command = Command::new(binary);
    command.args(["--enable-debug-command", "yes"]);
    Server::start(command)
}

fn passed(outcomes: &BTreeMap<String, Outcome>) -> BTreeSet<String> {
    let passed = outcomes.iter().filter(|(_, outcome)| **outcome == Outcome::Passed);
    passed.map(|(name, _)| name.clone()).collect()
}

/// Prints the table and every miss; answers whether there is none that is not listed.
fn report(
    list: &List,
    protocol: u8,
    counted: &BTreeSet<String>,
    outcomes: &BTreeMap<String, Outcome>,
) -> bool {
    let (mut passed, mut missing, mut listed) = (0, 0, BTreeMap::<&str, usize>::new());
    let (mut failed, mut wrongly) = (Vec::new(), Vec::new());
    for name in counted {
        let outcome = outcomes.get(name);
        let known = list.find(name, protocol);
        match (outcome, known) {
            (Some(Outcome::Passed), None) => passed += 1,
            (Some(Outcome::Passed), Some(_)) => wrongly.push(name),
            (_, Some(kind)) => *listed.entry(kind).or_default() += 1,
            (Some(Outcome::Failed(why)), None) => failed.push((name, why)),
            (Some(Outcome::Skipped) | None, None) => {
                missing += 1;
                println!("✗ was not run: {name}");
            }
        }
    }
    for (name, why) in &failed {
        println!("✗ {name}\n    {why}");
    }
    for name in &wrongly {
        println!("✗ is listed and passes: {name}");
    }
    let listed: Vec<String> = listed.iter().map(|(kind, n)| format!("{n} {kind}")).collect();
    let expected = passed + failed.len() + missing;
    let score = 100.0 * passed as f64 / expected.max(1) as f64;
    println!(
        "redis-py {}, RESP{protocol}: {} count, {passed} passed, {} failed, {missing} not run, \
         listed: {}; score {score:.1} %",
        package::VERSION,
        counted.len(),
        failed.len(),
        if listed.is_empty() { "none".to_owned() } else { listed.join(", ") },
    );
    failed.is_empty() && wrongly.is_empty() && missing == 0
}
