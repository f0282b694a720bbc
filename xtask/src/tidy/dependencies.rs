//! The direction of dependencies between our crates, and what the inner ones must not link.
//!
//! The table is that of ARCHITECTURE.md. Dependencies of tests are not looked at: a test may know more.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

/// A package, and those of ours that it may depend on.
const ALLOWED: &[(&str, &[&str])] = &[
    ("larder-resp", &[]),
    ("larder-codec", &[]),
    ("larder-lua", &["larder-resp"]),
    ("larder-engine", &["larder-resp", "larder-codec", "larder-lua"]),
    ("larder-store", &["larder-resp", "larder-codec", "larder-engine"]),
    ("larder-net", &["larder-resp", "larder-engine"]),
    ("larder", &["larder-resp", "larder-codec", "larder-engine", "larder-store", "larder-net"]),
    ("larder-axum", &["larder"]),
    (
        "larder-server",
        &["larder", "larder-axum", "larder-engine", "larder-net", "larder-resp", "larder-store"],
    ),
    ("larder-python", &["larder"]),
    ("rtest", &["larder", "larder-engine", "larder-net"]),
    ("differential", &["larder-codec", "larder-engine", "rtest"]),
    ("xtask", &[]),
];

/// Packages that know neither sockets nor files nor async runtimes.
const INNER: &[&str] = &["larder-resp", "larder-codec", "larder-lua", "larder-engine"];
const NOT_INSIDE: &[&str] = &["tokio", "mio", "socket2", "io-uring", "axum", "rustls", "redis"];

/// What `cargo metadata` says of the workspace.
#[derive(Deserialize)]
pub(super) struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    /// `None` for usual dependencies, `dev` or `build` for others.
    kind: Option<String>,
}

/// Asks cargo.
///
/// # Errors
/// When the workspace's manifests cannot be read.
pub(super) fn metadata(root: &Path) -> Result<Metadata> {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(root).args(["metadata", "--format-version", "1", "--no-deps"]);
    let output = cargo.output().context("cargo metadata")?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// A complaint for each dependency against the direction.
pub(super) fn check(metadata: &Metadata) -> Vec<String> {
    let mut complaints = Vec::new();
    let ours = |name: &str| metadata.packages.iter().any(|package| package.name == name);
    for Package { name, dependencies } in &metadata.packages {
        let Some((_, allowed)) = ALLOWED.iter().find(|(known, _)| known == name) else {
            complaints.push(format!("{name} has no row in xtask/src/tidy/dependencies.rs"));
            continue;
        };
        let linked = dependencies.iter().filter(|d| d.kind.as_deref() != Some("dev"));
        for Dependency { name: other, .. } in linked {
            if ours(other) && !allowed.contains(&other.as_str()) {
                complaints.push(format!("{name} must not depend on {other}"));
            } else if INNER.contains(&name.as_str()) && NOT_INSIDE.contains(&other.as_str()) {
                complaints.push(format!("{name} must not know {other}"));
            }
        }
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(package: &str, other: &str, kind: &str) -> Vec<String> {
        let json = format!(
            r#"{{"packages": [{{"name": "larder", "dependencies": []}}, {{"name": "{package}",
            "dependencies": [{{"name": "{other}", "kind": {kind}}}]}}]}}"#
        );
        check(&serde_json::from_str(&json).unwrap())
    }

    #[test]
    fn a_dependency_against_the_direction_is_found() {
        let found = complaints("larder-engine", "larder", "null");
        assert_eq!(found, ["larder-engine must not depend on larder"]);
        assert_eq!(
            complaints("larder-engine", "tokio", "null"),
            ["larder-engine must not know tokio"]
        );
        assert!(complaints("mystery", "larder", "null")[0].contains("no row"));
    }

    #[test]
    fn the_right_direction_and_tests_are_left_alone() {
        assert!(complaints("larder-server", "larder", "null").is_empty());
        assert!(complaints("larder-engine", "larder", "\"dev\"").is_empty());
        assert!(complaints("larder-net", "mio", "null").is_empty());
    }
}
